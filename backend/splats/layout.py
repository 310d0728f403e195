"""Rows of float32 that rasterizers, strategies and schedule share: a splat's parameters, its statistics, a camera.

`columns` says what stands where in them. Letters: N splats, K SH bases, W floats of a parameter row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..geometry.vectors import unit
from ..values import Cameras, Splats
from .columns import (
    BASE_COLOR,
    CAMERA,
    CENTER,
    FOCAL,
    LOG_SCALE,
    MEAN,
    OPACITY,
    QUATERNION,
    ROTATION,
    SH,
    SIZE,
    TRANSLATION,
)
from .surfels import flattened

Array = Any

NAMES = ("means", "quats", "log_scales", "opacity_logits", "sh")  # of the parameters, as in `Splats`
_NAMES = frozenset(NAMES)


def channel_width(bases: int) -> int:
    """Floats of one channel's view-dependent color: all bases but the constant one, padded to a multiple of eight."""
    return -(-(bases - 1) // 8) * 8


def row_width(bases: int) -> int:
    """Floats of a parameter row for that many SH bases; a multiple of eight."""
    return SH + 3 * channel_width(bases)


def camera_row(cameras: Cameras, index: int = 0) -> Array:
    """Pinhole camera `index` as a row [CAMERA] float32."""
    row = np.zeros(CAMERA, np.float32)
    pose, k = cameras.cam_from_world[index], cameras.K[index]
    row[ROTATION:TRANSLATION] = pose[:3, :3].ravel()
    row[TRANSLATION:FOCAL] = pose[:3, 3]
    row[FOCAL:CENTER] = k[0, 0], k[1, 1], k[0, 2], k[1, 2]
    row[CENTER:SIZE] = -pose[:3, :3].T @ pose[:3, 3]
    row[SIZE : SIZE + 2] = cameras.size_px[index]
    return row


def rows_of(splats: Splats, bases: int) -> Array:
    """Splats as parameter rows [N,W] float32 for `bases` SH bases; missing bases are zero, further ones are left out."""
    sh = np.zeros((len(splats), bases, 3), np.float32)
    kept = min(bases, splats.sh.shape[1])
    sh[:, :kept] = splats.sh[:, :kept]
    return rows_from({**{name: getattr(splats, name) for name in NAMES}, "sh": sh})


def splats_of(rows: Array, bases: int, antialiased: bool, surfels: bool = False) -> Splats:
    """Parameter rows [N,W] as Splats, with unit quaternions."""
    quats, log_scales = rows[:, QUATERNION : QUATERNION + 4], rows[:, LOG_SCALE : LOG_SCALE + 3]
    return Splats(
        means=rows[:, MEAN : MEAN + 3].copy(),
        quats=unit(quats),
        log_scales=flattened(log_scales) if surfels else log_scales.copy(),
        opacity_logits=rows[:, OPACITY].copy(),
        sh=sh_of(rows, bases),
        antialiased=antialiased,
        surfels=surfels,
    )


def named(rows: Array, bases: int) -> dict[str, Array]:
    """Parameter rows [N,W], or their gradients, by the names and in the shapes of `Splats`; all but `sh` are views."""
    return {
        "means": rows[:, MEAN : MEAN + 3],
        "quats": rows[:, QUATERNION : QUATERNION + 4],
        "log_scales": rows[:, LOG_SCALE : LOG_SCALE + 3],
        "opacity_logits": rows[:, OPACITY],
        "sh": sh_of(rows, bases),
    }


def rows_from(parameters: Mapping[str, Array]) -> Array:
    """Parameter rows [N,W] float32 of what `named` returns."""
    count, bases, _channels = parameters["sh"].shape
    rows = np.zeros((count, row_width(bases)), np.float32)
    rows[:, MEAN : MEAN + 3], rows[:, OPACITY] = parameters["means"], parameters["opacity_logits"]
    rows[:, QUATERNION : QUATERNION + 4], rows[:, LOG_SCALE : LOG_SCALE + 3] = parameters["quats"], parameters["log_scales"]
    rows[:, BASE_COLOR : BASE_COLOR + 3] = parameters["sh"][:, 0]
    rows[:, SH:].reshape(count, 3, channel_width(bases))[:, :, : bases - 1] = parameters["sh"][:, 1:].transpose(0, 2, 1)
    return rows


def rates_row(rates: Mapping[str, float | Array], bases: int) -> Array:
    """Learning rates by the parameters' names as a row [W] float32.

    A rate is a number, or an array that broadcasts to the parameter of one splat, as [K,1] for `sh`; a parameter without a rate stays as
    it is. Raises ValueError for a name that no parameter has.
    """
    if not rates.keys() <= _NAMES:
        raise ValueError(f"no parameter of splats is called {', '.join(sorted(rates.keys() - _NAMES))}")
    row = np.zeros(row_width(bases), np.float32)
    row[MEAN : MEAN + 3], row[OPACITY] = rates.get("means", 0.0), rates.get("opacity_logits", 0.0)
    row[QUATERNION : QUATERNION + 4], row[LOG_SCALE : LOG_SCALE + 3] = rates.get("quats", 0.0), rates.get("log_scales", 0.0)
    sh = rates.get("sh", 0.0)
    if np.ndim(sh) == 0:
        row[BASE_COLOR : BASE_COLOR + 3], row[SH:] = sh, sh  # padding has no gradient
    else:
        sh = np.broadcast_to(sh, (bases, 3))
        row[BASE_COLOR : BASE_COLOR + 3] = sh[0]
        row[SH:].reshape(3, -1)[:, : bases - 1] = sh[1:].T
    return row


def sh_of(rows: Array, bases: int) -> Array:
    """The SH coefficients [N,K,3] in parameter rows [N,W], or in their gradients; a copy."""
    rest = rows[:, SH:].reshape(len(rows), 3, -1)[:, :, : bases - 1].transpose(0, 2, 1)
    return np.concatenate([rows[:, None, BASE_COLOR : BASE_COLOR + 3], rest], axis=1)
