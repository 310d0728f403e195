"""From Picture: a picture becomes a closed, textured mesh, by geometry alone; or two or three drawn views of one subject do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..bodies.from_pictures import LEARNED, Settings, build, build_by_depth, chosen_for, cutout_of
from ..errors import ReifyError
from ..formats import endings
from ..jobs.forecast import Expected
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..jobs.needs import Memory, Needs
from ..mesh.cleaning import MeshSettings, clean
from ..networks.depth import DEPTH_PEAK_BYTES, disparity_of_picture
from ..networks.library.catalog import DEPTH_ANYTHING, DINOV2_LARGE, ISNET, TRELLIS, TRIPOSR
from ..networks.library.entry import Entry
from ..networks.library.places import as_need
from ..networks.reconstruction import PEAK_BYTES, planes_of_picture
from ..networks.structured import STRUCTURED_PEAK_BYTES, latents_of_tokens, places_of_tokens, tokens_of_picture
from ..pictures.cutout import cut_out
from ..reading import is_file, is_folder
from ..settings import file_of
from ..surface.learned import mesh_of_latents, mesh_of_planes
from ..values import Mesh, Picture, Pictures, Result
from . import Method

VIEWS = ("front", "side", "top")
RECONSTRUCTING, EXTRACTING, CLEANING = "Reconstructing object", "Extracting surface", "Cleaning mesh"  # by a network
SEEING, SHAPING, DETAILING = "Looking at the picture", "Finding the shape", "Filling in details"  # by TRELLIS
ESTIMATING, BUILDING = "Estimating depth", "Building mesh"
CUTTING = ("Cutting out", "Cutting out the side view", "Cutting out the top view")  # the stages for these


def run(pictures: Pictures, settings: Settings, job: Job) -> Result:
    """A picture in, a textured mesh out; raises ReifyError where nothing can be cut out of it."""
    views = in_order(pictures.sources, settings)
    strokes = file_of(settings.cutout.strokes)
    cut = [job.stage(title, apart(cut_out), view, cutout_of(settings), strokes) for title, view in zip(CUTTING, views, strict=False)]
    method = _chosen(cut, settings, job)
    if method in LEARNED:
        return Result(name=pictures.name or cut[0].name, report=job.report, mesh=_learned(cut[0], settings, method, job))
    mesh = job.stage(BUILDING, apart(build), tuple(cut), replace(settings, method=method), file_of(settings.layers.painted))
    return Result(name=pictures.name or cut[0].name, report=job.report, mesh=mesh)


def _learned(picture: Picture, settings: Settings, method: str, job: Job) -> Mesh:
    if method == "depth_anything":
        disparity = job.stage(ESTIMATING, apart(disparity_of_picture), picture, depends=DEPTH_ANYTHING.fingerprint)
        return job.stage(BUILDING, apart(build_by_depth), picture, disparity, settings)
    mesh = (_of_trellis if method == "trellis" else _of_triposr)(picture, settings, job)
    return job.stage(CLEANING, apart(clean), mesh, MeshSettings(faces=settings.faces))


def _of_triposr(picture: Picture, settings: Settings, job: Job) -> Mesh:
    planes = job.stage(RECONSTRUCTING, apart(planes_of_picture), picture, depends=TRIPOSR.fingerprint)
    return job.stage(EXTRACTING, apart(mesh_of_planes), planes, settings.triposr, settings.size_m, depends=TRIPOSR.fingerprint)


def _of_trellis(picture: Picture, settings: Settings, job: Job) -> Mesh:
    weights = TRELLIS.fingerprint
    tokens = job.stage(SEEING, apart(tokens_of_picture), picture, depends=DINOV2_LARGE.fingerprint)
    places = job.stage(SHAPING, apart(places_of_tokens), tokens, settings.trellis, job.seed, depends=weights)
    latents = job.stage(DETAILING, apart(latents_of_tokens), tokens, places, settings.trellis, job.seed, depends=weights)
    return job.stage(EXTRACTING, apart(mesh_of_latents), places, latents, settings.size_m, depends=weights)


def one_by_one(sources: Sequence[Path], settings: Settings) -> tuple[Pictures, ...]:
    """The jobs that several files make: one for each picture, or one in all for the views of a turnaround.

    A folder stands for the pictures in it. Raises ReifyError where there are none.
    """
    files = [file for source in sources for file in (_pictures_in(source) if is_folder(source) else (source,))]
    if settings.method == "turnaround":
        return (Pictures(tuple(files)),)
    return tuple(Pictures((file,)) for file in files)


def in_order(sources: Sequence[Path], settings: Settings) -> tuple[Path, ...]:
    """Front, side, top: by the files' names where each has one of these words, else as given; raises ReifyError for a wrong number."""
    if not sources:
        raise ReifyError("There is no picture.", "Choose one.")
    if len(sources) > 1 and settings.method not in ("auto", "turnaround"):
        raise ReifyError(f"{settings.method.capitalize()} takes one picture, but there are {len(sources)}.", "Hand them in one by one.")
    if len(sources) > len(VIEWS):
        raise ReifyError(f"A turnaround takes two or three views, but there are {len(sources)} pictures.", "Leave out the others.")
    places = [[view for view in VIEWS if view in source.stem.lower()] for source in sources]
    if all(len(place) == 1 for place in places) and len({place[0] for place in places}) == len(sources):
        return tuple(source for _, source in sorted(zip(places, sources, strict=True), key=lambda pair: VIEWS.index(pair[0][0])))
    return tuple(sources)


