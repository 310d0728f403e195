"""Charts in the tile: as large as they fit, apart by the margin and no more."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import ReifyError
from reify.backend.geometry.triangles import signed_areas
from reify.backend.texture.packing import pack
from reify.backend.values import Array
from scipy.ndimage import distance_transform_edt

SIZE = 256


def boxes(sizes: Array) -> tuple[Array, Array]:
    """Rectangles of two faces each, all in the same place, and their numbers."""
    corners = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], float)
    return (corners[None] * sizes[:, None, None]).reshape(-1, 3, 2), np.repeat(np.arange(len(sizes)), 2)


def frame(outer: float, inner: float) -> Array:
    """Eight faces between two squares."""
    ring = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    a, b = outer * ring, inner * ring
    return np.array([t for i in range(4) for t in ([a[i], a[i - 3], b[i - 3]], [a[i], b[i - 3], b[i]])])


def drawn(uvs: Array, chart: Array) -> Array:
    """The chart over each texel [S,S], -1 where there is none; fails where two charts share one."""
    owner = np.full((SIZE, SIZE), -1)
    for (a, b, c), own in zip(uvs.astype(float) * SIZE, chart, strict=True):
        y, x = np.mgrid[:SIZE, :SIZE] + 0.5
        inside = [(q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]) >= 0 for p, q in ((a, b), (b, c), (c, a))]
        inside = inside[0] & inside[1] & inside[2]
        assert np.isin(owner[inside], (-1, own)).all()
        owner[inside] = own
    return owner


@pytest.mark.parametrize("margin_px", [1, 4])
def test_charts_stay_apart_by_the_margin_and_are_only_moved_turned_and_enlarged(margin_px: int) -> None:
    sizes = np.random.default_rng(0).uniform(0.5, 3.0, (40, 2))
    flat, chart = boxes(sizes)
    uvs = pack(flat, chart, SIZE, margin_px)
    owner = drawn(uvs, chart)
    for own in range(40):
        others = (owner >= 0) & (owner != own)
        assert distance_transform_edt(~others)[owner == own].min() > margin_px
    assert min(uvs.min(), 1 - uvs.max()) * SIZE >= margin_px - 1e-3
    ratio = signed_areas(uvs.astype(float)) / signed_areas(flat)
    assert ratio.min() > 0 and ratio == pytest.approx(ratio.mean(), rel=1e-3)


def test_rectangles_fill_the_tile() -> None:
    flat, chart = boxes(np.random.default_rng(1).uniform(0.5, 3.0, (150, 2)))
    assert signed_areas(pack(flat, chart, 1024, 2)).sum() > 0.8


def test_a_chart_goes_into_the_hole_of_another() -> None:
    flat = np.concatenate([frame(1.0, 0.6), frame(0.5, 0.1)])
    chart = np.repeat([0, 1], 8)
    uvs = pack(flat, chart, SIZE, 2)
    low, high = uvs[:8].min(axis=(0, 1)), uvs[:8].max(axis=(0, 1))
    assert (uvs[8:] > low).all() and (uvs[8:] < high).all()
    assert (high - low).min() > 0.95


def test_a_single_long_chart_fits() -> None:
    flat, chart = boxes(np.array([[100.0, 0.5]]))
    uvs = pack(flat, chart, SIZE, 8)
    assert uvs.min() >= 0 and uvs.max() <= 1
    assert np.ptp(uvs.reshape(-1, 2), axis=0).max() > 0.9


def test_a_margin_that_the_charts_cannot_afford_shrinks() -> None:
    flat, chart = boxes(np.ones((1500, 2)))
    uvs = pack(flat, chart, SIZE, 8)
    assert signed_areas(uvs).sum() > 0.3


def test_more_charts_than_texels_are_a_clear_error() -> None:
    flat, chart = boxes(np.ones((3000, 2)))
    with pytest.raises(ReifyError, match="3000 pieces"):
        pack(flat, chart, 64, 1)
