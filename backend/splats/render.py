"""Pictures of splats: color, coverage, depth and normals from a pinhole camera."""

from __future__ import annotations

import threading
import weakref
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from ..device import Device, choose
from ..values import Cameras, Rendering, Splats
from .rasterizers import Pictured, pictured

Array = Any
Color = tuple[float, float, float]


def rasterize(
    splats: Splats,
    cameras: Cameras,
    index: int,
    *,
    background: Color = (0.0, 0.0, 0.0),
    geometry: bool = True,
    device: str = "cpu",
) -> Rendering:
    """Render camera `index`, composited over `background` (sRGB, 0 to 1), on the `device` that `choose` finds by that name.

    `depth` is that of the surface: the depth at which accumulated opacity reaches 30 %, at the front of the splat there or where the ray
    meets the surfel there; 0 where it never does. `normal` is the mean by blending weight of the normals of the planes in which splats
    are densest along each ray, or of surfels. `info` holds `expected_depth` [H,W], the mean depth by weight of those planes, `visible`,
    the number of splats on the picture, `entries`, how many tiles they touch in sum, and `device`, what rendered: gsplat trains only,
    beside it the CPU renders. Without `geometry` there is neither depth nor normal. The splats' rasterizer is kept until others are
    rendered or the splats are freed; no thread outlives the call. Raises ValueError for a camera with lens distortion, ReifyError where a
    card was asked for and fails.
    """
    if not cameras.is_pinhole:
        raise ValueError("splats are rendered through pinhole cameras only; undistort the views first")
    renderer = _device_for(device, splats.surfels)
    with _lock:
        if len(splats) == 0:
            return _empty(cameras, index, background, geometry, renderer)
        rasterizer = _rasterizer_of(splats, renderer)
        try:
            rendering = rasterizer.rasterize(cameras, index, background, geometry)
        finally:
            rasterizer.rest()
    return replace(rendering, info={**rendering.info, "device": renderer.name})


_lock = threading.Lock()
_kept: weakref.WeakKeyDictionary[Splats, tuple[str, Pictured]] = weakref.WeakKeyDictionary()  # one, the last


def _rasterizer_of(splats: Splats, renderer: Device) -> Pictured:
    kind, rasterizer = _kept.get(splats, ("", None))
    if rasterizer is None or kind != renderer.kind:
        for _kind, other in _kept.values():
            other.close()
        _kept.clear()
        rasterizer = pictured(renderer, splats)
        _kept[splats] = renderer.kind, rasterizer
    return rasterizer


def _device_for(preference: str, surfels: bool) -> Device:
    found = choose("cpu") if preference == "cpu" else _checked(preference, surfels)
    return choose("cpu") if found.kind == "gsplat" else found


@cache  # to check a card takes some seconds
def _checked(preference: str, surfels: bool) -> Device:
    from .cuda import ways

    return choose(preference, ways=ways(surfels))


def _empty(cameras: Cameras, index: int, background: Color, geometry: bool, renderer: Device) -> Rendering:
    width, height = (int(v) for v in cameras.size_px[index])
    rgb = np.broadcast_to(np.asarray(background, np.float32), (height, width, 3)).copy()
    alpha = np.zeros((height, width), np.float32)
    info: dict[str, Any] = {"visible": 0, "entries": 0, "device": renderer.name}
    if not geometry:
        return Rendering(rgb, alpha, info=info)
    return Rendering(rgb, alpha, alpha.copy(), np.zeros((height, width, 3), np.float32), {**info, "expected_depth": alpha.copy()})
