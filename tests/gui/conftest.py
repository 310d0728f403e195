"""A real Blender 5.2 with a window, in the chroot that make_chroot.sh makes; skipped with a reason where there is none.

REIFY_GUI_SHOTS names a folder for all pictures of the window; with REIFY_GUI_REMAKE=1 they aren't compared with the
stored ones, which tools/screenshots.py then makes of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXPECTED = HERE / "expected"
SHOTS = Path(os.environ.get("REIFY_GUI_SHOTS", Path(tempfile.gettempdir()) / "reify-gui-shots"))
SCREEN_PX = ("1280", "800")
HOME = "home/artist"  # inside the chroot; its name stands in the pictures
KERNELS = "var/cache/reify-kernels"  # likewise: compiled ones stay from run to run, and nothing else of the cache
STUDIO = "import bpy, pathlib; from reify.scene.studio import render_capture; render_capture(pathlib.Path({!r}), views=24, size_px=320)"


@dataclass
class Blender:
    """The chroot, a display, and a fresh user folder."""

    chroot: Path
    display: str
    folder: Path  # its user's, as the host sees it; the tests' files lie here

    def inside(self, path: Path) -> str:
        """`path` as a process in the chroot sees it."""
        return "/" + str(path.relative_to(self.chroot))

    def call(self, *command: str, timeout: float = 300.0) -> str:
        """Run a command in the chroot, which must succeed; returns everything it printed."""
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": self.inside(self.folder),
            "LC_ALL": "C.UTF-8",
            "DISPLAY": self.display,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "PYTHONUNBUFFERED": "1",
            "REIFY_CACHE": self.inside(self.folder / ".cache" / "reify"),
        }
        try:
            done = subprocess.run(
                ["chroot", str(self.chroot), *command],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as error:
            printed = (error.stdout or b"").decode(errors="replace")
            pytest.fail(f"{command[0]} didn't end in {timeout:.0f} s:\n{printed[-4000:]}")
        assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}"
        return done.stdout

    def play(self, scenario: str, timeout: float = 600.0, compare: bool = True) -> dict[str, Any]:
        """Run scenarios/`scenario`.py in a window; returns its notes. Fails where it failed, or the window looked otherwise."""
        for source in (HERE / "inside.py", HERE / "drop.py", HERE / "scenarios" / f"{scenario}.py"):
            shutil.copy(source, self.folder)
        try:
            output = self.call(
                *("blender", "--window-geometry", "0", "0", *SCREEN_PX, "--enable-event-simulate"),
                *("--python", self.inside(self.folder / "inside.py"), "--"),
                *(self.inside(self.folder / f"{scenario}.py"), self.inside(self.folder)),
                timeout=timeout,
            )
        finally:
            SHOTS.mkdir(parents=True, exist_ok=True)
            for picture in self.folder.glob("*.png"):
                shutil.copy(picture, SHOTS / f"{scenario}-{picture.name}")
        outcome = self.folder / "outcome.json"
        assert outcome.is_file(), f"Blender ended without an outcome:\n{output[-4000:]}"
        found = json.loads(outcome.read_text())
        assert not found["error"], f"{found['error']}\n{output[-2000:]}"
        if compare and os.environ.get("REIFY_GUI_REMAKE") != "1":
            self._compare(scenario, found["notes"]["shots"])
        return {**found["notes"], "output": output}

    def _compare(self, scenario: str, shots: dict[str, Any]) -> None:
        from PIL import Image

        from .compare import LIMIT, difference

        wrong = []
        for name, shot in shots.items():
            expected = EXPECTED / f"{scenario}-{name}.jpg"
            if not expected.is_file():
                wrong.append(f"{name}: there is no {expected.name}")
                continue
            with Image.open(self.folder / shot["file"]) as picture, Image.open(expected) as known:
                worst, box = difference(picture, known, shot["moving"])
            if worst > LIMIT:
                wrong.append(f"{name}: differs from {expected.name} by {worst:.1f}, most in {box}; it is {SHOTS}/{scenario}-{shot['file']}")
        assert not wrong, "\n".join([*wrong, "If the window is meant to look so now: `python -m reify.tools.screenshots`"])


@pytest.fixture(scope="session")
def chroot() -> Iterator[Path]:
    """The chroot, which one run of the tests has for itself at a time."""
    folder = Path(os.environ.get("REIFY_GUI_CHROOT", Path.home() / ".cache" / "reify-gui"))
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("a chroot needs root")
    if not (folder / "usr/bin/blender").exists():
        pytest.skip(f"there is no Blender in {folder}: tests/gui/make_chroot.sh makes it")
    for place in ("proc", "dev"):
        if not os.path.ismount(folder / place):
            subprocess.run(["mount", "--bind", f"/{place}", str(folder / place)], check=True)
    import fcntl

    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture(scope="session")
def display(chroot: Path) -> Iterator[str]:
    """A screen that nobody sees, on the first display that is free."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["chroot", str(chroot), "Xvfb", "-displayfd", str(writing), "-screen", "0", f"{'x'.join(SCREEN_PX)}x24", "+extension", "GLX"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[writing],
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    assert number, "Xvfb doesn't start"
    yield f":{number}"
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def package() -> Path:
    """The very zip that users get."""
    subprocess.run([sys.executable, "-m", "reify.tools.package"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return sorted((ROOT / "dist").glob("reify-*.zip"), key=lambda path: path.stat().st_mtime)[-1]


@pytest.fixture
def photos(chroot: Path, bare_blender: Blender) -> None:
    """A small capture where the scenarios look for it: of the demo's scene, the same in every run, and kept for the next one."""
    known = hashlib.sha256(STUDIO.encode() + (ROOT / "scene" / "studio.py").read_bytes()).hexdigest()[:12]
    folder = chroot / "var" / "cache" / f"reify-photos-{known}"
    if not folder.is_dir():
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        subprocess.run([sys.executable, "-c", STUDIO.format(str(partial))], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        partial.rename(folder)
    target = chroot / HOME / "Pictures" / "figure"
    target.parent.mkdir()
    shutil.copytree(folder, target)


@pytest.fixture
def blender(bare_blender: Blender) -> Blender:
    """A Blender whose user has just installed the zip."""
    zip_file = bare_blender.inside(bare_blender.folder / "reify.zip")
    bare_blender.call("blender", "--command", "extension", "install-file", "-r", "user_default", "-e", zip_file)
    return bare_blender


@pytest.fixture
def bare_blender(chroot: Path, display: str, package: Path) -> Iterator[Blender]:
    """A Blender whose user has just downloaded the zip, reify.zip in its folder."""
    folder = chroot / HOME
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(package, folder / "reify.zip")
    (chroot / KERNELS).mkdir(parents=True, exist_ok=True)
    (folder / ".cache" / "reify").mkdir(parents=True)
    (folder / ".cache" / "reify" / "kernels").symlink_to(f"/{KERNELS}")
    yield Blender(chroot, display, folder)
    shutil.rmtree(folder)
