"""Relocation, growth and order of splats in training."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.splats import strategy


@pytest.fixture
def rasterizer(make_splats):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    made = CpuRasterizer(make_splats(500, degree=1), 800, 1, 1)
    made.stats[: made.count] = 1.0
    yield made
    made.close()


def _picture(rasterizer, cameras):
    from reify.backend.splats.render import rasterize

    return rasterize(rasterizer.splats(), cameras, 0, geometry=False).rgb


def test_growing_changes_the_picture_little(rasterizer, make_cameras):
    before = _picture(rasterizer, make_cameras(64, 48))
    assert strategy.grow(rasterizer, 700, np.random.default_rng(0)) == 200
    assert rasterizer.count == 700
    assert np.abs(_picture(rasterizer, make_cameras(64, 48)) - before).mean() < 0.02


def test_no_more_splats_are_made_than_there_is_room_for(rasterizer):
    strategy.grow(rasterizer, 10_000, np.random.default_rng(0))
    assert rasterizer.count == 800


def test_where_all_splats_are_dead_none_is_copied(rasterizer):
    from reify.backend.splats.columns import OPACITY, STAT_SIGNAL

    rasterizer.parameters[: rasterizer.count, OPACITY] = -9
    rasterizer.stats[: rasterizer.count, STAT_SIGNAL] = 0
    assert strategy.relocate(rasterizer, np.random.default_rng(0)) == 0
    assert strategy.grow(rasterizer, 700, np.random.default_rng(0)) == 0
    assert rasterizer.count == 500


def test_dead_splats_come_back_to_life_where_the_error_is(rasterizer):
    from reify.backend.splats.columns import MEAN, OPACITY, STAT_SIGNAL

    rasterizer.parameters[:50, OPACITY] = -9
    rasterizer.stats[: rasterizer.count, STAT_SIGNAL] = 0
    rasterizer.stats[100, STAT_SIGNAL] = 5
    assert strategy.relocate(rasterizer, np.random.default_rng(0)) == 50
    assert strategy.opacities(rasterizer)[:50].min() >= strategy.DEAD_OPACITY * 0.99
    assert np.mean((rasterizer.parameters[:50, MEAN : MEAN + 3] == rasterizer.parameters[100, MEAN : MEAN + 3]).all(axis=1)) > 0.95


def test_the_classic_strategy_copies_small_and_splits_large_splats_that_the_picture_pulls_at(rasterizer):
    from reify.backend.splats.columns import LOG_SCALE, MEAN, STAT_SIGNAL

    rasterizer.parameters[:500, LOG_SCALE : LOG_SCALE + 3] = np.log(0.005)
    rasterizer.parameters[3, LOG_SCALE : LOG_SCALE + 3] = np.log(0.2)
    rasterizer.stats[:500, STAT_SIGNAL] = 0
    rasterizer.stats[[3, 5], STAT_SIGNAL] = 9
    before = rasterizer.parameters[:500].copy()
    assert strategy.clone_and_split(rasterizer, 502, 1.0, np.random.default_rng(0)) == 2
    assert rasterizer.count == 502
    split, copied = rasterizer.parameters[500], rasterizer.parameters[501]
    assert np.array_equal(copied, before[5]) and np.array_equal(rasterizer.parameters[5], before[5])
    assert np.exp(split[LOG_SCALE]) == pytest.approx(0.2 / 1.6, rel=1e-4)
    assert np.exp(rasterizer.parameters[3, LOG_SCALE]) == pytest.approx(0.2 / 1.6, rel=1e-4)
    assert not np.array_equal(split[MEAN : MEAN + 3], rasterizer.parameters[3, MEAN : MEAN + 3])


def test_the_classic_strategy_drops_faint_and_overly_large_splats(rasterizer):
    from reify.backend.splats.columns import LOG_SCALE, OPACITY

    rasterizer.parameters[:7, OPACITY] = -9
    rasterizer.parameters[10:13, LOG_SCALE] = np.log(0.7)
    strategy.clone_and_split(rasterizer, 0, 1.0, np.random.default_rng(0))
    assert rasterizer.count <= 490
    assert np.exp(rasterizer.parameters[: rasterizer.count, LOG_SCALE : LOG_SCALE + 3]).max() < 0.5


def test_reordering_by_place_keeps_every_splat(rasterizer):
    before = rasterizer.splats()
    strategy.by_place(rasterizer)
    after = rasterizer.splats()
    assert not np.array_equal(before.means, after.means)
    assert np.array_equal(np.sort(before.opacity_logits), np.sort(after.opacity_logits))
    steps = [np.linalg.norm(np.diff(s.means, axis=0), axis=1).mean() for s in (before, after)]
    assert steps[1] < 0.5 * steps[0]


def test_splats_survive_the_layout_of_rows_unchanged(make_splats):
    from reify.backend.splats.layout import rows_of, splats_of

    for degree in range(4):
        splats = make_splats(20, degree=degree)
        back = splats_of(rows_of(splats, (degree + 1) ** 2), (degree + 1) ** 2, False)
        for field in dataclasses.fields(splats)[:5]:
            assert np.allclose(getattr(back, field.name), getattr(splats, field.name), atol=1e-6), field.name
