"""A light closed mesh in the place of splats, for what splats can't do: cast shadows, catch them, and hold out."""

from __future__ import annotations

import numpy as np

from ..jobs.job import Job
from ..mesh.cleaning import simplify
from ..splats.editing.thinning import importance, most_important
from ..values import Mesh, Splats
from .density import FAINT_LEVEL, DensitySettings, subject_of, surface_of_density

MOST_SPLATS = 200_000  # of the most important ones: a proxy shows no finer detail
MOST_VOXELS = 400_000
COARSEST = 1 / 96  # voxel edge, of the subject's radius


def proxy_of(splats: Splats, faces: int, *, job: Job) -> Mesh:
    """A closed mesh of about `faces` triangles around the splats' density, without colors; raises ReifyError where all are transparent.

    It lies at `density.FAINT_LEVEL`, hence just in front of what is opaque: a ray meets it before the splats that it stands for.
    """
    opacity = 1 / (1 + np.exp(-np.clip(splats.opacity_logits, -30, 30)))
    if len(splats) > MOST_SPLATS:
        splats = splats.take(most_important(importance(opacity, np.exp(splats.log_scales)), MOST_SPLATS))
    ball = subject_of(splats, alone=True)
    with job.span(0.9):
        mesh = surface_of_density(splats, ball, "cubes", DensitySettings(level=FAINT_LEVEL), COARSEST * ball.radius, MOST_VOXELS, job=job)
    bare = Mesh(mesh.vertices, mesh.faces)
    return simplify(bare, faces) if len(bare.faces) > faces else bare
