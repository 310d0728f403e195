from __future__ import annotations

import numpy as np
import pytest
from reify.backend.bodies.turnaround import TurnaroundSettings, disagreement, turnaround
from reify.backend.geometry import triangles

from ..pictures.shapes import coverage_of, disc, grid, pictured, rectangle
from .solids import assert_closed


def test_two_views_of_a_ball_make_a_ball() -> None:
    ball = pictured(disc())
    mesh = turnaround(ball, ball, None, 12_000, 1.0, TurnaroundSettings())
    radius = np.linalg.norm(mesh.vertices - [0.0, 0.0, 0.5], axis=1)
    assert np.abs(radius / 0.5 - 1.0).max() < 0.04
    assert_closed(mesh.vertices, mesh.faces, 2)


def test_square_sections_make_a_box_of_two_rectangles() -> None:
    front, side = pictured(rectangle(160, 240, left=40, top=30)), pictured(rectangle(160, 240, left=60, top=30))
    mesh = turnaround(front, side, None, 12_000, 1.8, TurnaroundSettings(roundness=0.0, smoothness=0.0))
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx([0.8, 0.4, 1.8], abs=0.04)
    assert triangles.volume(mesh.vertices, mesh.faces) == pytest.approx(0.8 * 0.4 * 1.8, rel=0.06)


@pytest.mark.parametrize(("looks", "sign"), [("right", -1), ("left", 1)])
def test_what_the_side_view_looks_at_is_in_front(looks: str, sign: int) -> None:
    x, y = grid(200, 300)
    nose_right = coverage_of(((np.abs(x - 90) < 50) & (np.abs(y - 150) < 120)) | ((x > 90) & (x < 180) & (np.abs(y - 80) < 15)))
    front, side = pictured(rectangle(160, 300, left=30, top=30)), pictured(nose_right)
    mesh = turnaround(front, side, None, 12_000, 1.0, TurnaroundSettings(side=looks))
    body = mesh.vertices[np.abs(mesh.vertices[:, 2] - 0.4) < 0.05]  # well below the nose, which reaches out on one side
    assert sign * (body[:, 1].max() + body[:, 1].min()) < -0.1


def test_a_top_view_gives_the_depth() -> None:
    top = pictured(rectangle(160, 120, left=40, top=40))  # 80 wide, 40 deep
    mesh = turnaround(pictured(rectangle(160, 240, left=40, top=30)), None, top, 8000, 1.0, TurnaroundSettings(roundness=0.0))
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx([80 / 180, 40 / 180, 1.0], abs=0.03)


def test_faces_take_their_color_from_the_view_that_sees_them() -> None:
    shape = rectangle(160, 240, left=40, top=30)
    front, side = pictured(shape), pictured(shape)
    side.srgb[:] = (0, 0, 255)
    mesh = turnaround(front, side, None, 6000, 1.0, TurnaroundSettings(roundness=0.0))
    texture = mesh.textures["base_color"]
    middle = mesh.vertices[mesh.faces].mean(axis=1)
    uv = mesh.uvs.mean(axis=1)
    assert uv.min() >= 0 and uv.max() <= 1
    colors = texture[((1 - uv[:, 1]) * texture.shape[0]).astype(int), (uv[:, 0] * texture.shape[1]).astype(int)]
    on_side = np.abs(middle[:, 0]) > 0.95 * np.abs(middle[:, 0]).max()
    assert (colors[on_side] == (0, 0, 255)).all(axis=1).mean() > 0.95
    assert (colors[middle[:, 1] < 0.95 * middle[:, 1].min()] == (0, 0, 255)).all(axis=1).mean() < 0.05


def test_views_that_disagree_about_the_depth_are_noticed() -> None:
    front, side = pictured(rectangle(160, 240, 40, 30)), pictured(rectangle(160, 240, 60, 30))
    assert disagreement(front, side, pictured(rectangle(160, 120, 40, 40))) == pytest.approx(0.0, abs=0.02)
    assert disagreement(front, side, pictured(rectangle(160, 160, 40, 40))) == pytest.approx(0.5, abs=0.02)
