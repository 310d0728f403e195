"""Training: splats that look like the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import device
from ..errors import ReifyError
from ..jobs.meanwhile import meanwhile
from ..settings import option
from ..values import Cameras, Splats, Views

if TYPE_CHECKING:
    from ..jobs.job import Job

Array = Any
PREVIEW_SECONDS = 4.0
CHECKPOINT_SECONDS = 60.0
REPORT_SECONDS = 0.1
CHECK_STEPS = 100  # between looks for broken splats


@dataclass(frozen=True)
class TrainingSettings:
    """How splats are trained."""

    seconds: float = option(
        300.0,
        "Time for training, 0 for no limit; training ends when either the time or the steps are used up",
        low=0,
        high=86400,
        unit="s",
        label="Time",
    )
    steps: int = option(30_000, "Most optimization steps, each of them on one photo", low=1, high=1_000_000)
    long_side_px: int = option(960, "Photos are shrunk to this length of their longer side before training", low=64, high=4096, unit="px")
    max_splats: int = option(0, "Most splats, 0 to choose by the memory and time there is", low=0, high=20_000_000)
    sh_degree: int = option(3, "How finely colors may depend on the viewing direction: 0 not at all, 3 as usual", low=0, high=3)
    aim: str = option(
        "look",
        "What the splats are for",
        choices={
            "look": "Pictures: splats of any shape, as like the photos as can be",
            "surface": "Meshes: flat splats, drawn together and aligned to one smooth surface",
        },
    )
    start_from: str = option(
        "auto",
        "Where the first splats are put",
        choices={
            "auto": "The visual hull of cut-out photos, else the sparse points of the cameras, else where photos agree",
            "points": "The sparse points that were found along with the cameras",
            "hull": "What lies inside the outlines of all cut-out photos",
            "sweep": "Where neighboring photos agree best",
            "random": "Anywhere between the cameras",
        },
        advanced=True,
    )
    strategy: str = option(
        "mcmc",
        "How splats are added where the photos need them",
        choices={
            "mcmc": "Move faint splats to where the error is, and add some there; a fixed number in the end",
            "classic": "Copy small splats and split large ones where the picture changes most, and remove faint ones",
        },
        advanced=True,
    )
    antialiased: bool = option(False, "Keep thin parts from growing thicker when seen from afar", advanced=True)
    random_background: bool = option(
        True, "Train on changing backgrounds, so that dark parts become opaque and empty space stays empty", advanced=True
    )
    exposure: bool = option(
        False, "Let brightness and tint differ from photo to photo, as cameras choose them anew for each", advanced=True
    )
    refine_cameras: bool = option(False, "Correct where the cameras stand while splats are trained", advanced=True)
    ssim_weight: float = option(0.2, "How much structural similarity counts beside plain color difference", low=0, high=1, advanced=True)
    least_share: float = option(
        0.05,
        "Splats that make up less than this share of every pixel are removed near the end: fewer splats render faster",
        low=0,
        high=0.5,
        advanced=True,
    )
    opacity_weight: float = option(0.001, "How strongly faint splats are faded out, against fog", low=0, high=1, advanced=True)
    scale_weight: float = option(0.01, "How strongly splats are kept small, against blobs", low=0, high=1, advanced=True)
    needle_weight: float = option(1e-4, "How strongly splats are kept from becoming needles", low=0, high=1, advanced=True)
    distortion_weight: float = option(
        10.0, "For meshes: how strongly flat splats along a ray are drawn to one depth", low=0, high=1000, advanced=True
    )
    normal_weight: float = option(
        0.2, "For meshes: how strongly flat splats are aligned to the surface that they make up", low=0, high=10, advanced=True
    )
    photo_agreement_weight: float = option(
        1.0, "For meshes: how strongly the surface is moved to where neighboring photos show the same on it", low=0, high=10, advanced=True
    )
    depth_agreement_weight: float = option(
        0.05, "For meshes: how strongly depths that neighboring cameras see are made to agree", low=0, high=10, advanced=True
    )
    device: str = option(
        "cpu",
        "What computes the training",
        choices={
            "cpu": "The processor",
            "auto": "An NVIDIA graphics card if there is one and it passes a check against the processor, else the processor",
            "cuda": "An NVIDIA graphics card; new, and checked against the processor before each training",
            "gsplat": "An NVIDIA graphics card with gsplat, where that is installed",
        },
        advanced=True,
    )
    leave_free: int = option(0, "Processor cores that training leaves to other work", low=0, high=256, advanced=True)


def train(views: Views, train_indices: Sequence[int], start: Splats, settings: TrainingSettings, *, seed: int = 0, job: Job) -> Splats:
    """The splats of `train_with_cameras`."""
    return train_with_cameras(views, train_indices, start, settings, seed=seed, job=job)[0]


def train_with_cameras(
    views: Views, train_indices: Sequence[int], start: Splats, settings: TrainingSettings, *, seed: int = 0, job: Job
) -> tuple[Splats, Cameras]:
    """Optimize `start` so that its renderings match the training views; the cameras are the views', corrected where that was asked for.

    Ends when the steps or the seconds are used up, or early with what it has when the user asked to keep it. Checkpoints go to the
    job's folder every minute and at cancel; with the same inputs there, training goes on from them.
    Raises ReifyError where there is nothing to train on or not enough memory.
    """
    if len(train_indices) == 0 or len(start) == 0:
        raise ReifyError("There is nothing to train splats on.", "Use more photos, or hold fewer of them out.")
    if not views.cameras.is_pinhole:
        raise ValueError("training needs undistorted views with pinhole cameras")
    from .cuda import ways
    from .schedule import Schedule
    from .surfels import as_surfels

    if settings.aim == "surface":
        start = as_surfels(start, seed=seed)
    choice = (settings.device, settings.leave_free, ways(start.surfels))
    chosen = meanwhile(lambda: device.choose(*choice), job, 0.0, "Choosing what computes")
    if chosen.warning:
        job.warn(chosen.warning)
    schedule = Schedule.plan(views, tuple(train_indices), start, settings, chosen)
    job.choose("training", schedule.why)
    _prepare_kernels(settings, job)
    from .loop import Loop

    loop = Loop(views, tuple(train_indices), start, settings, schedule, chosen, seed, job)
    try:
        return loop.run(), loop.cameras()
    finally:
        loop.close()


def _prepare_kernels(settings: TrainingSettings, job: Job) -> None:
    """Load or compile the kernels now, so that the time isn't training time."""
    device.prepare_numba()

    def work() -> None:
        from .cpu.warm import run_once

        run_once(absolute=settings.strategy == "classic", surfels=settings.aim == "surface")

    meanwhile(work, job, 0.0, "Preparing kernels (first time only)")


