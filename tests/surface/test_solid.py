"""Depth fused into closed bodies inside the visual hull."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.metrics import meshes
from reify.backend.surface.fuse import SurfaceSettings
from reify.backend.surface.views import surface_from_views
from reify.backend.values import Cameras, Mesh, Rendering, Views

SETTINGS = SurfaceSettings("solid", voxel_size=0.05)


def bowl(points: np.ndarray) -> np.ndarray:
    """The lower half of a shell of radius 0.8, 0.2 thick, its rim rounded off."""
    shell = np.abs(np.linalg.norm(points, axis=-1) - 0.7) - 0.1
    return np.maximum(shell, points[..., 2])


def disk(points: np.ndarray) -> np.ndarray:
    """A cylinder of radius 0.7 that stands on z = -0.3 and ends at z = 0.3."""
    return np.maximum(np.hypot(points[..., 0], points[..., 1]) - 0.7, np.abs(points[..., 2]) - 0.3)


def views_of(render, cameras: Cameras) -> Views:
    from scipy.ndimage import binary_fill_holes

    pictures = [render(cameras, index) for index in range(len(cameras))]
    # Rays that graze a solid can miss it on their walk.
    alphas = [(255 * binary_fill_holes(picture.alpha > 0)).astype(np.uint8) for picture in pictures]
    return Views([(255 * picture.rgb).astype(np.uint8) for picture in pictures], alphas, [None] * len(cameras), cameras)


def extracted(render, views: Views, settings: SurfaceSettings = SETTINGS) -> Mesh:
    return surface_from_views(render, views, settings, job=Job())


@pytest.mark.parametrize("name", ["sphere", "torus"])
def test_a_body_is_closed_and_where_it_is(name: str, solids, make_orbit, make_renderer) -> None:
    render = make_renderer(solids[name])
    mesh = extracted(render, views_of(render, make_orbit(24, 96)))
    assert meshes.is_watertight(mesh)
    assert meshes.genus(mesh) == (name == "torus")
    assert np.abs(solids[name](mesh.vertices)).mean() < 0.3 * SETTINGS.voxel_size
    assert mesh.vertex_srgb is not None
    assert np.abs(mesh.vertex_srgb - (0.5 + 0.4 * mesh.vertices)).mean() < 0.03


def test_a_bowl_that_photos_look_into_is_not_filled(make_orbit, make_renderer) -> None:
    render = make_renderer(bowl)
    mesh = extracted(render, views_of(render, make_orbit(30, 96)))
    assert meshes.is_watertight(mesh)
    true = 2 / 3 * np.pi * (0.8**3 - 0.6**3)
    assert meshes.volume(mesh) == pytest.approx(true, rel=0.1)  # filled, it would be 1.7 times as much
    assert np.quantile(np.abs(bowl(mesh.vertices)), 0.99) < 0.04


def test_an_unseen_underside_ends_flat(make_orbit, make_renderer) -> None:
    cameras = make_orbit(30, 96)
    above = cameras.take(np.flatnonzero(cameras.centers[:, 2] > 0.6))  # their outlines leave a cone of 0.2 and more below
    render = make_renderer(disk)
    mesh = extracted(render, views_of(render, above))
    assert meshes.is_watertight(mesh)
    assert mesh.vertices[:, 2].min() > -0.35
    assert np.abs(disk(mesh.vertices)).mean() < 0.4 * SETTINGS.voxel_size


def test_depth_that_lies_behind_highlights_leaves_no_holes(solids, make_orbit, make_renderer) -> None:
    exact, rng = make_renderer(solids["sphere"]), np.random.default_rng(0)
    cameras = make_orbit(24, 96)
    views = views_of(exact, cameras)
    spots = [rng.integers(30, 66, (4, 2)) for _ in range(len(cameras))]

    def render(cameras: Cameras, index: int) -> Rendering:
        """Four round spots a picture, with depth of the far wall or near it."""
        picture = exact(cameras, index)
        assert picture.depth is not None
        row, column = np.indices(picture.depth.shape)
        far = np.zeros(picture.depth.shape, bool)
        for y, x in spots[index]:
            far |= np.hypot(row - y, column - x) < 4
        return replace(picture, depth=np.where(far & (picture.depth > 0), picture.depth + 0.8, picture.depth).astype(np.float32))

    mesh = extracted(render, views)
    assert meshes.is_watertight(mesh)
    assert meshes.genus(mesh) == 0
    assert meshes.volume(mesh) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.05)


def test_a_mask_with_a_part_cut_off_takes_nothing_from_the_body(solids, make_orbit, make_renderer) -> None:
    render = make_renderer(solids["sphere"])
    views = views_of(render, make_orbit(24, 96))
    faulty = list(views.alpha)
    faulty[5] = faulty[5].copy()
    faulty[5][:48] = 0
    mesh = extracted(render, replace(views, alpha=faulty))
    assert meshes.is_watertight(mesh)
    assert np.abs(solids["sphere"](mesh.vertices)).max() < 0.05


def test_a_solid_needs_masks(solids, make_orbit, make_renderer, make_views) -> None:
    with pytest.raises(ReifyError, match="0 of the photos have a mask"):
        extracted(make_renderer(solids["sphere"]), make_views(make_orbit(5, 48)))
