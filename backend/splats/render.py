"""Pictures of splats: colour, coverage, depth and normals from a pinhole camera."""

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

    `depth` is the median depth: of the splat at which less than half of the light gets through. `normal` is the splats' shortest axis,
    turned to the camera and averaged by weight. `info` holds `expected_depth` [H,W], the mean depth by weight, `visible`, the number
    of splats on the picture, and `entries`, how often they touch a tile. Without `geometry` there is neither depth nor normal.
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
        engine.render(frame, sized(camera_row(cameras, index), frame), background_row, engine.bases)
        alpha = 1 - frame.single(frame.transmittance)
        info: dict[str, Any] = {"visible": engine.visible, "entries": engine.entries}
        if not geometry:
            return Rendering(frame.picture(frame.image), alpha, info=info)
        depth, expected, normal = engine.geometry(frame, facing_normals(splats, cameras.centers[index]))
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    normal /= np.where(length > 1e-6, length, np.inf)
    info["expected_depth"] = np.where(alpha > 1e-4, expected / np.maximum(alpha, 1e-4), 0).astype(np.float32)
    return Rendering(frame.picture(frame.image), alpha, depth, normal, info)


def facing_normals(splats: Splats, center: Array) -> Array:
    """Each splat's shortest axis [N,3] float32 in the world, turned towards a point."""
    w, x, y, z = splats.quats.T
    columns = (
        (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)),
        (2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)),
        (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)),
    )
    axes = np.stack([np.stack(column, axis=1) for column in columns], axis=1)  # [N, axis, xyz]
    normals = axes[np.arange(len(splats)), splats.log_scales.argmin(axis=1)]
    away = np.einsum("nc,nc->n", normals, splats.means - center) > 0
    return np.where(away[:, None], -normals, normals).astype(np.float32)


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
