"""Splats that hang on the nodes of a scene's file: moved to where these stand, and joined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..geometry.turning import turned
from ..values import Array, Splats

UNEVEN = 1e-3  # largest entry of |A Aᵀ / s² - I| for which a node's matrix A of scale s still counts as a similarity


def moved(splats: Splats, matrix: Array, path: Path) -> Splats:
    """Splats of a node with the matrix [4,4] in the world; raises ReifyError where that mirrors or stretches them."""
    linear = matrix[:3, :3]
    scale = float(np.cbrt(np.linalg.det(linear)))
    if not 0 < scale < np.inf or np.abs(linear @ linear.T / scale**2 - np.eye(3)).max() > UNEVEN:
        raise ReifyError(f"{path.name} mirrors or stretches its splats.", "Give their nodes one scale above 0 for all axes.")
    if np.array_equal(matrix, np.eye(4)):
        return splats
    means = (splats.means @ linear.T + matrix[:3, 3]).astype(np.float32)
    return replace(turned(splats, linear / scale), means=means, log_scales=(splats.log_scales + np.log(scale)).astype(np.float32))


def joined(parts: list[Splats]) -> Splats:
    """All splats one after another, with zero SH where others have higher degrees."""
    if len(parts) == 1:
        return parts[0]
    functions = max(each.sh.shape[1] for each in parts)
    sh = [np.pad(each.sh, ((0, 0), (0, functions - each.sh.shape[1]), (0, 0))) for each in parts]
    fields = {name: np.concatenate([getattr(each, name) for each in parts]) for name in ("means", "quats", "log_scales", "opacity_logits")}
    return replace(parts[0], **fields, sh=np.concatenate(sh))
