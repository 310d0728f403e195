"""Reify registered once, each test in an empty scene, and a method that takes no time."""

from __future__ import annotations

import dataclasses
import time

import pytest
from reify.tests.scene import samples


@pytest.fixture
def scene(registered, tmp_path, monkeypatch):
    import bpy
    from reify.scene import preferences
    from reify.session import pump, queue

    monkeypatch.setattr(preferences, "user_folder", lambda name: tmp_path / "user" / name)

    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield bpy.context.scene
    pump.reset()
    queue.stop()


@pytest.fixture
def quick_method(monkeypatch):
    """From Photos, whose work is done at once; what it was called with is in the list that this gives."""
    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import photos

    calls: list[tuple] = []

    def run(inputs, settings, job):
        calls.append((inputs, settings, job.seed))
        return dataclasses.replace(samples.result(), report=job.report)

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, run=run, needs=Needs()))
    return calls


def until(condition, timeout_s: float = 10.0) -> None:
    """Wait for what a thread does."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
