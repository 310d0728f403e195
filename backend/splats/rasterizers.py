"""What training and rendering ask of splats on some device, and how they get there."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from ..device import Device, prepare_numba
from ..rendering.buffers import Color
from ..rendering.protocol import Renderable, Step
from ..rendering.targets import Target
from ..values import Cameras, Rendering, Splats
from .step import SplatStep, StepFigures

if TYPE_CHECKING:
    from .cpu.rasterizer import CpuRasterizer
    from .cpu.scene_rasterizer import SceneRasterizer
    from .cuda.rasterizer import CudaRasterizer
    from .cuda.torch_rasterizer import TorchRasterizer

Array = Any


class Trainable(Renderable, Protocol):
    """Splats in training.

    The arrays are current on the host only inside of `edited()`; the first `count` of their `capacity` rows are in use.
    """

    parameters: Array  # [capacity, W] float32, see layout.py
    moments: Array  # [capacity, 2, W] float32, Adam's
    stats: Array  # [capacity, STATS] float32
    count: int
    capacity: int
    width: int  # W
    bases: int

    def fuses(self, step: Step) -> bool:
        """Whether `step` computes exactly what `step.losses` ask for."""
        ...

    def step(self, target: Target, step: SplatStep) -> StepFigures:
        """Render one view, compare it with its photo, and take one Adam step. Raises ValueError for losses that it doesn't fuse."""
        ...

    def edited(self) -> AbstractContextManager[None]:
        """Inside, the arrays and `count` may be changed; tapes become invalid."""
        ...

    def splats(self) -> Splats:
        """A copy of the splats as they are."""
        ...

    def close(self) -> None:
        """End the threads and give back a card's memory."""
        ...


class Pictured(Protocol):
    """Splats to be looked at."""

    def rasterize(self, cameras: Cameras, index: int, background: Color, geometry: bool) -> Rendering:
        """Render camera `index` as `render.rasterize` does."""
        ...

    def rest(self) -> None:
        """End the threads; they start again where they are needed."""
        ...

    def close(self) -> None:
        """End the threads and give back a card's memory."""
        ...


def trainable(device: Device, splats: Splats, capacity: int, sh_degree: int) -> Trainable:
    """Splats to be trained on a device, with room for `capacity` of them; close them in the end. Raises ReifyError where a card fails."""
    return _on_cpu(device, splats, capacity, sh_degree, True) if device.kind == "cpu" else _on_card(device, splats, capacity, sh_degree)


def pictured(device: Device, splats: Splats) -> Pictured:
    """Splats to be rendered on a device, the CPU or our own kernels; close them in the end. Raises ReifyError where a card fails."""
    if device.kind == "cpu":
        return _on_cpu(device, splats, len(splats), splats.sh_degree, False)
    found = _on_card(device, splats, len(splats), splats.sh_degree)
    if not hasattr(found, "rasterize"):
        raise ValueError(f"{device.name} only trains")
    return found


def of_scene() -> SceneRasterizer:
    """A rasterizer of several clouds at once, on the CPU; close it in the end."""
    prepare_numba()
    from .cpu.scene_rasterizer import SceneRasterizer

    return SceneRasterizer()


def _on_cpu(device: Device, splats: Splats, capacity: int, sh_degree: int, training: bool) -> CpuRasterizer:
    prepare_numba()
    from .cpu.rasterizer import CpuRasterizer

    return CpuRasterizer(splats, capacity, sh_degree, device.threads, training)


def _on_card(device: Device, splats: Splats, capacity: int, sh_degree: int) -> CudaRasterizer | TorchRasterizer:
    from .cuda import make_rasterizer

    return make_rasterizer(device.kind, splats, capacity, sh_degree)
