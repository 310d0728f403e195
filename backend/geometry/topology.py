"""Connectivity of triangles: edges, winding, components, boundaries, and their repair.

A half-edge is the index of its start corner in `faces.ravel()`; it leads to the next corner of the face. All is arrays: 200 k faces
take a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..values import Array


@dataclass(frozen=True, eq=False)
class Pairs:
    """P pairs of half-edges that are joined across an edge; those in no pair are boundary."""

    first: Array  # [P] int64
    second: Array  # [P] int64
    opposed: Array  # [P] bool: they run in opposite directions, so that winding is consistent


def next_corner(half_edges: Array) -> Array:
    """The following corner of the same face."""
    return np.where(half_edges % 3 == 2, half_edges - 2, half_edges + 1)


def edge_numbers(faces: Array) -> tuple[Array, Array]:
    """The undirected edge of every half-edge [3F], from 0, and the number of half-edges of each [E]."""
    start = faces.ravel().astype(np.int64)
    end = start[next_corner(np.arange(len(start)))]
    keys = np.minimum(start, end) * (int(start.max(initial=0)) + 1) + np.maximum(start, end)
    _, edge, count = np.unique(keys, return_inverse=True, return_counts=True)
    return edge.reshape(-1), count


def pair_half_edges(vertices: Array, faces: Array) -> Pairs:
    """Pair half-edges; of more than two at an edge, those that bound a solid wedge between them."""
    edge, count = edge_numbers(faces)
    start = faces.ravel()
    forward = start < start[next_corner(np.arange(len(start)))]
    order = np.argsort(edge, kind="stable")
    simple = order[count[edge[order]] == 2]
    first, second = simple[0::2], simple[1::2]
    crowded = np.flatnonzero(count[edge] > 2)
    if len(crowded):
        extra = _pair_around_edges(vertices, faces, crowded, edge[crowded], forward[crowded])
        first, second = np.concatenate([first, extra[0]]), np.concatenate([second, extra[1]])
    return Pairs(first, second, forward[first] != forward[second])


def boundary_half_edges(faces: Array, pairs: Pairs) -> Array:
    """Half-edges in no pair."""
    free = np.ones(3 * len(faces), bool)
    free[pairs.first] = False
    free[pairs.second] = False
    return np.flatnonzero(free)


def wind_consistently(faces: Array, pairs: Pairs) -> tuple[Array, int]:
    """Faces [F,3] with consistent winding, as few of each component flipped as possible, and how many were.

    Non-orientable components, such as a Moebius strip, stay as they are.
    """
    if np.all(pairs.opposed):
        return faces, 0
    count = len(faces)
    f, g = pairs.first // 3, pairs.second // 3
    swap = np.where(pairs.opposed, 0, count)
    # The orientation double cover: each face is in the graph as it is and flipped, joined with neighbors that it agrees with.
    label = connected(2 * count, np.concatenate([f, f + count]), np.concatenate([g + swap, g + count - swap]))
    kept, turned = label[:count], label[count:]
    as_they_are = np.bincount(kept, minlength=label.max() + 1)
    turn = (as_they_are[turned] > as_they_are[kept]) | ((as_they_are[turned] == as_they_are[kept]) & (turned < kept))
    turn &= turned != kept
    return np.where(turn[:, None], faces[:, ::-1], faces), int(turn.sum())


def separate_fans(vertices: Array, faces: Array) -> tuple[Array, Array]:
    """Manifold faces [F,3], one fan at each vertex, and the old index [V'] of every new vertex.

    Non-manifold edges and vertices are split: components that only touch there no longer share them.
    """
    pairs = pair_half_edges(vertices, faces)
    first, second = pairs.first[pairs.opposed], pairs.second[pairs.opposed]
    label = connected(
        3 * len(faces), np.concatenate([first, next_corner(first)]), np.concatenate([next_corner(second), second])
    )  # fmt: skip
    _, representative, label = np.unique(label, return_index=True, return_inverse=True)
    return label.reshape(-1, 3).astype(np.int32), faces.ravel()[representative]


def parts(faces: Array, vertex_count: int) -> Array:
    """The connected component of each face, [F] from 0."""
    label = connected(vertex_count, np.concatenate([faces[:, 0], faces[:, 1]]), np.concatenate([faces[:, 1], faces[:, 2]]))
    return np.unique(label[faces[:, 0]], return_inverse=True)[1].reshape(-1)


def boundary_loops(faces: Array, pairs: Pairs) -> list[Array]:
    """Vertices of every boundary loop, in the direction of the faces beside it; the mesh must be manifold."""
    free = boundary_half_edges(faces, pairs)
    start = faces.ravel()
    following = np.full(int(start.max(initial=0)) + 1, -1, np.int64)
    following[start[free]] = start[next_corner(free)]
    rim = np.flatnonzero(following >= 0)
    label = connected(len(following), rim, following[rim])[rim]
    loops = []
    for vertex in rim[np.unique(label, return_index=True)[1]]:
        loop = [vertex]
        while (vertex := following[vertex]) != loop[0] and vertex >= 0 and len(loop) < len(rim):  # rims that touch may never come back
            loop.append(vertex)
        if len(loop) > 2 and vertex == loop[0]:
            loops.append(np.array(loop))
    return loops


def compact(vertices: Array, faces: Array) -> tuple[Array, Array]:
    """The indices of the vertices that faces use, and the faces over these."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    kept = np.flatnonzero(used)
    renumbered = np.zeros(len(vertices), np.int32)
    renumbered[kept] = np.arange(len(kept), dtype=np.int32)
    return kept, renumbered[faces]


def weld(vertices: Array, faces: Array) -> tuple[Array, Array]:
    """The first of coincident vertices [V'], in their order, and the faces over these; positions must be finite."""
    first, number = first_of_equal(vertices.astype(np.float32) + np.float32(0))  # which makes -0.0 the same as 0.0
    return first, number[faces].astype(np.int32)


def first_of_equal(rows: Array) -> tuple[Array, Array]:
    """The first index of each distinct row of [N,D], in that order, and the position of every row among these."""
    order = np.lexsort(rows.T[::-1])
    new = np.ones(len(rows), bool)
    new[1:] = (rows[order[1:]] != rows[order[:-1]]).any(axis=1)
    first = order[new]
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    number = np.empty(len(rows), np.int64)
    number[order] = rank[np.cumsum(new) - 1]
    return np.sort(first), number


def distinct_corners(faces: Array) -> Array:
    """Faces [F] bool whose three vertices differ."""
    return (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])


