from __future__ import annotations

import numpy as np
import pytest
from reify.backend.bodies.lathe import LatheSettings, lathe
from reify.backend.geometry import triangles
from reify.backend.pictures.outline import along_axis, mirror_axis

from ..pictures.shapes import coverage_of, disc, grid, rectangle
from .solids import assert_closed, outline, triangles_of


def turned(coverage: np.ndarray, faces: int = 10_000, **changes):
    axis = mirror_axis(coverage)
    upright, top_px = along_axis(coverage, axis)
    return lathe(upright, axis.point_px, axis.angle, top_px, faces, LatheSettings(**changes))


def vase() -> np.ndarray:
    x, y = grid(200, 300)
    radius = 40 + 25 * np.sin(y / 40.0)
    return coverage_of((np.abs(x - 100) < radius) & (y > 30) & (y < 270))


@pytest.mark.parametrize("left", [40.0, 40.3])
def test_a_rectangle_becomes_a_cylinder(left: float) -> None:
    solid = turned(rectangle(160, 240, left=left, top=30.0))
    radius, height = 80.0 - left, 180.0
    # Picture axes are left-handed: seen from outside, the volume counts negative.
    assert -triangles.volume(solid.vertices_px, triangles_of(solid)) == pytest.approx(np.pi * radius**2 * height, rel=0.01)
    assert_closed(solid.vertices_px, triangles_of(solid), 2)


def test_a_disc_becomes_a_ball() -> None:
    distance = np.linalg.norm(turned(disc(radius=80.0)).vertices_px - [100.0, 100.0, 0.0], axis=1)
    assert np.abs(distance / 80.0 - 1.0).max() < 0.02


def test_the_silhouette_of_a_vase_is_kept() -> None:
    drawn, mask = outline(turned(vase()), (300, 200)), vase() > 0.5
    assert (drawn & mask).sum() / (drawn | mask).sum() > 0.99


def test_a_slanted_axis_is_found_and_kept() -> None:
    from scipy.ndimage import rotate

    leaning = np.clip(rotate(rectangle(), 20, reshape=True, order=1), 0, 1).astype(np.float32)
    assert abs(np.degrees(mirror_axis(leaning).angle)) == pytest.approx(20.0, abs=1.0)
    solid = turned(leaning)
    drawn, mask = outline(solid, leaning.shape), leaning > 0.5
    assert (drawn & mask).sum() / (drawn | mask).sum() > 0.97


def test_the_narrower_half_leaves_a_handle_out() -> None:
    x, y = grid(240, 240)
    mug = coverage_of(((np.abs(x - 100) < 50) & (np.abs(y - 120) < 70)) | ((np.hypot(x - 150, y - 120) < 30) & (x > 100)))
    upright, top_px = along_axis(mug, mirror_axis(rectangle(200, 240, left=50.0, top=50.0)))
    solid = lathe(upright, (100.0, 120.0), 0.0, top_px, 4000, LatheSettings(half="narrower"))
    assert np.ptp(solid.vertices_px[:, 0]) == pytest.approx(100.0, abs=1.5)


def test_the_number_of_segments_can_be_set() -> None:
    solid = turned(vase(), segments=24)
    assert len(solid.triangles) == 2 * 24
