"""Whether a rasterizer on this machine's card computes what it should: asked before any use of it, within a second or two.

Import it after `device.prepare_numba()`.

Steps on splats of any shape are held against the float64 twin; those on surfels, with the losses on depth, normals and neighboring views,
and renderings, against the CPU's rasterizer, which the tests hold against the twin.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...rendering.losses import (
    DepthDistortion,
    Loss,
    MultiviewGeometric,
    MultiviewPhotometric,
    NormalConsistency,
    OpacityDecay,
    Photometric,
    ScaleDecay,
)
from ...rendering.targets import Target
from ...values import Cameras, Splats
from .. import columns, layout
from ..cpu.rasterizer import CpuRasterizer
from ..step import Neighbor, SplatStep

Array = Any
SPLATS, WIDTH, HEIGHT = 400, 45, 35  # a list of one tile is longer than a block of threads
DISTANCE = 2.5  # of the camera from the scene's middle
ASIDE = 0.1, 0.06  # where its neighbor is, to the right and below; oblique, so that no place falls just between two rows
LOSS_ERROR = 1e-3  # relative, as all of these
GRADIENT_ERROR = 5e-3
PICTURE_ERROR = 5e-3
GRADIENT_SQUARE = 1e-6


def disagreement(make: Callable[[Splats, int, int], Any], surfels: bool = False) -> str:
    """Why the rasterizer that `make(splats, capacity, sh_degree)` returns can't be trusted here; "" where it takes the right steps."""
    try:
        for antialiased in (False, True):
            splats = _splats(antialiased, surfels)
            rasterizer = make(splats, SPLATS, 3)
            try:
                problem = _shows_otherwise(rasterizer, splats) or _steps_otherwise(rasterizer, splats)
            finally:
                rasterizer.close()
            if problem:
                return f"a check found that its results aren't the CPU's: {problem}"
    except Exception as error:  # whatever a driver, a compiler or a package comes up with, the card isn't to be used
        return (str(error).strip() or type(error).__name__).splitlines()[0]
    return ""


def gsplat_missing() -> str:
    """Why gsplat can't run here at all; "" where it has compiled kernels, or a CUDA toolkit to compile them with."""
    if importlib.util.find_spec("gsplat") is None:
        return "gsplat isn't installed"
    try:
        built = importlib.util.find_spec("gsplat.csrc") is not None
    except ImportError as error:
        return f"gsplat can't be imported ({error})"
    if built or _has_toolkit():
        return ""
    return "gsplat came without compiled kernels for this torch, and there is no CUDA toolkit (nvcc) to compile them with"


def _has_toolkit() -> bool:
    from torch.utils.cpp_extension import CUDA_HOME

    return shutil.which("nvcc") is not None or (CUDA_HOME is not None and any((Path(CUDA_HOME) / "bin").glob("nvcc*")))


def _shows_otherwise(rasterizer: Any, splats: Splats) -> str:
    """By how much what a rasterizer shows differs from the CPU's, "" where they agree, or where it only trains."""
    if not hasattr(rasterizer, "rasterize"):
        return ""
    reference = CpuRasterizer(splats, SPLATS, 3, 1, training=False)
    found, expected = (one.rasterize(_camera(), 0, (0.3, 0.6, 0.1), True) for one in (rasterizer, reference))
    for name in ("rgb", "alpha", "depth", "normal"):
        if problem := _apart(name, getattr(found, name), getattr(expected, name), PICTURE_ERROR):
            return problem
    return ""


def _steps_otherwise(rasterizer: Any, splats: Splats) -> str:
    """In which figure, and by how much, two steps of a rasterizer differ from what they should be; "" where they agree."""
    reference = _reference(splats)
    start = reference.parameters.copy()
    for one in (rasterizer, reference):
        with one.edited():
            one.moments[:, 1] = GRADIENT_SQUARE  # with none, a step would follow the mere sign of what may be rounded
    for count in (1, 2):
        found, expected = (one.step(_target(), _step(count, splats.surfels)) for one in (rasterizer, reference))
        with rasterizer.edited(), reference.edited():
            compared: tuple[tuple[str, Any, Any, float], ...] = (
                ("loss", found.loss, expected.loss, LOSS_ERROR),
                ("squared error", found.square, expected.square, LOSS_ERROR),
                ("gradient", rasterizer.moments[:, 0], reference.moments[:, 0], GRADIENT_ERROR),
                ("statistics", rasterizer.stats[:, columns.STAT_SIGNAL], reference.stats[:, columns.STAT_SIGNAL], GRADIENT_ERROR),
                ("exposure", found.v_exposure, expected.v_exposure, GRADIENT_ERROR),
                ("camera", found.v_camera, expected.v_camera, GRADIENT_ERROR),
                ("step", rasterizer.parameters - start, reference.parameters - start, GRADIENT_ERROR),
            )
            if splats.surfels:
                compared += (("depth", found.depth, expected.depth, GRADIENT_ERROR),)
            for name, value, right, limit in compared:
                if problem := _apart(f"{name} {count}", value, right, limit):
                    return problem
    return ""


