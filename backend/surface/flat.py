"""Surfels for the surface of a subject that photos cut out, where its splats are faint."""

from __future__ import annotations

from dataclasses import replace

from ..capture.views import load_views
from ..jobs.job import Job
from ..jobs.meanwhile import meanwhile
from ..splats.initialize import starting_splats
from ..splats.settings import TrainingSettings
from ..splats.train import train
from ..values import Capture, Splats
from .density import is_faint, subject_of
from .fuse import SurfaceSettings
from .region import Ball

LOOKING, READING, STARTING = 0.1, 0.13, 0.16  # fractions of all of it that are done then


def is_cut_out(capture: Capture) -> bool:
    """Whether all photos come with a mask or transparency that cuts out the subject."""
    return all(photo.has_alpha or (photo.mask is not None and photo.mask_is_subject) for photo in capture.photos)


def splats_for_surface(
    splats: Splats, capture: Capture, settings: SurfaceSettings, training: TrainingSettings, seed: int, *, job: Job
) -> Splats:
    """The splats that a cut-out subject's surface is extracted from: these, or surfels that are trained for it where they are faint.

    Splats of any shape explain what glitters by a fog that reaches deep behind the surface, which flattening keeps; surfels are held
    together by losses on depth and normals from the start, but show less of the look. So they are trained beside the splats, which are
    kept for pictures, with the same budget. Raises ReifyError where nothing is opaque, or there isn't enough memory.
    """
    if splats.surfels:
        return splats
    ball = subject_of(splats, alone=True) if settings.radius == 0 else Ball((0.0, 0.0, 0.0), settings.radius)
    with job.span(LOOKING):
        if not is_faint(splats, ball, settings.voxel_size, settings.max_voxels * 1_000_000, job=job):
            return splats
    job.record_choice("surface.splats", "flat ones, trained for the mesh alone, as the splats are faint")
    with job.span(READING):
        views = load_views(capture, training.long_side_px, job=job)
    # Cameras were corrected before, and comparing neighboring photos wants them fixed.
    surface = replace(training, aim="surface", refine_cameras=False)
    with job.span(STARTING):
        seen = views.take(capture.train)
        start = meanwhile(lambda: starting_splats(seen, capture.points, surface, seed=seed), job, 0.0, "Placing the first splats")
    steps = job.report.metrics.get("steps")
    with job.span(1.0):
        flat = train(views, capture.train, start, surface, seed=seed, job=job)
    job.metric("flat_steps", job.report.metrics["steps"])
    if steps is not None:
        job.metric("steps", steps)
    return flat
