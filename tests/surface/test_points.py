"""Surfaces of point clouds: right size, closed where they should be, and one sentence where there can be none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.job import Job
from reify.backend.metrics import meshes
from reify.backend.surface.cloud import cloud_of, thinned
from reify.backend.surface.points import PointSettings, surface_of_points
from reify.backend.values import Mesh, Points

from .clouds import ball_points, torus_points

EXTRACTIONS = ("poisson", "mls", "rbf", "alpha")
VOLUME = 4 / 3 * np.pi * 0.8**3


def made(points: Points, extraction: str = "poisson", polygons: str = "cubes", job: Job | None = None, **settings) -> Mesh:
    return surface_of_points(points, extraction, polygons, PointSettings(**settings), job=job or Job())


@pytest.mark.parametrize("extraction", EXTRACTIONS)
def test_a_ball_of_points_becomes_a_closed_ball_with_their_colors(extraction: str) -> None:
    mesh = made(ball_points(300 if extraction == "rbf" else 2000), extraction)
    assert meshes.is_watertight(mesh)
    assert meshes.genus(mesh) == 0
    assert meshes.volume(mesh) == pytest.approx(VOLUME, rel=0.02)
    assert np.abs(np.linalg.norm(mesh.vertices - [1, 2, 3], axis=1) - 0.8).max() < 0.02
    right, left = (mesh.vertices[:, 0] > 1.3), (mesh.vertices[:, 0] < 0.7)
    assert mesh.vertex_srgb is not None
    assert np.abs(mesh.vertex_srgb[right] - [1, 0, 0]).max() < 0.01
    assert np.abs(mesh.vertex_srgb[left] - [0, 0, 1]).max() < 0.01


@pytest.mark.parametrize("extraction", ("poisson", "mls"))
def test_a_torus_without_normals_keeps_its_hole(extraction: str) -> None:
    mesh = made(torus_points(), extraction)
    assert (meshes.parts(mesh), meshes.euler_number(mesh)) == (1, 0)
    assert meshes.volume(mesh) == pytest.approx(2 * np.pi**2 * 0.65 * 0.25**2, rel=0.03)


def test_noise_averages_out_and_a_looser_fit_is_smoother() -> None:
    noisy = ball_points(8000, noise=0.02)
    tight, loose = (made(noisy, fit=fit) for fit in (20.0, 0.5))
    off = [np.abs(np.linalg.norm(mesh.vertices - [1, 2, 3], axis=1) - 0.8).mean() for mesh in (tight, loose)]
    assert off[1] < off[0] < 0.02


def test_poisson_closes_a_hole_and_trimming_opens_it_again() -> None:
    whole = ball_points(8000)
    rest = whole.xyz[:, 2] < 3.5
    cap = Points(whole.xyz[rest], None, whole.normals[rest])
    closed, open_ = made(cap), made(cap, trim=4.0)
    assert meshes.is_watertight(closed)
    assert not meshes.is_watertight(open_)
    lids = [((np.hypot(*(mesh.vertices[:, :2] - [1, 2]).T) < 0.3) & (mesh.vertices[:, 2] > 3)).any() for mesh in (closed, open_)]
    assert lids == [True, False]


def test_least_squares_leave_a_hole_open_and_radial_functions_round_it() -> None:
    whole = ball_points(400)
    rest = whole.xyz[:, 2] < 3.5
    cap = Points(whole.xyz[rest], None, whole.normals[rest])
    assert not meshes.is_watertight(made(cap, "mls"))
    assert meshes.volume(made(cap, "rbf")) == pytest.approx(VOLUME, rel=0.02)


def test_normals_are_turned_outwards_or_to_the_cameras() -> None:
    points = ball_points(3000, normals=False)
    cloud = cloud_of(points, job=Job())
    outward = (cloud.xyz - [1, 2, 3]) / 0.8
    assert (np.einsum("ni,ni->n", cloud.normals, outward) > 0.99).all()
    inside = cloud_of(points, np.array([[1.0, 2.0, 3.0]]), job=Job())
    assert (np.einsum("ni,ni->n", inside.normals, outward) < -0.99).all()


def test_alpha_shapes_do_without_normals() -> None:
    job = Job()
    mesh = made(ball_points(2000, normals=False), "alpha", job=job)
    assert meshes.is_watertight(mesh)
    assert "cloud.normals" not in job.report.choices


def test_areas_of_the_points_add_up_to_that_of_the_surface_also_when_thinned() -> None:
    cloud = cloud_of(ball_points(4000), job=Job())
    assert cloud.area.sum() == pytest.approx(4 * np.pi * 0.8**2, rel=0.1)
    fewer = thinned(cloud, 0.1)
    assert len(fewer) < 2000
    assert fewer.area.sum() == pytest.approx(cloud.area.sum())


def test_poisson_takes_coarser_voxels_where_there_would_be_too_many() -> None:
    job = Job()
    mesh = surface_of_points(ball_points(8000), "poisson", "cubes", PointSettings(), voxel_size=0.005, max_voxels=500_000, job=job)
    assert "million voxels allow" in job.report.choices["poisson.voxel_size"]
    assert meshes.is_watertight(mesh)


@pytest.mark.parametrize("extraction", ("poisson", "mls", "rbf"))
def test_the_report_says_how_large_the_voxels_are(extraction: str) -> None:
    job = Job()
    made(ball_points(300), extraction, job=job)
    assert f"{extraction}.voxel_size" in job.report.choices


def test_points_turned_and_scaled_give_the_same_surface_turned_and_scaled() -> None:
    points = ball_points(2000)
    large = replace(points, xyz=(1000 * points.xyz).astype(np.float32))
    assert meshes.volume(made(large)) == pytest.approx(1e9 * meshes.volume(made(points)), rel=0.01)


@pytest.mark.parametrize("extraction", EXTRACTIONS)
@pytest.mark.parametrize(
    "xyz",
    [np.zeros((0, 3)), np.eye(3), np.full((50, 3), np.nan), np.ones((1_000_000, 3))],
    ids=["none", "three", "not numbers", "a million in one place"],
)
def test_too_few_points_are_a_clear_error(extraction: str, xyz: np.ndarray) -> None:
    with pytest.raises(ReifyError, match="too few") as raised:
        made(Points(xyz.astype(np.float32)), extraction)
    assert raised.value.fix


def test_points_in_a_plane_have_no_body() -> None:
    flat = np.random.default_rng(0).random((500, 3)) * [1, 1, 0]
    with pytest.raises(ReifyError, match="plane"):
        made(Points(flat.astype(np.float32)), "alpha")


def test_points_without_a_position_are_left_out_and_told_of() -> None:
    points = ball_points(2000)
    xyz = points.xyz.copy()
    xyz[::10] = np.nan
    job = Job()
    mesh = made(replace(points, xyz=xyz), job=job)
    assert any("200 points" in text for text in job.report.warnings)
    assert meshes.volume(mesh) == pytest.approx(VOLUME, rel=0.02)


def test_many_points_in_the_same_places_count_once() -> None:
    points = ball_points(2000)
    often = Points(np.repeat(points.xyz, 100, axis=0), np.repeat(points.rgb, 100, axis=0))
    assert meshes.volume(made(often)) == pytest.approx(VOLUME, rel=0.02)


def test_it_can_be_canceled() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        made(ball_points(500), job=job)
