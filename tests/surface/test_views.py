"""Surfaces from what cameras see: Poisson through depth, the visual hull, cameras of our own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.mesh.cleaning import drop_small_parts
from reify.backend.metrics import meshes
from reify.backend.surface.fuse import SurfaceSettings
from reify.backend.surface.hull import visual_hull
from reify.backend.surface.orbit import cameras_around, views_of
from reify.backend.surface.region import Ball
from reify.backend.surface.views import surface_from_views, surface_of_capture
from reify.backend.values import Rendering, Views

from .clouds import ball_splats


def silhouettes(render, cameras) -> list[np.ndarray]:
    from scipy.ndimage import binary_fill_holes

    # Rays that graze a solid can miss it on their walk.
    return [(255 * binary_fill_holes(render(cameras, i).alpha > 0)).astype(np.uint8) for i in range(len(cameras))]


def test_poisson_through_depth_is_closed_where_fusing_leaves_what_was_not_seen_open(solids, make_orbit, make_renderer, make_views) -> None:
    cameras = make_orbit(24, 128)
    above = cameras.take(np.flatnonzero(cameras.centers[:, 2] > -0.8))
    render = make_renderer(solids["sphere"])
    settings = SurfaceSettings("poisson", voxel_size=0.04, radius=1.0)
    closed = surface_from_views(render, make_views(above), settings, job=Job())
    assert meshes.is_watertight(closed)
    assert meshes.volume(closed) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.03)
    assert closed.vertex_srgb is not None
    seen = closed.vertices[:, 2] > -0.3
    assert np.abs(closed.vertex_srgb[seen] - (0.5 + 0.4 * closed.vertices[seen])).mean() < 0.03


def test_the_hull_of_two_spheres_is_two_bodies_where_they_are(solids, make_orbit, make_renderer, make_views) -> None:
    cameras = make_orbit(20, 96)
    render = make_renderer(solids["two spheres"])
    views = make_views(cameras, silhouettes(render, cameras))
    mesh = surface_from_views(render, views, SurfaceSettings("hull", voxel_size=0.04), job=Job())
    assert meshes.is_watertight(mesh)
    mesh = drop_small_parts(mesh, 0.05, job=Job())  # crumbs where the silhouettes of both cross
    assert meshes.parts(mesh) == 2
    assert mesh.vertices.max(axis=0) == pytest.approx([0.9, 0.4, 0.6], abs=0.06)
    assert mesh.vertices.min(axis=0) == pytest.approx([-0.75, -0.4, -0.4], abs=0.06)
    outside = solids["two spheres"](mesh.vertices)
    assert outside.min() > -0.03  # a hull holds its subject
    assert np.median(outside) < 0.03


def test_the_hull_keeps_to_the_radius_that_is_set(solids, make_orbit, make_renderer, make_views) -> None:
    cameras = make_orbit(20, 96)
    render = make_renderer(solids["two spheres"])
    views = make_views(cameras, silhouettes(render, cameras))
    mesh = surface_from_views(render, views, SurfaceSettings("hull", voxel_size=0.04, radius=0.5), job=Job())
    assert meshes.is_watertight(mesh)
    away = np.linalg.norm(mesh.vertices, axis=1)
    assert 0.45 < away.max() < 0.53


@pytest.mark.parametrize(("cut_out", "surfels", "chosen"), [(True, False, "density"), (True, True, "solid"), (False, False, "fuse")])
def test_splats_of_photos_that_cut_out_their_subject_are_taken_where_they_are_dense(
    cut_out: bool, surfels: bool, chosen: str, solids, make_orbit, make_renderer, make_views
) -> None:
    cameras, render, job = make_orbit(8, 64), make_renderer(solids["sphere"]), Job()
    masks = silhouettes(render, cameras)
    masks[3] = masks[3] if cut_out else None
    splats = replace(ball_splats(), surfels=surfels)  # elsewhere than what the pictures show, which tells what was looked at
    mesh = surface_of_capture(splats, render, make_views(cameras, masks), SurfaceSettings(voxel_size=0.05), job=job)
    middle = {"density": [1, 2, 3], "solid": [0, 0, 0], "fuse": [0, 0, 0]}[chosen]
    assert mesh.vertices.mean(axis=0) == pytest.approx(middle, abs=0.1)
    assert job.report.choices["surface.extraction"].startswith(chosen)


@pytest.mark.parametrize("surfels", [True, False])
def test_the_solid_of_surfels_lies_at_their_mean_depth_that_of_others_at_the_front(
    surfels: bool, solids, make_orbit, make_renderer, make_views
) -> None:
    cameras = make_orbit(20, 64)
    front, mean = make_renderer(solids["sphere"]), make_renderer(lambda p: np.linalg.norm(p, axis=-1) - 0.6)

    def render(cameras, index) -> Rendering:
        return replace(front(cameras, index), info={"expected_depth": mean(cameras, index).depth})

    masks = [np.where(np.hypot(*np.indices((64, 64)) - 31.5) < 31, np.uint8(255), np.uint8(0)) for _ in range(len(cameras))]
    splats = replace(ball_splats(), surfels=surfels)
    mesh = surface_of_capture(splats, render, make_views(cameras, masks), SurfaceSettings("solid", voxel_size=0.05), job=Job())
    reached = float(np.median(np.linalg.norm(mesh.vertices, axis=1)))
    assert reached == pytest.approx(0.6 if surfels else 0.8, abs=0.03)


def test_the_hull_needs_masks_of_several_photos(make_orbit, make_renderer, make_views, solids) -> None:
    cameras = make_orbit(8, 64)
    with pytest.raises(ReifyError, match="0 of the photos have a mask"):
        visual_hull(make_views(cameras), 0.05, 10**6, job=Job())
    one = cameras.take([0])
    masks = silhouettes(make_renderer(solids["sphere"]), one)
    with pytest.raises(ReifyError, match="1 of the photos have a mask"):
        visual_hull(make_views(one, masks), 0.05, 10**6, job=Job())


def test_masks_that_have_nothing_in_common_are_a_clear_error(make_orbit, make_views) -> None:
    cameras = make_orbit(8, 64)
    corner = np.zeros((64, 64), np.uint8)
    corner[4:10, 4:10] = 255
    with pytest.raises(ReifyError, match="nothing in common"):
        visual_hull(make_views(cameras, [np.rot90(corner, i).copy() for i in range(8)]), 0.05, 10**6, job=Job())
    with pytest.raises(ReifyError, match="nothing in common"):
        visual_hull(make_views(cameras, [np.zeros((64, 64), np.uint8)] * 8), 0.05, 10**6, job=Job())


@pytest.mark.parametrize("extraction", ("fuse", "poisson", "hull"))
def test_no_cameras_is_a_clear_error(extraction: str, make_orbit, make_views) -> None:
    nobody = make_views(make_orbit(3, 32).take([]))
    with pytest.raises(ReifyError, match="no cameras"):
        surface_from_views(lambda cameras, index: None, nobody, SurfaceSettings(extraction), job=Job())


def test_a_radius_without_anything_in_it_is_a_clear_error(solids, make_orbit, make_renderer, make_views) -> None:
    render = make_renderer(solids["sphere"])
    with pytest.raises(ReifyError, match="don't agree"):
        surface_from_views(render, make_views(make_orbit(5, 48)), SurfaceSettings("poisson", radius=0.1), job=Job())


def test_cameras_of_our_own_have_the_ball_in_their_pictures() -> None:
    ball = Ball((1.0, 2.0, 3.0), 0.5)
    cameras = cameras_around(ball, 20, 100)
    towards = np.random.default_rng(0).normal(size=(200, 3))
    rim = np.array(ball.center) + 0.5 * towards / np.linalg.norm(towards, axis=1, keepdims=True)
    for pose, K in zip(cameras.cam_from_world, cameras.K, strict=True):
        seen = (rim @ pose[:3, :3].T + pose[:3, 3]) @ K.T
        pixels = seen[:, :2] / seen[:, 2:]
        assert pixels.min() >= 0 and pixels.max() <= 100
        assert pixels.max() > 90
        assert pose[1, 2] < 0  # up in the world is up in the picture


def test_views_of_cameras_have_another_size_and_no_distortion() -> None:
    views: Views = views_of(cameras_around(Ball((0, 0, 0), 1), 3, 640), 320)
    assert (views.cameras.size_px == 320).all()
    assert views.cameras.is_pinhole
