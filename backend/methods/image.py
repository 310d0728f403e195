"""From Picture: a picture becomes a closed, textured mesh, by geometry alone; or drawn views of one subject do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..bodies.from_pictures import LEARNED, Settings, build, build_by_depth, chosen_for, cutout_of
from ..errors import ReifyError
from ..formats import endings
from ..jobs.environment import Environment
from ..jobs.forecast import Expected
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..jobs.needs import Memory, Needs
from ..mesh.cleaning import MeshSettings, clean
from ..networks import memory
from ..networks.depth import DEPTH_PEAK_BYTES, disparity_of_picture
from ..networks.library.catalog import CLIP, DEPTH_ANYTHING, DINOV2_LARGE, ISNET, POINT_E, TRELLIS, TRIPOSR
from ..networks.library.places import as_need
from ..networks.points import POINTS_PEAK_BYTES, points_of_seen, seen_in_picture
from ..networks.reconstruction import planes_of_picture
from ..networks.structured import latents_of_tokens, places_of_tokens, tokens_of_picture
from ..pictures.cutout import cut_out
from ..reading import is_file, is_folder
from ..settings import file_of
from ..surface.learned import mesh_of_latents, mesh_of_planes, mesh_of_points, standing
from ..texture.stages import with_baked_colors
from ..values import Mesh, Picture, Pictures, Result
from . import Method

VIEWS = ("front", "side", "top", "back")
RECONSTRUCTING, EXTRACTING, CLEANING = "Reconstructing object", "Extracting surface", "Cleaning mesh"  # by a network
BAKING = "Baking texture"
ESTIMATING, BUILDING = "Estimating depth", "Building mesh"
SEEING, SHAPING, DETAILING = "Looking at the picture", "Finding the shape", "Filling in details"  # by TRELLIS
MAKING = "Making points"  # by Point-E
CUTTING = ("Cutting out", "Cutting out the side view", "Cutting out the top view", "Cutting out the back view")  # the stages for these


def run(pictures: Pictures, settings: Settings, job: Job) -> Result:
    """A picture in, a textured mesh out; raises ReifyError where nothing can be cut out of it."""
    views = seen_from(pictures.sources, settings)
    strokes = file_of(settings.cutout.strokes)
    cut = []
    for view, source in views.items():
        picture = job.stage(CUTTING[VIEWS.index(view)], apart(cut_out), source, cutout_of(settings), strokes)
        cut.append(replace(picture, view=view))
    method = _chosen(cut, settings, job)
    if method in LEARNED:
        return Result(name=pictures.name or cut[0].name, report=job.report, mesh=_learned(cut[0], settings, method, job))
    mesh = job.stage(BUILDING, apart(build), tuple(cut), replace(settings, method=method), file_of(settings.layers.painted))
    return Result(name=pictures.name or cut[0].name, report=job.report, mesh=mesh)


def _learned(picture: Picture, settings: Settings, method: str, job: Job) -> Mesh:
    if method == "depth_anything":
        disparity = job.stage(ESTIMATING, apart(disparity_of_picture), picture, depends=DEPTH_ANYTHING.fingerprint)
        return job.stage(BUILDING, apart(build_by_depth), picture, disparity, settings)
    # At a size of its own, so that another one neither samples nor cleans again.
    of_size = replace(settings, size_m=1.0)
    surface = {"trellis": _of_trellis, "point-e": _of_point_e, "triposr": _of_triposr}[method](picture, of_size, job)
    mesh = job.stage(CLEANING, apart(clean), surface, MeshSettings(faces=settings.faces))
    if settings.baked_px:
        mesh = job.stage(BAKING, apart(with_baked_colors), mesh, surface, settings.baked_px)
    return standing(mesh, settings.size_m)


def _of_triposr(picture: Picture, settings: Settings, job: Job) -> Mesh:
    planes = job.stage(RECONSTRUCTING, apart(planes_of_picture), picture, depends=TRIPOSR.fingerprint)
    return job.stage(EXTRACTING, apart(mesh_of_planes), planes, settings.triposr, settings.size_m, depends=TRIPOSR.fingerprint)


def _of_trellis(picture: Picture, settings: Settings, job: Job) -> Mesh:
    weights = TRELLIS.fingerprint
    tokens = job.stage(SEEING, apart(tokens_of_picture), picture, depends=DINOV2_LARGE.fingerprint)
    places = job.stage(SHAPING, apart(places_of_tokens), tokens, settings.trellis, job.seed, depends=weights)
    latents = job.stage(DETAILING, apart(latents_of_tokens), tokens, places, settings.trellis, job.seed, depends=weights)
    return job.stage(EXTRACTING, apart(mesh_of_latents), places, latents, settings.size_m, depends=weights)


def _of_point_e(picture: Picture, settings: Settings, job: Job) -> Mesh:
    weights = POINT_E.fingerprint
    seen = job.stage(SEEING, apart(seen_in_picture), picture, depends=CLIP.fingerprint)
    points = job.stage(MAKING, apart(points_of_seen), seen, settings.point_e, job.seed, depends=weights)
    return job.stage(EXTRACTING, apart(mesh_of_points), points, POINT_E, settings.point_e, settings.size_m, depends=weights)


def one_by_one(sources: Sequence[Path], settings: Settings) -> tuple[Pictures, ...]:
    """The jobs that several files make: one in all for a turnaround, else one for each picture or sheet.

    A sheet is a front view with others whose names differ in the view's word alone; methods other than auto take the back beside it.
    A folder stands for the pictures in it. Raises ReifyError where there are none.
    """
    files = [file for source in sources for file in (_pictures_in(source) if is_folder(source) else (source,))]
    if settings.method == "turnaround":
        return (Pictures(tuple(files)),)
    views = VIEWS if settings.method == "auto" else ("front", "back")
    sheets: dict[tuple[Path, str], list[Path]] = {}
    for file in files:
        words = [view for view in views if view in file.stem.lower()]
        sheet = file.stem.lower().replace(words[0], "") if len(words) == 1 else file.name
        sheets.setdefault((file.parent, sheet), []).append(file)
    jobs = []
    for together in sheets.values():
        fronts = ["front" in file.stem.lower() for file in together]
        jobs += [Pictures(tuple(together))] if sum(fronts) == 1 else [Pictures((file,)) for file in together]
    return tuple(jobs)


def seen_from(sources: Sequence[Path], settings: Settings) -> dict[str, Path]:
    """The pictures by the view that they show, in the order of VIEWS: as their names say, where each has one of these words, else as given.

    Raises ReifyError for a number of them that the method doesn't take.
    """
    if not sources:
        raise ReifyError("There is no picture.", "Choose one.")
    if len(sources) > len(VIEWS):
        raise ReifyError(f"A turnaround takes two to four views, but there are {len(sources)} pictures.", "Leave out the others.")
    named = [[view for view in VIEWS if view in source.stem.lower()] for source in sources]
    views = {view[0]: source for view, source in zip(named, sources, strict=True) if len(view) == 1}
    if len(views) < len(sources) or "front" not in views:
        views = dict(zip(VIEWS, sources, strict=False))
    if views.keys() - {"front", "back"} and settings.method not in ("auto", "turnaround"):
        raise ReifyError(f"{settings.method.capitalize()} takes one picture, but there are {len(sources)}.", "Hand them in one by one.")
    return {view: views[view] for view in VIEWS if view in views}


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


MESHES = ("numba", "fast_simplification")  # what taking surfaces off fields, and cleaning them, needs
NETWORKS = {  # of the methods that are networks: weights, packages besides, peak in main memory at the least
    "triposr": ((TRIPOSR,), MESHES, memory.least_bytes(TRIPOSR.plan)),
    "trellis": ((DINOV2_LARGE, TRELLIS), MESHES, memory.least_bytes(TRELLIS.plan)),
    "point-e": ((CLIP, POINT_E), MESHES, POINTS_PEAK_BYTES),
    "depth_anything": ((DEPTH_ANYTHING,), (), DEPTH_PEAK_BYTES),
}


SEEDED = ("trellis", "point-e")  # methods that sample: another seed is another object


def _needs(settings: Settings) -> Needs:
    own, packages, peak = NETWORKS.get(settings.method, ((), (), 0))
    weights = (ISNET,) * (settings.cutout.by == "learned") + own
    packages = ("scipy", "PIL", *packages, "safetensors", *("torch",) * bool(weights))
    return Needs(packages, tuple(map(as_need, weights)), Memory(peak) if peak else None)


def planned(settings: Settings, environment: Environment) -> str:
    """What the method's network takes of main memory here, where it adapts to what is free; else empty."""
    adapting = {"triposr": TRIPOSR, "trellis": TRELLIS}.get(settings.method)
    return memory.plan(adapting.title, adapting.plan, environment.free_memory()) if adapting else ""