def measure(splats: Splats, views: Views, test_indices: Sequence[int], *, job: Job) -> None:
    """Compare renderings with the held-out views, over known pixels and on white where photos are transparent.

    Metrics psnr and ssim, and psnr_aligned: after the affine change of colors, one for each photo, that brings the rendering nearest
    to it, as exposure and white balance of a photo that nothing was learned from can't be known.
    """
    job.metric("splats", len(splats))
    if len(test_indices) == 0:
        job.warn("No photos were held out, so the quality isn't measured.")
        return
    from ..metrics.images import psnr, ssim
    from .render import rasterize

    figures = []
    for done, index in enumerate(test_indices):
        job.progress(done / len(test_indices), f"Comparing with held-out photo {done + 1} of {len(test_indices)}")
        photo = views.rgb[index].astype(np.float64) / 255
        alpha, weight = views.alpha[index], views.weight[index]
        if alpha is not None:
            opacity = alpha[..., None] / 255
            photo = photo * opacity + (1 - opacity)
        white = (1.0, 1.0, 1.0) if alpha is not None else (0.0, 0.0, 0.0)
        picture = np.clip(rasterize(splats, views.cameras, index, background=white, geometry=False).rgb, 0, 1)
        known = None if weight is None else weight > 127
        if known is None or known.any():
            aligned = _aligned(picture, photo, known)
            figures.append((psnr(picture, photo, known), ssim(picture, photo, known), psnr(aligned, photo, known)))
    if figures:
        for name, value in zip(("psnr", "ssim", "psnr_aligned"), np.mean(figures, axis=0), strict=True):
            job.metric(name, value)


def _aligned(picture: Array, photo: Array, known: Array | None) -> Array:
    used = np.ones(picture.shape[:2], bool) if known is None else known
    colors = np.concatenate([picture, np.ones((*picture.shape[:2], 1))], axis=2)
    return np.clip(colors @ np.linalg.lstsq(colors[used], photo[used], rcond=None)[0], 0, 1)
