"""Things as cubes: the voxels that a surface passes through, closed, with the material of the face that passes."""

from __future__ import annotations

import numpy as np

from ..values import Array, Mesh

ACROSS = 36  # voxels along the longest side of the largest thing
FEWEST, MOST = 9, 24  # along that of any
SAMPLES = 2.5  # points along the longest side of a face, for each voxel that it spans
CORNERS = np.array([(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)])
SIDES = (  # a direction, and the corners of the cube's face there, counter-clockwise from outside
    ((-1, 0, 0), (0, 4, 6, 2)),
    ((1, 0, 0), (1, 3, 7, 5)),
    ((0, -1, 0), (0, 1, 5, 4)),
    ((0, 1, 0), (2, 6, 7, 3)),
    ((0, 0, -1), (0, 2, 3, 1)),
    ((0, 0, 1), (4, 5, 7, 6)),
)


def voxelized(mesh: Mesh, material_of_face: Array, share: float = 1.0) -> tuple[Mesh, Array]:
    """The outside of the voxels as quads, standing on the same floor, and the material of each triangle, [F] int32.

    `share` is its longest side, of that of the largest thing in the scene.
    """
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    size = float((high - low).max()) / np.clip(round(ACROSS * share), FEWEST, MOST)
    points, material = _samples(mesh, material_of_face, size)
    cells = np.clip(((points - low) / size).astype(int), 0, np.maximum(np.ceil((high - low) / size - 1e-6).astype(int) - 1, 0))
    keys, inverse = np.unique(cells, axis=0, return_inverse=True)
    counts = np.zeros((len(keys), int(material.max()) + 1), dtype=np.int64)
    np.add.at(counts, (inverse.reshape(-1), material), 1)
    of_voxel = counts.argmax(axis=1)
    filled = {tuple(key) for key in keys.tolist()}
    quads, colors = [], []
    for direction, corners in SIDES:
        outside = np.array([tuple(cell) not in filled for cell in (keys + direction).tolist()])
        quads.append(keys[outside][:, None, :] + CORNERS[list(corners)])
        colors.append(of_voxel[outside])
    corners_ = np.concatenate(quads)
    places, index = np.unique(corners_.reshape(-1, 3), axis=0, return_inverse=True)
    faces = index.reshape(-1, 4)[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32)
    uvs = np.tile(np.array([(0, 0), (1, 0), (1, 1), (0, 0), (1, 1), (0, 1)], np.float32) * size, (len(corners_), 1)).reshape(-1, 3, 2)
    vertices = (places * size + low).astype(np.float32)
    return Mesh(vertices, faces, uvs, quads=len(corners_)), np.repeat(np.concatenate(colors), 2).astype(np.int32)


def _samples(mesh: Mesh, material: Array, size: float) -> tuple[Array, Array]:
    """Points on the faces, closer than a voxel, and their faces' materials."""
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    steps = np.maximum(np.ceil(SAMPLES * longest / size).astype(int), 1)
    points, materials = [], []
    for count in np.unique(steps):
        chosen = np.flatnonzero(steps == count)
        i, j = np.nonzero(np.add.outer(np.arange(count + 1), np.arange(count + 1)) <= count)
        weights = np.column_stack((i, j, count - i - j)) / count
        points.append(np.einsum("wk,fkd->fwd", weights, corners[chosen]).reshape(-1, 3))
        materials.append(np.repeat(material[chosen], len(weights)))
    return np.concatenate(points), np.concatenate(materials)