def expected(settings: Settings, views: float = 1) -> dict[str, Expected]:
    """The stages and their seconds, for a number of pictures."""
    cutting = {title: Expected(3.5 if settings.cutout.by == "learned" else 0.5) for title in CUTTING[: int(views)]}
    seconds = 1.0 + 6e-5 * settings.faces + 3.0 * (settings.baked_px / 1024) ** 2
    baking = {BAKING: Expected(seconds, compiling=15.0)} if settings.baked_px else {}
    if settings.method == "trellis":
        runs = settings.trellis.steps * 1.8  # of a network, since some steps look without the picture, too
        sampling = {SHAPING: Expected(10.0 + 60.0 * runs), DETAILING: Expected(10.0 + 60.0 * runs)}
        surface = {EXTRACTING: Expected(180.0, compiling=10.0), CLEANING: Expected(20.0, compiling=6.0)}
        return {**cutting, SEEING: Expected(15.0), **sampling, **surface, **baking}
    if settings.method == "point-e":
        making = {SEEING: Expected(12.0), MAKING: Expected(5.0 + 50.0 * settings.point_e.steps)}
        extracting = Expected(10.0 + 60.0 * (settings.point_e.cells / 64) ** 2, compiling=10.0)
        return {**cutting, **making, EXTRACTING: extracting, CLEANING: Expected(3.0, compiling=6.0), **baking}
    if settings.method == "triposr":
        extracting = Expected(2.0 + 6.0 * (settings.triposr.cells / 256) ** 2, compiling=10.0)
        return {**cutting, RECONSTRUCTING: Expected(20.0), EXTRACTING: extracting, CLEANING: Expected(3.0, compiling=6.0), **baking}
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
    stages=(*CUTTING, ESTIMATING, BUILDING, RECONSTRUCTING, SEEING, SHAPING, DETAILING, MAKING, EXTRACTING, CLEANING, BAKING),
    needs=_needs,
    split=one_by_one,
    plan=planned,
    varies=lambda settings: settings.method in SEEDED,
    varies_by="Choose TRELLIS or Point-E for variants: they take a seed, TripoSR and the outlines' methods take none.",
)
