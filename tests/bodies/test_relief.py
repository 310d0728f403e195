from __future__ import annotations

import numpy as np
import pytest
from reify.backend.bodies.relief import ReliefSettings, framed, from_shading, height_of, normal_map, relief
from reify.backend.values import Picture

from ..pictures.shapes import disc, pictured
from .solids import assert_closed, triangles_of


def coin() -> Picture:
    """A disc, bright in its left half."""
    y, x = np.mgrid[:200, :200]
    light = np.where(x < 100, 220, 60).astype(np.uint8)
    return Picture("coin", np.repeat(light[..., None], 3, axis=2), disc())


@pytest.mark.parametrize(("source", "brighter_is_higher"), [("luminance", True), ("dark", False)])
def test_light_and_dark_become_height(source: str, brighter_is_higher: bool) -> None:
    solid, _ = relief(coin(), coin().coverage, 6000, ReliefSettings(source=source, roundness=0.0))
    front = solid.vertices_px[solid.vertices_px[:, 2] > 1.0]
    left, right = (front[(np.abs(front[:, 0] - column) < 10) & (np.abs(front[:, 1] - 100) < 40), 2].mean() for column in (70, 130))
    assert (left > right) == brighter_is_higher
    assert abs(left - right) == pytest.approx(0.08 * 160, rel=0.15)


@pytest.mark.parametrize("with_frame", [False, True])
def test_a_relief_is_closed_and_flat_at_the_back(with_frame: bool) -> None:
    picture, subject = framed(coin()) if with_frame else (coin(), coin().coverage)
    solid, normals = relief(picture, subject, 6000, ReliefSettings(framed=with_frame))
    assert_closed(solid.vertices_px, triangles_of(solid), 2)
    assert solid.vertices_px[:, 2].min() == 0.0
    assert normals.shape == picture.srgb.shape


def test_a_frame_is_higher_than_the_plate_around_the_subject() -> None:
    picture, subject = framed(coin())
    solid, _ = relief(picture, subject, 8000, ReliefSettings(framed=True))
    x, y, z = solid.vertices_px[solid.vertices_px[:, 2] > 0].T
    width = picture.srgb.shape[1]
    on_frame = z[(x < 0.03 * width) & (z > 1.0)]
    on_plate = z[(np.abs(x - 0.1 * width) < 4) & (y > 0.3 * width) & (y < 0.7 * width)]
    assert on_frame.max() > on_plate.max() + 2.0


def test_a_flat_picture_has_no_noise_blown_up_to_height() -> None:
    gray = np.full((60, 60, 3), 128, np.uint8)
    gray[::2, ::2] += 1
    assert np.ptp(height_of(gray, np.ones((60, 60), np.float32), ReliefSettings())) < 0.25


def test_shape_from_shading_finds_a_dome_under_a_light_from_the_upper_left() -> None:
    y, x = np.mgrid[:160, :160] - 79.5
    dome = 30.0 * np.exp(-(x**2 + y**2) / (2 * 30.0**2))
    down, right = np.gradient(dome)
    light = 0.5 + 0.3 * (-right * -np.sqrt(0.5) + down * np.sqrt(0.5))  # toward the light: left and up
    found = from_shading(light, np.radians(135))
    assert np.corrcoef(found.ravel(), dome.ravel())[0, 1] > 0.7


def test_a_normal_map_points_right_and_up_as_opengl_has_it() -> None:
    y, x = np.mgrid[:8, :8].astype(float)
    falls_to_the_right, falls_downwards = normal_map(-x)[4, 4], normal_map(-y)[4, 4]
    assert falls_to_the_right[0] > 200 and falls_to_the_right[1] == 128
    assert falls_downwards[1] < 60 and falls_downwards[0] == 128
    assert tuple(normal_map(np.zeros((4, 4)))[2, 2]) == (128, 128, 255)


def test_a_picture_is_kept_on_its_frame() -> None:
    picture, subject = framed(pictured(disc()))
    assert subject.shape == picture.coverage.shape and subject.max() == 1.0
    assert picture.coverage.mean() > 0.95
