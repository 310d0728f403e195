"""The plan of a training run: what fits into memory and time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.device import Device
from reify.backend.errors import ReifyError
from reify.backend.splats.schedule import BYTES_OF_A_SPLAT, Schedule
from reify.backend.splats.settings import TrainingSettings
from reify.backend.values import Views

SETTINGS = TrainingSettings()


@pytest.fixture
def views(make_cameras):
    return Views([np.zeros((300, 400, 3), np.uint8)] * 6, [None] * 6, [None] * 6, make_cameras(400, 300, 6))


def _plan(views, start, settings=SETTINGS, free_bytes=8 << 30):
    chosen = Device("cpu", "CPU, 2 threads", 2, free_bytes, "")
    return Schedule.plan(views, tuple(range(6)), start, settings, chosen)


def test_the_number_of_splats_follows_the_time_there_is(views, make_splats):
    start = make_splats(500)
    counts = [
        _plan(views, start, dataclasses.replace(SETTINGS, seconds=seconds)).wanted(0.8, 40 * int(0.8 * seconds)) for seconds in (30, 300)
    ]
    assert 10_000 < counts[0] < 0.5 * counts[1] < 100_000


def test_the_splats_fit_into_memory(views, make_splats):
    plan = _plan(views, make_splats(500), free_bytes=100 << 20)
    assert plan.most * BYTES_OF_A_SPLAT < 100 << 20
    assert plan.most < _plan(views, make_splats(500)).most
    assert "limited by memory" in plan.why
    assert plan.wanted(0.8, 5000) <= plan.most


def test_too_little_memory_is_said_before_training_with_how_much_is_needed(views, make_splats):
    with pytest.raises(ReifyError, match=r"needs about \d+ MB .* 1 MB are there"):
        _plan(views, make_splats(500), free_bytes=1 << 20)


def test_a_number_of_splats_set_by_hand_is_kept(views, make_splats):
    plan = _plan(views, make_splats(500), dataclasses.replace(SETTINGS, max_splats=1234))
    assert plan.most == 1234 and plan.wanted(0.9, 30_000) == 1234


def test_pictures_grow_and_rates_fall_as_training_goes_on(views, make_splats):
    plan = _plan(views, make_splats(500), dataclasses.replace(SETTINGS, seconds=0, steps=3000))
    fractions = np.linspace(0, 0.99, 20)
    factors = [plan.factor(f) for f in fractions]
    rates = [plan.rates(f, int(3000 * f))["means"] for f in fractions]
    assert factors == sorted(factors, reverse=True) and factors[0] > 1 and factors[-1] == 1
    assert (np.diff(rates) < 0).all()
    assert [plan.active_bases(f) for f in (0, 0.2, 0.3, 0.9)] == [1, 4, 9, 16]
