"""Cleaning: floaters go, damage is repaired, holes close, shape and colors stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

from reify.backend.errors import ReifyError
from reify.backend.geometry import topology, triangles
from reify.backend.jobs.job import Job
from reify.backend.mesh import cleaning
from reify.backend.mesh.cleaning import MeshSettings, clean
from reify.backend.metrics import meshes
from reify.backend.values import Mesh
from reify.tests.mesh.solids import ball, joined

EVERYTHING = MeshSettings(faces=0, smoothing=0, holes="none", smallest_part=0.0)


def test_floaters_go_and_the_report_counts_them() -> None:
    job = Job()
    mesh = clean(joined(ball(), ball(0.05, (2, 0, 0)), ball(0.08, (0, 3, 0))), replace(EVERYTHING, smallest_part=5.0), job=job)
    assert meshes.parts(mesh) == 1
    assert job.report.metrics["floaters_removed"] == 2


def test_a_million_tiny_parts_become_the_one_that_matters() -> None:
    rng = np.random.default_rng(0)
    dust = rng.normal(size=(300_000, 1, 3)) * 3 + 0.001 * rng.normal(size=(300_000, 3, 3))
    cloud = Mesh(
        dust.reshape(-1, 3).astype(np.float32),
        np.arange(900_000, dtype=np.int32).reshape(-1, 3),
        vertex_srgb=np.zeros((900_000, 3), np.float32),
    )
    mesh = clean(joined(ball(), cloud), replace(EVERYTHING, smallest_part=1.0, holes="small"), job=Job())
    assert meshes.is_watertight(mesh)
    assert meshes.volume(mesh) == pytest.approx(4 / 3 * np.pi, rel=0.02)


def test_a_soup_of_loose_triangles_becomes_one_closed_surface() -> None:
    whole = ball()
    soup = Mesh(whole.vertices[whole.faces].reshape(-1, 3), np.arange(3 * len(whole.faces), dtype=np.int32).reshape(-1, 3))
    mesh = clean(soup, EVERYTHING, job=Job())
    assert meshes.is_watertight(mesh)
    assert len(mesh.vertices) == len(whole.vertices)


def test_faces_turned_the_wrong_way_are_turned_back() -> None:
    mesh = ball()
    faces = mesh.faces.copy()
    wrong = np.random.default_rng(0).random(len(faces)) < 0.3
    faces[wrong] = faces[wrong, ::-1]
    job = Job()
    repaired = clean(replace(mesh, faces=faces), EVERYTHING, job=job)
    assert meshes.is_watertight(repaired)
    assert meshes.volume(repaired) > 0
    assert any("turned round" in text for text in job.report.warnings)


def test_a_mesh_that_is_inside_out_is_turned_round() -> None:
    mesh = ball()
    repaired = clean(replace(mesh, faces=mesh.faces[:, ::-1]), EVERYTHING, job=Job())
    assert meshes.volume(repaired) > 0


def test_two_cubes_that_share_an_edge_come_apart_there() -> None:
    quads = np.array([[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [2, 3, 7, 6], [1, 2, 6, 5], [3, 0, 4, 7]])
    box = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], np.float32)
    touching = Mesh(np.concatenate([corners, corners + np.array([1, 1, 0], np.float32)]), np.concatenate([box, box + 8]).astype(np.int32))
    mesh = clean(touching, EVERYTHING, job=Job())
    assert meshes.is_watertight(mesh)
    assert meshes.parts(mesh) == 2
    assert meshes.volume(mesh) == pytest.approx(2.0, rel=1e-3)  # drawn apart by a hair


def test_double_and_degenerate_faces_and_lost_vertices_are_removed() -> None:
    mesh = ball()
    vertices = np.concatenate([mesh.vertices, [[np.nan, 0, 0]]]).astype(np.float32)
    extra = [[0, 0, 1], mesh.faces[5], mesh.faces[6][::-1], [0, 1, len(mesh.vertices)]]
    damaged = Mesh(vertices, np.concatenate([mesh.faces, extra]).astype(np.int32))
    job = Job()
    repaired = clean(damaged, EVERYTHING, job=job)
    assert meshes.is_watertight(repaired)
    assert len(repaired.faces) == len(mesh.faces)
    assert any("without a usable position" in text for text in job.report.warnings)


def test_small_holes_close_flush_and_large_ones_stay_open_unless_asked() -> None:
    mesh = ball(n=96)
    centers = mesh.vertices[mesh.faces].mean(axis=1)
    holed = replace(mesh, faces=mesh.faces[(centers[:, 2] > -0.3) & (np.linalg.norm(centers - [1, 0, 0], axis=1) > 0.06)])
    small, watertight = (clean(holed, replace(EVERYTHING, holes=h), job=Job()) for h in ("small", "all"))
    free = topology.boundary_half_edges(small.faces, topology.pair_half_edges(small.vertices, small.faces))
    assert small.vertices[small.faces.ravel()[free], 2].max() < -0.2
    assert meshes.is_watertight(watertight)
    h = 1 + 0.3  # what is left of the ball is a segment of this height
    assert meshes.volume(watertight) == pytest.approx(np.pi * h**2 * (3 - h) / 3, rel=0.06)


def test_a_ragged_rim_is_as_long_as_a_smooth_one_around_the_same_hole() -> None:
    body = ball(n=96)
    centers = body.vertices[body.faces].mean(axis=1)
    away, angle = np.arccos(centers[:, 0].clip(-1, 1)), np.arctan2(centers[:, 1], centers[:, 2])
    ragged = cleaning.repair(replace(body, faces=body.faces[away > 0.3 + 0.12 * np.sign(np.sin(8 * angle))]), job=Job())
    loops = topology.boundary_loops(ragged.faces, topology.pair_half_edges(ragged.vertices, ragged.faces))
    rim = ragged.vertices[max(loops, key=len)]
    assert np.linalg.norm(rim - np.roll(rim, 1, axis=0), axis=1).sum() > 2 * np.pi * 0.5
    assert not meshes.is_watertight(cleaning.close_holes(ragged, 2 * np.pi * 0.2, job=Job()))
    assert meshes.is_watertight(cleaning.close_holes(ragged, 2 * np.pi * 0.4, job=Job()))


def test_a_long_rim_closes_too() -> None:
    mesh = ball(n=800)
    job = Job()
    half = replace(mesh, faces=mesh.faces[mesh.vertices[mesh.faces].mean(axis=1)[:, 2] > 0])
    closed = cleaning.close_holes(half, np.inf, job=job)
    assert meshes.is_watertight(closed)
    assert meshes.volume(closed) == pytest.approx(2 / 3 * np.pi, rel=0.02)


def test_smoothing_takes_noise_away_and_keeps_the_volume() -> None:
    exact = ball(n=96)
    noise = np.random.default_rng(0).normal(0, 0.01, exact.vertices.shape)
    mesh = cleaning.smooth(replace(exact, vertices=(exact.vertices + noise).astype(np.float32)), 10, job=Job())
    away = lambda m: np.abs(np.linalg.norm(m.vertices, axis=1) - 1).mean()  # noqa: E731
    assert away(mesh) < 0.5 * np.abs(noise).mean()
    assert meshes.volume(mesh) == pytest.approx(meshes.volume(exact), rel=0.01)


def test_simplifying_keeps_shape_colors_and_soundness() -> None:
    exact = ball(n=200)
    mesh = clean(exact, MeshSettings(faces=2000), job=Job())
    assert len(mesh.faces) <= 2010
    assert meshes.is_watertight(mesh)
    assert meshes.compare(mesh, exact, samples=5000).chamfer_percent < 0.2
    assert mesh.vertex_srgb is not None
    assert np.abs(mesh.vertex_srgb - (0.5 + 0.5 * mesh.vertices)).mean() < 0.02


@pytest.mark.parametrize("kind", ["no faces", "only broken ones", "missing vertices"])
def test_a_mesh_that_holds_nothing_is_a_clear_error(kind: str) -> None:
    vertices = np.full((3, 3), np.nan, np.float32) if kind == "only broken ones" else np.eye(3, dtype=np.float32)
    faces = {"no faces": np.zeros((0, 3)), "only broken ones": [[0, 1, 2]], "missing vertices": [[0, 1, 7]]}[kind]
    with pytest.raises(ReifyError):
        clean(Mesh(vertices, np.array(faces, np.int32).reshape(-1, 3)), MeshSettings(), job=Job())


def test_uvs_and_textures_stay_through_repair_floaters_and_holes() -> None:
    body = ball(n=64)
    uvs = (0.5 + 0.5 * body.vertices[body.faces][..., [0, 2]]).astype(np.float32) + np.float32(2.0)  # outside the tile, which is allowed
    picture = {"base_color": np.zeros((4, 4, 3), np.uint8)}
    centers = body.vertices[body.faces].mean(axis=1)
    keep = np.linalg.norm(centers - [1, 0, 0], axis=1) > 0.12
    faces = body.faces[keep].copy()
    faces[::7] = faces[::7, ::-1]
    turned = uvs[keep].copy()
    turned[::7] = turned[::7, ::-1]
    made = clean(replace(body, faces=faces, uvs=turned, textures=picture), replace(EVERYTHING, holes="small"), job=Job())
    assert meshes.is_watertight(made) and meshes.volume(made) > 0
    assert made.textures is picture
    near = np.abs(made.uvs - 2.0 - (0.5 + 0.5 * made.vertices[made.faces][..., [0, 2]])).max(axis=(1, 2))
    assert near[: len(faces)].max() < 1e-5
    assert near.max() < 0.12  # the patch has the UVs of its rim


def test_uvs_that_are_no_numbers_become_0_and_are_told_of() -> None:
    body = ball()
    uvs = np.ones((len(body.faces), 3, 2), np.float32)
    uvs[3, 1] = np.nan
    job = Job()
    made = clean(replace(body, uvs=uvs), EVERYTHING, job=job)
    assert np.isfinite(made.uvs).all()
    assert any("UVs that are no numbers" in text for text in job.report.warnings)


def test_shells_within_others_go_and_a_body_that_can_be_seen_stays() -> None:
    job = Job()
    nested = joined(ball(), ball(0.5), ball(0.2), ball(0.5, (3, 0, 0)))
    mesh = clean(nested, replace(EVERYTHING, enclosed="parts"), job=job)
    assert meshes.parts(mesh) == 2 and job.report.metrics["inner_parts_removed"] == 2


def test_faces_within_a_body_that_another_runs_into_go() -> None:
    job = Job()
    mesh = clean(joined(ball(), ball(1.0, (1.0, 0, 0))), replace(EVERYTHING, enclosed="faces"), job=job)
    centers = mesh.vertices[mesh.faces].mean(axis=1)
    inside = (np.linalg.norm(centers, axis=1) < 0.9) | (np.linalg.norm(centers - [1, 0, 0], axis=1) < 0.9)
    assert not inside.any()
    deep = np.linalg.norm(ball().vertices[ball().faces].mean(axis=1) - [1, 0, 0], axis=1) < 1
    assert job.report.metrics["inner_faces_removed"] == pytest.approx(2 * deep.sum(), rel=0.15)


def test_a_small_patch_goes_on_as_the_surface_curves_and_is_as_fine() -> None:
    body = ball(n=256)
    centers = body.vertices[body.faces].mean(axis=1)
    holed = replace(body, faces=body.faces[np.linalg.norm(centers - [1, 0, 0], axis=1) > 0.1])
    made = cleaning.close_holes(holed, np.inf, job=Job())
    new = made.vertices[len(holed.vertices) :]
    assert len(new) > 10
    np.testing.assert_allclose(np.linalg.norm(new, axis=1), 1.0, atol=2e-3)
    patch = triangles.areas(made.vertices, made.faces[len(holed.faces) :])
    assert patch.max() < 4 * np.median(triangles.areas(holed.vertices, holed.faces))
    np.testing.assert_allclose(made.vertex_srgb[len(holed.vertices) :], 0.5 + 0.5 * new, atol=0.1)


def test_a_large_patch_is_flat_and_evenly_meshed() -> None:
    body = ball(n=96)
    half = replace(body, faces=body.faces[body.vertices[body.faces].mean(axis=1)[:, 2] > 0])
    made = cleaning.close_holes(half, np.inf, job=Job())
    patch = made.faces[len(half.faces) :]
    assert np.abs(made.vertices[patch][..., 2]).max() < 1e-3
    corners = made.vertices[patch].astype(np.float64)
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    assert np.median(sides.max(axis=1) / sides.min(axis=1)) < 1.8


def test_levels_of_detail_get_coarser_and_keep_the_shape() -> None:
    job = Job()
    exact = ball(n=64)
    levels = cleaning.levels_of_detail(exact, 3, 0.5, job=job)
    assert [len(level.faces) for level in levels] == pytest.approx([len(exact.faces) * 0.5**k for k in (1, 2, 3)], rel=0.02)
    assert all(meshes.is_watertight(level) for level in levels)
    assert meshes.volume(levels[2]) == pytest.approx(meshes.volume(exact), rel=0.05)
    assert job.report.metrics["faces_lod3"] == len(levels[2].faces)


@pytest.mark.parametrize("size", [1e-20, 1e-6, 1e6, 1e14])
def test_the_size_of_a_mesh_makes_no_difference(size: float) -> None:
    body = ball(n=32)
    mesh = clean(replace(body, vertices=(body.vertices.astype(float) * size).astype(np.float32)), MeshSettings(faces=300), job=Job())
    assert meshes.is_watertight(mesh) and 200 < len(mesh.faces) <= 300


def test_positions_too_far_away_to_compute_with_are_dropped_and_told_of() -> None:
    body = ball()
    vertices = body.vertices.copy()
    vertices[0] = 1e30
    job = Job()
    mesh = clean(replace(body, vertices=vertices), replace(EVERYTHING, holes="all"), job=job)
    assert meshes.is_watertight(mesh)
    assert any("usable position" in text for text in job.report.warnings)


@pytest.mark.parametrize("holes", ["small", "all", "rebuild"])
def test_a_single_triangle_survives_every_choice(holes: str) -> None:
    triangle = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32))
    settings = MeshSettings(faces=1, holes=holes, enclosed="faces", rebuild_cells=16)
    mesh = clean(triangle, settings, job=Job())
    assert len(mesh.faces) >= 1 and np.isfinite(mesh.vertices).all()


def test_a_mesh_of_nothing_but_lines_is_a_clear_error() -> None:
    line = np.linspace(0, 1, 30)[:, None] * np.float32([1, 2, 3])
    faces = np.stack([np.arange(28), np.arange(1, 29), np.arange(2, 30)], axis=1).astype(np.int32)
    with pytest.raises(ReifyError, match="no face with an area"):
        clean(Mesh(line.astype(np.float32), faces), MeshSettings(), job=Job())
