"""From Picture: one picture becomes a closed, textured mesh, by geometry alone."""

from __future__ import annotations

from dataclasses import dataclass

from ..jobs.job import Job
from ..mesh.inflation import InflateSettings, inflate
from ..mesh.projection import ProjectionSettings, projected
from ..mesh.solid import mesh_of
from ..pictures.cutout import CutoutSettings, cut_out
from ..settings import group, option
from ..values import Mesh, Picture, Pictures, Result
from . import Method


@dataclass(frozen=True)
class Settings:
    """What can be set about it."""

    method: str = option(
        "auto",
        "How the picture becomes a body",
        choices={
            "auto": "Choose by the outline: its symmetry, straightness and holes",
            "inflate": "Round, like a balloon with the subject's outline",
        },
    )
    size_m: float = option(1.0, "Width or height of the object, whichever is larger", low=0.001, high=1000.0, unit="m", label="Size")
    faces: int = option(20_000, "About how many faces the mesh gets", low=200, high=500_000)
    cutout: CutoutSettings = group(CutoutSettings, "Cut-out")
    inflate: InflateSettings = group(InflateSettings, "Inflate")
    texture: ProjectionSettings = group(ProjectionSettings, "Texture")


def run(pictures: Pictures, settings: Settings, job: Job) -> Result:
    """A picture in, a textured mesh out; raises ReifyError where nothing can be cut out of it."""
    picture = job.stage("Cutting out", cut_out, pictures.sources[0], settings.cutout)
    mesh = job.stage("Building mesh", _build, picture, settings)
    return Result(name=pictures.name or picture.name, report=job.report, mesh=mesh)


def _build(picture: Picture, settings: Settings, *, job: Job) -> Mesh:
    solid = inflate(picture.coverage, settings.faces, settings.inflate, job.progress)
    mesh, pictured, is_back = mesh_of(solid, settings.size_m)
    job.metric("faces", len(mesh.faces) - mesh.quads)
    return projected(mesh, pictured, is_back, picture, settings.texture)


METHOD = Method(
    id="image",
    title="From Picture",
    summary="Turn a drawing or a cut-out picture into a closed, textured mesh, offline and in a second",
    takes=Pictures,
    gives=("mesh",),
    settings=Settings,
    run=run,
    presets={"Standard": {}, "Preview": {"faces": 3000}, "High": {"faces": 80_000}},
    stages={"Cutting out": 0.3, "Building mesh": 0.7},
    packages=("scipy", "PIL", "safetensors"),
)
