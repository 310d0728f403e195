"""Clean outlines: what few cameras saw and what is torn is cut off along smooth lines."""

from __future__ import annotations

import numpy as np

from ..values import Array, Mesh
from .region import Ball

SMOOTH_VOXELS = 14.0  # scale of the bays and tongues of an outline that are smoothed away
LARGE_RIM = 0.25  # of the ball's circumference: a longer rim is part of the outline, not a hole
BACKGROUND = 0.2  # of the largest part's area: smaller parts that reach out of the ball don't belong to the subject
END = 0.02  # of an edge: cuts stay so far from vertices, where triangles would vanish


def trim(mesh: Mesh, seen: Array, ball: Ball, voxel: float) -> Mesh:
    """The mesh inside the ball, without large unseen patches, torn rims and background; filled holes stay.

    `seen` [V] says which vertices cameras see, `voxel` is the mesh's resolution in world units. The outline is a level line of the
    heat that flows from cut and torn places into the surface.
    """
    inside = ball.radius - np.linalg.norm(mesh.vertices - np.asarray(ball.center), axis=1)
    mesh, old = cut(mesh, inside)
    seen, at_ball = seen[old], inside[old] < 2 * voxel
    torn = _torn(mesh, LARGE_RIM * 2 * np.pi * ball.radius) & ~at_ball
    if torn.any() or not seen.all():
        mesh, old = cut(mesh, _warmth(mesh, torn, ~seen, SMOOTH_VOXELS * voxel) - 0.5)
        at_ball = at_ball[old]
    return _without_background(mesh, at_ball)


def cut(mesh: Mesh, value: Array) -> tuple[Mesh, Array]:
    """The part of the mesh where a value [V] that is linear over faces isn't negative, and an old number [V'] for every new vertex.

    The old number of a vertex on the cut is that of an end of the edge that it lies on.
    """
    if (value >= 0).all():
        return mesh, np.arange(len(mesh.vertices))
    inside = value >= 0
    count = inside[mesh.faces].sum(axis=1)
    whole = mesh.faces[count == 3]
    # Turned so that the corner that differs from the other two comes first.
    crossed, odd = mesh.faces[(count == 1) | (count == 2)], count[(count == 1) | (count == 2)] == 1
    first = np.argmax(inside[crossed] == odd[:, None], axis=1)
    a, b, c = (crossed[np.arange(len(crossed)), (first + k) % 3].astype(np.int64) for k in range(3))
    total = len(mesh.vertices)
    ends = np.sort(np.concatenate([np.stack([a, b], axis=1), np.stack([a, c], axis=1)]), axis=1)
    edges, number = np.unique(ends[:, 0] * total + ends[:, 1], return_inverse=True)
    start, end = edges // total, edges % total
    share = (value[start] / (value[start] - value[end])).clip(END, 1 - END)[:, None].astype(np.float32)
    ab, ac = total + number.reshape(2, -1)
    made = np.concatenate(
        [
            np.stack([a, ab, ac], axis=1)[odd],
            np.stack([ab, b, c], axis=1)[~odd],
            np.stack([ab, c, ac], axis=1)[~odd],
        ]
    )
    vertices = np.concatenate([mesh.vertices, (1 - share) * mesh.vertices[start] + share * mesh.vertices[end]])
    colors = mesh.vertex_srgb
    if colors is not None:
        colors = np.concatenate([colors, (1 - share) * colors[start] + share * colors[end]])
    kept, faces = np.unique(np.concatenate([whole, made]), return_inverse=True)
    old = np.concatenate([np.arange(total), np.where(inside[start], start, end)])
    return Mesh(vertices[kept], faces.reshape(-1, 3).astype(np.int32), vertex_srgb=None if colors is None else colors[kept]), old[kept]


def _torn(mesh: Mesh, longest: float) -> Array:
    """Vertices [V] on rims longer than `longest` world units."""
    edge, once = _edges(mesh)
    a, b = edge[once].T
    label = _connected(len(mesh.vertices), a, b)
    length = np.bincount(label[a], np.linalg.norm(mesh.vertices[a] - mesh.vertices[b], axis=1), len(mesh.vertices))
    return length[label] > longest


def _warmth(mesh: Mesh, frozen: Array, cold: Array, reach: float) -> Array:
    """Values [V] of 1 away from `frozen` vertices, which are 0, and from `cold` ones, which are drawn to 0, over about `reach`.

    The solution of an implicit step of the heat equation, with uniform weights.
    """
    from scipy.sparse import coo_matrix, diags
    from scipy.sparse.linalg import cg

    (a, b), count = _edges(mesh)[0].T, len(mesh.vertices)
    length = np.linalg.norm(mesh.vertices[a] - mesh.vertices[b], axis=1)
    graph = coo_matrix((np.ones(2 * len(a)), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(count, count)).tocsr()
    degree = np.asarray(graph.sum(axis=1)).ravel()
    # One minus the mean over neighbors is a quarter of the squared edge length times the Laplacian.
    time = 4.0 * reach**2 / float(np.mean(length**2))
    free = np.flatnonzero(~frozen)
    matrix = diags((1.0 + time) * degree[free]) - time * graph[free][:, free]
    out = np.zeros(count)
    out[free], _ = cg(
        matrix,
        degree[free] * ~cold[free],
        x0=(~cold[free]).astype(float),
        rtol=1e-3,
        maxiter=300,
        M=diags(1.0 / ((1.0 + time) * degree[free])),
    )
    return out


def _without_background(mesh: Mesh, at_ball: Array) -> Mesh:
    (a, b), count = _edges(mesh)[0].T, len(mesh.vertices)
    part = _connected(count, a, b)
    corners = mesh.vertices[mesh.faces]
    doubled = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    area = np.bincount(part[mesh.faces[:, 0]], doubled, count)
    away = (np.bincount(part, at_ball, count) > 0) & (area < BACKGROUND * area.max(initial=0.0))
    return cut(mesh, np.where(away[part], -1.0, 1.0))[0]


def _edges(mesh: Mesh) -> tuple[Array, Array]:
    """The edges [E,2] of all faces, and which have one face only [E]."""
    total = len(mesh.vertices)
    ends = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]).astype(np.int64), axis=1)
    keys, count = np.unique(ends[:, 0] * total + ends[:, 1], return_counts=True)
    return np.stack([keys // total, keys % total], axis=1), count == 1


def _connected(nodes: int, a: Array, b: Array) -> Array:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    return connected_components(coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(nodes, nodes)), directed=False)[1]
