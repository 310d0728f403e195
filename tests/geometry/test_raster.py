"""The triangle rasterizer against closed forms and its own conventions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.geometry.raster import interpolate, rasterize_mesh, render_mesh
from reify.backend.values import Cameras, Mesh


def camera(size: tuple[int, int] = (64, 48), focal: float = 50.0, z: float = 0.0) -> Cameras:
    """Looks along the world's z from (0, 0, z): x right, y down."""
    pose = np.eye(4)
    pose[2, 3] = -z
    K = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1.0]])
    return Cameras(pose[None], K[None], np.array([size]), np.zeros((1, 8)))


def rectangle(x0: float, x1: float, y0: float, y1: float, z: float) -> Mesh:
    """Facing the camera; u runs along x, v against y."""
    vertices = np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], np.float32)
    faces = np.array([[0, 2, 1], [0, 3, 2]], np.int32)
    corner_uvs = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
    return Mesh(vertices, faces, uvs=corner_uvs[faces])


def test_a_rectangle_covers_exactly_the_pixels_whose_centers_it_holds() -> None:
    seen = rasterize_mesh(rectangle(-0.2, 0.4, -0.1, 0.3, 2.0), camera(), 0)
    rows, columns = np.nonzero(seen.hit)
    # -0.2 * 50 / 2 + 32 = 27, 0.4 * 25 + 32 = 42; -0.1 * 25 + 24 = 21.5, 0.3 * 25 + 24 = 31.5
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (27, 41, 21, 31)
    assert len(rows) == 15 * 11 or len(rows) == 15 * 10
    assert np.allclose(seen.depth[seen.hit], 2.0)


def test_the_nearer_face_wins_whatever_the_order() -> None:
    near, far = rectangle(-0.1, 0.1, -0.1, 0.1, 1.0), rectangle(-2, 2, -2, 2, 2.0)
    for first, second in ((near, far), (far, near)):
        both = Mesh(np.concatenate([first.vertices, second.vertices]), np.concatenate([first.faces, second.faces + 4]))
        seen = rasterize_mesh(both, camera(), 0)
        assert seen.depth[24, 32] == pytest.approx(1.0)
        assert seen.depth[2, 2] == pytest.approx(2.0)


def test_depth_and_coordinates_are_right_in_perspective() -> None:
    """On a tilted plane, what is halfway in the picture isn't halfway on the plane."""
    tilted = replace(rectangle(-1, 1, -1, 1, 2.0), vertices=np.array([[-1, -1, 1], [1, -1, 3], [1, 1, 3], [-1, 1, 1]], np.float32))
    seen = rasterize_mesh(tilted, camera((200, 150), 60.0), 0)
    uv = interpolate(seen, tilted.uvs)
    rows, columns = np.nonzero(seen.hit)
    ray = (columns + 0.5 - 100) / 60
    z = 2 / (1 - ray)  # x = z - 2 on the plane, and x = ray * z
    assert np.allclose(seen.depth[rows, columns], z, rtol=1e-4)
    assert np.allclose(uv[rows, columns, 0], (ray * z + 1) / 2, atol=1e-4)


def test_a_floor_that_runs_under_the_camera_is_drawn_to_the_picture_s_edge() -> None:
    floor = Mesh(np.array([[-50, 1, -50], [50, 1, -50], [50, 1, 50], [-50, 1, 50]], np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    seen = rasterize_mesh(floor, camera(), 0)
    assert seen.hit[30:].all()
    assert not seen.hit[:20].any()
    assert seen.depth[-1, 5] == pytest.approx(50 / 23.5, rel=1e-4)


def test_neighboring_faces_leave_no_gap_and_nothing_behind_is_drawn() -> None:
    rng = np.random.default_rng(0)
    n = 30
    x, y = np.meshgrid(np.linspace(-3, 3, n), np.linspace(-3, 3, n))
    vertices = np.stack([x, y, 3 + 0.3 * rng.normal(size=x.shape)], axis=-1).reshape(-1, 3).astype(np.float32)
    i = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate([np.stack([i, i + n, i + 1], 1), np.stack([i + 1, i + n, i + n + 1], 1)]).astype(np.int32)
    assert rasterize_mesh(Mesh(vertices, faces), camera(), 0).hit.all()
    behind = Mesh(vertices * np.array([1, 1, -1], np.float32), faces)
    assert not rasterize_mesh(behind, camera(), 0).hit.any()


def test_a_texture_appears_upright_and_not_mirrored() -> None:
    texture = np.zeros((64, 64, 3), np.uint8)
    texture[:32, :32], texture[:32, 32:], texture[32:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)  # first row on top
    mesh = replace(rectangle(-0.5, 0.5, -0.5, 0.5, 2.0), textures={"base_color": texture})
    picture = render_mesh(mesh, camera(), 0, background=(1.0, 1.0, 1.0))
    assert picture[18, 26].tolist() == [255, 0, 0]
    assert picture[18, 38].tolist() == [0, 255, 0]
    assert picture[30, 26].tolist() == [0, 0, 255]
    assert picture[2, 2].tolist() == [255, 255, 255]


def test_vertex_colors_blend_and_a_bare_mesh_is_clay() -> None:
    mesh = rectangle(-1, 1, -1, 1, 2.0)
    colored = replace(mesh, vertex_srgb=np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]], np.float32))
    row = render_mesh(colored, camera(), 0)[24, :, 0].astype(int)
    assert row[10] < row[32] < row[52]
    assert row[32] == pytest.approx(128, abs=6)
    clay = render_mesh(mesh, camera(), 0)[24, 32]
    assert clay[0] == clay[1] == clay[2] > 200


def test_vertices_that_are_not_finite_and_empty_meshes_draw_nothing() -> None:
    broken = rectangle(-1, 1, -1, 1, 2.0)
    broken.vertices[0] = np.nan
    assert not rasterize_mesh(replace(broken, faces=broken.faces), camera(), 0).hit.any()
    empty = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    assert render_mesh(empty, camera(), 0, background=(0, 0, 0)).max() == 0
