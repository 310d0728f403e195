"""The stage that cleans the mesh of a capture, and says how far it can be trusted."""

from __future__ import annotations

from ..jobs.job import Job
from ..mesh.cleaning import MeshSettings, clean
from ..values import Capture, Mesh
from .judge import judge


def clean_of_photos(surface: Mesh, capture: Capture, settings: MeshSettings, *, job: Job) -> Mesh:
    """The surface cleaned, and judged by what the photos' cameras see of it; raises ReifyError where no face is left."""
    with job.span(0.9):
        mesh = clean(surface, settings, job=job)
    assert capture.cameras is not None
    with job.span(1.0):
        judge(mesh, capture.cameras, job=job)
    return mesh
