"""A method that takes no time, in the place of From Photos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from reify import cli
from reify.backend import methods
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.job import Job
from reify.backend.methods import Method
from reify.backend.settings import option
from reify.backend.values import Photos, Result, Splats


@dataclass(frozen=True)
class Settings:
    number: int = option(3, "How many splats", low=1, high=100)
    round: bool = option(False, "Whether they are round")


def some_splats(count: int, *, job: Job) -> Splats:
    rows = np.ones((count, 1), np.float32)
    return Splats(rows * [1, 2, 3], rows * [1, 0, 0, 0], rows * [-3, -3, -3], rows[:, 0], np.ones((count, 1, 3), np.float32))


def run(photos: Photos, settings: Settings, job: Job) -> Result:
    (source,) = photos.sources
    if not list(source.glob("*.jpg")):
        raise ReifyError(f"{source.name} holds no photos.", "Choose another folder.")
    if (source / "fault.jpg").exists():
        raise ZeroDivisionError("a fault of the program")
    if (source / "cancel.jpg").exists():
        raise Cancelled
    splats = job.stage("Counting", some_splats, settings.number)
    job.metric("splats", len(splats))
    return Result(photos.name or source.name, job.report, splats=splats)


@pytest.fixture(autouse=True)
def _only_our_method(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("safetensors")  # for the cache of stages
    presets = {"Few": {}, "Many": {"number": 50}}
    ours = Method("photos", "Dots", "Make some splats", (Photos,), ("splats",), Settings, run, presets, ("Counting",))
    for module in (methods, cli):
        monkeypatch.setattr(module, "all_methods", lambda: {"photos": ours})


@pytest.fixture
def captures(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of captures, each with the photos that are named."""

    def make(**photos: tuple[str, ...]) -> Path:
        for name, files in photos.items():
            (tmp_path / "captures" / name).mkdir(parents=True)
            for file in files:
                (tmp_path / "captures" / name / file).write_bytes(name.encode())
        return tmp_path / "captures"

    return make
