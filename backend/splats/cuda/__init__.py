"""Training on NVIDIA cards: by our own kernels, which torch's NVRTC compiles on first use, or by gsplat's rasterizer.

`ways` are what `device.choose` chooses from, `engine_of` makes the engine that was chosen. Our own: `kernels/` is CUDA C++, `source` puts
it together, `nvrtc` compiles it, `driver` launches it, `engine` says in which order. gsplat: `torch_engine`, without surfels. None of it is
trusted before `check` found that it computes what the float64 twin, or of surfels the CPU, does.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from ...device import Way, prepare_numba
from ...values import Splats

if TYPE_CHECKING:
    from .driver import Kernels
    from .engine import CudaEngine
    from .torch_engine import TorchEngine


def ways(surfels: bool = False) -> tuple[Way, ...]:
    """The ways to train splats, or surfels, on a card, the preferred one first."""
    own, gsplat = partial(_own_problem, surfels), partial(_gsplat_problem, surfels)
    return Way("cuda", "Reify's own kernels", own), Way("gsplat", "gsplat", gsplat)


def modules_of(kind: str) -> tuple[str, ...]:
    """What must be importable for training on the device named `kind`; "auto" does without."""
    return ("torch",) if kind in (way.name for way in ways()) else ()


def engine_of(kind: str, splats: Splats, capacity: int, sh_degree: int) -> CudaEngine | TorchEngine:
    """The engine of the way named `kind`, on the current card."""
    prepare_numba()
    if kind == "gsplat":
        from .torch_engine import TorchEngine, by_gsplat

        return TorchEngine(splats, capacity, sh_degree, by_gsplat, device="cuda")
    from .engine import CudaEngine

    return CudaEngine(splats, capacity, sh_degree, _kernels())


@cache
def _kernels() -> Kernels:
    from .driver import Kernels

    return Kernels()


def _own_problem(surfels: bool) -> str:
    from .check import disagreement

    return disagreement(lambda *scene: engine_of("cuda", *scene), surfels)


def _gsplat_problem(surfels: bool) -> str:
    from .check import disagreement, gsplat_missing

    if surfels:
        return "Reify trains for meshes without it"
    return gsplat_missing() or disagreement(lambda *scene: engine_of("gsplat", *scene))
