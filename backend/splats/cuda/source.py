"""The CUDA C++ source of the kernels: constants from Python, so that both sides agree on them, and the texts in `kernels/`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import columns
from ..cpu import (
    blending,
    descent,
    geometry,
    harmonics,
    intermediates,
    loss,
    multiview,
    planes,
    projection,
    surfel_blending,
    surfels,
    tiles,
)

THREADS = 256  # of a block, where each thread has a splat or a pixel of its own
PULL = 64  # splats, and threads, of a block of pull_back
BUCKET = 32  # neighbors in a tile's list that a warp takes back together
BACK_WARPS = 4  # of a block of blend_back
MOST_COLUMNS = 64  # of a parameter row
OPAQUE = 1e-5  # a pixel is finished when less light than this gets through
# Each uses what stands before it.
TEXTS = ("common", "tiles", "harmonics", "projection", "surfels", "descent", "blending", "loss", "geometry", "multiview")
KERNELS = (
    *("fill_target", "similarity", "loss_back", "list_tiles", "compare_geometry", "compare_geometry_back", "to_gray", "compare_views"),
    *("project", "blend", "blend_geometry", "blend_back", "blend_back_geometry", "pull_back"),
    *("surfel_project", "surfel_blend", "surfel_blend_geometry", "surfel_blend_back", "surfel_blend_back_geometry", "surfel_pull_back"),
)


def source() -> str:
    """Everything that is compiled, as one text without includes."""
    folder = Path(__file__).parent / "kernels"
    texts = ((folder / f"{name}.cu").read_text(encoding="utf-8") for name in TEXTS)
    return "\n".join((_constants(), *texts))


def _constants() -> str:
    rows = {**vars(columns), **vars(intermediates)}
    names = ("BETA1", "BETA2", "BIAS1", "BIAS2", "EPSILON", "OPACITY_WEIGHT", "SCALE_WEIGHT", "NEEDLE_WEIGHT", "NEEDLE_LIMIT", "NOISE")
    integers = {name: value for name, value in rows.items() if name.isupper() and isinstance(value, int)}
    integers |= {name: vars(descent)[name] for name in (*names, "CONTROL")}
    integers |= {"THREADS": THREADS, "PULL": PULL, "BUCKET": BUCKET, "BACK_WARPS": BACK_WARPS, "MOST_COLUMNS": MOST_COLUMNS}
    integers |= {"SIDE": 2 * multiview.HALF + 1, "PATCH": multiview.PATCH}
    numbers = {name: vars(projection)[name] for name in ("BLUR", "NEAR", "LOG2E", "LEAST_ALPHA", "MOST_ALPHA")}
    numbers |= {
        "CUT": tiles.CUT,
        "LN2": blending.LN2,
        "OPAQUE": OPAQUE,
        "SURFACE_LIGHT": blending.SURFACE_LIGHT,
        "LARGEST": np.finfo(np.float32).max,
    }
    numbers |= {"TO_FRONT": planes.TO_FRONT}
    numbers |= {"SSIM1": loss.C1, "SSIM2": loss.C2, "LEAST": loss.LEAST, "SH0": harmonics.C0, "SH1": harmonics.C1}
    numbers |= {f"SH2_{i}": value for i, value in enumerate(harmonics.C2)} | {f"SH3_{i}": value for i, value in enumerate(harmonics.C3)}
    numbers |= {"FLATTEST": surfels.FLATTEST, "STEEPEST": surfels.STEEPEST, "LOW_PASS": surfels.LOW_PASS}
    numbers |= {"LEAST_SHRINK": surfel_blending.LEAST_SHRINK, "TO_POWER": surfel_blending.TO_POWER}
    numbers |= {"SOLID": geometry.LEAST_ALPHA, "LEAST_FACING": geometry.LEAST_FACING}
    numbers |= {"UNKNOWN": multiview.UNKNOWN, "MOST_AWAY": multiview.MOST_AWAY, "PATCH_NOISE": multiview.NOISE}
    lines = [f"constexpr int {name} = {value};" for name, value in integers.items()]
    lines += [f"constexpr float {name} = {_literal(value)};" for name, value in numbers.items()]
    taps = ", ".join(_literal(tap) for tap in loss.WINDOW)
    return "\n".join((*lines, f"__constant__ float WINDOW[{len(loss.WINDOW)}] = {{{taps}}};\n"))


def _literal(value: float) -> str:
    return f"{float(np.float32(value))!r}f"
