"""Open surfaces cut along smooth outlines: unseen patches and ragged rims go."""

from __future__ import annotations

import numpy as np

from ..geometry import heat, topology, triangles
from ..geometry.vectors import scatter_add
from ..values import Array, Mesh
from .region import Ball

SMOOTH_VOXELS = 14.0  # diffusion length, in voxels: smaller bays and tongues of unseen patches vanish
SMOOTH = 0.03  # scale by the ball's radius: standard deviation of the Gaussian that rims are smoothed by; 0.07 lost walls between two rims
CELLS = 2.5  # cells of the smoothing grid per standard deviation
MOST_RIM = 0.3  # threshold on smoothed boundary length x scale / smoothed area; a straight boundary has it at one scale's distance
LARGE_RIM = 0.25  # boundary length, by the ball's circumference, above which a loop is part of the outline, not a hole
OUTLINE = 0.97  # radius of what is kept by the ball's: the rest gives ragged rims room to be cut
BACKGROUND = 0.2  # area by the largest component's: smaller components that the outline cuts off are background
END = 0.02  # least distance of a cut from a vertex, by the edge's length; at vertices triangles would degenerate


def trim(mesh: Mesh, seen: Array, ball: Ball, voxel: float) -> Mesh:
    """The mesh inside the ball, without large unseen patches, ragged rims and background; filled holes stay.

    `seen` [V] bool says which vertices cameras see, `voxel` is the mesh's resolution in world units. Unseen patches are cut along a
    level line of heat that diffuses from them into the surface. Rims are cut along a level set in space, not on the surface, which
    is crumpled there: of boundary length by surface area, both smoothed.
    """
    inside = ball.radius - np.linalg.norm(mesh.vertices - np.asarray(ball.center), axis=1)
    mesh, old = cut(mesh, inside)
    seen, at_ball = seen[old], inside[old] < 2 * voxel
    if not seen.all():
        mesh, old = cut(mesh, heat.diffuse(mesh.vertices, mesh.faces, ~seen, SMOOTH_VOXELS * voxel) - 0.5)
        at_ball = at_ball[old]
    mesh = _without_background(mesh, at_ball)
    value = MOST_RIM - _rim_around(mesh, LARGE_RIM * 2 * np.pi * ball.radius, SMOOTH * ball.radius)
    at_cut = np.zeros(len(mesh.vertices), bool)
    at_cut[mesh.faces[(value < 0)[mesh.faces].any(axis=1)]] = True
    mesh, old = cut(mesh, value)
    return _without_background(mesh, at_cut[old])


def cut(mesh: Mesh, value: Array) -> tuple[Mesh, Array]:
    """The part of the mesh where `value` [V], linear over faces, isn't negative, and the old index [V'] of every new vertex.

    The old index of a vertex on the cut is that of an end of the edge that it lies on.
    """
    if (value >= 0).all():
        return mesh, np.arange(len(mesh.vertices))
    inside = value >= 0
    count = inside[mesh.faces].sum(axis=1)
    whole = mesh.faces[count == 3]
    # Corners in the order in which the one that differs from the other two comes first.
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


def _rims(mesh: Mesh, longest: float) -> tuple[Array, Array]:
    """Edges [E,2] of boundary loops as wide as a circle longer than `longest` world units, and the edges' lengths [E].

    The width is the root mean square distance from the loop's center, to which raggedness adds nothing.
    """
    edge, once = _edges(mesh)
    rim = edge[once]
    length = np.linalg.norm(mesh.vertices[rim[:, 0]] - mesh.vertices[rim[:, 1]], axis=1).astype(np.float64)
    label, middle = topology.connected(len(mesh.vertices), *rim.T)[rim[:, 0]], mesh.vertices[rim].mean(axis=1).astype(np.float64)
    total = np.maximum(np.bincount(label, length), 1e-30)
    center = scatter_add(length[:, None] * middle, label, len(total)) / total[:, None]
    spread = np.bincount(label, length * ((middle - center[label]) ** 2).sum(axis=1)) / total
    large = (2 * np.pi * np.sqrt(spread) > longest)[label]
    return rim[large], length[large]


def _rim_around(mesh: Mesh, longest: float, scale: float) -> Array:
    """Boundary length x scale / surface area around each vertex [V], for loops longer than `longest`.

    Length and area are smoothed by a Gaussian of the scale, in world units. The area is the norm of the smoothed area vector, to which
    crumples and folds add nothing.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    rim, length = _rims(mesh, longest)
    if len(rim) == 0:
        return np.zeros(len(mesh.vertices))
    cell, corners = scale / CELLS, triangles.corners_of(mesh.vertices, mesh.faces)
    origin = mesh.vertices.min(axis=0) - cell
    shape = tuple(np.ceil((mesh.vertices.max(axis=0) - origin) / cell).astype(int) + 2)

    def around(places: Array, amounts: Array) -> Array:
        index = np.ravel_multi_index(tuple(np.rint((places - origin) / cell).astype(int).T), shape)
        blurred = gaussian_filter(np.bincount(index, amounts, int(np.prod(shape))).reshape(shape), CELLS, mode="constant")
        return map_coordinates(blurred, ((mesh.vertices - origin) / cell).T, order=3, mode="nearest", prefilter=False)

    area = 0.5 * triangles.cross(corners)
    shadow = np.linalg.norm([around(corners.mean(axis=1), area[:, k]) for k in range(3)], axis=0)
    return scale * around(mesh.vertices[rim].mean(axis=1), length) / np.maximum(shadow, 1e-30)


def _without_background(mesh: Mesh, cut_off: Array) -> Mesh:
    """Without small components that have a vertex in `cut_off` [V] bool: they go on beyond the outline."""
    (a, b), count = _edges(mesh)[0].T, len(mesh.vertices)
    part = topology.connected(count, a, b)
    area = np.bincount(part[mesh.faces[:, 0]], triangles.areas(mesh.vertices, mesh.faces), count)
    away = (np.bincount(part, cut_off, count) > 0) & (area < BACKGROUND * area.max(initial=0.0))
    return cut(mesh, np.where(away[part], -1.0, 1.0))[0]


def _edges(mesh: Mesh) -> tuple[Array, Array]:
    """The edges [E,2] of all faces, and which have one face only [E]."""
    total = len(mesh.vertices)
    ends = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]).astype(np.int64), axis=1)
    keys, count = np.unique(ends[:, 0] * total + ends[:, 1], return_counts=True)
    return np.stack([keys // total, keys % total], axis=1), count == 1
