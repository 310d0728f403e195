"""Layers: the parts of a figure inflated one by one, so that an eye stands out of a face and an arm crosses a body.

Every part is a closed shell. A part that another one encloses rests on its surface; adjacent parts overlap a little, so that the
figure has no gaps and keeps its outline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..geometry import masks
from ..settings import option
from ..values import Array
from .inflation import InflateSettings, inflate
from .progress import Progress, silent
from .solid import Solid, merged


@dataclass(frozen=True)
class LayersSettings:
    """What the parts are, and how they lie over each other."""

    colors: int = option(4, "Number of colors that parts are told apart by; 1 takes the connected parts", low=1, high=16)
    painted: str = option("", "Picture in which each part is painted over in one flat color")
    overlap: float = option(
        2.0, "How far parts reach into their neighbors, of the larger of width and height", low=0.0, high=10.0, unit="%"
    )
    lift: float = option(
        0.35, "How much of enclosed parts stands out of what is below them: 0 is sunk in, 1 lies on top", low=0.0, high=1.5
    )
    step: float = option(
        0.0, "Distance by which smaller parts are put further in front, of the larger side", low=-20.0, high=20.0, unit="%"
    )


def layers(
    coverage: Array,
    regions: Array,
    faces: int,
    settings: LayersSettings,
    shape: InflateSettings,
    progress: Progress = silent,
    rough: bool = False,
) -> Solid:
    """Closed shells over `regions` [H,W] int (-1 is outside), about `faces` faces in all, inflated by the settings `shape`.

    `rough` ones are made faster, see `inflate`.
    """
    from scipy.ndimage import distance_transform_edt

    parts = _filled(regions)
    order = np.argsort([-part.sum() for part in parts], kind="stable")
    total = float(sum(part.sum() for part in parts))
    side = masks.longest_side(regions >= 0)
    reach = settings.overlap / 100.0 * side
    at_edge = distance_transform_edt(coverage > 0.5) < 4.0
    placed: list[tuple[Array, Solid]] = []  # pixels and shell, largest first
    for rank, index in enumerate(order):
        progress(rank / len(order), f"part {rank + 1} of {len(order)}")
        part = parts[index]
        below = next((solid for pixels, solid in reversed(placed) if pixels[part].all()), None)
        box = masks.bounds(part, round(reach) + 6)
        outline = _outline(coverage[box], part[box], at_edge[box], reach if below is None else 0.0)
        if not (outline > 0.5).any():
            continue
        solid = inflate(outline, max(60, round(faces * float(part.sum()) / total)), shape, rough=rough)
        solid = _moved(solid, np.array([box[1].start, box[0].start, 0.0]))
        if below is not None:
            stands_out = (2.0 * settings.lift - 1.0) * float(solid.vertices_px[:, 2].max())
            solid = _moved(solid, np.array([0.0, 0.0, _resting_place(solid, below) + stands_out]))
        if rank:
            solid = _moved(solid, np.array([0.0, 0.0, settings.step / 100.0 * side]))
        placed.append((part, solid))
    return merged([solid for _, solid in placed])


def _filled(regions: Array) -> list[Array]:
    """Each region [H,W] bool with what it encloses, except holes of the subject."""
    from scipy.ndimage import binary_fill_holes

    inside = regions >= 0
    return [binary_fill_holes(regions == index) & inside for index in range(int(regions.max()) + 1)]


def _outline(coverage: Array, part: Array, at_edge: Array, reach: float) -> Array:
    """The part's coverage [H,W]: smoothed where it meets other parts, the subject's own at the background."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    distance = np.where(part, 0.5 - distance_transform_edt(part), distance_transform_edt(~part) - 0.5)
    soft = np.clip(reach + 0.5 - gaussian_filter(distance, 1.5), 0.0, 1.0)
    # At the figure's own outline the part is a pixel wider, so that smoothing doesn't erode it.
    soft = np.where(at_edge & (distance < max(reach, 1.5)), 1.0, soft)
    return np.minimum(coverage, soft).astype(np.float32)


def _resting_place(solid: Solid, below: Solid) -> float:
    """Mean height of the shell below under the vertices of this one."""
    from scipy.spatial import cKDTree

    front = below.vertices_px[below.vertices_px[:, 2] >= np.median(below.vertices_px[:, 2])]
    _, nearest = cKDTree(front[:, :2]).query(solid.vertices_px[:, :2])
    return float(front[nearest, 2].mean())


def _moved(solid: Solid, by_px: Array) -> Solid:
    return replace(solid, vertices_px=solid.vertices_px + by_px)
