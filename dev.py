#!/usr/bin/env python3
"""Newcomer's commands: everything from a fresh checkout, with nothing but Python.

    python3 dev.py demo                    render pictures of a small scene, reconstruct it, leave the results in demo/
    python3 dev.py test [pytest args]      the tests
    python3 dev.py run photos DIR -o OUT.blend [flags]
    python3 dev.py batch DIR -o OUTDIR [flags]
    python3 dev.py bench SUITE             one JSON line per figure on standard output
    python3 dev.py package                 the extension as a zip in dist/; --repository, --with-wheels, --display-only: see --help
    python3 dev.py docs                    what in docs/ is made from the code; --site OUT builds the manual as a website, too
    python3 dev.py lock                    the hashes of the engine's wheels, after requirements/engine.txt or torch.txt has changed
    python3 dev.py miniatures              the weights of the small networks that tests run on, trained anew (an hour)

The first call makes .venv and installs the pinned requirements there; later calls do so only when these
change. The website's tool has an environment of its own. Standard library only: this file runs before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / ".venv.lock"  # beside the environments, which are cleared
LOOK_EVERY_S = 0.5
INTERRUPTED = 130  # exit code
PARENT = "REIFY_PARENT"  # as backend/interrupts.py has it
PYTHONS = ((3, 11), (3, 13))  # that Blender's bpy wheels exist for


@dataclass(frozen=True)
class Environment:
    """A virtual environment of this checkout."""

    folder: Path
    pins: tuple[str, ...]  # files in requirements/: the one that pip is given, then those that it names
    editable: bool = False  # whether the checkout is installed there, too

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def stamp(self) -> Path:
        """What was installed, once all of it was."""
        return self.folder / "requirements.sha256"

    def fingerprint(self) -> str:
        """Of what belongs there."""
        state = hashlib.sha256(platform.python_version().encode())
        files = [ROOT / "requirements" / name for name in self.pins]
        for path in [*files, ROOT / "pyproject.toml"] if self.editable else files:
            state.update(path.read_bytes())
        return state.hexdigest()


WORKSHOP = Environment(ROOT / ".venv", ("dev.txt", "without_torch.txt", "engine.txt", "torch.txt", "tools.txt"), editable=True)
PRESS = Environment(ROOT / ".venv-docs", ("docs.txt",))  # what builds the website: nothing else needs it


def main(argv: list[str]) -> int:
    """Run one command; returns its exit code."""
    if not argv or argv[0] not in COMMANDS:
        print(__doc__.strip(), file=sys.stderr)
        return 0 if argv[:1] in (["-h"], ["--help"]) else 2
    if sys.version_info[:2] not in PYTHONS:
        return _run_with_a_fitting_python(argv)
    return COMMANDS[argv[0]](prepare(), argv[1:])


def prepare(wanted: Environment = WORKSHOP) -> Path:
    """Make the environment and install what is pinned, unless that was done before; returns its Python.

    One process at a time does so. The Python of the environment itself can't: it would delete what it runs from.
    """
    if _is_ready(wanted):
        return wanted.python
    name = wanted.folder.name
    if Path(sys.prefix).resolve() == wanted.folder.resolve():
        sys.exit(
            f"The requirements have changed, so {name} has to be made anew: leave it (deactivate), and call dev.py with another Python."
        )
    with _alone(name):
        if not _is_ready(wanted):
            _install(wanted)
    return wanted.python


def demo(python: Path, rest: list[str]) -> int:
    """The main job without any input."""
    return _call(python, "-m", "reify", "demo", *rest)


def run(python: Path, rest: list[str]) -> int:
    """A method on the user's own input."""
    return _call(python, "-m", "reify", "run", *rest)


def batch(python: Path, rest: list[str]) -> int:
    """A folder of the user's own captures."""
    return _call(python, "-m", "reify", "batch", *rest)


def test(python: Path, rest: list[str]) -> int:
    """The tests, by pytest."""
    return _call(python, "-m", "pytest", *rest, folder=ROOT)


def bench(python: Path, rest: list[str]) -> int:
    """A suite of figures."""
    return _call(python, "-m", "reify.bench", *rest)


