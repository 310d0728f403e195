"""Inflation: a body whose height over the picture's plane is the square root of the solution of a Poisson equation.

With -laplace(u) = 4 and u = 0 on the contour, sqrt(u) is exactly a hemisphere over a disc, and as round over any other outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..settings import option
from ..values import Array
from .polygon_laplacian import poisson
from .progress import Progress, silent
from .sheet import Sheet, outline_edges, relaxed, sheet_for
from .solid import Solid, closed


@dataclass(frozen=True)
class InflateSettings:
    """How a cut-out becomes round."""

    thickness: float = option(1.0, "How thick the body is; 1 makes a ball of a disc", low=0.02, high=4.0)
    profile: float = option(
        0.5, "Shape of the cross-section: 0.5 is round, less is flat with steep sides, 1 is soft like a tent", low=0.1, high=1.5
    )
    evenness: float = option(0.0, "How much wide parts are held down to the thickness of narrow ones", low=0.0, high=1.0)
    sides: str = option("both", "Which sides bulge", choices={"both": "Front and back", "front": "The front; the back is flat"})


def inflate(coverage: Array, faces: int, settings: InflateSettings, progress: Progress = silent, rough: bool = False) -> Solid:
    """A closed body of about `faces` faces over the subject of `coverage` [H,W]; raises ValueError where there is none.

    A `rough` one takes half the time: its cells aren't graded, and the number of faces is met less closely.
    """
    progress(0.0, "laying out the mesh")
    sheet = sheet_for(coverage, faces, tries=0 if rough else 2)
    progress(0.3, "solving for the height")
    height = heights(sheet, settings)
    if not rough:
        progress(0.6, "grading the cells")
        sheet = graded(sheet, height)
        progress(0.7, "solving for the height")
        height = heights(sheet, settings)
    return closed(sheet, height, -height if settings.sides == "both" else np.zeros_like(height))


def heights(sheet: Sheet, settings: InflateSettings) -> Array:
    """Height over the plane in pixels, [V], zero on the rim."""
    screening = 0.0
    if settings.evenness:
        # The screened solution levels off at 4 / screening, a share of the unscreened maximum.
        screening = 4.0 * (settings.evenness / (1.05 - settings.evenness)) ** 2 / _highest(sheet)
    u = poisson(sheet.xy_px, sheet.polygons, sheet.counts, sheet.rim, 4.0, screening)
    u = np.where(u > 0.0, u, _least(sheet, u <= 0.0))
    highest = float(u.max(initial=0.0)) or 1.0
    return settings.thickness * np.sqrt(highest) * (u / highest) ** settings.profile


def graded(sheet: Sheet, height: Array) -> Sheet:
    """The sheet with cells graded towards the rim, where the body is steep and faces would be stretched."""
    edges = outline_edges(sheet.polygons, sheet.counts)
    flat = np.linalg.norm(sheet.xy_px[edges[:, 0]] - sheet.xy_px[edges[:, 1]], axis=1)
    rise = height[edges[:, 0]] - height[edges[:, 1]]
    # The ratio of lengths in space and in the plane would make all edges equally long; its root leaves cells on top small enough.
    stretch = np.sqrt(np.hypot(flat, rise) / np.maximum(flat, 1e-9))
    return relaxed(sheet, weights=np.minimum(stretch, 4.0), rounds=20, slide=False)


def _least(sheet: Sheet, which: Array) -> Array:
    """The solution in the largest circle around each of the vertices `which` [V] bool that no rim enters, [V]; 0 for others and on the rim.

    The solution is nowhere lower (maximum principle), but polygons with obtuse corners can make it 0, where front and back would touch.
    """
    from scipy.spatial import cKDTree

    u = np.zeros(len(sheet.xy_px))
    inner = np.flatnonzero(which & ~sheet.rim)
    if len(inner):
        u[inner] = cKDTree(sheet.xy_px[sheet.rim]).query(sheet.xy_px[inner])[0] ** 2
    return u


def _highest(sheet: Sheet) -> float:
    return max(float(poisson(sheet.xy_px, sheet.polygons, sheet.counts, sheet.rim, 4.0).max()), 1e-9)
