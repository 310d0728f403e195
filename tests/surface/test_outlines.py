"""Masks that are moved to where the others have their outlines."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from dataclasses import replace
from pathlib import Path

from reify.backend.capture.pyramid import load_level
from reify.backend.formats.images import write_png
from reify.backend.geometry.masks import moved_outline, outline_distance
from reify.backend.jobs.job import Job
from reify.backend.surface import outlines
from reify.backend.values import Photo, Views

COUNT, SIZE_PX = 24, 160


@pytest.fixture
def views(solids, make_orbit, make_renderer, make_views) -> Views:
    cameras, render = make_orbit(COUNT, SIZE_PX), make_renderer(solids["two spheres"])
    return make_views(cameras, [(255 * (render(cameras, index).alpha > 0)).astype(np.uint8) for index in range(COUNT)])


def test_masks_that_agree_stay_as_they_are(views: Views) -> None:
    assert not outlines.moves_of(views, job=Job()).any()


def test_masks_are_moved_back_by_what_they_are_off(views: Views) -> None:
    rng = np.random.default_rng(0)
    off = np.column_stack([np.tile([-3.0, 3.0, 0.0], COUNT // 3), rng.uniform(-3, 3, (COUNT, 2))])
    wrong = outlines.moved(views, off)
    assert wrong.alpha[5] is not None
    wrong.alpha[5][:60] = 0  # a part that is cut off, too
    moves = outlines.moves_of(wrong, job=Job())
    assert np.abs(moves + off).max(axis=1)[np.arange(COUNT) != 5].mean() < 0.6
    mended = outlines.moved(wrong, moves)
    overlap = [[((a > 127) & (b > 127)).sum() / ((a > 127) | (b > 127)).sum() for a, b in zip(some.alpha, views.alpha, strict=True)]
               for some in (wrong, mended)]  # fmt: skip
    assert np.median(overlap[0]) < 0.9 and np.median(overlap[1]) > 0.97


def test_an_outline_grows_and_shifts() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:40] = 255
    moved = moved_outline(mask, 2.0, 5.0, -3.0) > 127
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (5, 28, 23, 46)
    assert outline_distance(mask > 0)[20, 19] == 0.5


def test_a_photos_mask_is_moved_at_every_size(tmp_path: Path, make_orbit) -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[20:60, 20:60] = 255
    write_png(tmp_path / "photo.png", np.full((80, 80, 3), 99, np.uint8))
    write_png(tmp_path / "mask.png", mask)
    photo = Photo(tmp_path / "photo.png", "photo.png", 80, 80, mask=tmp_path / "mask.png")
    grown = replace(photo, mask_move=(4.0, 2.0, 0.0))
    for side_px in (80, 40):
        alpha = load_level(grown, make_orbit(1, 80), 0, side_px)[1]
        assert alpha is not None
        columns = np.flatnonzero((alpha > 127).any(axis=0)) * 80 / side_px
        assert columns[0] == pytest.approx(18, abs=1) and columns[-1] == pytest.approx(65, abs=2)
