"""What renderings say of vertices: whether they agree, and whether they at least don't see through."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.jobs.job import Job
from reify.backend.metrics import meshes
from reify.backend.surface.color import support, vertex_colors, with_all_colors
from reify.backend.surface.depth import DepthMaps, render_depth
from reify.backend.surface.fuse import SurfaceSettings, fuse_depth
from reify.backend.values import Mesh

TOLERANCE, REACH = 0.02, 0.15


@pytest.fixture
def maps(make_orbit, make_renderer, make_views, solids) -> DepthMaps:
    """A ball of radius 0.8, from all sides."""
    return render_depth(make_renderer(solids["sphere"]), make_views(make_orbit(16, 96)), job=Job())


@pytest.fixture
def ball(make_orbit, make_renderer, make_views, solids) -> Mesh:
    mesh = fuse_depth(make_renderer(solids["sphere"]), make_views(make_orbit(16, 96)), SurfaceSettings(voxel_size=0.05), job=Job())
    assert meshes.is_watertight(mesh)
    return mesh


def test_where_depth_is_off_cameras_dont_agree_but_look_at_the_surface(maps: DepthMaps, ball: Mesh) -> None:
    for size in (0.92, 1.1):
        moved = (size * ball.vertices).astype(np.float32)
        _, agreement = vertex_colors(moved, ball.faces, maps, TOLERANCE, REACH)
        assert np.median(agreement) == 0
        assert np.median(support(moved, ball.faces, maps, TOLERANCE, REACH)) == 1


def test_cameras_see_through_what_floats_before_the_surface(maps: DepthMaps, ball: Mesh) -> None:
    floating = (1.4 * ball.vertices).astype(np.float32)
    assert np.quantile(support(floating, ball.faces, maps, TOLERANCE, REACH), 0.9) < 0.1


def test_a_shell_behind_another_is_looked_at_by_none(maps: DepthMaps, ball: Mesh) -> None:
    count = len(ball.vertices)
    both = np.concatenate([ball.vertices, 0.9 * ball.vertices]).astype(np.float32)
    looked = support(both, np.concatenate([ball.faces, ball.faces + count]), maps, TOLERANCE, REACH)
    assert np.median(looked[:count]) == 1
    assert np.quantile(looked[count:], 0.9) == 0


def test_colors_go_on_smoothly_where_no_camera_looked() -> None:
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(0, 1, 41), np.linspace(0, 0.2, 9), indexing="ij"))
    p = (np.arange(40)[:, None] * 9 + np.arange(8)).ravel()
    faces = np.concatenate([np.stack([p, p + 9, p + 10], axis=1), np.stack([p, p + 10, p + 1], axis=1)])
    right = np.repeat(x[:, None], 3, axis=1).astype(np.float32)
    seen = np.where(((x < 0.3) | (x > 0.7))[:, None], right, np.float32(np.nan))
    alone = np.full((3, 3), np.nan, np.float32)
    vertices = np.concatenate([np.stack([x, y, 0 * x], axis=1), 2 + np.eye(3)]).astype(np.float32)
    mesh = Mesh(
        vertices, np.concatenate([faces, [[len(x), len(x) + 1, len(x) + 2]]]).astype(np.int32), vertex_srgb=np.concatenate([seen, alone])
    )
    colors = with_all_colors(mesh).vertex_srgb
    np.testing.assert_allclose(colors[:-3], right, atol=0.06)  # rims have their neighbors on one side
    np.testing.assert_array_equal(colors[-3:], 0.5)
