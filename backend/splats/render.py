"""Pictures of splats: color, coverage, depth and normals from a pinhole camera."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import device
from ..values import Cameras, Rendering, Splats

if TYPE_CHECKING:
    from .cpu.engine import CpuEngine

Array = Any


def rasterize(
    splats: Splats,
    cameras: Cameras,
    index: int,
    *,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    geometry: bool = True,
) -> Rendering:
    """Render camera `index`, composited over `background` (sRGB, 0 to 1).

    `depth` is that of the surface: of the front of the splat that stops the 30th per cent of a pixel's light, 0 where less is stopped;
    of surfels, where the ray meets it. `normal` is that of the planes in which splats are densest, or of surfels, averaged by weight.
    `info` holds `expected_depth` [H,W], the mean depth by weight of those planes, `visible`, the number of splats on the picture, and
    `entries`, how often they touch a tile. Without `geometry` there is neither depth nor normal.
    Raises ValueError for a camera with lens distortion.
    """
    if not cameras.is_pinhole:
        raise ValueError("splats are rendered through pinhole cameras only; undistort the views first")
    width, height = (int(v) for v in cameras.size_px[index])
    background_row = np.asarray(background, np.float32)
    with _lock:
        if len(splats) == 0:
            return _empty(width, height, background_row, geometry)
        engine = _engine_of(splats)
        from .cpu.engine import Frame, sized
        from .cpu.layout import camera_row

        frame = Frame(width, height)
        camera = sized(camera_row(cameras, index), frame)
        engine.render(frame, camera, background_row, engine.bases, geometric=geometry)
        alpha = 1 - frame.single(frame.transmittance)
        info: dict[str, Any] = {"visible": engine.visible, "entries": engine.entries}
        if not geometry:
            return Rendering(frame.picture(frame.image), alpha, info=info)
        depth, expected, normal = engine.geometry(frame, camera)
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    normal /= np.where(length > 1e-6, length, np.inf)
    info["expected_depth"] = np.where(alpha > 1e-4, expected / np.maximum(alpha, 1e-4), 0).astype(np.float32)
    return Rendering(frame.picture(frame.image), alpha, depth, normal, info)


_lock = threading.Lock()
_engines: weakref.WeakKeyDictionary[Splats, CpuEngine] = weakref.WeakKeyDictionary()


def _engine_of(splats: Splats) -> CpuEngine:
    if splats not in _engines:
        device.prepare_numba()
        from .cpu.engine import CpuEngine

        for engine in _engines.values():
            engine.close()
        _engines.clear()
        _engines[splats] = CpuEngine(splats, len(splats), splats.sh_degree, device.available_threads(), training=False)
    return _engines[splats]


def _empty(width: int, height: int, background: Array, geometry: bool) -> Rendering:
    rgb = np.broadcast_to(background, (height, width, 3)).copy()
    alpha = np.zeros((height, width), np.float32)
    if not geometry:
        return Rendering(rgb, alpha, info={"visible": 0, "entries": 0})
    info = {"visible": 0, "entries": 0, "expected_depth": alpha.copy()}
    return Rendering(rgb, alpha, alpha.copy(), np.zeros((height, width, 3), np.float32), info)