def _apart(name: str, value: Any, right: Any, limit: float) -> str:
    error = float(np.linalg.norm(np.subtract(value, right)) / np.linalg.norm(right))
    return "" if error < limit else f"{name} is off by {error:.0e}"


def _reference(splats: Splats) -> Any:
    if splats.surfels:
        return CpuRasterizer(splats, SPLATS, 3, 1)
    import torch

    from .torch_rasterizer import TorchRasterizer, by_twin

    return TorchRasterizer(splats, SPLATS, 3, by_twin, device="cpu", dtype=torch.float64)


def _splats(antialiased: bool, surfels: bool) -> Splats:
    rng = np.random.default_rng(3)
    splats = Splats(
        means=(0.5 * rng.normal(size=(SPLATS, 3))).astype(np.float32),
        quats=rng.normal(size=(SPLATS, 4)).astype(np.float32),
        log_scales=(np.log(0.1) + 0.7 * rng.normal(size=(SPLATS, 3))).astype(np.float32),
        opacity_logits=(1.5 * rng.normal(size=SPLATS)).astype(np.float32),
        sh=(0.4 * rng.normal(size=(SPLATS, 16, 3))).astype(np.float32),
        antialiased=antialiased,
        surfels=surfels,
    )
    if surfels:  # Most discs face the camera: from the side float32 tells little about their gradients.
        splats.quats[:, 1:3] *= 0.3
    return splats


def _camera(aside: tuple[float, float] = (0.0, 0.0)) -> Cameras:
    """A camera in front of the scene, or beside that."""
    pose = np.eye(4)
    pose[:3, 3] = -aside[0], -aside[1], DISTANCE
    k = np.array([[1.2 * WIDTH, 0, 0.45 * WIDTH], [0, 1.3 * WIDTH, 0.55 * HEIGHT], [0, 0, 1]])
    return Cameras(pose[None], k[None], np.array([[WIDTH, HEIGHT]]), np.zeros((1, 8)))


def _target(aside: tuple[float, float] = (0.0, 0.0)) -> Target:
    """A coarse chequerboard with transparent and unknown parts."""
    rng = np.random.default_rng(4)
    rgb = np.repeat(np.repeat(rng.integers(0, 255, (4, 5, 3), dtype=np.uint8), 9, axis=0), 9, axis=1)[:HEIGHT, :WIDTH]
    alpha, weight = np.full((HEIGHT, WIDTH), 255, np.uint8), np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:8], weight[:, :8] = 60, 0
    return Target(_camera(aside), np.ascontiguousarray(rgb), alpha, weight)


def _step(count: int, surfels: bool) -> SplatStep:
    losses: tuple[Loss, ...] = (Photometric(), OpacityDecay(1e-4), ScaleDecay(1e-4))
    step = SplatStep(
        rates=dict.fromkeys(layout.NAMES, 1e-3),
        losses=losses,
        bases=16,
        count=count,
        background=(0.3, 0.6, 0.1),
        exposure=np.array([1.2, 0.9, 1.1, 0.05, -0.1, 0.02], np.float32),
        camera_gradient=True,
    )
    if not surfels:
        return step
    losses += DepthDistortion(0.5), NormalConsistency(0.1), MultiviewPhotometric(0.3), MultiviewGeometric(0.1)
    neighbor = Neighbor(_target(ASIDE), np.full((HEIGHT, WIDTH), DISTANCE, np.float32))
    return replace(step, losses=losses, neighbor=neighbor, keep_depth=True)
