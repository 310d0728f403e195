"""Depth from single pictures by Depth Anything, for who has a job: its weights looked up and loaded once for all pictures of a stage."""

from __future__ import annotations

from collections.abc import Callable

from ..engine.requirements import TORCH
from ..errors import ReifyError
from ..jobs.job import Job
from ..values import Array, Picture
from .library.catalog import DEPTH_ANYTHING
from .library.keeping import CONVERTED
from .library.places import need

DEPTH_PEAK_BYTES = 900_000_000  # of main memory, with the weights as float32


class Estimator:
    """Estimates depth for one job; raises ReifyError where the weights or torch aren't there."""

    def __init__(self, job: Job) -> None:
        weights = need(DEPTH_ANYTHING, job.environment)
        try:
            from . import depth_anything, running
        except ModuleNotFoundError as error:
            raise ReifyError("Estimating depth needs torch.", TORCH.way) from error
        self._disparity = depth_anything.disparity
        self._network = running.built(depth_anything.DepthAnything, weights.files[CONVERTED], running.chosen_device(job.environment))

    def disparity(self, srgb: Array, progress: Callable[[float], None]) -> Array:
        """Disparity [h,w] float32 of a picture [H,W,3] uint8; `progress` hears fractions, and may raise.

        It is inverse depth up to scale and shift, at the network's own size; its corner pixels belong to the picture's.
        """
        return self._disparity(srgb, self._network, progress)


def disparity_of_picture(picture: Picture, *, job: Job) -> Array:
    """Disparity [h,w] float32 of all that a picture shows, as `Estimator` has it; raises ReifyError where weights or torch are missing."""
    job.progress(0.0, "loading Depth Anything")
    return Estimator(job).disparity(picture.srgb, lambda fraction: job.progress(0.1 + 0.9 * fraction, "estimating depth"))
