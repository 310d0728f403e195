"""The photos' resolution on each face of a mesh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..geometry.raster import rasterize_mesh
from ..values import Array, Cameras, Mesh

MOST_CAMERAS = 48  # cameras that are rasterized; of more, these are taken evenly
SIDE_PX = 400  # longer side of the raster


def photo_pixels(mesh: Mesh, cameras: Cameras) -> Array:
    """Photo pixels [F] float64 on which each face is visible, summed over the cameras."""
    pixels = np.zeros(len(mesh.faces))
    for index in np.unique(np.linspace(0, len(cameras) - 1, min(MOST_CAMERAS, len(cameras))).astype(int)):
        one = cameras.take([index])
        factor = SIDE_PX / float(one.size_px.max())
        small = replace(one, K=np.diag([factor, factor, 1.0]) @ one.K, size_px=np.maximum((one.size_px * factor).astype(int), 1))
        face = rasterize_mesh(mesh, small, 0).face
        pixels += np.bincount(face[face >= 0], minlength=len(pixels)) / factor**2
    return pixels
