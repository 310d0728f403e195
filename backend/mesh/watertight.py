"""What "watertight" promises of a mesh as it is handed out, where vertices at one place count as one: two faces an edge, and a volume.

A repaired mesh keeps it with every vertex apart; but parts that touch share places, and programs that weld these see edges of more faces.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..geometry import topology, triangles
from ..values import Array, Mesh

FLAT = 1e-6  # volume of a part over its area to the power 3/2, below which it encloses nothing; a cube has 0.07
APART = 1e-5  # of the diagonal, by which vertices of touching parts are drawn in


def enclosing_faces(mesh: Mesh) -> Array:
    """Faces [F] bool without those that bound nothing: opposite ones in one place, and closed parts without a volume, such as fins.

    All stay where there would be none left.
    """
    keep = _without_opposites(_welded(mesh)[1])
    solid = ~_is_flat(mesh)
    keep &= solid[topology.parts(mesh.faces, len(mesh.vertices))]
    return keep if keep.any() else np.ones(len(mesh.faces), bool)


def kept_apart(mesh: Mesh) -> Mesh:
    """The mesh with the vertices that touch others drawn in by a hair along their normals, so that welding can't join what only touches.

    Where two sheets have both ends of an edge in common, each sheet's edge gets a vertex in its middle first.
    """
    mesh = _split_common_edges(mesh)
    vertices, faces = _welded(mesh)
    crowded = np.zeros(len(vertices), bool)
    edge, uses = topology.edge_numbers(faces)
    start = faces.ravel()
    on_crowded = ((uses > 2) | _disagreeing(faces, edge, uses))[edge]
    crowded[start[on_crowded]] = crowded[start[topology.next_corner(np.flatnonzero(on_crowded))]] = True
    if not crowded.any():
        return mesh
    touching = np.zeros(len(mesh.vertices), bool)
    touching[mesh.faces.ravel()[crowded[start]]] = True
    normals = triangles.vertex_normals(mesh.vertices, mesh.faces)
    reach = APART * float(np.linalg.norm(np.ptp(mesh.vertices.astype(np.float64), axis=0)))
    moved = mesh.vertices - (reach * touching)[:, None] * normals
    return replace(mesh, vertices=moved.astype(np.float32))


def _split_common_edges(mesh: Mesh) -> Mesh:
    """The mesh with a vertex of its own in the middle of each pair of half-edges that shares its two vertices with another pair."""
    while True:
        edge, uses = topology.edge_numbers(mesh.faces)
        pairs = topology.pair_half_edges(mesh.vertices, mesh.faces)
        crowded = np.flatnonzero(uses[edge[pairs.first]] > 2)
        first, second = pairs.first[crowded], pairs.second[crowded]
        # One edge a face in each round: the others are found again in the next.
        order = np.arange(len(crowded))
        earliest = np.full(len(mesh.faces), len(crowded))
        np.minimum.at(earliest, first // 3, order)
        np.minimum.at(earliest, second // 3, order)
        alone = (earliest[first // 3] == order) & (earliest[second // 3] == order)
        if not alone.any():
            return mesh
        mesh = _split(mesh, first[alone], second[alone])


def _split(mesh: Mesh, first: Array, second: Array) -> Mesh:
    """The mesh with a new vertex in the middle of each of N edges, given by its two half-edges [N]; no face may have two of them."""
    ends = mesh.faces.ravel()[np.stack([first, topology.next_corner(first)])]
    middle = np.tile(len(mesh.vertices) + np.arange(len(first)), 2)
    at = np.concatenate([first, second])
    face, corner = at // 3, at % 3
    row, following = np.arange(len(at)), (corner + 1) % 3
    faces, halves = mesh.faces.copy(), mesh.faces[face]
    faces[face, following], halves[row, corner] = middle, middle
    uvs = mesh.uvs
    if uvs is not None:
        half_uvs = uvs[face]
        between = 0.5 * (half_uvs[row, corner] + half_uvs[row, following])
        uvs = uvs.copy()
        uvs[face, following], half_uvs[row, corner] = between, between
        uvs = np.concatenate([uvs, half_uvs])
    colors = mesh.vertex_srgb
    return Mesh(
        np.concatenate([mesh.vertices, mesh.vertices[ends].mean(axis=0)]),
        np.concatenate([faces, halves]).astype(np.int32),
        uvs,
        None if colors is None else np.concatenate([colors, colors[ends].mean(axis=0)]).astype(colors.dtype),
        mesh.textures,
    )


def uncrowded_faces(mesh: Mesh) -> Array:
    """Faces [F] bool without the third and further ones at an edge: those that have most edges without exactly two faces, as fins do."""
    faces = _welded(mesh)[1]
    edge, uses = topology.edge_numbers(faces)
    loose = (uses[edge] != 2).reshape(-1, 3).sum(axis=1)
    half_edges = np.flatnonzero(uses[edge] > 2)
    face = half_edges // 3
    order = np.lexsort((-triangles.areas(mesh.vertices, mesh.faces)[face], loose[face], edge[half_edges]))
    numbers = edge[half_edges][order]
    rank = np.arange(len(order)) - np.searchsorted(numbers, numbers)
    keep = np.ones(len(faces), bool)
    keep[face[order[rank >= 2]]] = False
    return keep


def _is_flat(mesh: Mesh) -> Array:
    """Connected parts [P] bool that enclose no volume."""
    part = topology.parts(mesh.faces, len(mesh.vertices))
    corners = triangles.corners_of(mesh.vertices, mesh.faces)
    volume = np.bincount(part, triangles.signed_volumes(corners - corners.mean(axis=(0, 1))))
    return np.abs(volume) <= FLAT * np.bincount(part, triangles.areas(mesh.vertices, mesh.faces)) ** 1.5


def fault_of(mesh: Mesh, open_is_well: bool = False) -> str:
    """What keeps a mesh from being watertight, in words, or from being manifold where `open_is_well`; empty where nothing does."""
    _, faces = _welded(mesh)
    doubles = len(faces) - len(topology.first_of_doubles(faces))
    faces = faces[topology.first_of_doubles(faces)]
    edge, uses = topology.edge_numbers(faces)
    counts = {
        "{} edges have only one face": int((uses == 1).sum()),
        "{} edges have more than two faces": int((uses > 2).sum()),
        "{} edges have faces that disagree about which side is out": int(_disagreeing(faces, edge, uses).sum()),
        "{} faces lie on others": doubles,
    }
    faults = [what.format(count) for what, count in counts.items() if count][int(open_is_well and (uses == 1).any()) :]
    return " and ".join(faults if faults or open_is_well or not _is_flat(mesh).all() else ["it encloses nothing"])


def _disagreeing(faces: Array, edge: Array, uses: Array) -> Array:
    """Edges [E] bool of two faces that disagree about which side is out: both run along it in the same direction."""
    start = faces.ravel()
    forward = start < start[topology.next_corner(np.arange(len(start)))]
    return (uses == 2) & (np.bincount(edge, np.where(forward, 1, -1)) != 0)


def _welded(mesh: Mesh) -> tuple[Array, Array]:
    first, faces = topology.weld(mesh.vertices, mesh.faces)
    return mesh.vertices[first], faces


def _without_opposites(faces: Array) -> Array:
    """Faces [F] bool without pairs of the same three vertices wound in opposite ways, and without all but one of those wound alike."""
    order = np.argsort(faces, axis=1)
    even = np.isin(order @ np.array([9, 3, 1]), (0 * 9 + 1 * 3 + 2, 1 * 9 + 2 * 3 + 0, 2 * 9 + 0 * 3 + 1))
    _, group = np.unique(np.sort(faces, axis=1), axis=0, return_inverse=True)
    group = group.reshape(-1)
    surplus = np.bincount(group, np.where(even, 1, -1)).astype(int)
    keep = np.zeros(len(faces), bool)
    for parity, wanted in ((even, surplus > 0), (~even, surplus < 0)):
        candidates = np.flatnonzero(parity & wanted[group])
        keep[candidates[np.unique(group[candidates], return_index=True)[1]]] = True
    return keep
