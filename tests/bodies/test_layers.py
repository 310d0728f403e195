from __future__ import annotations

import numpy as np
from reify.backend.bodies.inflation import InflateSettings
from reify.backend.bodies.layers import LayersSettings, layers

from ..pictures.shapes import coverage_of, disc, grid
from .solids import assert_closed, outline, triangles_of


def face() -> tuple[np.ndarray, np.ndarray]:
    """A face with one eye on it, and an arm beside it: coverage and regions."""
    x, y = grid(240, 200)
    arm = coverage_of((x > 160) & (x < 230) & (np.abs(y - 100) < 15))
    head = np.pad(disc(), ((0, 0), (0, 40)))
    eye = np.hypot(np.arange(240)[None, :] - 80, np.arange(200)[:, None] - 80) < 18
    coverage = np.maximum(arm, head)
    regions = np.where(coverage > 0.5, np.where(head > 0.5, 0, 1), -1)
    regions[eye] = 2
    return coverage, regions


def test_every_part_is_a_closed_shell() -> None:
    solid = layers(*face(), 8000, LayersSettings(), InflateSettings())
    assert_closed(solid.vertices_px, triangles_of(solid), 3 * 2)


def test_the_outline_of_all_parts_is_the_subjects() -> None:
    coverage, regions = face()
    drawn, mask = outline(layers(coverage, regions, 8000, LayersSettings(), InflateSettings()), coverage.shape), coverage > 0.5
    assert (drawn & mask).sum() / (drawn | mask).sum() > 0.99


def test_an_enclosed_part_stands_out_of_what_is_below_it() -> None:
    coverage, regions = face()

    def highest_on_the_eye(lift: float) -> float:
        x, y, z = layers(coverage, regions, 8000, LayersSettings(lift=lift), InflateSettings()).vertices_px.T
        return float(z[np.hypot(x - 80, y - 80) < 10].max())

    surface = np.sqrt(80.0**2 - 20.0**2 - 20.0**2)
    assert highest_on_the_eye(0.5) > surface + 8.0
    assert highest_on_the_eye(1.0) > highest_on_the_eye(0.5) + 10.0


def test_smaller_parts_can_be_put_further_in_front() -> None:
    coverage, regions = face()

    def middle_of_the_arm(step: float) -> float:
        x, _, z = layers(coverage, regions, 8000, LayersSettings(step=step), InflateSettings()).vertices_px.T
        return float(z[x > 200].mean())

    assert middle_of_the_arm(10.0) > middle_of_the_arm(0.0) + 15.0
