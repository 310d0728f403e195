from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from reify.backend import device
from reify.backend.engine import kernels, process
from reify.backend.jobs.job import Job, Progress

PROGRAM = """
import json, pathlib, time
from . import names

def main(program):
    for done in range(3):
        print(json.dumps({"done": done, "total": 3}), flush=True)
        time.sleep(0.3)
    with pathlib.Path(__file__).with_name("ran").open("a") as log:
        log.write(f"{program} {__name__} {names.NAME}\\n")
    if program == "broken":
        raise SystemExit("no compiler")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An extension whose __init__ needs Blender, with programs that compile nothing."""
    (tmp_path / "__init__.py").write_text("raise ImportError('bpy')")
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "__init__.py").write_text("")
    (tmp_path / "backend" / "names.py").write_text("NAME = __name__")
    (tmp_path / "backend" / "compiling.py").write_text(PROGRAM)
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(kernels, "ROOT", tmp_path)
    monkeypatch.setattr(kernels, "PACKAGE", "bl_ext.user_default.reify")
    monkeypatch.setattr(device, "kernel_folder", lambda: tmp_path / "cache")
    return tmp_path / "backend" / "ran"


def test_missing_kernels_are_compiled_once_by_the_name_that_blender_gives_the_package(package: Path) -> None:
    reports: list[Progress] = []
    assert kernels.missing() == kernels.PROGRAMS
    kernels.compile_missing(job=Job(listener=lambda event: reports.append(event) if isinstance(event, Progress) else None))
    lines = sorted(package.read_text().splitlines())
    inside = "bl_ext.user_default.reify.backend"
    assert lines == [f"{program} {inside}.compiling {inside}.names" for program in kernels.PROGRAMS]
    assert kernels.missing() == ()
    assert {report.text for report in reports} == {device.COMPILING}
    assert len({report.fraction for report in reports}) > 2
    kernels.compile_missing(job=Job())
    assert len(package.read_text().splitlines()) == len(kernels.PROGRAMS)


def test_a_job_waits_for_what_another_process_compiles_and_not_for_one_that_died(package: Path) -> None:
    job = Job()
    kernels.compile_beside(job)
    deadline = time.monotonic() + 20
    while not kernels._mark("splats").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    kernels.wait_for("splats", job=Job())
    assert "splats" not in kernels.missing()
    job.settle()
    assert kernels.missing() == ()
    kernels._mark("splats").touch()
    waiting = threading.Thread(target=kernels.wait_for, args=("splats",), kwargs={"job": Job()}, daemon=True)
    old = time.time() - 2 * kernels.DEAD_S
    os.utime(kernels._mark("splats"), (old, old))
    waiting.start()
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_canceled_job_leaves_no_process_that_compiles(package: Path) -> None:
    job = Job()
    kernels.compile_beside(job)
    job.cancel()
    job.settle()
    assert not list(package.parents[1].glob("cache/*.compiling"))
    assert "surfaces" in kernels.missing()


def test_kernels_that_cannot_be_compiled_in_advance_stay_missing_and_stop_nothing(
    package: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kernels, "PROGRAMS", ("broken",))
    kernels.compile_missing(job=Job())
    assert kernels.missing() == ("broken",)
    assert "no compiler" in caplog.text


def test_a_program_that_runs_a_stage_does_not_wait_for_itself(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import os\n\ndef main(program):\n    print(os.environ['REIFY_COMPILES'], program)\n"
    (package.parent / "compiling.py").write_text(program)
    request = {"path": sys.path, "package": "", "root": str(package.parents[1]), "program": "splats"}
    with process.child_of(sys.executable, ["compile", json.dumps(request)]) as child:
        said = "".join(process.lines_of(child))
    assert said.split() == ["splats", "splats"]
    kernels._mark("splats").touch()
    monkeypatch.setenv(kernels.OWN, "splats")
    kernels.wait_for("splats", job=Job())


@pytest.mark.slow
def test_after_the_programs_have_run_photos_become_a_textured_mesh_without_compiling(tmp_path: Path) -> None:
    kernels.compile_missing(job=Job())
    code = f"""
from reify import cli
from reify.backend import device
cli.main(["demo", "-o", {str(tmp_path / "demo")!r}, *"--views 16 --size 128 --training-steps 200 --texture-size-px 256".split()])
print(device.compiling_seconds())
"""
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=600)
    assert float(ran.stdout.split()[-1]) < 1.0


@pytest.mark.slow
def test_after_the_programs_have_run_a_scene_is_drawn_without_compiling() -> None:
    pytest.importorskip("numba")
    kernels.compile_missing(job=Job())
    code = """
from dataclasses import replace
import numpy as np
from reify.backend import device
from reify.backend.splats.rasterizers import of_scene
from reify.tests.splats.test_scene_rasterizer import HEIGHT, WIDTH, bumpy_ball, instance, view
rasterizer = of_scene()
ball = bumpy_ball(500)
clouds = [instance(ball), instance(replace(ball, surfels=True)), instance(replace(ball, antialiased=True))]
depth = np.ones((HEIGHT, WIDTH), np.float32)
for seen in (view(), view(depth=depth, depth_terms=(-1.0, -0.2, -1.0, 0.0), far=100.0)):
    rasterizer.draw(clouds, seen, 2)
rasterizer.measure(clouds, view(), None, depth)
rasterizer.close()
print(device.compiling_seconds())
"""
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=600)
    assert float(ran.stdout.split()[-1]) == 0.0
