"""The picture that shows what came out: photo | splats | textured mesh, from cameras that nothing was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..capture.views import load_views
from ..errors import ReifyError
from ..formats.images import write_png
from ..values import Array, Result

ROWS = 3
GAP_PX = 6
PAPER = 255


def write_comparison(result: Result, path: Path) -> None:
    """Write `comparison` as a PNG; raises ReifyError where the result has no cameras to look from."""
    write_png(path, comparison(result))


def comparison(result: Result, long_side_px: int = 480) -> Array:
    """Photo | splats | mesh from up to three held-out cameras, one below the other, [H,W,3] uint8."""
    from ..geometry.raster import render_mesh
    from ..splats.render import rasterize

    capture = result.capture
    if capture is None or capture.cameras is None:
        raise ReifyError("This result has no cameras to compare from.", "Write the scene or the mesh instead.")
    chosen = _spread(capture.test or capture.train, ROWS)
    views = load_views(capture, long_side_px, only=chosen)
    background = (1.0, 1.0, 1.0) if any(alpha is not None for alpha in views.alpha) else (0.0, 0.0, 0.0)
    rows = []
    for index in range(len(views)):
        cells = [_over(views.rgb[index], views.alpha[index], background)]
        if result.splats is not None:
            rendering = rasterize(result.splats, views.cameras, index, background=background)
            cells.append((np.clip(rendering.rgb, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))
        if result.mesh is not None:
            cells.append(render_mesh(result.mesh, views.cameras, index, background=background))
        rows.append(_beside(cells, axis=1))
    return _beside(rows, axis=0)


def _spread(indices: tuple[int, ...], count: int) -> tuple[int, ...]:
    picks = np.linspace(0, len(indices) - 1, min(count, len(indices))).round().astype(int)
    return tuple(indices[pick] for pick in picks)


def _over(rgb: Array, alpha: Array | None, background: tuple[float, float, float]) -> Array:
    if alpha is None:
        return rgb
    share = alpha[..., None] / 255.0
    return (rgb * share + np.asarray(background) * 255.0 * (1.0 - share) + 0.5).astype(np.uint8)


def _beside(pictures: list[Array], axis: int) -> Array:
    across = 1 - axis
    extent = max(picture.shape[across] for picture in pictures)
    parts: list[Array] = []
    for picture in pictures:
        missing = extent - picture.shape[across]
        pad = [(0, 0), (0, 0), (0, 0)]
        pad[across] = (0, missing)
        gap = [extent, extent, 3]
        gap[axis] = GAP_PX
        parts += [np.pad(picture, pad, constant_values=PAPER), np.full(gap, PAPER, np.uint8)]
    return np.concatenate(parts[:-1], axis=axis)
