"""Watertight means that no edge has three faces, where vertices at one place count as one; what isn't kept is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.backend.geometry import topology, triangles
from reify.backend.jobs.job import Job
from reify.backend.mesh.analyze import analyze
from reify.backend.mesh.cleaning import MeshSettings, _longest_rim, clean
from reify.backend.mesh.holes import _length
from reify.backend.mesh.watertight import fault_of
from reify.backend.values import Mesh
from reify.tests.mesh.solids import ball

CORNERS = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
SIDES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
CUBE = np.array([corners for a, b, c, d in SIDES for corners in ((a, b, c), (a, c, d))], np.int32)
SETTINGS = MeshSettings(faces=0, smoothing=0, holes="all", enclosed="keep", smallest_part=0.0)


def cube(at=(0.0, 0.0, 0.0), size=1.0) -> Mesh:
    return Mesh(size * CORNERS + np.array(at, np.float32), CUBE)


def together(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces).astype(np.int32))


def fin(*places) -> Mesh:
    return Mesh(np.array(places, np.float32), np.arange(len(places), dtype=np.int32).reshape(-1, 3))


SMALL = replace(SETTINGS, holes="small", smallest_part=0.5)
KINDS = {
    "a fin on an edge": together(cube(), fin((0, 0, 1), (1, 0, 1), (0.5, -1, 2))),
    "three faces in the air": together(cube(), *(fin((4, 0, 0), (4, 2, 0), tip) for tip in ((4, 0, 2), (4, 0, -2), (6, 0, 0)))),
    "a wall inside": together(cube(), fin((0, 0, 0), (1, 1, 0), (1, 1, 1), (0, 0, 0), (1, 1, 1), (0, 0, 1))),
    "cubes that share an edge": together(cube(), cube((1, 1, 0))),
    "cubes that share a corner": together(cube(), cube((1, 1, 1))),
    "a small cube on a large one's side": together(cube(), cube((1, 0, 0))),
    "a face that is there twice": Mesh(CORNERS, np.concatenate([CUBE, CUBE[:1], CUBE[1:2, ::-1]])),
    "a cube with a hole": Mesh(CORNERS, CUBE[2:]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_edge_of_three_faces_survives(kind: str) -> None:
    job = Job()
    mesh = clean(KINDS[kind], SETTINGS, job=job)
    found = analyze(mesh)
    assert (found.watertight, found.non_manifold_edges, found.double_faces, found.boundary_edges) == (1, 0, 0, 0), job.report.warnings
    assert not fault_of(mesh) and not any("watertight" in warning for warning in job.report.warnings)
    cubes = 2 if kind.startswith(("cubes", "a small")) else 1
    assert triangles.volume(mesh.vertices, mesh.faces) == pytest.approx(cubes, rel=1e-3)


@pytest.mark.parametrize("holes", ["none", "small"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_edge_of_three_faces_and_no_double_face_survives_in_open_meshes_either(kind: str, holes: str) -> None:
    job = Job()
    found = analyze(clean(KINDS[kind], replace(SETTINGS, holes=holes), job=job))
    assert (found.non_manifold_edges, found.double_faces) == (0, 0), job.report.warnings
    assert not job.report.warnings


@pytest.mark.parametrize("share", [0.02, 0.15, 0.4])
def test_a_torn_and_simplified_surface_is_manifold_once_it_is_welded(share: float) -> None:
    body, rng = ball(4), np.random.default_rng(1)
    torn = Mesh(body.vertices, body.faces[rng.random(len(body.faces)) > share])
    mesh = clean(torn, MeshSettings(faces=len(torn.faces) // 3), job=Job())
    found = analyze(mesh)
    assert (found.non_manifold_edges, found.double_faces, found.degenerate_faces) == (0, 0, 0)
    assert found.faces == len(mesh.faces)


@pytest.mark.parametrize("seed", range(4))
def test_a_surface_full_of_pinholes_is_closed_without_edges_of_more_than_two_faces(seed: int) -> None:
    body, rng = ball(5), np.random.default_rng(seed)
    # What simplifying leaves of a torn sheet: pairs of faces missing, and vertices drawn together, so that edges across holes exist.
    gone = rng.random(len(body.faces)) < 0.05
    drawn = np.arange(len(body.vertices))
    ends = body.faces[rng.random(len(body.faces)) < 0.1][:, :2]
    drawn[ends[:, 0]] = ends[:, 1]
    torn = Mesh(body.vertices, drawn[body.faces[~gone]])
    job = Job()
    mesh = clean(torn, SMALL, job=job)
    found = analyze(mesh)
    assert not job.report.warnings[1:], job.report.warnings
    assert (found.non_manifold_edges, found.flipped_edges, found.double_faces) == (0, 0, 0)
    rims = topology.boundary_loops(mesh.faces, topology.pair_half_edges(mesh.vertices, mesh.faces))
    assert found.parts == 1 and all(_length(mesh.vertices[rim]) > 0.9 * _longest_rim(mesh, SMALL) for rim in rims)


def test_a_promise_that_cannot_be_kept_is_a_warning() -> None:
    job = Job()
    flat = Mesh(np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], np.float32), np.array([(0, 1, 2), (0, 2, 3)], np.int32))
    mesh = clean(flat, SETTINGS, job=job)
    assert len(mesh.faces) and job.report.warnings[-1].startswith("The mesh isn't watertight: ")


def test_without_the_promise_nothing_is_taken_away() -> None:
    mesh = clean(KINDS["a fin on an edge"], MeshSettings(faces=0, smoothing=0, holes="none", enclosed="keep", smallest_part=0.0), job=Job())
    assert len(mesh.faces) == 13 and len(topology.first_of_doubles(mesh.faces)) == 13
