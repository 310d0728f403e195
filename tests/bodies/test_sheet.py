from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reify.backend.bodies.sheet import euler_number, faces_of, outline_edges, relaxed, sheet_for, sheet_of

from ..pictures.shapes import butterfly, disc


def euler_of(sheet) -> int:
    edges = np.unique(np.sort(outline_edges(sheet.polygons, sheet.counts), axis=1), axis=0)
    return len(sheet.xy_px) - len(edges) + len(sheet.counts)


def random_mask(seed: int, roughness: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=(30, 26))
    return (gaussian_filter(noise, roughness) > 0).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), roughness=st.floats(0.3, 3.0), spacing=st.sampled_from([0.6, 1.0, 2.3, 4.0]))
def test_parts_and_holes_of_any_mask_are_those_of_its_sheet(seed: int, roughness: float, spacing: float) -> None:
    from scipy.ndimage import label

    mask = random_mask(seed, roughness)
    sheet = sheet_of(mask, spacing)
    parts = label(mask, np.ones((3, 3)))[1]
    holes = label(np.pad(mask, 1) == 0)[1] - 1
    assert euler_of(sheet) == parts - holes == euler_number(mask > 0.5)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), roughness=st.floats(0.3, 3.0))
def test_the_rim_is_closed_loops_even_where_pixels_touch_at_a_corner(seed: int, roughness: float) -> None:
    sheet = sheet_of(random_mask(seed, roughness), 2.0)
    start, end = sheet.rim_edges.T
    assert len(np.unique(start)) == len(start) == sheet.rim.sum()
    assert set(start) == set(end) == set(np.nonzero(sheet.rim)[0])


@pytest.mark.parametrize("spacing", [1.5, 3.0, 7.0])
def test_no_cell_is_turned_over_by_evening_out(spacing: float) -> None:
    sheet = relaxed(sheet_of(butterfly(), spacing), contour_px=0.4)
    quads, triangles = faces_of(sheet)
    a, b, c = (sheet.xy_px[np.concatenate([quads[:, :3], triangles])[:, i]] for i in range(3))
    area = (c - a)[:, 0] * (b - a)[:, 1] - (c - a)[:, 1] * (b - a)[:, 0]  # y points down
    assert (area > -1e-9).mean() > 0.999


def test_the_rim_lies_on_the_contour_to_a_tenth_of_a_pixel() -> None:
    sheet = sheet_for(disc(radius=80.0), 4000)
    radius = np.linalg.norm(sheet.xy_px[sheet.rim] - 100.0, axis=1)
    assert np.abs(radius - 80.0).max() < 0.1


@pytest.mark.parametrize("faces", [2000, 8000, 40_000])
def test_two_sheets_have_about_as_many_faces_as_asked(faces: int) -> None:
    quads, triangles = faces_of(sheet_for(butterfly(), faces))
    assert 0.8 * faces < 2 * (len(quads) + len(triangles)) < 1.3 * faces


def test_most_faces_are_quads() -> None:
    quads, triangles = faces_of(sheet_for(butterfly(), 8000))
    assert len(quads) > 0.85 * (len(quads) + len(triangles))


def test_nothing_covered_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        sheet_of(np.zeros((8, 8)), 1.0)
