"""Depth maps from renderings, with the surface's tilt and a confidence for every pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ReifyError
from ..jobs.job import Job
from ..values import Array, Cameras, Rendering, Views

LEAST_ALPHA = 0.5  # opacity below which a pixel has no depth: most of its light comes from behind
LEAST_FACING = 0.12  # cosine between ray and normal (83 degrees) below which a pixel is ignored, as at jumps of depth


@dataclass(frozen=True, eq=False)
class DepthMaps:
    """Depth maps of C cameras; the depth of empty space is infinite."""

    cameras: Cameras  # pinhole
    depth: list[Array]  # C times [H,W] float32, world units along the viewing axis
    facing: list[Array]  # C times [H,W] uint8, 255 times the cosine between ray and surface normal
    weight: list[Array]  # C times [H,W] uint8, confidence; 0 is ignored
    rgb: list[Array]  # C times [H,W,3] uint8, sRGB

    def __len__(self) -> int:
        return len(self.depth)

    def intrinsics(self, index: int) -> tuple[float, float, float, float]:
        """fx, fy, cx, cy of one camera, pixels."""
        K = self.cameras.K[index]
        return K[0, 0], K[1, 1], K[0, 2], K[1, 2]


def render_depth(render: Callable[[Cameras, int], Rendering], views: Views, *, job: Job) -> DepthMaps:
    """Depth maps of all views; raises ReifyError where the renderings have no depth, or nothing in them is opaque."""
    maps = DepthMaps(views.cameras, [], [], [], [])
    seen = 0
    for index in range(len(views)):
        job.progress(index / len(views), f"depth {index + 1} of {len(views)}")
        rendering = render(views.cameras, index)
        if rendering.depth is None:
            raise ReifyError("The renderings have no depth.", "Use a renderer that returns depth.")
        K = views.cameras.K[index]
        depth, facing, weight = _judge(rendering, K, views.alpha[index], views.weight[index])
        seen += int(np.count_nonzero(np.isfinite(depth) & (weight > 0)))
        maps.depth.append(depth)
        maps.facing.append(facing)
        maps.weight.append(weight)
        maps.rgb.append((rendering.rgb * 255.0 + 0.5).clip(0, 255).astype(np.uint8))
    if seen == 0:
        raise ReifyError(
            "The depth pictures are empty: nothing in the scene is solid.", "Train longer, or check that the cameras look at the subject."
        )
    return maps


def by_expected_depth(render: Callable[[Cameras, int], Rendering]) -> Callable[[Cameras, int], Rendering]:
    """What renders the mean depth by blending weight (`info["expected_depth"]`), where there is one, instead of that of the front.

    The losses on surfels hold the mean: it varies smoothly, where the front jumps from splat to splat.
    """

    def rendered(cameras: Cameras, index: int) -> Rendering:
        rendering = render(cameras, index)
        return replace(rendering, depth=rendering.info.get("expected_depth", rendering.depth))

    return rendered


def facing_of(depth: Array, K: Array) -> Array:
    """Cosine [H,W] between viewing ray and surface normal of a depth map [H,W]; 0 at jumps.

    Normals come from central differences over two pixels either side, so that single noisy pixels don't count as tilted surfaces.
    """
    height, width = depth.shape
    x = (np.arange(width) + 0.5 - K[0, 2]) / K[0, 0]
    y = ((np.arange(height) + 0.5 - K[1, 2]) / K[1, 1])[:, None]
    rays = np.stack(np.broadcast_arrays(x, y, 1.0), axis=-1).astype(np.float32)
    points = rays * depth[..., None]
    normal = np.cross(_difference(points, axis=1), _difference(points, axis=0))
    length = np.linalg.norm(normal, axis=-1) * np.linalg.norm(rays, axis=-1)
    return np.abs((normal * rays).sum(axis=-1)) / np.where(length > 0, length, np.float32(1))


def _difference(points: Array, axis: int, reach: int = 2) -> Array:
    count = points.shape[axis]
    index = np.arange(count)
    ahead, behind = np.minimum(index + reach, count - 1), np.maximum(index - reach, 0)
    return points.take(ahead, axis) - points.take(behind, axis)


def _judge(rendering: Rendering, K: Array, alpha: Array | None, known: Array | None) -> tuple[Array, Array, Array]:
    assert rendering.depth is not None
    depth = np.nan_to_num(rendering.depth, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    solid = (rendering.alpha >= LEAST_ALPHA) & (depth > 0)
    facing = facing_of(np.where(solid, depth, np.float32(0)), K)
    sure = facing * np.clip(rendering.alpha, 0.0, 1.0)
    weight = np.where(solid & (facing >= LEAST_FACING), sure, np.float32(0))
    depth = np.where(solid, depth, np.float32(0))
    if alpha is not None:
        empty = _eroded(alpha == 0, 2)
        depth = np.where(empty, np.float32(np.inf), depth)
        facing = np.where(empty, np.float32(1), facing)
        weight = np.where(empty, np.float32(1), np.where(alpha >= 128, weight, np.float32(0)))
    if known is not None:
        weight = np.where(known > 0, weight, np.float32(0))
    return depth, _bytes(facing), _bytes(weight)


def _eroded(mask: Array, reach: int) -> Array:
    for axis in (0, 1):
        padded = np.pad(mask, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], constant_values=True)
        mask = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=axis).all(axis=-1)
    return mask


def _bytes(values: Array) -> Array:
    return np.clip(np.ceil(values * 255.0), 0, 255).astype(np.uint8)