def first_of_doubles(faces: Array) -> Array:
    """Indices of faces without those that have the same three vertices as an earlier one."""
    return first_of_equal(np.sort(faces, axis=1))[0]


def adjacency(start: Array, end: Array, count: int):
    """Sparse symmetric [count,count] with 1 where nodes are joined by an edge from `start` [E] to `end` [E]."""
    from scipy.sparse import coo_matrix

    ends = np.concatenate([start, end]), np.concatenate([end, start])
    graph = coo_matrix((np.ones(2 * len(start)), ends), shape=(count, count)).tocsr()
    graph.data[:] = 1.0
    return graph


def connected(nodes: int, a: Array, b: Array) -> Array:
    """The connected component of each node, [nodes] from 0, in a graph with edges from `a` [E] to `b` [E]."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(nodes, nodes))
    return connected_components(graph, directed=False)[1]


def _pair_around_edges(vertices: Array, faces: Array, half_edges: Array, edge: Array, forward: Array) -> tuple[Array, Array]:
    angle = _angles(vertices, faces, half_edges, forward)
    order = np.lexsort((angle, edge))
    half_edges, edge, forward = half_edges[order], edge[order], forward[order]
    found: list[tuple[Array, Array]] = []
    while True:
        # Around the edge, a backward half-edge is followed by solid, then by a forward one.
        opens = np.flatnonzero(np.concatenate([[True], edge[1:] != edge[:-1]]))
        following = np.arange(1, len(edge) + 1)
        following[np.append(opens[1:], len(edge)) - 1] = opens
        joins = np.flatnonzero(~forward & forward[following])
        if len(joins) == 0:
            break
        found.append((half_edges[joins], half_edges[following[joins]]))
        left = np.ones(len(edge), bool)
        left[joins] = left[following[joins]] = False
        half_edges, edge, forward = half_edges[left], edge[left], forward[left]
        if len(edge) == 0:
            break
    empty = np.zeros(0, np.int64)
    return np.concatenate([empty, *(a for a, _ in found)]), np.concatenate([empty, *(b for _, b in found)])


def _angles(vertices: Array, faces: Array, half_edges: Array, forward: Array) -> Array:
    corners = faces.ravel()
    start, end = corners[half_edges], corners[next_corner(half_edges)]
    apex = vertices[corners[next_corner(next_corner(half_edges))]].astype(np.float64)
    low, high = vertices[np.where(forward, start, end)].astype(np.float64), vertices[np.where(forward, end, start)].astype(np.float64)
    axis = high - low
    axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-300)
    # Any perpendicular will do, as long as all faces of an edge use the same.
    least = np.argmin(np.abs(axis), axis=1)
    u = np.cross(axis, np.eye(3)[least])
    u /= np.maximum(np.linalg.norm(u, axis=1, keepdims=True), 1e-300)
    towards = apex - low
    return np.arctan2(np.einsum("ni,ni->n", np.cross(axis, u), towards), np.einsum("ni,ni->n", u, towards))
