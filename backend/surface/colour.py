"""Vertex colours from the renderings that see a vertex."""

from __future__ import annotations

import numpy as np

from .. import device
from ..values import Array
from .depth import DepthMaps


def at_vertices(vertices: Array, faces: Array, maps: DepthMaps, tolerance: float) -> tuple[Array, Array]:
    """Mean colour [V,3] float32 sRGB, 0 to 1, over the cameras that see each vertex, and which ones are seen by any, [V] bool.

    A camera sees what is within `tolerance` world units of its depth. Vertices that none sees get the mean of their
    neighbours, or grey.
    """
    device.prepare_numba()
    from . import colour_kernels as kernels

    total, weight = np.zeros((len(vertices), 3), np.float32), np.zeros(len(vertices), np.float32)
    poses = np.ascontiguousarray(maps.cameras.cam_from_world, np.float64)

    def work(first: int, last: int) -> None:
        for index in range(len(maps)):
            layers = maps.depth[index], maps.weight[index], maps.rgb[index]
            part = slice(first, last)
            kernels.gather(vertices[part], poses[index], np.array(maps.intrinsics(index)), *layers, tolerance, total[part], weight[part])

    device.split(work, len(vertices), least=4096)
    return _spread(total, weight, faces), weight > 0


def _spread(total: Array, weight: Array, faces: Array, rounds: int = 8) -> Array:
    colour = total / np.where(weight > 0, weight, np.float32(1))[:, None] / 255.0
    known = weight > 0
    for _ in range(rounds):
        if known.all() or not known.any():
            break
        corner_known = known[faces]
        mean = (colour[faces] * corner_known[..., None]).sum(axis=1)
        sums = np.stack([np.bincount(faces.ravel(), np.repeat(mean[:, c], 3), len(colour)) for c in range(3)], axis=1)
        counts = np.bincount(faces.ravel(), np.repeat(corner_known.sum(axis=1), 3), len(colour))
        fresh = ~known & (counts > 0)
        colour[fresh] = sums[fresh] / counts[fresh, None]
        known = known | fresh
    colour[~known] = 0.5
    return colour.clip(0, 1).astype(np.float32)
