"""The subjects of pictures, found by ISNet: its weights looked up and loaded once for all pictures of a stage."""

from __future__ import annotations

from collections.abc import Callable

from ..engine.requirements import TORCH
from ..errors import ReifyError
from ..jobs.job import Job
from ..values import Array
from .library.catalog import ISNET
from .library.keeping import CONVERTED
from .library.places import need


class Finder:
    """Finds subjects for one job; raises ReifyError where the weights or torch aren't there."""

    def __init__(self, job: Job) -> None:
        weights = need(ISNET, job.environment)
        try:
            from . import isnet, running
        except ModuleNotFoundError as error:
            raise ReifyError("Finding subjects needs torch.", TORCH.way) from error
        self._coverage = isnet.coverage
        self._network = running.built(isnet.ISNet, weights.files[CONVERTED], running.chosen_device(job.environment))

    def coverage(self, srgb: Array, progress: Callable[[float], None]) -> Array:
        """Coverage [H,W] float32, 0 to 1, of the subject of a picture [H,W,3] uint8; `progress` hears fractions, and may raise."""
        return self._coverage(srgb, self._network, progress)
