"""Surfels for the surface of a subject that photos cut out, made of its splats where these are faint."""

from __future__ import annotations

from dataclasses import replace

from ..capture.views import load_views
from ..jobs.job import Job
from ..splats.settings import TrainingSettings
from ..splats.train import train
from ..values import Capture, Splats
from .density import is_faint, subject_of
from .fuse import SurfaceSettings
from .region import Ball

BEGIN = 0.4  # fraction of training that splats have behind them when they are flattened: from then on all losses of surfels count
SHARE = 0.5  # of the training's budget; a step of surfels takes some three times as long
READING, LOOKING = 0.03, 0.1  # about their shares of the time


def is_cut_out(capture: Capture) -> bool:
    """Whether all photos come with a mask or transparency that cuts out the subject."""
    return all(photo.has_alpha or (photo.mask is not None and photo.mask_is_subject) for photo in capture.photos)


def splats_for_surface(
    splats: Splats, capture: Capture, settings: SurfaceSettings, training: TrainingSettings, seed: int, *, job: Job
) -> Splats:
    """The splats that a cut-out subject's surface is extracted from: these, or surfels that are trained from them where they are faint.

    Splats of any shape explain what glitters by a fog about the surface; surfels are held together by losses on depth and normals, but
    show less of the look. So training goes on for them through SHARE of its budget, and the splats themselves are kept for pictures.
    Raises ReifyError where nothing is opaque, or there isn't enough memory.
    """
    if splats.surfels:
        return splats
    ball = subject_of(splats, alone=True) if settings.radius == 0 else Ball((0.0, 0.0, 0.0), settings.radius)
    with job.span(LOOKING):
        if not is_faint(splats, ball, settings.voxel_size, settings.max_voxels * 1_000_000, job=job):
            return splats
    job.record_choice("surface.splats", "flattened for the mesh, as the splats are faint")
    with job.span(LOOKING + READING):
        views = load_views(capture, training.long_side_px, job=job)
    budget = replace(training, seconds=SHARE * training.seconds, steps=max(1, round(SHARE * training.steps)))
    # Cameras were corrected before, and comparing neighboring photos wants them fixed.
    surface = replace(budget, aim="surface", refine_cameras=False)
    steps = job.report.metrics.get("steps")
    with job.span(1.0):
        flat = train(views, capture.train, splats, surface, seed=seed, job=job, begin=BEGIN)
    job.metric("flattening_steps", job.report.metrics["steps"])
    if steps is not None:
        job.metric("steps", steps)
    return flat
