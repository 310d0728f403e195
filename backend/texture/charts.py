"""Charts: connected faces of similar normals, which flatten with little distortion; 200 k faces take a second or two."""

from __future__ import annotations

import numpy as np

from .. import device
from ..geometry import topology, triangles
from ..geometry.smoothing import taubin, vertex_means
from ..geometry.vectors import scatter_add, unit
from ..values import Array, Mesh
from .flatten import flatten

STEEPEST = 0.34  # cosine between a face's normal and its chart's (70 degrees) below which the face gets another chart
FLAT = 0.64  # the same (50 degrees) while charts grow for the first time
TINY = 12  # faces below which a chart is merged into a neighbor
MODELED = 5000  # faces up to which a mesh counts as modeled or simplified: its edges aren't noise, and two faces can be a wall
SMOOTHING = 3  # Taubin passes; with fewer noise makes seams and holes in charts, with more faces are stretched


def flat_charts(mesh: Mesh, size_px: int) -> tuple[Array, Array]:
    """The faces flattened, [F,3,2] in world units, and the chart [F] of each; no chart overlaps itself.

    Overlaps below half a texel of a texture of `size_px` don't count.
    """
    device.prepare_numba()
    vertices = _denoised(mesh)
    crossed = triangles.cross(triangles.corners_of(vertices, mesh.faces))
    normals, areas = unit(crossed), 0.5 * np.linalg.norm(crossed, axis=1)
    pairs = topology.pair_half_edges(mesh.vertices, mesh.faces)
    neighbors = np.full(3 * len(mesh.faces), -1, np.int64)
    neighbors[pairs.first], neighbors[pairs.second] = pairs.second // 3, pairs.first // 3
    neighbors = neighbors.reshape(-1, 3)
    chart = _charts(triangles.centers(vertices, mesh.faces), normals, areas, neighbors)
    texel = float(np.sqrt(areas.sum() / 0.6)) / size_px
    return flatten(triangles.corners_of(vertices, mesh.faces), mesh.faces, neighbors, chart, texel)


def _denoised(mesh: Mesh) -> Array:
    """Smoothed vertices [V,3].

    Only the normal component of the smoothing is taken, since tangential motion stretches faces; both where faces stay folded.
    """
    if len(mesh.faces) <= MODELED:
        return mesh.vertices
    vertices, faces = mesh.vertices, mesh.faces
    smoothed = taubin(vertices.astype(np.float64), vertex_means(vertices, faces), SMOOTHING).astype(np.float32)
    normals = triangles.vertex_normals(smoothed, faces)
    moved = vertices + normals * np.einsum("vi,vi->v", normals, smoothed - vertices)[:, None]
    facing = triangles.normals(moved, faces)
    folded = np.unique(faces[np.einsum("fi,fi->f", facing, normals[faces].sum(axis=1)) < 3 * STEEPEST])
    moved[folded] = smoothed[folded]
    return moved


def _charts(centers: Array, normals: Array, areas: Array, neighbors: Array) -> Array:
    from . import chart_kernels as kernels

    count = len(centers)
    reach = max(float(np.sqrt(areas.sum())), 1e-300)
    flatness = _flatness(normals, neighbors)
    chart = np.full(count, -1, np.int64)
    kernels.cover(normals, areas, neighbors, np.argsort(-flatness, kind="stable"), FLAT, chart)
    for _ in range(3):
        # Small charts go; the others grow again from the face at their centroid, all at once (Lloyd's iteration).
        size = np.bincount(chart, areas)
        kept = np.flatnonzero(size >= 0.0005 * areas.sum())
        means = _chart_normals(chart, normals, areas)[kept] if len(kept) else np.zeros((0, 3))
        seeds = _middles(chart, kept, normals, centers, areas)
        chart = np.full(count, -1, np.int64)
        kernels.grow(normals, areas, centers, neighbors, seeds, means, STEEPEST, reach, chart)
        kernels.cover(normals, areas, neighbors, np.argsort(-flatness, kind="stable"), FLAT, chart)
    kernels.straighten(normals, neighbors, _chart_normals(chart, normals, areas), STEEPEST, chart, 4)
    return _without_tiny(chart, neighbors, TINY if count > MODELED else 2)


def _without_tiny(chart: Array, neighbors: Array, least: int, rounds: int = 4) -> Array:
    """Charts with those of fewer than `least` faces merged into the neighbor with which they share most edges."""
    for _ in range(rounds):
        count = np.bincount(chart)
        face, side = np.nonzero((neighbors >= 0) & (count[chart] < least)[:, None])
        own, other = chart[face], chart[neighbors[face, side]]
        pair, shared = np.unique((own * len(count) + other)[own != other], return_counts=True)
        if len(pair) == 0:
            break
        own, other = pair // len(count), pair % len(count)
        order = np.lexsort((count[other], shared))
        target = np.arange(len(count))
        target[own[order]] = other[order]
        # Of two tiny charts that would swap places, one stays.
        swapped = (target[target] == np.arange(len(count))) & (np.arange(len(count)) < target)
        target[swapped] = np.flatnonzero(swapped)
        chart = np.unique(target[chart], return_inverse=True)[1].reshape(-1)
    return chart


def _flatness(normals: Array, neighbors: Array) -> Array:
    return np.where(neighbors >= 0, np.einsum("fi,fki->fk", normals, normals[neighbors]), -1.0).sum(axis=1)


def _chart_normals(chart: Array, normals: Array, areas: Array) -> Array:
    return unit(scatter_add(normals * areas[:, None], chart, int(chart.max()) + 1))


def _middles(chart: Array, kept: Array, normals: Array, centers: Array, areas: Array) -> Array:
    """The face of each kept chart that is nearest to the chart's centroid."""
    size = np.bincount(chart, areas)
    mass = scatter_add(centers * areas[:, None], chart, len(size)) / np.maximum(size, 1e-300)[:, None]
    distance = np.linalg.norm(centers - mass[chart], axis=1)
    order = np.lexsort((distance, chart))
    first = np.searchsorted(chart[order], kept)
    return order[first]
