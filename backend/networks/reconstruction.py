"""Objects from single pictures by TripoSR, for who has a job: its weights looked up, loaded, run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ..engine.requirements import TORCH
from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Array, Picture
from .library.catalog import TRIPOSR
from .library.keeping import CONVERTED
from .library.places import need
from .memory import Holding

Value = TypeVar("Value")


@dataclass(frozen=True)
class LearnedSettings:
    """What can be set about reading the surface off the network's field."""

    cells: int = option(256, "Cells along each axis of the space around the object; more keep finer detail", low=32, high=512)


def planes_of_picture(picture: Picture, *, job: Job) -> Array:
    """TripoSR's planes [3,C,H,W] float32 of a picture's subject; raises ReifyError where weights or torch are missing."""

    def told(fraction: float) -> None:
        job.progress(0.05 + 0.95 * fraction, "reconstructing what isn't seen")

    return _used(job, lambda network, triposr: triposr.planes_of(picture, network, told))


class FieldReader:
    """The field that planes hold, in the model's space; raises ReifyError where weights or torch are missing."""

    def __init__(self, planes: Array, job: Job) -> None:
        weights, (running, triposr) = need(TRIPOSR, job.environment), _modules()
        import torch

        self._torch = torch
        # The file is mapped, and what isn't asked, which is all but the field, isn't read.
        self._network = running.built(triposr.TripoSR, weights.files[CONVERTED], running.chosen_device(job.environment))
        weight = self._network.enter.weight
        self._planes = torch.from_numpy(planes).to(weight.device, weight.dtype)
        self.level, self.radius, self.blender_from_model = triposr.LEVEL, triposr.RADIUS, triposr.BLENDER_FROM_MODEL

    def log_density(self, points: Array) -> Array:
        """The logarithm of density [P] at points [P,3]."""
        return self._at(points, 0)

    def colors(self, points: Array) -> Array:
        """SRGB colors [P,3], 0 to 1, at points [P,3]."""
        return self._at(points, 1)

    def _at(self, points: Array, which: int) -> Array:
        places = self._torch.from_numpy(np.ascontiguousarray(points)).to(self._planes)
        with self._torch.inference_mode():
            return self._network.at(self._planes, places)[which].float().cpu().numpy()


def _used(job: Job, use: Callable[[Any, Any], Value]) -> Value:
    """What `use` makes of the network, held as memory allows, and its module."""
    weights, (running, triposr) = need(TRIPOSR, job.environment), _modules()
    from . import holding

    device = running.chosen_device(job.environment)

    def held(way: Holding) -> Value:
        job.progress(0.0, "loading TripoSR")
        return use(running.built(triposr.TripoSR, weights.files[CONVERTED], device, way=way), triposr)

    return holding.within_memory(TRIPOSR.title, TRIPOSR.plan[0], device, job, held)


def _modules() -> tuple[Any, Any]:
    try:
        from . import running, triposr
    except ModuleNotFoundError as error:
        raise ReifyError("Reconstructing needs torch.", TORCH.way) from error
    return running, triposr
