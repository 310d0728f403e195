"""The figures of a mesh: right on bodies that are known, and there for every mesh, however broken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

from reify.backend.jobs.job import Job
from reify.backend.mesh.analyze import analyze, report_analysis
from reify.backend.values import Mesh
from reify.tests.mesh.solids import ball, joined


def ring(around: int = 48, across: int = 24) -> Mesh:
    """A torus of radii 1 and 0.4."""
    a, b = (x.ravel() for x in np.meshgrid(*(np.linspace(0, 2 * np.pi, n, endpoint=False) for n in (around, across)), indexing="ij"))
    radius = 1 + 0.4 * np.cos(b)
    i, j = (x.ravel() for x in np.meshgrid(np.arange(around), np.arange(across), indexing="ij"))
    p, q, r, s = (u % around * across + v % across for u, v in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)))
    faces = np.concatenate([np.stack([p, q, r], axis=1), np.stack([p, r, s], axis=1)])
    return Mesh(np.stack([radius * np.cos(a), radius * np.sin(a), 0.4 * np.sin(b)], axis=1).astype(np.float32), faces.astype(np.int32))


def test_a_sound_ball_has_nothing_to_tell_but_its_measures() -> None:
    found = analyze(ball(n=96))
    assert (found.parts, found.euler, found.genus, found.watertight) == (1, 2, 0, 1)
    assert found.area == pytest.approx(4 * np.pi, rel=0.01) and found.volume == pytest.approx(4 / 3 * np.pi, rel=0.01)
    troubles = ("double_vertices", "broken_faces", "degenerate_faces", "double_faces", "inner_parts", "boundary_edges", "holes")
    troubles += ("non_manifold_edges", "non_manifold_vertices", "flipped_edges", "crossing_faces")
    assert [getattr(found, name) for name in troubles] == [0] * len(troubles)


def test_a_ring_has_a_handle() -> None:
    found = analyze(ring())
    assert (found.euler, found.genus, found.crossing_faces) == (0, 1, 0)


def test_open_edges_are_counted_by_hole() -> None:
    whole = ball(n=48)
    height = whole.vertices[whole.faces].mean(axis=1)[:, 2]
    found = analyze(replace(whole, faces=whole.faces[np.abs(height) < 0.8]))
    assert (found.holes, found.boundary_edges, found.watertight, found.genus, found.volume) == (2, 96, 0, -1, 0.0)


def test_flipped_double_degenerate_and_broken_faces_are_counted() -> None:
    whole = ball()
    faces = whole.faces.copy()
    faces[100] = faces[100, ::-1]
    extra = [whole.faces[5], [7, 7, 8], [0, 1, 10**6], [0, 1, -3], [0, 1, len(whole.vertices)]]
    broken = Mesh(np.concatenate([whole.vertices, [[np.nan, 0, 0]]]).astype(np.float32), np.concatenate([faces, extra]).astype(np.int32))
    found = analyze(broken)
    assert (found.flipped_edges, found.double_faces, found.degenerate_faces, found.broken_faces) == (3, 1, 1, 3)
    assert (found.non_manifold_vertices, found.boundary_edges) == (0, 0)


def test_a_soup_of_loose_triangles_is_looked_at_as_if_it_were_welded() -> None:
    whole = ball()
    soup = Mesh(whole.vertices[whole.faces].reshape(-1, 3), np.arange(3 * len(whole.faces), dtype=np.int32).reshape(-1, 3))
    found = analyze(soup)
    assert found.watertight and found.double_vertices == 3 * len(whole.faces) - len(whole.vertices)


def test_a_shell_within_another_is_an_inner_part_and_one_beside_it_is_not() -> None:
    assert analyze(joined(ball(), ball(0.5))).inner_parts == 1
    assert analyze(joined(ball(), ball(0.5, (2, 0, 0)))).inner_parts == 0
    bowl = ball()
    bowl = replace(bowl, faces=bowl.faces[bowl.vertices[bowl.faces].mean(axis=1)[:, 2] < 0.7])
    assert analyze(joined(bowl, ball(0.5))).inner_parts == 0  # it is seen through the hole


def test_balls_that_run_into_each_other_cross_along_a_line_and_those_that_touch_dont() -> None:
    found = analyze(joined(ball(), ball(1.0, (1.0, 0.013, 0.007))))
    assert 50 < found.crossing_faces < 400
    assert found.watertight  # each by itself
    cube = analyze(joined(ball(), ball(1.0, (2.0, 0, 0))))
    assert cube.crossing_faces == 0


def test_two_bodies_that_share_an_edge_are_not_manifold_there() -> None:
    quads = np.array([[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [2, 3, 7, 6], [1, 2, 6, 5], [3, 0, 4, 7]])
    box = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], np.float32)
    found = analyze(Mesh(np.concatenate([corners, corners + np.float32([1, 1, 0])]), np.concatenate([box, box + 8]).astype(np.int32)))
    assert (found.non_manifold_edges, found.non_manifold_vertices, found.crossing_faces, found.watertight) == (1, 2, 0, 0)


@pytest.mark.parametrize(
    ("vertices", "faces"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (np.eye(3), np.zeros((0, 3))),
        (np.full((3, 3), np.nan), [[0, 1, 2]]),
        (np.zeros((3, 3)), [[0, 1, 2]]),
        (np.eye(3), [[0, 0, 0]]),
        (np.eye(3), [[0, 1, 2]]),
        (np.eye(3) * 1e37, [[0, 1, 2]]),
    ],
)
def test_any_mesh_can_be_looked_at(vertices, faces) -> None:
    mesh = Mesh(np.array(vertices, np.float32), np.array(faces, np.int32).reshape(-1, 3))
    job = Job()
    report_analysis(mesh, "before", job=job)
    assert job.report.metrics["before.faces"] == len(mesh.faces)
    assert all(np.isfinite(value) for value in job.report.metrics.values())
