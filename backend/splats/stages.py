"""Training as a method runs it: from a capture, into the cache."""

from __future__ import annotations

from dataclasses import replace

from ..capture.views import load_views
from ..jobs.job import Job
from ..jobs.meanwhile import meanwhile
from ..values import Capture, Splats
from .initialize import starting_splats
from .measure import measure
from .settings import TrainingSettings
from .train import preference_of, train_with_cameras

READING, STARTING, MEASURING = 0.03, 0.05, 0.03  # about their shares of the time


def train_capture(capture: Capture, settings: TrainingSettings, seed: int, *, job: Job) -> tuple[Splats, Capture]:
    """Splats trained on a capture's photos, and the capture with its cameras as they were corrected meanwhile.

    Held-out photos give the metrics. Raises ReifyError where there is nothing to train on or not enough memory.
    """
    with job.span(READING):
        views = load_views(capture, settings.long_side_px, job=job)
    with job.span(STARTING):
        start = meanwhile(lambda: starting_splats(views, capture.points, settings, seed=seed), job, 0.0, "Placing the first splats")
    with job.span(1.0 - MEASURING):
        splats, cameras = train_with_cameras(views, capture.train, start, settings, seed=seed, job=job)
    with job.span(1.0):
        meanwhile(lambda: measure(splats, views, capture.test, job=job, device=preference_of(settings, job)), job)
    assert capture.cameras is not None
    return splats, replace(capture, cameras=replace(capture.cameras, cam_from_world=cameras.cam_from_world))
