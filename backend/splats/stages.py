"""Training as a method runs it: from a capture, into the cache."""

from __future__ import annotations

from dataclasses import replace

from ..capture.views import load_views
from ..files import write_text
from ..jobs.job import Job
from ..jobs.meanwhile import meanwhile
from ..values import Capture, Splats
from .initialize import starting_splats
from .measure import measure
from .settings import TrainingSettings
from .train import preference_of, train_with_cameras

READING, STARTING, MEASURING = 0.03, 0.05, 0.03  # about their shares of the time
LEAST_SHARE = 0.5  # of the time that was set for all of it which is left for training
LEFT = "seconds_left.txt"  # a training that goes on plans with the same time as before


def train_capture(capture: Capture, settings: TrainingSettings, seed: int, *, job: Job) -> tuple[Splats, Capture]:
    """Splats trained on a capture's photos, and the capture with its cameras as they were corrected meanwhile.

    `settings.seconds` is for reading the photos and placing the first splats, too. Held-out photos give the metrics.
    Raises ReifyError where there is nothing to train on or not enough memory.
    """
    began = job.seconds
    with job.span(READING):
        views = load_views(capture, settings.long_side_px, job=job)
    with job.span(STARTING):
        seen = views.take(capture.train)
        start = meanwhile(lambda: starting_splats(seen, capture.points, settings, seed=seed), job, 0.0, "Placing the first splats")
    with job.span(1.0 - MEASURING):
        in_time = replace(settings, seconds=_left(settings.seconds, job.seconds - began, job))
        splats, cameras = train_with_cameras(views, capture.train, start, in_time, seed=seed, job=job)
    with job.span(1.0):
        meanwhile(lambda: measure(splats, views, capture.test, job=job, device=preference_of(settings, job)), job)
    assert capture.cameras is not None
    return splats, replace(capture, cameras=replace(capture.cameras, cam_from_world=cameras.cam_from_world))


def _left(seconds: float, spent_s: float, job: Job) -> float:
    """Seconds for the training itself, 0 for no limit; what an earlier, canceled run of the stage decided stays."""
    if seconds <= 0:
        return 0.0
    file = job.folder / LEFT
    if not file.is_file():
        write_text(file, f"{max(seconds - spent_s, LEAST_SHARE * seconds):.3f}")
    left = float(file.read_text(encoding="utf-8"))
    job.metric("training_seconds", left)
    return left
