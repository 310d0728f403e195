"""Whether the graphics card draws splats as they must look: a small scene, compared with its formula.

Four round splats, one behind another, colored differently from every side, a part of them behind a surface: drivers that get an order, a
format or a function wrong show it here, before anything reaches the artist's viewport.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...backend.splats.scene_rows import Instance, rows_from
from ...backend.splats.view import View, view_of
from ...backend.values import SH_C0, Splats

Array = Any
SIZE_PX = 48
MOST_DIFFERENCE = 0.02  # of a channel
FOCAL, NEAR, FAR = 2.0, 0.1, 100.0  # of the projection, in half widths
SURFACE_DEPTH = 3.2  # of the surface in the left half, which hides what lies behind it
MEANS = np.array([[0.1, 0.2, 3.0], [-0.2, -0.1, 3.5], [0.3, -0.3, 4.0], [-0.3, 0.3, 3.05]])  # in camera space
SIZES = np.array([0.25, 0.4, 0.35, 0.2])
OPACITIES = np.array([0.6, 0.9, 0.7, 0.5])
REGION = 0


@cache
def check() -> str:
    """What is wrong, "" where all is right; raises what the driver raises."""
    from .card import Card

    card, view, rows = Card(), _view(), rows_from(_splats())
    instances = [Instance(rows, np.eye(4))]
    wish: Any = SimpleNamespace(step=1, instances=lambda: instances)
    card.take(REGION, wish, card.drawer().draw(instances, view))
    while card.layer(REGION, view, [np.eye(4)], timed=True) is not None and not card.is_whole(REGION):
        pass
    card.layer(REGION, view, [np.eye(4)], timed=True)
    difference = np.abs(card.pixels(REGION) - expected(view)).max()
    return "" if difference <= MOST_DIFFERENCE else f"{difference:.2f} > {MOST_DIFFERENCE}"


def expected(view: View) -> Array:
    """The picture that the formula gives [H,W,4], premultiplied sRGB and alpha, first row at the bottom."""
    splats = _splats()
    columns, rows = np.meshgrid(np.arange(SIZE_PX) + 0.5, SIZE_PX - np.arange(SIZE_PX) - 0.5)
    picture, light = np.zeros((SIZE_PX, SIZE_PX, 3)), np.ones((SIZE_PX, SIZE_PX))
    focal, middle = view.focal_px[0], view.principal_px[0]
    for n in np.argsort(MEANS[:, 2]):
        x, y, z = MEANS[n]
        jacobian = focal / z * np.array([[1, 0, -x / z], [0, 1, -y / z]])
        spread = SIZES[n] ** 2 * jacobian
        covariance = spread @ jacobian.T + 0.3 * np.eye(2)
        d = np.stack([columns - focal * x / z - middle, rows - focal * y / z - middle], axis=-1)
        power = np.einsum("hwi,ij,hwj->hw", d, np.linalg.inv(covariance), d)
        alpha = OPACITIES[n] * np.exp(-0.5 * power)
        depth = z + d @ np.linalg.solve(covariance, spread[:, 2])
        hidden = (columns < SIZE_PX / 2) & (depth > SURFACE_DEPTH)
        alpha = np.where((alpha < 1 / 255) | hidden, 0, alpha)
        across, down, away = MEANS[n] / np.linalg.norm(MEANS[n])
        bands = splats.sh[n, 1:4]
        color = np.maximum(0.5 + SH_C0 * splats.sh[n, 0] + 0.4886025119029199 * (-down * bands[0] + away * bands[1] - across * bands[2]), 0)
        picture += (light * alpha)[..., None] * color
        light *= 1 - alpha
    return np.concatenate([picture, 1 - light[..., None]], axis=-1)


def _view() -> View:
    """From the origin along z, half of it in front of a surface."""
    a, b = -(FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)
    projection = np.array([[FOCAL, 0, 0, 0], [0, FOCAL, 0, 0], [0, 0, a, b], [0, 0, -1, 0]])
    depth = np.ones((SIZE_PX, SIZE_PX), np.float32)
    depth[:, : SIZE_PX // 2] = 0.5 * ((a * -SURFACE_DEPTH + b) / SURFACE_DEPTH) + 0.5
    return view_of(projection, np.diag([1.0, -1.0, -1.0, 1.0]), SIZE_PX, SIZE_PX, (NEAR, FAR), (), depth)


def _splats() -> Splats:
    random = np.random.default_rng(0)
    sh = np.zeros((len(MEANS), 16, 3), np.float32)
    sh[:, :4] = random.uniform(-0.7, 0.7, (len(MEANS), 4, 3))
    return Splats(
        means=MEANS.astype(np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (len(MEANS), 1)),
        log_scales=np.repeat(np.log(SIZES)[:, None], 3, axis=1).astype(np.float32),
        opacity_logits=np.log(OPACITIES / (1 - OPACITIES)).astype(np.float32),
        sh=sh,
    )
