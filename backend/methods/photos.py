"""From Photos: a folder of pictures becomes splats, a textured mesh, a point cloud and cameras."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..capture import learned_matches
from ..capture.nearby import surroundings
from ..capture.read import CaptureSettings, read_photos
from ..capture.solve import CameraSettings, solve_cameras
from ..capture.used import digests_of
from ..engine.kernels import compile_beside
from ..errors import ReifyError
from ..formats import endings
from ..formats.images import open_image
from ..jobs.forecast import Expected
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..jobs.needs import Memory, Needs
from ..mesh.cleaning import MeshSettings
from ..networks.library.catalog import DEPTH_ANYTHING, ISNET
from ..networks.library.places import as_need
from ..reading import is_folder
from ..settings import group
from ..splats.cuda import modules_of
from ..splats.depth_start import MOST_VIEWS, points_by_depth
from ..splats.settings import TrainingSettings
from ..splats.stages import train_capture
from ..surface.clean import clean_of_photos
from ..surface.flat import is_cut_out, splats_for_surface
from ..surface.fuse import SurfaceSettings
from ..surface.outlines import agreeing_masks
from ..surface.stages import surface_from_photos
from ..texture.from_photos import TextureSettings
from ..texture.stages import textured, with_relief
from ..values import Capture, Photos, Result
from . import Method
from ._photos_memory import memory_of

COMMON_COUNT = 50  # photos of a capture, where nothing tells their number
COMMON_MEGAPIXELS = 2.0
PARTNERS = 12  # photos that each one is compared with, where they are many


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
    compile_beside(job)
    unnamed = replace(photos, name="")  # so that a result by another name finds its stages in the cache
    read = digests_of(photos.sources, job.check), surroundings(photos.sources, job.check)
    capture = job.stage("Reading photos", read_photos, unnamed, settings.capture, depends=read)
    cut_out = settings.surface.extraction in ("auto", "solid") and is_cut_out(capture)
    job.expect(expected(settings, len(capture.photos), _megapixels(capture), capture.cameras is not None, cut_out))
    learned = learned_matches.available(job.environment)
    capture = job.stage("Finding cameras", solve_cameras, capture, settings.cameras, depends=learned)
    if cut_out:
        capture = job.stage("Comparing masks", apart(agreeing_masks), capture)
    job.picture_sides_px = (settings.training.long_side_px, settings.surface.long_side_px, settings.texture.long_side_px)
    sparse = start = capture.points
    if settings.training.start_from == "depth":
        start = job.stage("Estimating depth", apart(points_by_depth), capture, job.seed, depends=DEPTH_ANYTHING.fingerprint)
    capture = replace(capture, points=start)
    splats, capture = job.stage("Training splats", train_capture, capture, settings.training, job.seed, keepable=True)
    flat = splats
    if cut_out:
        wanted = settings.surface, settings.training
        flat = job.stage("Training flat splats", splats_for_surface, splats, capture, *wanted, job.seed, keepable=True)
    capture = replace(capture, points=sparse)
    surface = job.stage("Extracting surface", apart(surface_from_photos), flat, capture, settings.surface)
    mesh = job.stage("Cleaning mesh", apart(clean_of_photos), surface, capture, settings.mesh)
    mesh = job.stage("Texturing", apart(textured), mesh, capture, settings.texture)
    if settings.texture.normal_map and mesh.uvs is not None:
        mesh = job.stage("Baking relief", apart(with_relief), mesh, surface, settings.mesh.smoothing, settings.texture.size_px)
    capture = replace(capture, name=photos.name or capture.name)
    return Result(name=capture.name, report=job.report, splats=splats, mesh=mesh, points=capture.points, capture=capture)


def _megapixels(capture: Capture) -> float:
    return sum(photo.width * photo.height for photo in capture.photos) / len(capture.photos) / 1e6


def expected(
    settings: Settings, photos: float = COMMON_COUNT, megapixels: float = COMMON_MEGAPIXELS, posed: bool = False, cut_out: bool = False
) -> dict[str, Expected]:
    """The stages and their seconds, for a number of photos of a size that come with cameras or not, their subject `cut_out` or not.

    By default it is a common capture. Few splats are so faint that flat ones are trained beside them.
    """
    training, texture = settings.training, settings.texture
    pairs = min(photos * (photos - 1) / 2, photos * PARTNERS)
    trained, textured = (min(megapixels, long_side_px**2 * 0.7e-6) for long_side_px in (training.long_side_px, texture.long_side_px))
    sought = min(megapixels, settings.cameras.long_side_px**2 * 0.7e-6)
    held_out = photos / settings.capture.hold_out if settings.capture.hold_out > 1 else 0.0
    texels = texture.size_px**2 / 1e6
    steps_s = training.steps * (0.025 + 0.085 * trained)
    in_time = 0.0 < training.seconds < steps_s
    seconds = {
        "Reading photos": Expected((2.7 if settings.capture.masks == "learned" else 0.02) * photos),
        "Finding cameras": Expected(0.5 if posed else (0.3 + 0.45 * sought) * photos + 0.065 * pairs),
        **({"Comparing masks": Expected(4.0 + 0.2 * photos, compiling=5.0)} if cut_out else {}),
        **({"Estimating depth": Expected(3.5 * min(photos, MOST_VIEWS))} if training.start_from == "depth" else {}),
        "Training splats": Expected(
            1.0 + 0.5 * trained * held_out + (0.0 if in_time else steps_s), training.seconds if in_time else 0.0, compiling=22.0
        ),
        **({"Training flat splats": Expected(1.0 + 1.0 * settings.surface.max_voxels, compiling=9.0)} if cut_out else {}),
        "Extracting surface": Expected(1.0 + 0.5 * trained * photos + 1.5 * settings.surface.max_voxels, compiling=9.0),
        "Cleaning mesh": Expected(1.0 + 0.5 * settings.surface.max_voxels, compiling=16.0),
        "Texturing": Expected(2.0 + 0.15 * textured * photos + 2.0 * texels, compiling=17.0),
    }
    return {**seconds, "Baking relief": Expected(1.0 + texels, compiling=5.0)} if texture.normal_map else seconds


def _pictures(photos: Photos) -> list[Path]:
    """The pictures that the sources list, in a folder or in that folder in it which has most of them; none where there is a video."""
    found = [source for source in photos.sources if _is_picture(source)]
    for folder in (source for source in photos.sources if is_folder(source)):
        with suppress(OSError):  # which reading the photos tells
            places = [folder, *(path for path in folder.iterdir() if is_folder(path))]
            listed = [[path for path in place.iterdir() if _is_picture(path)] for place in places]
            most = max(listed, key=len)
            found += most
    return found


def _is_picture(path: Path) -> bool:
    return endings.has(path, (*endings.PICTURES, *endings.RAW)) and not endings.is_hidden(path.name)


def _listed(photos: Photos) -> int:
    """How many pictures the sources list, not looked into; a common number where they list none, as a video does."""
    return len(_pictures(photos)) or COMMON_COUNT


def _memory(photos: Photos, settings: Settings) -> Memory:
    """The estimate for these photos, by the size that the first one states."""
    listed, megapixels = _pictures(photos), COMMON_MEGAPIXELS
    with suppress(ReifyError):
        if listed:
            with open_image(listed[0]) as picture:
                megapixels = picture.width * picture.height / 1e6
    return memory_of(settings, len(listed) or COMMON_COUNT, megapixels)


def _needs(settings: Settings) -> Needs:
    packages = ("numba", "scipy", "PIL", "pycolmap", "fast_simplification", "safetensors")
    weights = (ISNET,) * (settings.capture.masks == "learned") + (DEPTH_ANYTHING,) * (settings.training.start_from == "depth")
    return Needs(
        packages=tuple(dict.fromkeys((*packages, *modules_of(settings.training.device), *("torch",) * bool(weights)))),
        weights=tuple(map(as_need, weights)),
        memory=memory_of(settings, COMMON_COUNT, COMMON_MEGAPIXELS),
    )


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
    expect=lambda photos, settings: expected(settings, _listed(photos)),
    stages=(
        "Reading photos",
        "Finding cameras",
        "Comparing masks",
        "Estimating depth",
        "Training splats",
        "Training flat splats",
        "Extracting surface",
        "Cleaning mesh",
        "Texturing",
        "Baking relief",
    ),
    needs=_needs,
    memory=_memory,
)
