#!/usr/bin/env python3
"""Newcomer's commands: everything from a fresh checkout, with nothing but Python.

    python3 dev.py demo                    render pictures of a small scene, reconstruct it, leave the results in demo/
    python3 dev.py test [pytest args]      the tests
    python3 dev.py run photos DIR -o OUT.blend [flags]
    python3 dev.py batch DIR -o OUTDIR [flags]
    python3 dev.py bench SUITE             one JSON line per figure on standard output
    python3 dev.py package                 the extension as a zip in dist/; --repository, --with-wheels, --display-only: see --help
    python3 dev.py docs                    what in docs/ is made from the code
    python3 dev.py lock                    the hashes of the engine's wheels, after requirements/engine.txt has changed

The first call makes .venv and installs the pinned requirements there; later calls do so only when these
change. Standard library only: this file runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "requirements.sha256"  # what was installed, once all of it was
LOCK = ROOT / ".venv.lock"  # beside .venv, which is cleared
REQUIREMENTS = ROOT / "requirements" / "dev.txt"
LOOK_EVERY_S = 0.5
PYTHONS = ((3, 11), (3, 13))  # that Blender's bpy wheels exist for


def main(argv: list[str]) -> int:
    """Run one command; returns its exit code."""
    if not argv or argv[0] not in COMMANDS:
        print(__doc__.strip(), file=sys.stderr)
        return 0 if argv[:1] in (["-h"], ["--help"]) else 2
    if sys.version_info[:2] not in PYTHONS:
        return _run_with_a_fitting_python(argv)
    return COMMANDS[argv[0]](prepare(), argv[1:])


def prepare() -> Path:
    """Make .venv and install what is pinned, unless that was done before; returns its Python.

    One process at a time does so. The Python of .venv itself can't: it would delete what it runs from.
    """
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if _is_ready(python):
        return python
    if Path(sys.prefix).resolve() == VENV.resolve():
        sys.exit("The requirements have changed, so .venv has to be made anew: leave it (deactivate), and call dev.py with another Python.")
    with _alone():
        if not _is_ready(python):
            _install(python)
    return python


def demo(python: Path, rest: list[str]) -> int:
    """The main job without any input."""
    return _call(python, "-m", "reify.cli", "demo", *rest)


def run(python: Path, rest: list[str]) -> int:
    """A method on the user's own input."""
    return _call(python, "-m", "reify.cli", "run", *rest)


def batch(python: Path, rest: list[str]) -> int:
    """A folder of the user's own captures."""
    return _call(python, "-m", "reify.cli", "batch", *rest)


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
    """The docs' tables from the settings themselves, and the demo's picture."""
    return _call(python, "-m", "reify.tools.docs", *rest)


def lock(python: Path, rest: list[str]) -> int:
    """The hashes of the engine's wheels."""
    return _call(python, "-m", "reify.tools.lock", *rest)


COMMANDS = {command.__name__: command for command in (demo, run, batch, test, bench, package, docs, lock)}


def _call(python: Path, *arguments: str, folder: Path | None = None) -> int:
    try:
        return subprocess.call([str(python), *arguments], cwd=folder)
    except KeyboardInterrupt:  # the child has got it too and said what there is to say
        return 130


def _is_ready(python: Path) -> bool:
    return STAMP.is_file() and STAMP.read_text() == _fingerprint() and python.is_file()


def _install(python: Path) -> None:
    print("Preparing .venv: installing the pinned requirements (a few minutes, once) …", file=sys.stderr)
    wanted = _fingerprint()
    STAMP.unlink(missing_ok=True)
    venv.create(VENV, with_pip=True, clear=True)
    _pip(python, "-r", str(REQUIREMENTS))
    _pip(python, "--no-deps", "--editable", str(ROOT))
    STAMP.write_text(wanted)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock, which the system takes back however this process ends; wait while another one holds it."""
    with LOCK.open("w") as lock:
        if not _taken(lock):
            print("Another dev.py is preparing .venv; waiting for it …", file=sys.stderr)
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
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.call(command) != 0:
        sys.exit("pip could not install the requirements; its message is above. Check the network and call this command again.")


def _fingerprint() -> str:
    state = hashlib.sha256(platform.python_version().encode())
    for path in (*sorted(REQUIREMENTS.parent.glob("*.txt")), ROOT / "pyproject.toml"):
        state.update(path.read_bytes())
    return state.hexdigest()


def _run_with_a_fitting_python(argv: list[str]) -> int:
    for major, minor in PYTHONS:
        if python := shutil.which(f"python{major}.{minor}"):
            return subprocess.call([python, str(ROOT / "dev.py"), *argv])
    wanted = " or ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    print(f"This is Python {platform.python_version()}; Blender's wheels need Python {wanted}. Install one of these.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