def package(python: Path, rest: list[str]) -> int:
    """The extension's zip, built by Blender's own builder."""
    return _call(python, "-m", "reify.tools.package", *rest)


def docs(python: Path, rest: list[str]) -> int:
    """The docs' tables from the settings themselves, and the demo's picture; with --site all of docs/ as a website."""
    parser = argparse.ArgumentParser(prog="dev.py docs")
    parser.add_argument("--site", type=Path, metavar="OUT", help="build the manual as a static website into this folder, too")
    site = parser.parse_args(rest).site
    failed = _call(python, "-m", "reify.tools.docs")
    if failed or site is None:
        return failed
    with tempfile.TemporaryDirectory(prefix="reify-docs-") as doctrees:
        strictly = ("--nitpicky", "--fail-on-warning", "--keep-going", "--quiet")  # a link or a picture that leads nowhere is an error
        failed = _call(prepare(PRESS), "-m", "sphinx", *strictly, "-d", doctrees, str(ROOT / "docs"), str(site.absolute()))
    if not failed:
        print(site.absolute() / "index.html")
    return failed


def lock(python: Path, rest: list[str]) -> int:
    """The hashes of the engine's wheels."""
    return _call(python, "-m", "reify.tools.lock", *rest)


def miniatures(python: Path, rest: list[str]) -> int:
    """The trained networks among the tests' fixtures."""
    return _call(python, "-m", "reify.tools.miniatures", *rest)


COMMANDS = {command.__name__: command for command in (demo, run, batch, test, bench, package, docs, lock, miniatures)}


def _call(python: Path, *arguments: str, folder: Path | None = None) -> int:
    """The exit code of a child, which is passed the signals that this process gets, and ends with it however it ends."""
    if os.name == "nt":
        return _waited_for(subprocess.Popen([str(python), *arguments], cwd=folder))
    reading, writing = os.pipe()  # nothing is written to it: the command line ends when this end is closed, as a killed process leaves it
    try:
        environment = {**os.environ, PARENT: str(reading)}
        return _waited_for(subprocess.Popen([str(python), *arguments], cwd=folder, env=environment, pass_fds=(reading,)))
    finally:
        os.close(reading)
        os.close(writing)


def _waited_for(child: subprocess.Popen[bytes]) -> int:
    def pass_on(number: int, frame: Any) -> None:
        child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return INTERRUPTED if code < 0 and -code in before else code


def _is_ready(wanted: Environment) -> bool:
    return wanted.stamp.is_file() and wanted.stamp.read_text() == wanted.fingerprint() and wanted.python.is_file()


def _install(wanted: Environment) -> None:
    print(f"Preparing {wanted.folder.name}: installing the pinned requirements (a few minutes, once) …", file=sys.stderr)
    fingerprint = wanted.fingerprint()
    wanted.stamp.unlink(missing_ok=True)
    venv.create(wanted.folder, with_pip=True, clear=True)
    _pip(wanted.python, "-r", str(ROOT / "requirements" / wanted.pins[0]))
    if wanted.editable:
        _pip(wanted.python, "--no-deps", "--editable", str(ROOT))
    wanted.stamp.write_text(fingerprint)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Hold the lock, which the system takes back however this process ends; wait while another one holds it."""
    with LOCK.open("w") as lock:
        if not _taken(lock):
            print(f"Another dev.py is preparing {name}; waiting for it …", file=sys.stderr)
            while not _taken(lock):
                time.sleep(LOOK_EVERY_S)
        yield


def _taken(lock: IO[str]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _pip(python: Path, *arguments: str) -> None:
    code = _call(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)
    if code == INTERRUPTED:
        sys.exit(code)
    if code != 0:
        sys.exit("pip could not install the requirements; its message is above. Check the network and call this command again.")


def _run_with_a_fitting_python(argv: list[str]) -> int:
    for major, minor in PYTHONS:
        if python := shutil.which(f"python{major}.{minor}"):
            return _call(Path(python), str(ROOT / "dev.py"), *argv)
    wanted = " or ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    print(f"This is Python {platform.python_version()}; Blender's wheels need Python {wanted}. Install one of these.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
