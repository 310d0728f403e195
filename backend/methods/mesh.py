"""Clean Mesh: any mesh becomes a sound one, as small as asked for, with its UVs, textures and colors."""

from __future__ import annotations

from dataclasses import dataclass

from ..jobs.forecast import Expected
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..jobs.needs import Needs
from ..mesh.analyze import report_analysis
from ..mesh.cleaning import MeshSettings, clean, levels_of_detail
from ..settings import base_of, option
from ..texture.maps import with_maps
from ..texture.stages import unwrapped
from ..values import Given, Mesh, Result
from . import Method


@dataclass(frozen=True)
class Settings(MeshSettings):
    """What can be set about it: how the mesh is cleaned, and what is made of the clean one."""

    unwrap: bool = option(False, "Give the mesh UVs where it has none")
    maps_px: int = option(
        0,
        "Width and height of maps of color, relief and ambient occlusion, with UVs that don't overlap; 0 makes none",
        low=0,
        high=8192,
        unit="px",
        label="Maps",
    )
    lods: int = option(0, "Number of coarser versions to make as well, named _LOD1 and so on", low=0, high=8, label="Levels of Detail")
    lod_ratio: float = option(0.5, "Share of its faces that each coarser version keeps", low=0.05, high=0.95, advanced=True)
    quads: int = option(
        0,
        "Number of quads that Blender's QuadriFlow makes of the mesh when it is put into the scene, or 0 for triangles",
        low=0,
        high=500_000,
    )


def run(given: Given, settings: Settings, job: Job) -> Result:
    """A mesh in, a clean one out, with figures of both in the report; raises ReifyError where it holds nothing to clean."""
    mesh = given.value
    assert isinstance(mesh, Mesh)
    job.stage("Looking at the mesh", apart(report_analysis), mesh, "before")
    detailed = mesh
    mesh = job.stage("Cleaning mesh", apart(clean), mesh, base_of(settings, MeshSettings))
    if settings.maps_px:
        mesh = job.stage("Baking maps", apart(with_maps), mesh, detailed, settings.maps_px)
    elif settings.unwrap and mesh.uvs is None:
        mesh = job.stage("Unwrapping", apart(unwrapped), mesh)
    lods: tuple[Mesh, ...] = ()
    if settings.lods:
        lods = job.stage("Making levels of detail", apart(levels_of_detail), mesh, settings.lods, settings.lod_ratio)
    job.stage("Looking at the result", apart(report_analysis), mesh, "after")
    return Result(name=given.name, report=job.report, mesh=mesh, lods=lods)


def expected(settings: Settings, faces: float = 100_000) -> dict[str, Expected]:
    """The stages and their seconds, for a number of faces; a mesh that has UVs isn't unwrapped."""
    many, left = faces / 1e5, min(faces, settings.faces or faces) / 1e5
    seconds = {
        "Looking at the mesh": Expected(0.6 * many, compiling=6.0),
        "Cleaning mesh": Expected(1.0 * many + 0.04 * many * settings.smoothing, compiling=6.0),
    }
    if settings.maps_px:
        seconds["Baking maps"] = Expected(6.0 * left + 2.0 + 25.0 * min(settings.maps_px / 1024, 1.0) ** 2, compiling=40.0)
    elif settings.unwrap:
        seconds["Unwrapping"] = Expected(6.0 * left, compiling=15.0)
    if settings.lods:
        seconds["Making levels of detail"] = Expected(0.5 * left * settings.lods)
    return {**seconds, "Looking at the result": Expected(0.6 * left)}


METHOD = Method(
    id="mesh",
    title="Clean Mesh",
    summary="Repair a mesh, remove what nobody sees, close holes, simplify, and make levels of detail or quads",
    takes=(Mesh,),
    gives=("mesh",),
    settings=Settings,
    run=run,
    presets={
        "Clean Up": {"faces": 0, "smoothing": 0},
        "Repair Only": {"faces": 0, "smoothing": 0, "smallest_part": 0.0, "enclosed": "keep", "holes": "none"},
        "Watertight": {"faces": 0, "smoothing": 0, "holes": "all"},
        "Scan": {},
        "Game": {"faces": 20_000, "smoothing": 0, "unwrap": True, "lods": 3},
        "Production": {"faces": 40_000, "smoothing": 0, "maps_px": 2048, "lods": 3, "quads": 10_000},
        "Quads": {"faces": 100_000, "smoothing": 0, "quads": 10_000},
    },
    expect=lambda given, settings: expected(settings, len(given.value.faces)),
    stages=("Looking at the mesh", "Cleaning mesh", "Unwrapping", "Baking maps", "Making levels of detail", "Looking at the result"),
    needs=Needs(packages=("numba", "scipy", "fast_simplification", "safetensors")),
)
