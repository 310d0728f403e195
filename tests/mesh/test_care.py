"""Cleaning: floaters go, damage is repaired, holes close, shape and colours stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.mesh import care, topology
from reify.backend.mesh.care import MeshSettings, clean
from reify.backend.metrics import meshes
from reify.backend.values import Mesh

EVERYTHING = MeshSettings(faces=0, smoothing=0, holes="none", smallest_part=0.0)


def ball(radius: float = 1.0, center: tuple[float, float, float] = (0, 0, 0), n: int = 48) -> Mesh:
    """A sphere of rings, closed, coloured by position."""
    polar, around = np.linspace(0, np.pi, n // 2 + 1)[1:-1], np.linspace(0, 2 * np.pi, n, endpoint=False)
    p, a = np.meshgrid(polar, around, indexing="ij")
    ring = np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], axis=-1).reshape(-1, 3)
    vertices = np.concatenate([ring, [[0, 0, 1], [0, 0, -1]]])
    i, j = np.meshgrid(np.arange(len(polar) - 1), np.arange(n), indexing="ij")
    a0, a1, b0, b1 = (x.ravel() for x in (i * n + j, i * n + (j + 1) % n, (i + 1) * n + j, (i + 1) * n + (j + 1) % n))
    k = np.arange(n)
    top, bottom, last = len(ring), len(ring) + 1, (len(polar) - 1) * n
    faces = [[a0, b0, a1], [a1, b0, b1], [np.full(n, top), k, (k + 1) % n], [last + k, np.full(n, bottom), last + (k + 1) % n]]
    all_faces = np.concatenate([np.stack(f, axis=1) for f in faces])
    return Mesh(
        (radius * vertices + center).astype(np.float32), all_faces.astype(np.int32), vertex_srgb=(0.5 + 0.5 * vertices).astype(np.float32)
    )


def joined(*parts: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)]).astype(np.int32),
        vertex_srgb=np.concatenate([part.vertex_srgb for part in parts]),
    )


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
    assert meshes.volume(mesh) == pytest.approx(2.0)


def test_double_and_degenerate_faces_and_lost_vertices_are_removed() -> None:
    mesh = ball()
    vertices = np.concatenate([mesh.vertices, [[np.nan, 0, 0]]]).astype(np.float32)
    extra = [[0, 0, 1], mesh.faces[5], mesh.faces[6][::-1], [0, 1, len(mesh.vertices)]]
    damaged = Mesh(vertices, np.concatenate([mesh.faces, extra]).astype(np.int32))
    job = Job()
    repaired = clean(damaged, EVERYTHING, job=job)
    assert meshes.is_watertight(repaired)
    assert len(repaired.faces) == len(mesh.faces)
    assert any("without a position" in text for text in job.report.warnings)


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


def test_a_long_rim_closes_too() -> None:
    mesh = ball(n=800)
    job = Job()
    half = replace(mesh, faces=mesh.faces[mesh.vertices[mesh.faces].mean(axis=1)[:, 2] > 0])
    closed = care.close_holes(half, np.inf, job=job)
    assert meshes.is_watertight(closed)
    assert meshes.volume(closed) == pytest.approx(2 / 3 * np.pi, rel=0.02)


def test_smoothing_takes_noise_away_and_keeps_the_volume() -> None:
    exact = ball(n=96)
    noise = np.random.default_rng(0).normal(0, 0.01, exact.vertices.shape)
    mesh = care.smooth(replace(exact, vertices=(exact.vertices + noise).astype(np.float32)), 10, job=Job())
    away = lambda m: np.abs(np.linalg.norm(m.vertices, axis=1) - 1).mean()  # noqa: E731
    assert away(mesh) < 0.5 * np.abs(noise).mean()
    assert meshes.volume(mesh) == pytest.approx(meshes.volume(exact), rel=0.01)


def test_simplifying_keeps_shape_colours_and_soundness() -> None:
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
