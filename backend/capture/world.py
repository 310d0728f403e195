"""The world as artists expect it: Z up, centred on the subject, which has a radius of about 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..jobs.job import Job
from ..values import Array, Cameras, Capture, Points


def normalise_world(capture: Capture, job: Job) -> Capture:
    """The capture with the world turned upright, moved and scaled."""
    return capture
