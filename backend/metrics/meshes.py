"""Distances between a mesh and the truth, and topological invariants.

Comparisons sample points evenly by area on both meshes and find the nearest place of each on the other mesh. d(p, B) is the
distance (not squared) from point p to mesh B.

    chamfer            1/2 (mean over A of d(a, B) + mean over B of d(b, A))
    precision(t)       share of A with d(a, B) < t, where A is the reconstruction
    recall(t)          share of B with d(b, A) < t, where B is the truth
    f_score(t)         2 precision recall / (precision + recall)
    normal_consistency 1/2 (mean over A of |n_a . n_nearest| + mean over B of |n_b . n_nearest|)
    euler_number       V - E + F over the vertices, edges and faces that are used
    genus              (2 parts - euler_number) / 2 of a closed surface
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import topology, triangles
from ..values import Array, Mesh

CANDIDATES = 8  # nearest samples of the other mesh, to whose faces distances are exact
SAMPLES = 100_000  # points on each mesh


@dataclass(frozen=True)
class Comparison:
    """A reconstruction against the truth; lengths in percent of the diagonal of the truth's bounding box."""

    chamfer_percent: float
    f_score_half_percent: float  # threshold 0.5 % of the diagonal
    f_score_1percent: float
    normal_consistency: float


def compare(reconstruction: Mesh, truth: Mesh, samples: int = SAMPLES, seed: int = 0) -> Comparison:
    """Distances both ways between two meshes in the same frame; raises ValueError where one has no area."""
    diagonal = float(np.linalg.norm(np.ptp(truth.vertices[truth.faces].reshape(-1, 3), axis=0)))
    points_a, faces_a = sample_surface(reconstruction, samples, seed)
    points_b, faces_b = sample_surface(truth, samples, seed + 1)
    to_truth, met_truth = nearest_on_surface(points_a, truth, points_b, faces_b)
    to_reconstruction, met_reconstruction = nearest_on_surface(points_b, reconstruction, points_a, faces_a)
    normals_a, normals_b = (triangles.normals(mesh.vertices, mesh.faces) for mesh in (reconstruction, truth))
    agreement = [
        np.abs(np.einsum("ni,ni->n", normals_a[faces_a], normals_b[met_truth])).mean(),
        np.abs(np.einsum("ni,ni->n", normals_b[faces_b], normals_a[met_reconstruction])).mean(),
    ]
    return Comparison(
        chamfer_percent=50.0 * float(to_truth.mean() + to_reconstruction.mean()) / diagonal,
        f_score_half_percent=f_score(to_truth, to_reconstruction, 0.005 * diagonal),
        f_score_1percent=f_score(to_truth, to_reconstruction, 0.01 * diagonal),
        normal_consistency=float(np.mean(agreement)),
    )


def f_score(to_truth: Array, to_reconstruction: Array, threshold: float) -> float:
    """Harmonic mean of precision and recall at a distance; 0 where both are."""
    precision, recall = float((to_truth < threshold).mean()), float((to_reconstruction < threshold).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def sample_surface(mesh: Mesh, count: int, seed: int = 0) -> tuple[Array, Array]:
    """Points [count,3] float64 evenly by area, and their faces [count], by systematic sampling of the cumulative areas.

    Raises ValueError for a mesh without area.
    """
    rng = np.random.default_rng(seed)
    ends = np.cumsum(triangles.areas(mesh.vertices, mesh.faces))
    if len(ends) == 0 or not ends[-1] > 0:
        raise ValueError("the mesh has no area to sample")
    faces = np.searchsorted(ends, (np.arange(count) + rng.random()) / count * ends[-1], side="right").clip(0, len(ends) - 1)
    root, along = np.sqrt(rng.random(count)), rng.random(count)
    weights = np.stack([1 - root, root * (1 - along), root * along], axis=1)
    return np.einsum("nk,nki->ni", weights, mesh.vertices[mesh.faces[faces]].astype(np.float64)), faces


def nearest_on_surface(points: Array, mesh: Mesh, samples: Array, sampled_faces: Array) -> tuple[Array, Array]:
    """Distance [N] from each point to the mesh and its nearest face [N], among the faces of the CANDIDATES nearest samples."""
    from scipy.spatial import cKDTree

    candidates = min(CANDIDATES, len(samples))
    _, nearest = cKDTree(samples).query(points, k=candidates, workers=-1)
    nearest = nearest.reshape(len(points), candidates)
    best, face = np.full(len(points), np.inf), np.zeros(len(points), np.int64)
    corners = mesh.vertices.astype(np.float64)[mesh.faces]
    for k in range(candidates):
        tried = sampled_faces[nearest[:, k]]
        distance = distance_to_triangles(points, corners[tried])
        better = distance < best
        best, face = np.where(better, distance, best), np.where(better, tried, face)
    return best, face


def distance_to_triangles(points: Array, corners: Array) -> Array:
    """Distance [N] from each point [N,3] to its triangle [N,3,3]."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    squared = np.einsum("ni,ni->n", normal, normal)
    inside = squared > 0
    for p, q in ((a, b), (b, c), (c, a)):
        inside &= np.einsum("ni,ni->n", np.cross(q - p, points - p), normal) >= 0
    height = np.abs(np.einsum("ni,ni->n", points - a, normal)) / np.sqrt(np.where(squared > 0, squared, 1.0))
    rim = np.minimum(np.minimum(_to_segment(points, a, b), _to_segment(points, b, c)), _to_segment(points, c, a))
    return np.where(inside, height, rim)


def volume(mesh: Mesh) -> float:
    """Signed volume of a closed mesh, positive where its faces look outwards."""
    return triangles.volume(mesh.vertices, mesh.faces)


def parts(mesh: Mesh) -> int:
    """Number of connected parts."""
    return int(topology.parts(mesh.faces, len(mesh.vertices)).max(initial=-1)) + 1


def is_watertight(mesh: Mesh) -> bool:
    """True where every edge has exactly two faces that run along it in opposite directions."""
    directed = _half_edges(mesh)
    forward, counts = np.unique(directed, axis=0, return_counts=True)
    return len(directed) > 0 and bool(np.all(counts == 1)) and bool(np.array_equal(forward, np.unique(directed[:, ::-1], axis=0)))


def euler_number(mesh: Mesh) -> int:
    """V - E + F; 2 for a sphere, 0 for a torus."""
    edges = np.unique(np.sort(_half_edges(mesh), axis=1), axis=0)
    return len(np.unique(mesh.faces)) - len(edges) + len(mesh.faces)


def genus(mesh: Mesh) -> int:
    """Number of handles of a closed mesh, of all its parts together; raises ValueError for a mesh that isn't watertight."""
    if not is_watertight(mesh):
        raise ValueError("only a watertight mesh has a genus")
    return (2 * parts(mesh) - euler_number(mesh)) // 2


def _half_edges(mesh: Mesh) -> Array:
    return mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)


def _to_segment(points: Array, start: Array, end: Array) -> Array:
    along = end - start
    length = np.einsum("ni,ni->n", along, along)
    t = np.einsum("ni,ni->n", points - start, along) / np.where(length > 0, length, 1.0)
    return np.linalg.norm(points - start - along * t.clip(0.0, 1.0)[:, None], axis=1)
