"""Colors for texels that no photo sees, and for the margins of UV islands."""

from __future__ import annotations

import numpy as np

from ..geometry import heat
from ..values import Array, Mesh
from . import texel_kernels as kernels
from .texels import Layout

MARGIN_PX = 16  # texels by which islands are dilated, so that filtering and mip maps don't bleed


def fill_unseen(color: Array, seen: Array, layout: Layout, mesh: Mesh) -> Array:
    """Colors [T,3] float32 with unseen texels filled: vertex colors plus their difference to the photos, extended harmonically.

    Without vertex colors the photos' colors themselves are extended.
    """
    if seen.all():
        return color
    base = np.zeros((len(mesh.vertices), 3), np.float32) if mesh.vertex_srgb is None else mesh.vertex_srgb.astype(np.float32) * 255
    guess = _at_texels(base, layout, mesh)
    total, weight = np.zeros((len(mesh.vertices), 3)), np.zeros(len(mesh.vertices))
    kernels.gather(layout.face, layout.barycentric, mesh.faces, color - guess, seen, total, weight)
    known = weight > 0.5
    difference = np.where(known[:, None], total / np.maximum(weight, 1e-9)[:, None], 0.0)
    guess += _at_texels(heat.fill_harmonically(difference, known, mesh.faces).astype(np.float32), layout, mesh)
    return np.where(seen[:, None], color, guess)


def fill_margins(picture: Array, layout: Layout) -> Array:
    """The picture [S,S,3] with islands dilated by MARGIN_PX and the mean color everywhere else."""
    filled = np.zeros(picture.shape[:2], np.uint8)
    filled[layout.rows, layout.columns] = 1
    kernels.dilate(picture, filled, MARGIN_PX)
    picture[filled == 0] = picture[layout.rows, layout.columns].mean(axis=0).astype(np.uint8)
    return picture


def _at_texels(values: Array, layout: Layout, mesh: Mesh) -> Array:
    out = np.empty((layout.count, 3), np.float32)
    kernels.interpolate(layout.face, layout.barycentric, mesh.faces, values, out)
    return out
