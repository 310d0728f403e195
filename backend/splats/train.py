"""Training: splats that look like the photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..device import Device, choose, prepare_numba
from ..engine.kernels import wait_for
from ..errors import ReifyError
from ..jobs.meanwhile import meanwhile
from ..rendering.losses import Loss
from ..values import Cameras, Splats, Views
from .cuda import ways
from .schedule import Schedule
from .settings import TrainingSettings
from .surfels import as_surfels

if TYPE_CHECKING:
    from ..jobs.job import Job

Array = Any


def train(
    views: Views,
    train_indices: Sequence[int],
    start: Splats,
    settings: TrainingSettings,
    *,
    seed: int = 0,
    job: Job,
    losses: Sequence[Loss] = (),
) -> Splats:
    """The splats of `train_with_cameras`."""
    return train_with_cameras(views, train_indices, start, settings, seed=seed, job=job, losses=losses)[0]


def train_with_cameras(
    views: Views,
    train_indices: Sequence[int],
    start: Splats,
    settings: TrainingSettings,
    *,
    seed: int = 0,
    job: Job,
    losses: Sequence[Loss] = (),
) -> tuple[Splats, Cameras]:
    """Optimize `start` so that its renderings match the training views; the cameras are the views', corrected where that was asked for.

    `losses` on single views are minimized beside those that the settings ask for, more slowly, as the fused step doesn't compute them.
    Ends when the steps or the seconds are used up, or early with what it has when the user asked to keep it. Checkpoints go to the job's
    folder every minute and at cancel; with the same inputs there, training goes on from them.
    Raises ReifyError where there is nothing to train on or not enough memory, ValueError for lens distortion, and where further `losses`
    are to be minimized together with exposures, poses or surfels.
    """
    if len(train_indices) == 0 or len(start) == 0:
        raise ReifyError("There is nothing to train splats on.", "Use more photos, or hold fewer of them out.")
    if not views.cameras.is_pinhole:
        raise ValueError("training needs undistorted views with pinhole cameras")
    if settings.aim == "surface":
        start = as_surfels(start, seed=seed)
    device = _device(settings, start.surfels, job)
    schedule = Schedule.plan(views, tuple(train_indices), start, settings, device)
    job.record_choice("training", schedule.why)
    _prepare_kernels(settings, job)
    from .trainer import Trainer

    trainer = Trainer(views, tuple(train_indices), start, settings, schedule, device, seed, job, tuple(losses))
    try:
        with job.span(1.0):
            return trainer.run(), trainer.cameras()
    finally:
        trainer.close()


def preference_of(settings: TrainingSettings, job: Job) -> str:
    """The name of what is to compute: what the settings say, or, where they leave it open, what the job is run with."""
    return job.environment.device if settings.device == "auto" else settings.device


def _device(settings: TrainingSettings, surfels: bool, job: Job) -> Device:
    """What computes; a card is checked first."""
    preference = preference_of(settings, job)
    device = meanwhile(lambda: choose(preference, settings.leave_free, ways(surfels)), job, 0.0, "Choosing what computes")
    if device.warning:
        job.warn(device.warning)
    elif settings.device == "auto":
        job.record_choice("device", device.why)
    return device


def _prepare_kernels(settings: TrainingSettings, job: Job) -> None:
    """Load or compile the kernels now, so that the time isn't training time."""
    prepare_numba()
    wait_for("splats", job=job)

    def work() -> None:
        from .cpu.warm import run_once

        run_once(absolute=settings.strategy == "classic", surfels=settings.aim == "surface")

    meanwhile(work, job, 0.0, "Preparing")
