"""Relocation, growth and order of splats in training."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.splats import strategy


@pytest.fixture
def engine(make_splats):
    from reify.backend.splats.cpu.engine import CpuEngine

    made = CpuEngine(make_splats(500, degree=1), 800, 1, 1)
    made.stats[: made.count] = 1.0
    yield made
    made.close()


def _picture(engine, cameras):
    from reify.backend.splats.render import rasterize

    return rasterize(engine.splats(), cameras, 0, geometry=False).rgb


def test_growing_changes_the_picture_little(engine, make_cameras):
    before = _picture(engine, make_cameras(64, 48))
    assert strategy.grow(engine, 700, np.random.default_rng(0)) == 200
    assert engine.count == 700
    assert np.abs(_picture(engine, make_cameras(64, 48)) - before).mean() < 0.02


def test_no_more_splats_are_made_than_there_is_room_for(engine):
    strategy.grow(engine, 10_000, np.random.default_rng(0))
    assert engine.count == 800


def test_dead_splats_come_back_to_life_where_the_error_is(engine):
    from reify.backend.splats.cpu.layout import MEAN, OPACITY, STAT_SIGNAL

    engine.parameters[:50, OPACITY] = -9
    engine.stats[: engine.count, STAT_SIGNAL] = 0
    engine.stats[100, STAT_SIGNAL] = 5
    assert strategy.relocate(engine, np.random.default_rng(0)) == 50
    assert strategy.opacities(engine)[:50].min() >= strategy.DEAD_OPACITY * 0.99
    assert np.mean((engine.parameters[:50, MEAN : MEAN + 3] == engine.parameters[100, MEAN : MEAN + 3]).all(axis=1)) > 0.95


def test_the_classic_strategy_copies_small_and_splits_large_splats_that_the_picture_pulls_at(engine):
    from reify.backend.splats.cpu.layout import LOG_SCALE, MEAN, STAT_SIGNAL

    engine.parameters[:500, LOG_SCALE : LOG_SCALE + 3] = np.log(0.005)
    engine.parameters[3, LOG_SCALE : LOG_SCALE + 3] = np.log(0.2)
    engine.stats[:500, STAT_SIGNAL] = 0
    engine.stats[[3, 5], STAT_SIGNAL] = 9
    before = engine.parameters[:500].copy()
    assert strategy.clone_and_split(engine, 502, 1.0, np.random.default_rng(0)) == 2
    assert engine.count == 502
    split, copied = engine.parameters[500], engine.parameters[501]
    assert np.array_equal(copied, before[5]) and np.array_equal(engine.parameters[5], before[5])
    assert np.exp(split[LOG_SCALE]) == pytest.approx(0.2 / 1.6, rel=1e-4)
    assert np.exp(engine.parameters[3, LOG_SCALE]) == pytest.approx(0.2 / 1.6, rel=1e-4)
    assert not np.array_equal(split[MEAN : MEAN + 3], engine.parameters[3, MEAN : MEAN + 3])


def test_the_classic_strategy_drops_faint_and_overly_large_splats(engine):
    from reify.backend.splats.cpu.layout import LOG_SCALE, OPACITY

    engine.parameters[:7, OPACITY] = -9
    engine.parameters[10:13, LOG_SCALE] = np.log(0.7)
    strategy.clone_and_split(engine, 0, 1.0, np.random.default_rng(0))
    assert engine.count <= 490
    assert np.exp(engine.parameters[: engine.count, LOG_SCALE : LOG_SCALE + 3]).max() < 0.5


def test_reordering_by_place_keeps_every_splat(engine):
    before = engine.splats()
    strategy.by_place(engine)
    after = engine.splats()
    assert not np.array_equal(before.means, after.means)
    assert np.array_equal(np.sort(before.opacity_logits), np.sort(after.opacity_logits))
    steps = [np.linalg.norm(np.diff(s.means, axis=0), axis=1).mean() for s in (before, after)]
    assert steps[1] < 0.5 * steps[0]


def test_splats_survive_the_engines_layout_unchanged(make_splats):
    from reify.backend.splats.cpu.engine import rows_of, splats_of

    for degree in range(4):
        splats = make_splats(20, degree=degree)
        back = splats_of(rows_of(splats, (degree + 1) ** 2), (degree + 1) ** 2, False)
        for field in dataclasses.fields(splats)[:5]:
            assert np.allclose(getattr(back, field.name), getattr(splats, field.name), atol=1e-6), field.name
