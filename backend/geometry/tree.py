"""A bounding volume hierarchy (BVH) of triangles: nearest points, ambient visibility, intersections, winding numbers.

Coordinates are scaled to a unit box, so that kernels neither overflow nor need tolerances from the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .. import device
from ..values import Array
from . import morton, triangles
from .vectors import unit

LEAF = 4  # triangles of a leaf; tree_kernels.py has it too
LEAST = 1e-6  # of the box, that a ray goes before faces block it: neighbors touch where it begins
PARTS = 32  # ranges that queries are split into; more even out their costs over threads


@dataclass(frozen=True, eq=False)
class Tree:
    """A complete binary tree: node n has the children 2n + 1 and 2n + 2, the last (len(low) + 1) / 2 nodes are leaves."""

    order: Array  # [F] the face at each position of the tree's order
    corners: Array  # [F,3,3] float64, in the tree's order, in a unit box
    normals: Array  # [F,3] float64, unit, zero for a face without area
    place: Array  # [F] the position of each face in that order
    low: Array  # [nodes,3]; inf for an empty node
    high: Array  # [nodes,3]
    origin: Array  # [3] in world units
    scale: float  # world units per unit of the tree

    @cached_property
    def dipoles(self) -> tuple[Array, Array, Array]:
        """Far-field approximation of each node for winding numbers, see `_dipoles`."""
        return _dipoles(self)

    def local(self, points: Array) -> Array:
        """World positions [N,3] in the tree's units."""
        return np.ascontiguousarray((points - self.origin) / self.scale, dtype=np.float64)

    def world(self, faces: Array) -> Array:
        """Corners [N,3,3] of faces in world units."""
        return self.corners[self.place[faces]] * self.scale + self.origin


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest place on the faces for each of N points."""

    face: Array  # [N] int64, -1 where nothing was allowed
    weights: Array  # [N,3] float64: barycentric coordinates of the nearest point
    distance: Array  # [N] float64, world units


def tree_of(vertices: Array, faces: Array) -> Tree:
    """The tree of one face or more, built along a Morton curve; positions must be finite."""
    device.prepare_numba()
    corners = vertices[faces].astype(np.float64)
    origin = corners.reshape(-1, 3).min(axis=0)
    scale = float(np.ptp(corners.reshape(-1, 3), axis=0).max()) or 1.0
    corners = (corners - origin) / scale
    order = np.argsort(morton.codes(corners.mean(axis=1)), kind="stable")
    corners = np.ascontiguousarray(corners[order])
    low, high = _boxes(corners)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Tree(order, corners, unit(triangles.cross(corners)), place, low, high, origin, scale)


def nearest(
    tree: Tree,
    points: Array,
    *,
    facing: Array | None = None,
    group: Array | None = None,
    wanted: Array | None = None,
    reach: Array | None = None,
) -> Nearest:
    """The nearest point of the faces to each of `points` [N,3].

    `facing` [N,3] leaves out faces whose normal points against it, `group` [F] and `wanted` [N] those of other groups, and `reach` [N],
    in world units, all that is farther.
    """
    from . import tree_kernels as kernels

    count = len(points)
    face, weights, squared = np.empty(count, np.int64), np.empty((count, 2)), np.empty(count)
    groups = np.zeros(len(tree.order), np.int64) if group is None else group[tree.order].astype(np.int64)
    wanted = np.full(count, -1, np.int64) if wanted is None else wanted.astype(np.int64)
    facing = np.zeros((count, 3)) if facing is None else np.ascontiguousarray(facing, dtype=np.float64)
    query = tree.local(points)
    bound = np.full(count, np.inf) if reach is None else (reach / tree.scale) ** 2
    device.split(
        lambda first, last: kernels.nearest(
            first, last, query, facing, wanted, bound, tree.corners, tree.low, tree.high, tree.normals, groups, face, weights, squared
        ),
        count,
        parts=PARTS,
    )
    found = np.where(face >= 0, tree.order[face], -1)
    return Nearest(found, np.column_stack([1.0 - weights.sum(axis=1), weights]), np.sqrt(squared) * tree.scale)


def hidden(tree: Tree, rays: int = 64, among: Array | None = None) -> Array:
    """Faces [F] bool of which all ambient occlusion rays, from both sides, hit another face; degenerate faces aren't hidden.

    Only faces `among` [F] bool are tested, the others aren't hidden.
    """
    from . import tree_kernels as kernels

    visible = np.zeros(len(tree.order), np.uint8) if among is None else (~among[tree.order]).astype(np.uint8)
    device.split(
        lambda first, last: kernels.sees_outside(first, last, rays, 1e-9, tree.corners, tree.low, tree.high, tree.normals, visible),
        len(visible),
        parts=PARTS,
    )
    out = np.empty(len(visible), bool)
    out[tree.order] = visible == 0
    return out


def open_shares(tree: Tree, points: Array, normals: Array, faces: Array, rays: int) -> Array:
    """Open shares [N] of the hemispheres about unit `normals` [N,3] at `points` [N,3] on `faces` [N]: 1 in the open, 0 inside."""
    from . import tree_kernels as kernels

    query, out = tree.local(points), np.empty(len(points))
    facing, own = np.ascontiguousarray(normals, dtype=np.float64), tree.place[faces]
    device.split(
        lambda first, last: kernels.open_shares(
            first, last, query, facing, own, rays, LEAST, tree.corners, tree.low, tree.high, tree.normals, out
        ),
        len(points),
        parts=PARTS,
    )
    return out


def crossing(tree: Tree, faces: Array) -> Array:
    """Faces [F] bool that intersect another one; touching, coplanar overlap and shared edges or vertices don't count.

    `faces` [F,3] must be welded, since shared vertices are told by their index.
    """
    from . import tree_kernels as kernels

    crossed, sorted_faces = np.zeros(len(faces), np.uint8), np.ascontiguousarray(faces[tree.order])
    device.split(
        lambda first, last: kernels.crosses(first, last, tree.corners, sorted_faces, tree.low, tree.high, crossed), len(faces), parts=PARTS
    )
    out = np.empty(len(faces), bool)
    out[tree.order] = crossed > 0
    return out


def winding_numbers(tree: Tree, points: Array) -> Array:
    """Generalized winding numbers [N] of `points` [N,3]: 1 inside, 0 outside, about one half in the gap of an open surface."""
    from . import tree_kernels as kernels

    middles, dipoles, radii = tree.dipoles
    query, out = tree.local(points), np.empty(len(points))
    device.split(
        lambda first, last: kernels.winding(first, last, query, tree.corners, tree.low, tree.high, middles, dipoles, radii, out),
        len(points),
        parts=PARTS,
    )
    return out


def _boxes(corners: Array) -> tuple[Array, Array]:
    leaves = 1 << int(np.ceil(np.log2(max(1, -(-len(corners) // LEAF)))))
    low, high = np.full((leaves * LEAF, 3), np.inf), np.full((leaves * LEAF, 3), -np.inf)
    low[: len(corners)], high[: len(corners)] = corners.min(axis=1), corners.max(axis=1)
    levels = [(low.reshape(leaves, LEAF, 3).min(axis=1), high.reshape(leaves, LEAF, 3).max(axis=1))]
    while len(levels[-1][0]) > 1:
        below, above = levels[-1]
        levels.append((below.reshape(-1, 2, 3).min(axis=1), above.reshape(-1, 2, 3).max(axis=1)))
    return np.concatenate([low for low, _ in reversed(levels)]), np.concatenate([high for _, high in reversed(levels)])


def _dipoles(tree: Tree) -> tuple[Array, Array, Array]:
    """For each node: area-weighted centroid [nodes,3], sum of area vectors [nodes,3], and radius around the centroid [nodes].

    Barill, Dickson, Schmidt, Levin and Jacobson, "Fast winding numbers for soups and clouds", 2018, first order.
    """
    leaves = (len(tree.low) + 1) // 2
    vectors = np.zeros((leaves * LEAF, 3))
    vectors[: len(tree.corners)] = 0.5 * triangles.cross(tree.corners)
    area = np.linalg.norm(vectors, axis=1)
    moment = np.zeros((leaves * LEAF, 3))
    moment[: len(tree.corners)] = tree.corners.mean(axis=1)
    moment *= area[:, None]
    sums = [np.column_stack([vectors, moment, area]).reshape(leaves, LEAF, 7).sum(axis=1)]
    while len(sums[-1]) > 1:
        sums.append(sums[-1].reshape(-1, 2, 7).sum(axis=1))
    total = np.concatenate(sums[::-1])
    empty = ~np.isfinite(tree.low[:, 0])
    low, high = np.where(empty[:, None], 0.0, tree.low), np.where(empty[:, None], 0.0, tree.high)
    flat = total[:, 6] <= 0.0
    middles = np.where(flat[:, None], 0.5 * (low + high), total[:, 3:6] / np.where(flat, 1.0, total[:, 6])[:, None])
    radii = np.linalg.norm(np.maximum(np.abs(low - middles), np.abs(high - middles)), axis=1)
    return middles, np.ascontiguousarray(total[:, :3]), radii
