from __future__ import annotations

import numpy as np
import pytest
from reify.backend.bodies.extrude import ExtrudeSettings, extrude, rim_distance
from reify.backend.bodies.sheet import sheet_for
from reify.backend.geometry import triangles

from ..pictures.shapes import butterfly, disc, rectangle, ring
from .solids import assert_closed, outline, triangles_of


def test_a_rectangle_becomes_a_box() -> None:
    solid = extrude(rectangle(160, 240, left=40.0, top=30.0), 4000, ExtrudeSettings(depth=20.0, bevel=0.0))
    assert -triangles.volume(solid.vertices_px, triangles_of(solid)) == pytest.approx(80.0 * 180.0 * 36.0, rel=0.01)
    assert set(np.round(np.abs(solid.vertices_px[:, 2]).max(keepdims=True), 3)) == {18.0}


@pytest.mark.parametrize("bevel", [0.0, 2.0, 20.0])
def test_holes_stay_and_the_body_is_closed(bevel: float) -> None:
    for shape, euler in ((ring(), 0), (butterfly(), -2)):
        solid = extrude(shape, 6000, ExtrudeSettings(bevel=bevel))
        assert_closed(solid.vertices_px, triangles_of(solid), euler)


def test_the_silhouette_is_the_mask() -> None:
    drawn, mask = outline(extrude(butterfly(), 6000, ExtrudeSettings()), (240, 240)), butterfly() > 0.5
    assert (drawn & mask).sum() / (drawn | mask).sum() > 0.99


def test_a_bevel_is_a_quarter_of_a_circle() -> None:
    solid = extrude(disc(radius=80.0), 12_000, ExtrudeSettings(depth=40.0, bevel=10.0))
    radius, bevel, half = np.linalg.norm(solid.vertices_px[:, :2] - 100.0, axis=1), 16.0, 32.0
    front = (solid.vertices_px[:, 2] > half - bevel + 0.5) & (radius > 80.0 - bevel)
    off = np.hypot(radius[front] - (80.0 - bevel), solid.vertices_px[front, 2] - (half - bevel))
    assert np.abs(off - bevel).max() < 0.5


def test_the_distance_from_the_rim_of_a_disc_is_what_is_left_of_its_radius() -> None:
    sheet = sheet_for(disc(radius=80.0), 4000)
    wanted = 80.0 - np.linalg.norm(sheet.xy_px - 100.0, axis=1)
    assert np.abs(rim_distance(sheet) - wanted).max() < 0.2
