"""Depth fusion on solids whose depth is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.job import Job
from reify.backend.metrics import meshes
from reify.backend.surface.fuse import SurfaceSettings, fuse_depth
from reify.backend.values import Rendering


def test_a_sphere_is_found_to_a_tenth_of_a_voxel(solids, make_orbit, make_renderer, make_views) -> None:
    cameras = make_orbit(16, 96)
    mesh = fuse_depth(make_renderer(solids["sphere"]), make_views(cameras), SurfaceSettings(voxel_size=0.04), job=Job())
    off = np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.8)
    assert off.mean() < 0.004
    assert meshes.genus(mesh) == 0
    assert meshes.volume(mesh) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.02)


def test_a_torus_stays_one_and_two_spheres_stay_where_they_are(solids, make_orbit, make_renderer, make_views) -> None:
    cameras = make_orbit(24, 128)
    settings = SurfaceSettings(voxel_size=0.03)
    ring = fuse_depth(make_renderer(solids["torus"]), make_views(cameras), settings, job=Job())
    assert (meshes.parts(ring), meshes.euler_number(ring)) == (1, 0)
    pair = fuse_depth(make_renderer(solids["two spheres"]), make_views(cameras), settings, job=Job())
    assert meshes.parts(pair) == 2
    assert pair.vertices.max(axis=0) == pytest.approx([0.9, 0.4, 0.6], abs=0.02)
    assert pair.vertices.min(axis=0) == pytest.approx([-0.75, -0.4, -0.4], abs=0.02)


def test_colors_are_those_of_the_renderings_at_the_same_place(solids, make_orbit, make_renderer, make_views) -> None:
    mesh = fuse_depth(make_renderer(solids["two spheres"]), make_views(make_orbit(16, 96)), SurfaceSettings(voxel_size=0.04), job=Job())
    assert mesh.vertex_srgb is not None
    assert np.abs(mesh.vertex_srgb - (0.5 + 0.4 * mesh.vertices)).mean() < 0.02


def test_the_voxel_follows_the_pixels_and_the_ball_the_subject(solids, make_orbit, make_renderer, make_views) -> None:
    job = Job()
    fuse_depth(make_renderer(solids["sphere"]), make_views(make_orbit(12, 64)), SurfaceSettings(), job=job)
    radius = float(job.report.choices["surface.region"].split()[1])
    voxel = float(job.report.choices["surface.voxel_size"].split(",")[0])
    assert 0.8 < radius < 1.2
    assert voxel == pytest.approx(1.5 * 2.3 / (1.3 * 64), rel=0.2)


def test_fewer_voxels_make_them_coarser_and_the_report_says_so(solids, make_orbit, make_renderer, make_views) -> None:
    job = Job()
    settings = SurfaceSettings(voxel_size=0.008, max_voxels=1)
    mesh = fuse_depth(make_renderer(solids["sphere"]), make_views(make_orbit(8, 96)), settings, job=job)
    assert "million voxels allow" in job.report.choices["surface.voxel_size"]
    assert len(mesh.faces) > 0


def test_what_masks_show_to_be_empty_is_carved(solids, make_orbit, make_renderer, make_views) -> None:
    """Half of the renderings have a floater, which the photos' masks know to be empty space."""
    cameras = make_orbit(16, 96)
    real = make_renderer(solids["sphere"])
    fog = make_renderer(lambda p: np.minimum(solids["sphere"](p), np.linalg.norm(p - [0, 0, 1.1], axis=-1) - 0.15))
    alpha = [(real(cameras, i).alpha * 255).astype(np.uint8) for i in range(len(cameras))]
    mesh = fuse_depth(lambda c, i: (fog if i % 2 else real)(c, i), make_views(cameras, alpha), SurfaceSettings(voxel_size=0.04), job=Job())
    assert mesh.vertices[:, 2].max() < 0.85


