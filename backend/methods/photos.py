"""From Photos: a folder of pictures becomes splats, a textured mesh, a point cloud and cameras."""

from __future__ import annotations

from dataclasses import dataclass

from ..capture.nearby import surroundings
from ..capture.read import CaptureSettings, read_photos
from ..capture.solve import CameraSettings, solve_cameras
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..mesh.cleaning import MeshSettings, clean
from ..settings import group
from ..splats.cuda import modules_of
from ..splats.stages import train_capture
from ..splats.train import TrainingSettings
from ..surface.fuse import SurfaceSettings
from ..surface.stages import surface_from_photos
from ..texture.from_photos import TextureSettings
from ..texture.stages import textured, with_relief
from ..values import Photos, Result
from . import Method


@dataclass(frozen=True)
class Settings:
    """What can be set about it; every group belongs to one stage."""

    capture: CaptureSettings = group(CaptureSettings, "Photos")
    cameras: CameraSettings = group(CameraSettings, "Cameras")
    training: TrainingSettings = group(TrainingSettings, "Splats")
    surface: SurfaceSettings = group(SurfaceSettings, "Surface")
    mesh: MeshSettings = group(MeshSettings, "Mesh")
    texture: TextureSettings = group(TextureSettings, "Texture")


def run(photos: Photos, settings: Settings, job: Job) -> Result:
    """Photos in, every kind of Blender object out; raises ReifyError where the photos don't allow it."""
    capture = job.stage("Reading photos", read_photos, photos, settings.capture, depends=surroundings(photos.sources))
    capture = job.stage("Finding cameras", solve_cameras, capture, settings.cameras)
    splats, capture = job.stage("Training splats", train_capture, capture, settings.training, job.seed, keepable=True)
    surface = job.stage("Extracting surface", apart(surface_from_photos), splats, capture, settings.surface)
    mesh = job.stage("Cleaning mesh", apart(clean), surface, settings.mesh)
    mesh = job.stage("Texturing", apart(textured), mesh, capture, settings.texture)
    if settings.texture.normal_map and mesh.uvs is not None:
        mesh = job.stage("Baking relief", apart(with_relief), mesh, surface, settings.mesh.smoothing, settings.texture.size_px)
    return Result(name=capture.name, report=job.report, splats=splats, mesh=mesh, points=capture.points, capture=capture)


METHOD = Method(
    id="photos",
    title="From Photos",
    summary="Turn photos or a video of a subject into splats, a textured mesh, points and cameras",
    takes=(Photos,),
    gives=("splats", "mesh", "points", "capture"),
    settings=Settings,
    run=run,
    presets={
        "Standard": {},
        "Preview": {"training.seconds": 45, "training.long_side_px": 640, "texture.size_px": 1024},
        "High": {
            "training.seconds": 1500,
            "training.long_side_px": 1600,
            "surface.max_voxels": 24,
            "mesh.faces": 300_000,
            "texture.size_px": 4096,
            "texture.normal_map": True,
        },
        "Surface": {"training.aim": "surface"},
    },
    stages=(
        "Reading photos",
        "Finding cameras",
        "Training splats",
        "Extracting surface",
        "Cleaning mesh",
        "Texturing",
        "Baking relief",
    ),
    packages=("numba", "scipy", "PIL", "pycolmap", "fast_simplification", "safetensors"),
    more_packages=lambda settings: modules_of(settings.training.device),
)
