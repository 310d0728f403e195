"""Whoever makes threads ends them: after every kind of job there are as many as before it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend import orders, selftest
from reify.backend import settings as settings_of
from reify.backend.formats.images import write_png
from reify.backend.formats.transforms import write_transforms
from reify.backend.geometry.axes import looking_at
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.jobs.runner import Runner, State, Task
from reify.backend.methods import method_called
from reify.backend.orders import Order
from reify.backend.splats.render import rasterize
from reify.backend.values import Cameras, Given, Mesh, Points, Splats

PATIENCE_S = 20.0  # for threads that are about to end
SETTINGS = {
    "photos": {
        "training.seconds": 0,
        "training.steps": 30,
        "training.max_splats": 300,
        "training.long_side_px": 96,
        "surface.max_voxels": 1,
        "mesh.faces": 400,
        "texture.size_px": 256,
    },
    "image": {"method": "inflate", "faces": 400},
    "mesh": {"faces": 100, "unwrap": True, "lods": 1},
    "surface": {"extraction": "poisson", "mesh.faces": 400},
}


def splats() -> Splats:
    """A colored ball of radius 0.5."""
    random = np.random.default_rng(0)
    around = random.normal(size=(600, 3)).astype(np.float32)
    around /= 2 * np.linalg.norm(around, axis=1, keepdims=True)
    turns, scales = np.tile(np.eye(1, 4, dtype=np.float32), (600, 1)), np.full((600, 3), -3.0, np.float32)
    return Splats(around, turns, scales, np.full(600, 4.0, np.float32), around[:, None] * 2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos of it, with their cameras."""
    pytest.importorskip("numba")
    folder = tmp_path_factory.mktemp("capture")
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    centers = np.stack([2 * np.cos(angles), 2 * np.sin(angles), 0.7 * np.sin(3 * angles)], axis=1)
    K = np.tile(np.array([[110.0, 0, 48], [0, 110, 48], [0, 0, 1]]), (12, 1, 1))
    cameras = Cameras(looking_at(centers, np.zeros(3)), K, np.full((12, 2), 96), np.zeros((12, 8)))
    ball, names = splats(), [f"{index:02}.png" for index in range(12)]
    for index, name in enumerate(names):
        write_png(folder / name, (255 * rasterize(ball, cameras, index).rgb.clip(0, 1)).astype(np.uint8))
    write_transforms(cameras, names, folder / "transforms.json")
    return folder


def picture(folder: Path) -> Path:
    y, x = np.mgrid[:64, :64]
    inside = np.hypot(x - 32, y - 32) < 24
    write_png(folder / "egg.png", np.where(inside[..., None], [200, 40, 30], 255).astype(np.uint8))
    return folder / "egg.png"


def order_of(method: str, sources: tuple[Path, ...] = (), given: Given | None = None) -> Order:
    settings = settings_of.with_values(method_called(method).settings(), SETTINGS[method])
    return Order(method, settings_of.values(settings), sources, given=given)


def box() -> Mesh:
    corner = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    return Mesh(np.array(corner, np.float32), np.array(faces, np.int32))


def carry_out(task: Task) -> Task:
    """Run a task as the queue does, to the end of the queue's own thread."""
    runner = Runner()
    runner.submit(task)
    while not task.state.ended:
        time.sleep(0.02)
    runner.stop(60.0)
    return task


def native() -> int:
    """Threads of the process, Python's and others."""
    return len(list(Path("/proc/self/task").iterdir())) if sys.platform == "linux" else threading.active_count()


def settled(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("kind", ["photos", "image", "mesh", "surface", "self-test", "canceled"])
def test_after_a_job_there_are_no_more_threads_than_before(
    kind: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "SECONDS", 0.05)
    ball = splats()
    ordered = {
        "photos": lambda: order_of("photos", (photos,)),
        "image": lambda: order_of("image", (picture(tmp_path),)),
        "mesh": lambda: order_of("mesh", given=Given(box(), "box")),
        "surface": lambda: order_of("surface", given=Given(replace(Points(ball.means), normals=2 * ball.means), "ball")),
        "canceled": lambda: replace(order_of("photos", (photos,)), settings={**order_of("photos").settings, "training.steps": 100_000}),
    }

    def once() -> Task:
        if kind == "self-test":
            return carry_out(Task("Self-Test", selftest.run, lambda listener: Job(listener=listener)))
        task = orders.task_of(ordered[kind](), Environment())
        if kind == "canceled":
            make = task.make_job
            task.make_job = lambda listener: make(lambda event: (listener(event), "Training" in str(event) and task.cancel()))
        return carry_out(task)

    before = set(threading.enumerate())
    assert once().state is (State.CANCELLED if kind == "canceled" else State.DONE)
    assert settled(lambda: set(threading.enumerate()) <= before), [thread.name for thread in set(threading.enumerate()) - before]
    count = native()  # pools that a library makes once and keeps are among them
    once()
    assert settled(lambda: native() <= count and set(threading.enumerate()) <= before), f"{count} threads became {native()}"
