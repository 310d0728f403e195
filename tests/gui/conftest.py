"""A real Blender 5.2 with a window, in the chroot that make_chroot.sh makes; skipped with a reason where there is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DISPLAY = ":87"
SCREEN = "1280x800x24"
ENGINE_CACHE = "/root/.cache/reify-tests"  # inside the chroot: compiled kernels stay from run to run


@dataclass
class Blender:
    """The chroot, and a fresh user folder in it."""

    chroot: Path
    folder: Path  # as the host sees it; the tests' files lie here

    def inside(self, path: Path) -> str:
        """`path` as a process in the chroot sees it."""
        return "/" + str(path.relative_to(self.chroot))

    def call(self, *command: str, timeout: float = 300.0, check: bool = True) -> str:
        """Run a command in the chroot; returns everything it printed."""
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": self.inside(self.folder),
            "LC_ALL": "C.UTF-8",
            "DISPLAY": DISPLAY,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "PYTHONUNBUFFERED": "1",
            "REIFY_CACHE": ENGINE_CACHE,
            "BLENDER_USER_RESOURCES": self.inside(self.folder / "user"),
        }
        done = subprocess.run(
            ["chroot", str(self.chroot), *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def play(self, scenario: str, timeout: float = 600.0) -> dict[str, Any]:
        """Run scenarios/`scenario`.py in a window; returns its notes, fails where it failed. The pictures stay in $REIFY_GUI_SHOTS."""
        for source in (HERE / "inside.py", HERE / "scenarios" / f"{scenario}.py"):
            shutil.copy(source, self.folder)
        size = SCREEN.split("x")[:2]
        output = self.call(
            "blender", "--window-geometry", "0", "0", *size, "--enable-event-simulate", "--python", self.inside(self.folder / "inside.py"),
            "--", self.inside(self.folder / f"{scenario}.py"), self.inside(self.folder),
            timeout=timeout, check=False,
        )  # fmt: skip
        if shots := os.environ.get("REIFY_GUI_SHOTS"):
            Path(shots).mkdir(parents=True, exist_ok=True)
            for picture in self.folder.glob("*.png"):
                shutil.copy(picture, Path(shots) / f"{scenario}-{picture.name}")
        outcome = self.folder / "outcome.json"
        assert outcome.is_file(), f"Blender ended without an outcome:\n{output[-4000:]}"
        found = json.loads(outcome.read_text())
        assert not found["error"], f"{found['error']}\n{output[-2000:]}"
        return {**found["notes"], "output": output}


@pytest.fixture(scope="session")
def chroot() -> Path:
    folder = Path(os.environ.get("REIFY_GUI_CHROOT", Path.home() / ".cache" / "reify-gui"))
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("a chroot needs root")
    if not (folder / "usr/bin/blender").exists():
        pytest.skip(f"there is no Blender in {folder}: tests/gui/make_chroot.sh makes it")
    for place in ("proc", "dev"):
        if not os.path.ismount(folder / place):
            subprocess.run(["mount", "--bind", f"/{place}", str(folder / place)], check=True)
    return folder


@pytest.fixture(scope="session")
def screen(chroot: Path) -> Iterator[None]:
    server = subprocess.Popen(
        ["chroot", str(chroot), "Xvfb", DISPLAY, "-screen", "0", SCREEN, "+extension", "GLX"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(2.0)
    assert server.poll() is None, f"Xvfb doesn't start; is {DISPLAY} in use?"
    yield
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def package() -> Path:
    """The very zip that users get."""
    subprocess.run([sys.executable, "-m", "reify.tools.package"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return sorted((ROOT / "dist").glob("reify-*.zip"), key=lambda path: path.stat().st_mtime)[-1]


@pytest.fixture
def blender(bare_blender: Blender) -> Blender:
    """A Blender whose user has just installed the zip."""
    zip_file = bare_blender.inside(bare_blender.folder / "reify.zip")
    bare_blender.call("blender", "--command", "extension", "install-file", "-r", "user_default", "-e", zip_file)
    return bare_blender


@pytest.fixture
def bare_blender(chroot: Path, screen: None, package: Path) -> Iterator[Blender]:
    """A Blender whose user has just downloaded the zip, reify.zip in its folder."""
    folder = chroot / "tmp" / f"reify-gui-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir(parents=True)
    shutil.copy(package, folder / "reify.zip")
    yield Blender(chroot, folder)
    shutil.rmtree(folder, ignore_errors=True)
