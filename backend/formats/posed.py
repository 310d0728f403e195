"""Posed pictures, as COLMAP models and transforms.json hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array, Cameras, Points


@dataclass(frozen=True, eq=False)
class Posed:
    """Pictures with their cameras in a Z-up world; picture i belongs to camera i. Sizes are as the file has them, before EXIF."""

    images: tuple[Path, ...]  # all of them exist
    names: tuple[str, ...]  # as the file calls them
    cameras: Cameras
    masks: tuple[Path | None, ...]
    test: tuple[int, ...] | None = None  # None where the file has no split
    points: Points | None = None
    missing: tuple[str, ...] = ()  # pictures that the file names and that don't exist


@dataclass(frozen=True, eq=False)
class Lens:
    """How one camera projects, in the terms of `Cameras`."""

    K: Array  # [3,3]
    size_px: tuple[int, int]
    distortion: Array  # [8]
    fisheye: bool


def pinhole_matrix(fx: float, fy: float, cx: float, cy: float) -> Array:
    """K [3,3]."""
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def cameras_of(cam_from_world: Array, lenses: Sequence[Lens], source: str) -> Cameras:
    """Cameras from poses [C,4,4] and a lens each; raises ReifyError where perspective and fisheye lenses are mixed or a number is none."""
    if len({lens.fisheye for lens in lenses}) > 1:
        raise ReifyError(f"{source} mixes perspective and fisheye cameras.", "Load them as two captures.")
    cameras = Cameras(
        cam_from_world=np.asarray(cam_from_world, dtype=np.float64).reshape(-1, 4, 4),
        K=np.array([lens.K for lens in lenses], dtype=np.float64).reshape(-1, 3, 3),
        size_px=np.array([lens.size_px for lens in lenses], dtype=np.int64).reshape(-1, 2),
        distortion=np.array([lens.distortion for lens in lenses], dtype=np.float64).reshape(-1, 8),
        fisheye=bool(lenses and lenses[0].fisheye),
    )
    finite = all(np.isfinite(values).all() for values in (cameras.cam_from_world, cameras.K, cameras.distortion))
    if not finite or (cameras.K[:, [0, 1], [0, 1]] <= 0).any():
        raise ReifyError(f"{source} is damaged: it has cameras without a proper position or focal length.", "Export it again.")
    return cameras
