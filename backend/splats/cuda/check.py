"""Whether an engine on this machine's card computes what it should: asked before any training on it, within a second or two.

Splats of any shape are held against the float64 twin. Surfels are held against the CPU's engine, which the tests hold against the twin:
it takes whole steps with the losses on depth, normals and neighboring views, which the twin has one by one.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...device import prepare_numba
from ...values import Splats
from ..cpu import layout
from ..engine import Neighbor, Step, Target

Array = Any
SPLATS, WIDTH, HEIGHT = 400, 45, 35  # a list of one tile is longer than a block of threads
DISTANCE = 2.5  # of the camera from the scene's middle
ASIDE = 0.1, 0.06  # where its neighbor is, to the right and below; oblique, so that no place falls just between two rows
LOSS_ERROR = 1e-3  # relative, as all of these
GRADIENT_ERROR = 5e-3
GRADIENT_SQUARE = 1e-6


def disagreement(make: Callable[[Splats, int, int], Any], surfels: bool = False) -> str:
    """Why the engine that `make(splats, capacity, sh_degree)` returns can't be trusted here; "" where it takes the right steps."""
    prepare_numba()
    try:
        for antialiased in (False, True):
            splats = _splats(antialiased, surfels)
            engine = make(splats, SPLATS, 3)
            problem = _differs(engine, splats)
            engine.close()
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


def _differs(engine: Any, splats: Splats) -> str:
    """In which figure, and by how much, two steps of an engine differ from what they should be; "" where they agree."""
    reference = _reference(splats)
    start = reference.parameters.copy()
    for one in (engine, reference):
        with one.edited():
            one.moments[:, 1] = GRADIENT_SQUARE  # with none, a step would follow the mere sign of what may be rounded
    for count in (1, 2):
        found, expected = (one.step(_target(), _step(one.width, count, splats.surfels)) for one in (engine, reference))
        with engine.edited(), reference.edited():
            compared: tuple[tuple[str, Any, Any, float], ...] = (
                ("loss", found.loss, expected.loss, LOSS_ERROR),
                ("squared error", found.square, expected.square, LOSS_ERROR),
                ("gradient", engine.moments[:, 0], reference.moments[:, 0], GRADIENT_ERROR),
                ("statistics", engine.stats[:, layout.STAT_SIGNAL], reference.stats[:, layout.STAT_SIGNAL], GRADIENT_ERROR),
                ("exposure", found.v_exposure, expected.v_exposure, GRADIENT_ERROR),
                ("camera", found.v_camera, expected.v_camera, GRADIENT_ERROR),
                ("step", engine.parameters - start, reference.parameters - start, GRADIENT_ERROR),
            )
            if splats.surfels:
                compared += (("depth", found.depth, expected.depth, GRADIENT_ERROR),)
            for name, value, right, limit in compared:
                error = float(np.linalg.norm(np.subtract(value, right)) / np.linalg.norm(right))
                if not error < limit:
                    return f"{name} {count} is off by {error:.0e}"
    return ""


def _reference(splats: Splats) -> Any:
    if splats.surfels:
        from ..cpu.engine import CpuEngine

        return CpuEngine(splats, SPLATS, 3, 1)
    import torch

    from .torch_engine import TorchEngine, by_twin

    return TorchEngine(splats, SPLATS, 3, by_twin, device="cpu", dtype=torch.float64)


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


def _target(aside: tuple[float, float] = (0.0, 0.0)) -> Target:
    """A coarse chequerboard with transparent and unknown parts, seen from in front of the scene, or from beside that."""
    rng = np.random.default_rng(4)
    rgb = np.repeat(np.repeat(rng.integers(0, 255, (4, 5, 3), dtype=np.uint8), 9, axis=0), 9, axis=1)[:HEIGHT, :WIDTH]
    alpha, weight = np.full((HEIGHT, WIDTH), 255, np.uint8), np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:8], weight[:, :8] = 60, 0
    camera = np.zeros(layout.CAMERA, np.float32)
    camera[[0, 4, 8]] = 1
    camera[layout.CENTER : layout.SIZE] = *aside, -DISTANCE
    camera[layout.TRANSLATION : layout.FOCAL] = -camera[layout.CENTER : layout.SIZE]
    camera[layout.FOCAL : layout.CENTER] = 1.2 * WIDTH, 1.3 * WIDTH, 0.45 * WIDTH, 0.55 * HEIGHT
    return Target(np.ascontiguousarray(rgb), alpha, weight, camera)


def _step(width: int, count: int, surfels: bool) -> Step:
    learning = np.full(width, 1e-3, np.float32)
    exposure = np.array([1.2, 0.9, 1.1, 0.05, -0.1, 0.02], np.float32)
    step = Step(
        bases=16,
        learning=learning,
        count=count,
        background=(0.3, 0.6, 0.1),
        opacity_weight=1e-4,
        scale_weight=1e-4,
        exposure=exposure,
        camera_gradient=True,
    )
    if not surfels:
        return step
    neighbor = Neighbor(_target(ASIDE), np.full((HEIGHT, WIDTH), DISTANCE, np.float32), photo_weight=0.3, depth_weight=0.1)
    return replace(step, distortion_weight=0.5, normal_weight=0.1, neighbor=neighbor, keep_depth=True)
