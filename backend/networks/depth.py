"""Depth from single pictures by Depth Anything, for who has a job: its weights looked up, loaded, run."""

from __future__ import annotations

from ..engine.requirements import TORCH
from ..errors import ReifyError
from ..jobs.job import Job
from ..values import Array, Picture
from .library.catalog import DEPTH_ANYTHING
from .library.keeping import CONVERTED
from .library.places import need

DEPTH_PEAK_BYTES = 900_000_000  # of main memory, with the weights as float32


def disparity_of_picture(picture: Picture, *, job: Job) -> Array:
    """Disparity [h,w] float32 of all that a picture shows; raises ReifyError where weights or torch are missing.

    It is inverse depth up to scale and shift, at the network's own size; its corner pixels belong to the picture's.
    """
    job.progress(0.0, "loading Depth Anything")
    weights = need(DEPTH_ANYTHING, job.environment)
    try:
        from . import depth_anything, running
    except ModuleNotFoundError as error:
        raise ReifyError("Estimating depth needs torch.", TORCH.way) from error
    network = running.built(depth_anything.DepthAnything, weights.files[CONVERTED], running.chosen_device(job.environment))
    return depth_anything.disparity(picture.srgb, network, lambda fraction: job.progress(0.1 + 0.9 * fraction, "estimating depth"))
