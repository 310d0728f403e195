"""Splats on an NVIDIA card: our own kernels and gsplat's side by side."""

from __future__ import annotations

import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend.values import Splats

REPEATS = 20


def card(emit: Callable[..., None]) -> None:
    """A step, and rasterizing forward and backward, by each way to train on the card that passes its check."""
    if importlib.util.find_spec("torch") is None:
        print("torch isn't installed; the card's figures are left out", file=sys.stderr)
        return
    import torch

    from ..backend.splats.cuda import make_rasterizer, ways
    from ..backend.splats.surfels import as_surfels
    from .splats import NAMES, SIZES, synthetic_camera, synthetic_splats

    if not torch.cuda.is_available():
        print("there is no NVIDIA card; its figures are left out", file=sys.stderr)
        return
    more = {"card": torch.cuda.get_device_name()}
    for way in ways():
        if problem := way.problem():
            print(f"{way.what}: {problem}; its figures are left out", file=sys.stderr)
            continue
        for count, width, height in SIZES:
            name = f"{NAMES.get((count, width), f'{count // 1000}k_{width}')}_{way.name}"
            splats, camera = synthetic_splats(count), synthetic_camera(width, height)
            rasterizer = make_rasterizer(way.name, splats, count, 3)
            emit(f"step_{name}_ms", _milliseconds(_step(rasterizer, camera, width, height)), "ms", **more)
            rasterize = _gsplat(splats, camera, width, height) if way.name == "gsplat" else _own(rasterizer, camera, width, height)
            emit(f"rasterize_{name}_ms", _milliseconds(rasterize), "ms", **more)
            rasterizer.close()
            if way.name == "cuda":
                rasterizer = make_rasterizer(way.name, as_surfels(splats, seed=0), count, 3)
                emit(f"step_{name}_surfels_ms", _milliseconds(_step(rasterizer, camera, width, height, shape_weight=1e-3)), "ms", **more)
                rasterizer.close()


def _step(rasterizer: Any, cameras: Any, width: int, height: int, shape_weight: float = 0.0) -> Callable[[], object]:
    from ..backend.rendering.losses import DepthDistortion, NormalConsistency, Photometric
    from ..backend.rendering.targets import Target
    from ..backend.splats.layout import NAMES
    from ..backend.splats.step import SplatStep

    target = Target(cameras, np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))
    on_shape = (DepthDistortion(shape_weight), NormalConsistency(shape_weight)) if shape_weight else ()
    rates = dict.fromkeys(NAMES, 1e-6)  # so small that the scene stays what it is
    step = SplatStep(rates=rates, losses=(Photometric(), *on_shape), bases=16)
    return lambda: rasterizer.step(target, step)


def _own(rasterizer: Any, cameras: Any, width: int, height: int) -> Callable[[], object]:
    import torch

    from ..backend.splats.layout import camera_row

    camera, v_image = camera_row(cameras, 0), torch.randn(3, height, width, device="cuda")
    background = np.zeros(3, np.float32)
    return lambda: rasterizer.gradients(rasterizer.draw(camera, background, 16), v_image)


def _gsplat(splats: Splats, cameras: Any, width: int, height: int) -> Callable[[], object]:
    import torch
    from gsplat import rasterization

    names = ("means", "quats", "log_scales", "opacity_logits", "sh")
    parameters = {name: torch.tensor(getattr(splats, name), device="cuda", requires_grad=True) for name in names}
    pose, k = (torch.tensor(m[0], dtype=torch.float32, device="cuda") for m in (cameras.cam_from_world, cameras.K))
    v_image = torch.randn(height, width, 3, device="cuda")

    def rasterize() -> None:
        means, quats, log_scales, opacity_logits, sh = parameters.values()
        shapes = (means, quats, torch.exp(log_scales), torch.sigmoid(opacity_logits), sh)
        picture, *_ = rasterization(*shapes, pose[None], k[None], width, height, sh_degree=3)
        (picture[0] * v_image).sum().backward()

    return rasterize


def _milliseconds(work: Callable[[], object]) -> float:
    """Median time of `work` on the card."""
    import torch

    times = []
    for _ in range(REPEATS + 3):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times[3:]), 3)
