from __future__ import annotations

import numpy as np
import pytest
from reify.backend.splats.view import view_of

WIDTH, HEIGHT = 640, 400


def perspective(shift_x: float = 0.0, shift_y: float = 0.0) -> np.ndarray:
    near, far, half = 0.1, 100.0, 0.05
    p = np.zeros((4, 4))
    p[0, 0], p[1, 1] = near / half, near / (half * HEIGHT / WIDTH)
    p[0, 2], p[1, 2] = shift_x, shift_y
    p[2, 2], p[2, 3], p[3, 2] = -(far + near) / (far - near), -2 * far * near / (far - near), -1
    return p


def orthographic(shift_x: float = 0.0, shift_y: float = 0.0) -> np.ndarray:
    p = np.diag([0.4, 0.4 * WIDTH / HEIGHT, -1 / 50.0, 1.0])
    p[0, 3], p[1, 3] = shift_x, shift_y
    return p


def pose() -> np.ndarray:
    angle = 0.7
    v = np.eye(4)
    v[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    v[:3, 3] = 0.2, -0.1, -6.0
    return v


@pytest.mark.parametrize("projection", [perspective(), perspective(0.3, -0.2), orthographic(), orthographic(0.25, 0.1)])
def test_a_point_falls_on_the_pixel_where_opengl_puts_it(projection):
    view = view_of(projection, pose(), WIDTH, HEIGHT, (0.1, 100.0))
    points = np.column_stack((np.random.default_rng(0).uniform(-1, 1, (50, 3)), np.ones(50)))
    clip = points @ (projection @ pose()).T
    ndc = clip[:, :2] / clip[:, 3:]
    expected = np.column_stack(((ndc[:, 0] + 1) * WIDTH / 2, (1 - ndc[:, 1]) * HEIGHT / 2))
    seen = points @ view.cam_from_world.T
    found = seen[:, :2] / seen[:, 2:3] * view.focal_px + view.principal_px
    np.testing.assert_allclose(found, expected, atol=0.15 if projection[3, 2] == 0 else 1e-6)


@pytest.mark.parametrize("projection", [perspective(), orthographic()])
def test_the_depth_buffer_gives_back_the_depth_of_a_point_from_this_camera(projection):
    pytest.importorskip("numba")
    from reify.backend.splats.cpu.scene_blending import limits_of

    view = view_of(projection, pose(), 1, 1, (0.1, 100.0))
    points = np.column_stack((np.random.default_rng(1).uniform(-1, 1, (20, 3)), np.ones(20)))
    clip = points @ (projection @ pose()).T
    buffer = (clip[:, 2] / clip[:, 3] * 0.5 + 0.5).astype(np.float32)
    limits = np.empty((1, 20), np.float32)
    terms = [np.float32(v) for v in (*view.depth_terms, view.depth_shift, view.far)]
    limits_of(buffer[None], 1, *terms, limits)
    expected = (points @ view.cam_from_world.T)[:, 2]
    np.testing.assert_allclose(limits[0] - view.depth_shift, expected - view.depth_shift, rtol=2e-3, atol=2e-3)


def test_a_smaller_picture_takes_the_farthest_depth_of_its_pixels_and_what_is_empty_lies_at_the_far_end():
    pytest.importorskip("numba")
    from reify.backend.splats.cpu.scene_blending import limits_of

    view = view_of(perspective(), pose(), 2, 2, (0.1, 100.0))
    near, middle = (np.float32((1.002002 * d - 0.2002002) / d * 0.5 + 0.5) for d in (2.0, 4.0))
    buffer = np.array([[near, middle, 1, 1], [near, near, 1, near]], np.float32)
    limits = np.empty((1, 2), np.float32)
    limits_of(buffer, 2, *(np.float32(v) for v in (*view.depth_terms, 0.0, view.far)), limits)
    np.testing.assert_allclose(limits, [[4.0, 100.0]], rtol=1e-2)


@pytest.mark.parametrize("near", [0.5, -100.0])
def test_an_orthographic_view_is_clipped_where_its_matrix_says(near):
    far, p = 100.0, orthographic()
    p[2, 2], p[2, 3] = -2 / (far - near), -(far + near) / (far - near)
    view = view_of(p, pose(), WIDTH, HEIGHT, (0.1, 1000.0))
    np.testing.assert_allclose((view.near - view.depth_shift, view.far - view.depth_shift), (near, far))
