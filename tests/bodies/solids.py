"""What tests ask of bodies."""

from __future__ import annotations

import numpy as np
from reify.backend.bodies.solid import Solid
from reify.backend.values import Array, Mesh


def triangles_of(solid: Solid) -> Array:
    return np.concatenate([solid.quads[:, [0, 1, 2]], solid.quads[:, [0, 2, 3]], solid.triangles])


def assert_closed(vertices: Array, faces: Array, euler: int) -> None:
    """Every edge has two faces that run along it in opposite directions, and the Euler number is `euler`."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, counts = np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)
    assert (counts == 2).all(), f"{(counts != 2).sum()} edges don't have two faces"
    assert len(np.unique(directed, axis=0)) == len(directed), "faces run the same way along an edge"
    assert len(np.unique(faces)) == len(vertices), "vertices without faces"
    assert len(vertices) - len(counts) + len(faces) == euler


def outline(solid: Solid, shape: tuple[int, ...], factor: int = 3) -> Array:
    """What the solid's triangles cover, seen from straight ahead, at the pixels' centers [H,W] bool."""
    from PIL import Image, ImageDraw

    image = Image.new("1", (shape[1] * factor, shape[0] * factor))
    draw = ImageDraw.Draw(image)
    for corners in solid.vertices_px[triangles_of(solid), :2] * factor - 0.5:
        draw.polygon([tuple(corner) for corner in corners], fill=1)
    return np.asarray(image)[factor // 2 :: factor, factor // 2 :: factor]


def polygons_are_quads_mostly(mesh: Mesh) -> bool:
    return mesh.quads > 0.85 * (len(mesh.faces) - mesh.quads)