def test_noise_in_depth_averages_out(solids, make_orbit, make_renderer, make_views) -> None:
    rng = np.random.default_rng(0)
    exact = make_renderer(solids["sphere"])

    def noisy(cameras, index) -> Rendering:
        seen = exact(cameras, index)
        depth = np.where(seen.depth > 0, seen.depth * (1 + rng.normal(0, 0.004, seen.depth.shape)), 0)
        return Rendering(seen.rgb, seen.alpha, depth.astype(np.float32))

    mesh = fuse_depth(noisy, make_views(make_orbit(24, 96)), SurfaceSettings(voxel_size=0.04), job=Job())
    assert np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.8).mean() < 0.006


def test_small_holes_in_depth_are_filled(solids, make_orbit, make_renderer, make_views) -> None:
    """No camera has depth around one place of the sphere."""
    exact, place, voxel = make_renderer(solids["sphere"]), np.array([0.8, 0.0, 0.0]), 0.04

    def holed(cameras, index) -> Rendering:
        seen = exact(cameras, index)
        gap = np.linalg.norm((seen.rgb - 0.5) / 0.4 - place, axis=-1) < 5 * voxel
        return Rendering(seen.rgb, seen.alpha, np.where(gap, 0, seen.depth).astype(np.float32))

    mesh = fuse_depth(holed, make_views(make_orbit(16, 96)), SurfaceSettings(voxel_size=voxel), job=Job())
    assert meshes.genus(mesh) == 0
    off = np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.8)
    assert off.max() < 1.5 * voxel


def test_depth_that_few_cameras_see_behind_the_surface_makes_no_second_one(solids, make_orbit, make_renderer, make_views) -> None:
    exact, rng = make_renderer(solids["sphere"]), np.random.default_rng(0)

    def deep(cameras, index) -> Rendering:
        seen = exact(cameras, index)
        wrong = np.kron(rng.random((12, 12)) < 0.05, np.ones((8, 8), bool))
        return Rendering(seen.rgb, seen.alpha, np.where(wrong & (seen.depth > 0), seen.depth + 0.25, seen.depth).astype(np.float32))

    mesh = fuse_depth(deep, make_views(make_orbit(32, 96)), SurfaceSettings(voxel_size=0.04), job=Job())
    assert (np.linalg.norm(mesh.vertices, axis=1) < 0.75).mean() < 0.007


def test_one_camera_gives_the_side_that_it_sees(solids, make_orbit, make_renderer, make_views) -> None:
    cameras = make_orbit(5, 96).take([2])
    mesh = fuse_depth(make_renderer(solids["sphere"]), make_views(cameras), SurfaceSettings(voxel_size=0.04, radius=1.2), job=Job())
    towards = cameras.centers[0] / np.linalg.norm(cameras.centers[0])
    assert (mesh.vertices @ towards).min() > 0.0


@pytest.mark.parametrize("broken", ["no depth", "empty", "not finite", "transparent"])
def test_depth_that_shows_nothing_is_a_clear_error(broken: str, make_orbit, make_views) -> None:
    def render(cameras, index) -> Rendering:
        depth = {"no depth": None, "empty": np.zeros((32, 32)), "not finite": np.full((32, 32), np.nan), "transparent": np.ones((32, 32))}[
            broken
        ]
        alpha = np.full((32, 32), 0.2 if broken == "transparent" else 1.0, np.float32)
        return Rendering(np.zeros((32, 32, 3), np.float32), alpha, depth)

    with pytest.raises(ReifyError):
        fuse_depth(render, make_views(make_orbit(3, 32)), SurfaceSettings(), job=Job())


def test_no_cameras_is_a_clear_error(make_orbit, make_views) -> None:
    with pytest.raises(ReifyError, match="no cameras"):
        fuse_depth(lambda cameras, index: None, make_views(make_orbit(3, 32).take([])), SurfaceSettings(), job=Job())


def test_it_can_be_canceled(solids, make_orbit, make_renderer, make_views) -> None:
    job = Job()
    exact = make_renderer(solids["sphere"])

    def render(cameras, index) -> Rendering:
        if index == 2:
            job.cancel()
        return exact(cameras, index)

    with pytest.raises(Cancelled):
        fuse_depth(render, make_views(make_orbit(6, 48)), SurfaceSettings(), job=job)
