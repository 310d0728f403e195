"""Extrusion: flat front and back, walls along the outline, and a round bevel between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import masks
from ..settings import option
from ..values import Array
from .inflation import graded
from .progress import Progress, silent
from .sheet import Sheet, sheet_for
from .solid import Solid, walled


@dataclass(frozen=True)
class ExtrudeSettings:
    """How thick a cut-out becomes, and how round its edges."""

    depth: float = option(15.0, "Thickness, of the larger of width and height", low=0.5, high=200.0, unit="%")
    bevel: float = option(1.5, "Radius of the rounded edges, of the larger of width and height", low=0.0, high=20.0, unit="%")


def extrude(coverage: Array, faces: int, settings: ExtrudeSettings, progress: Progress = silent) -> Solid:
    """A closed body of about `faces` faces over the subject of `coverage` [H,W]; raises ValueError where there is none."""
    progress(0.0, "laying out the mesh")
    side = float(masks.longest_side(coverage > 0.5))
    half = 0.5 * settings.depth / 100.0 * side
    bevel = min(settings.bevel / 100.0 * side, half)
    sheet = sheet_for(coverage, faces, 2.0 * (half - bevel))
    if bevel > 0:
        progress(0.4, "rounding the edges")
        sheet = graded(sheet, rounded(sheet, bevel))
    height = half - bevel + (rounded(sheet, bevel) if bevel > 0 else np.zeros(len(sheet.xy_px)))
    progress(0.8, "closing the walls")
    return walled(sheet, height, -height)


def rounded(sheet: Sheet, radius_px: float) -> Array:
    """Height [V] in pixels of a bevel of `radius_px`: a quarter of a circle from the rim on, then flat."""
    depth = np.minimum(rim_distance(sheet), radius_px)
    return np.sqrt(np.maximum(radius_px**2 - (radius_px - depth) ** 2, 0.0))


def rim_distance(sheet: Sheet) -> Array:
    """Distance [V] in pixels of every vertex from the contour."""
    from scipy.spatial import cKDTree

    start, end = (sheet.xy_px[sheet.rim_edges[:, i]] for i in (0, 1))
    _, nearest = cKDTree(0.5 * (start + end)).query(sheet.xy_px, k=min(4, len(start)))
    nearest = nearest.reshape(len(sheet.xy_px), -1)
    along = (end - start)[nearest]
    off = sheet.xy_px[:, None] - start[nearest]
    t = np.clip((off * along).sum(-1) / np.maximum((along * along).sum(-1), 1e-12), 0.0, 1.0)
    distance = np.linalg.norm(off - t[..., None] * along, axis=-1).min(axis=1)
    return np.where(sheet.rim, 0.0, distance)