def _chosen(cut: Sequence[Picture], settings: Settings, job: Job) -> str:
    method, why = chosen_for(cut, settings)
    if why:
        job.record_choice("method", f"{method}, because {why}")
    return method


def _pictures_in(folder: Path) -> list[Path]:
    # macOS leaves a ._NAME beside each file on disks that aren't its own.
    visible = (path for path in folder.iterdir() if not endings.is_hidden(path.name))
    files = sorted(path for path in visible if endings.has(path, endings.DRAWINGS) and is_file(path))
    if not files:
        raise ReifyError(f"{folder.name} holds no pictures.", "Choose a folder with pictures in it, or the pictures themselves.")
    return files


def _needs(settings: Settings) -> Needs:
    weights = (ISNET,) * (settings.cutout.by == "learned")
    if settings.method == "depth_anything":
        return _needed("scipy", "PIL", weights=(*weights, DEPTH_ANYTHING), memory=Memory(DEPTH_PEAK_BYTES))
    if settings.method in LEARNED:
        own, peak = ((DINOV2_LARGE, TRELLIS), STRUCTURED_PEAK_BYTES) if settings.method == "trellis" else ((TRIPOSR,), PEAK_BYTES)
        return _needed("scipy", "PIL", "numba", "fast_simplification", weights=(*weights, *own), memory=Memory(peak))
    return _needed("scipy", "PIL", weights=weights)


def _needed(*packages: str, weights: tuple[Entry, ...], memory: Memory | None = None) -> Needs:
    return Needs((*packages, "safetensors", *("torch",) * bool(weights)), tuple(map(as_need, weights)), memory)


def expected(settings: Settings, views: float = 1) -> dict[str, Expected]:
    """The stages and their seconds, for a number of pictures."""
    cutting = {title: Expected(3.5 if settings.cutout.by == "learned" else 0.5) for title in CUTTING[: int(views)]}
    if settings.method == "trellis":
        runs = settings.trellis.steps * 1.8  # of a network, since some steps look without the picture, too
        sampling = {SHAPING: Expected(10.0 + 60.0 * runs), DETAILING: Expected(10.0 + 60.0 * runs)}
        surface = {EXTRACTING: Expected(180.0, compiling=10.0), CLEANING: Expected(20.0, compiling=6.0)}
        return {**cutting, SEEING: Expected(15.0), **sampling, **surface}
    if settings.method == "triposr":
        extracting = Expected(2.0 + 6.0 * (settings.triposr.cells / 256) ** 2, compiling=10.0)
        return {**cutting, RECONSTRUCTING: Expected(20.0), EXTRACTING: extracting, CLEANING: Expected(3.0, compiling=6.0)}
    estimating = {ESTIMATING: Expected(4.0)} if settings.method == "depth_anything" else {}
    return {**cutting, **estimating, BUILDING: Expected(0.5 + 0.03 * settings.faces / 1e3)}


METHOD = Method(
    id="image",
    title="From Picture",
    summary="Turn a drawing or a cut-out picture into a closed, textured mesh, offline and in a second",
    takes=(Pictures,),
    gives=("mesh",),
    settings=Settings,
    run=run,
    presets={"Standard": {}, "Preview": {"faces": 3000}, "High": {"faces": 80_000}},
    expect=lambda pictures, settings: expected(settings, len(pictures.sources)),
    stages=(*CUTTING, ESTIMATING, BUILDING, RECONSTRUCTING, SEEING, SHAPING, DETAILING, EXTRACTING, CLEANING),
    needs=_needs,
    split=one_by_one,
)
