"""Training on NVIDIA cards: by our own kernels, which torch's NVRTC compiles on first use, or by gsplat's rasterizer.

`ways` are what `device.choose` chooses from, `make_rasterizer` makes the rasterizer that was chosen. Our own: `kernels/` is CUDA C++,
`source` puts it together, `nvrtc` compiles it, `driver` launches it, `rasterizer` says in which order. gsplat: `torch_rasterizer`, without
surfels. None of it is used before `check` found that it computes what the float64 twin, or of surfels the CPU, does.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from ...device import Way, prepare_numba
from ...values import Splats

if TYPE_CHECKING:
    from .driver import Kernels
    from .rasterizer import CudaRasterizer
    from .torch_rasterizer import TorchRasterizer


def ways(surfels: bool = False) -> tuple[Way, ...]:
    """The ways to train splats, or surfels, on a card, the preferred one first."""
    own, gsplat = partial(_own_problem, surfels), partial(_gsplat_problem, surfels)
    return Way("cuda", "Reify's own kernels", own), Way("gsplat", "gsplat", gsplat)


def modules_of(kind: str) -> tuple[str, ...]:
    """What must be importable for training on the device named `kind`; "auto" does without."""
    return ("torch",) if kind in (way.name for way in ways()) else ()


def make_rasterizer(kind: str, splats: Splats, capacity: int, sh_degree: int) -> CudaRasterizer | TorchRasterizer:
    """Splats on the current card, in the way named `kind`; raises ReifyError where the card fails."""
    prepare_numba()
    if kind == "gsplat":
        from .torch_rasterizer import TorchRasterizer, by_gsplat

        return TorchRasterizer(splats, capacity, sh_degree, by_gsplat, device="cuda")
    from .rasterizer import CudaRasterizer

    return CudaRasterizer(splats, capacity, sh_degree, _kernels())


@cache
def _kernels() -> Kernels:
    from .driver import Kernels

    return Kernels()


def _own_problem(surfels: bool) -> str:
    prepare_numba()
    from .check import disagreement

    return disagreement(lambda *scene: make_rasterizer("cuda", *scene), surfels)


def _gsplat_problem(surfels: bool) -> str:
    if surfels:
        return "Reify trains for meshes without it"
    prepare_numba()
    from .check import disagreement, gsplat_missing

    return gsplat_missing() or disagreement(lambda *scene: make_rasterizer("gsplat", *scene))
