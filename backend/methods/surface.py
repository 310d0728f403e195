"""To Mesh: splats or points become a mesh, by one of several ways of extracting a surface."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import ReifyError
from ..jobs.forecast import Expected
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..jobs.needs import Needs
from ..mesh.cleaning import MeshSettings, clean
from ..settings import base_of, group
from ..surface.stages import ExtractionSettings, surface_from_points, surface_from_splats
from ..values import Given, Mesh, Points, Result, Splats
from . import Method

OF_SPLATS, OF_POINTS = ("fuse", "poisson", "density"), ("poisson", "mls", "rbf", "alpha")


@dataclass(frozen=True)
class Settings(ExtractionSettings):
    """What can be set about it."""

    mesh: MeshSettings = group(MeshSettings, "Mesh")


def run(given: Given, settings: Settings, job: Job) -> Result:
    """Splats or points in, a mesh out; raises ReifyError where there is no surface in them, or the extraction doesn't fit."""
    chosen = replace(base_of(settings, ExtractionSettings), extraction=_chosen(given.value, settings.extraction, job))
    work = surface_from_splats if isinstance(given.value, Splats) else surface_from_points
    mesh = job.stage("Extracting surface", apart(work), given.value, given.cameras, chosen)
    if not mesh.quads:  # cleaning would make triangles of them
        mesh = job.stage("Cleaning mesh", apart(clean), mesh, settings.mesh)
    return Result(name=given.name, report=job.report, mesh=mesh)


def _chosen(value: Splats | Points | Mesh, extraction: str, job: Job) -> str:
    kind, possible = ("splats", OF_SPLATS) if isinstance(value, Splats) else ("points", OF_POINTS)
    if extraction == "auto":
        job.record_choice("extraction", f"{possible[0]}, because these are {kind}")
        return possible[0]
    if extraction not in possible:
        raise ReifyError(f"The extraction {extraction!r} doesn't work on {kind}.", f"Choose one of: {', '.join(possible)}.")
    return extraction


def expected(settings: Settings) -> dict[str, Expected]:
    """The stages and their seconds."""
    seen = settings.views * settings.long_side_px**2 * 0.7e-6
    return {
        "Extracting surface": Expected(2.0 + 0.3 * seen + 1.0 * settings.max_voxels, compiling=25.0),
        "Cleaning mesh": Expected(1.0 + 0.5 * settings.max_voxels, compiling=6.0),
    }


METHOD = Method(
    id="surface",
    title="To Mesh",
    summary="Turn splats or a point cloud into a mesh",
    takes=(Splats, Points),
    gives=("mesh",),
    settings=Settings,
    run=run,
    presets={
        "Standard": {},
        "Preview": {"views": 32, "long_side_px": 320, "max_voxels": 1, "mesh.faces": 20_000},
        "High": {"views": 128, "long_side_px": 1280, "max_voxels": 24, "mesh.faces": 300_000},
    },
    expect=lambda given, settings: expected(settings),
    stages=("Extracting surface", "Cleaning mesh"),
    needs=Needs(packages=("numba", "scipy", "fast_simplification", "safetensors")),
)
