"""Inflating a cut-out: a body whose height over the picture's plane comes from one Poisson equation.

With -laplace(u) = 4 and u = 0 on the contour, the height sqrt(u) turns a disc into exactly a ball, and any other
outline into something as round as that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..settings import option
from ..values import Array
from .polygon_laplacian import poisson
from .sheet import Sheet, outline_edges, relaxed, sheet_for
from .solid import Solid, closed

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class InflateSettings:
    """How a cut-out becomes round."""

    thickness: float = option(1.0, "How thick the body is; 1 makes a ball of a disc", low=0.02, high=4.0)
    profile: float = option(
        0.5, "Shape of the cross-section: 0.5 is round, less is flat with steep sides, 1 is soft like a tent", low=0.1, high=1.5
    )
    evenness: float = option(0.0, "How much wide parts are held down to the thickness of narrow ones", low=0.0, high=1.0)
    sides: str = option("both", "Which sides bulge", choices={"both": "Front and back", "front": "The front; the back is flat"})


def inflate(
    coverage: Array, faces: int, settings: InflateSettings, progress: Progress = lambda fraction, text: None, rough: bool = False
) -> Solid:
    """A closed body of about `faces` faces over the subject of `coverage` [H,W]; raises ValueError where there is none.

    A `rough` one takes half the time: its faces aren't evened out, and their number is met less closely.
    """
    progress(0.0, "laying out the mesh")
    sheet = sheet_for(coverage, faces, tries=0 if rough else 2)
    progress(0.3, "solving for the height")
    height = heights(sheet, settings)
    if not rough:
        progress(0.6, "evening out the faces")
        sheet = spread(sheet, height)
        progress(0.7, "solving for the height")
        height = heights(sheet, settings)
    return closed(sheet, height, -height if settings.sides == "both" else np.zeros_like(height))


def heights(sheet: Sheet, settings: InflateSettings) -> Array:
    """Height over the plane in pixels, [V], zero on the rim."""
    screening = 0.0
    if settings.evenness:
        # The screened equation's solution levels off at 4 / screening: at the share of the ball's height that is asked for.
        screening = 4.0 * (settings.evenness / (1.05 - settings.evenness)) ** 2 / _highest(sheet)
    u = np.maximum(poisson(sheet.xy_px, sheet.polygons, sheet.counts, sheet.rim, 4.0, screening), 0.0)
    highest = float(u.max(initial=0.0)) or 1.0
    return settings.thickness * np.sqrt(highest) * (u / highest) ** settings.profile


def spread(sheet: Sheet, height: Array) -> Sheet:
    """Draw the cells toward the rim, where the body is steep and its faces would be long."""
    edges = outline_edges(sheet.polygons, sheet.counts)
    flat = np.linalg.norm(sheet.xy_px[edges[:, 0]] - sheet.xy_px[edges[:, 1]], axis=1)
    rise = height[edges[:, 0]] - height[edges[:, 1]]
    # Weights of full-length over flat length would make all edges equally long; the root of it keeps cells on top small enough.
    stretch = np.sqrt(np.hypot(flat, rise) / np.maximum(flat, 1e-9))
    return relaxed(sheet, weights=np.minimum(stretch, 4.0), rounds=20, slide=False)


def _highest(sheet: Sheet) -> float:
    return max(float(poisson(sheet.xy_px, sheet.polygons, sheet.counts, sheet.rim, 4.0).max()), 1e-9)
