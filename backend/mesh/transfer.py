"""Attribute transfer between two surfaces in the same place: UVs, colors, and face indices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..geometry import topology, triangles
from ..geometry.tree import Nearest, Tree, nearest, tree_of
from ..values import Array, Mesh


def transfer(target: Mesh, source: Mesh) -> Mesh:
    """`target` with the UVs, textures and vertex colors of the nearest places of `source`; both need faces.

    A face takes its UVs from one chart, that at its centroid, so that it doesn't span a seam; beyond the chart's border it takes the
    border's.
    """
    if source.uvs is None and source.vertex_srgb is None:
        return target
    tree = tree_of(source.vertices, source.faces)
    colors = None
    if source.vertex_srgb is not None:
        found = nearest_facing(tree, target.vertices, triangles.vertex_normals(target.vertices, target.faces))
        colors = np.einsum("vk,vki->vi", found.weights, source.vertex_srgb[source.faces[found.face]]).astype(np.float32)
    uvs = None if source.uvs is None else _uvs(target, source, tree)
    return replace(target, uvs=uvs, vertex_srgb=colors, textures=source.textures if uvs is not None else {})


def source_faces(target: Mesh, source: Mesh) -> Array:
    """For each face of `target` the face of `source` [F] nearest to its centroid, among those that face the same way."""
    middles, normals = triangles.centers(target.vertices, target.faces), triangles.normals(target.vertices, target.faces)
    return nearest_facing(tree_of(source.vertices, source.faces), middles, normals).face


def charts(mesh: Mesh) -> Array:
    """The UV island of each face, [F] from 0; the mesh must have UVs."""
    assert mesh.uvs is not None
    place = topology.weld(mesh.vertices, mesh.faces)[1]
    number = topology.first_of_equal(np.column_stack([place.reshape(-1, 1), mesh.uvs.reshape(-1, 2)]))[1].reshape(-1, 3)
    return topology.parts(number, int(number.max(initial=-1)) + 1)


def _uvs(target: Mesh, source: Mesh, tree: Tree) -> Array:
    assert source.uvs is not None
    chart = charts(source)
    middles, normals = triangles.centers(target.vertices, target.faces), triangles.normals(target.vertices, target.faces)
    middle = nearest_facing(tree, middles, normals)
    corners = triangles.corners_of(target.vertices, target.faces)
    # Upper bound of the distance from a corner to the chart: by way of the centroid.
    reach = 1.001 * (middle.distance[:, None] + np.linalg.norm(corners - middles[:, None], axis=2))
    found = nearest(tree, corners.reshape(-1, 3), group=chart, wanted=np.repeat(chart[middle.face], 3), reach=reach.ravel())
    lost = found.face < 0  # by rounding, for degenerate faces
    face = np.where(lost, np.repeat(middle.face, 3), found.face)
    weights = np.where(lost[:, None], np.repeat(middle.weights, 3, axis=0), found.weights)
    return np.einsum("nk,nki->ni", weights, source.uvs[face]).reshape(-1, 3, 2).astype(np.float32)


def nearest_facing(tree: Tree, points: Array, facing: Array) -> Nearest:
    """The nearest places that face the same way as `facing`, or any where there are none."""
    found = nearest(tree, points, facing=facing)
    if (lost := found.face < 0).any():
        again = nearest(tree, points[lost])
        found.face[lost], found.weights[lost], found.distance[lost] = again.face, again.weights, again.distance
    return found
