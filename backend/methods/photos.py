"""From Photos: a folder of pictures becomes splats, a textured mesh, a point cloud and cameras."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from ..capture.nearby import surroundings
from ..capture.read import CaptureSettings, read_photos
from ..capture.solve import CameraSettings, solve_cameras
from ..capture.views import load_views
from ..jobs.job import Job
from ..jobs.meanwhile import apart, meanwhile
from ..mesh.care import MeshSettings, clean, smooth
from ..mesh.normal_map import with_normal_map
from ..mesh.texture import TextureSettings, texture_from_photos
from ..mesh.unwrap import unwrap
from ..settings import group
from ..splats.initialize import starting_splats
from ..splats.render import rasterize
from ..splats.train import TrainingSettings, measure, train_with_cameras
from ..surface.fuse import SurfaceSettings
from ..surface.views import surface_of_capture
from ..values import Capture, Mesh, Photos, Result, Splats
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
    splats, capture = job.stage("Training splats", _train, capture, settings.training)
    surface = job.stage("Extracting surface", apart(_surface), splats, capture, settings.surface)
    mesh = job.stage("Cleaning mesh", apart(clean), surface, settings.mesh)
    mesh = job.stage("Texturing", apart(_texture), mesh, capture, settings.texture)
    if settings.texture.normal_map and mesh.uvs is not None:
        mesh = job.stage("Baking relief", apart(_relief), mesh, surface, settings.mesh.smoothing, settings.texture.size_px)
    return Result(name=capture.name, report=job.report, splats=splats, mesh=mesh, points=capture.points, capture=capture)


def _train(capture: Capture, settings: TrainingSettings, *, job: Job) -> tuple[Splats, Capture]:
    views = load_views(capture, settings.long_side_px)
    start = meanwhile(lambda: starting_splats(views, capture.points, settings, seed=job.seed), job)
    splats, cameras = train_with_cameras(views, capture.train, start, settings, job=job)
    meanwhile(lambda: measure(splats, views, capture.test, job=job), job)
    assert capture.cameras is not None
    return splats, replace(capture, cameras=replace(capture.cameras, cam_from_world=cameras.cam_from_world))


def _surface(splats: Splats, capture: Capture, settings: SurfaceSettings, *, job: Job) -> Mesh:
    views = load_views(capture, settings.long_side_px)
    return surface_of_capture(splats, partial(rasterize, splats), views, settings, job=job)


def _texture(mesh: Mesh, capture: Capture, settings: TextureSettings, *, job: Job) -> Mesh:
    views = load_views(capture, settings.long_side_px, only=capture.train)
    return texture_from_photos(unwrap(mesh, settings, cameras=views.cameras, job=job), views, settings, job=job)


def _relief(mesh: Mesh, surface: Mesh, smoothing: int, size_px: int, *, job: Job) -> Mesh:
    return with_normal_map(mesh, smooth(surface, smoothing, job=job), size_px, job=job)


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
    stages={
        "Reading photos": 0.02,
        "Finding cameras": 0.3,
        "Training splats": 0.5,
        "Extracting surface": 0.06,
        "Cleaning mesh": 0.02,
        "Texturing": 0.09,
        "Baking relief": 0.01,
    },
    packages=("torch", "numba", "scipy", "PIL", "pycolmap", "fast_simplification", "safetensors"),
)
