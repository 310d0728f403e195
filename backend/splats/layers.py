"""Compositing of splats with a render of everything else in the scene, by depth, in linear light.

All layers are premultiplied. A pixel that the scene's surfaces cover to a share `a` shows the splats before these surfaces in that share,
and all splats in the rest, so that edges stay smooth though a depth is that of one sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
FAR = 1e10  # depth of what is empty, as Blender writes it
COVERED = 0.5  # of a pixel: from there on its depth is that of the surface


@dataclass(frozen=True, eq=False)
class SceneLayers:
    """A render of the scene without its splats: pictures [H,W,…] float32, linear, first row at the top."""

    rgba: Array  # [H,W,4] premultiplied, without what lies behind everything
    depth: Array  # [H,W] along the optical axis, of holdouts, too; FAR where nothing is
    world_rgb: Array  # [H,W,3] the share of the world behind everything; zeros where the film is transparent
    held: Array | None = None  # [H,W] the share that holdouts cover, None where there are none


def linear(measured: Array) -> Array:
    """Premultiplied sRGB and alpha [...,4] as linear light, premultiplied again."""
    alpha = measured[..., 3:4]
    srgb = np.divide(measured[..., :3], alpha, out=np.zeros_like(measured[..., :3]), where=alpha > 1e-6)
    light = np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.04045) + 0.055) / 1.055) ** 2.4)
    return np.concatenate((light * alpha, alpha), axis=-1).astype(np.float32)


def over(front: Array, back: Array) -> Array:
    """One premultiplied layer [...,4] over another."""
    return front + (1 - front[..., 3:4]) * back


def composited(before: Array, all_: Array, scene: SceneLayers | None, opaque: bool) -> Array:
    """The picture with its depth [H,W,5] float32: premultiplied linear red, green, blue, alpha, and depth, FAR where nothing is.

    `before` and `all_` [H,W,5] are the splats before the scene's surfaces and all of them, linear, with the depth of their surface, 0 where
    there is none. `opaque` says that the world is behind everything.
    """
    rgba, depth = all_[..., :4], _or_far(all_[..., 4])
    alpha: Array | float = 1.0
    if scene is not None:
        share = scene.rgba[..., 3:4]
        held = np.zeros_like(share) if scene.held is None else scene.held[..., None]
        covered = (share + held) * before[..., :4] + (1 - before[..., 3:4]) * scene.rgba
        world = np.concatenate((scene.world_rgb, np.zeros_like(share)), axis=-1)  # premultiplied by what surfaces leave
        rgba = covered + (1 - share - held) * rgba + (1 - all_[..., 3:4]) * world
        surface = np.minimum(_or_far(before[..., 4]), np.where(held[..., 0] >= COVERED, FAR, scene.depth))
        depth = np.where((share + held)[..., 0] >= COVERED, surface, depth)
        alpha = 1 - held * (1 - before[..., 3:4])
    if opaque:
        rgba = np.concatenate((rgba[..., :3], np.broadcast_to(alpha, rgba[..., 3:].shape)), axis=-1)
    return np.concatenate((rgba, depth[..., None]), axis=-1).astype(np.float32)


def _or_far(depth: Array) -> Array:
    return np.where(depth > 0, depth, FAR)
