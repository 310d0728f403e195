"""From Picture: a picture becomes a closed, textured mesh, by geometry alone; or two or three drawn views of one subject do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..bodies.extrude import ExtrudeSettings, extrude
from ..bodies.inflation import InflateSettings, inflate
from ..bodies.lathe import LatheSettings, lathe
from ..bodies.layers import LayersSettings, layers
from ..bodies.projection import ProjectionSettings, projected
from ..bodies.relief import ReliefSettings, framed, relief
from ..bodies.solid import Solid, mesh_of
from ..bodies.turnaround import TurnaroundSettings, disagreement, turnaround
from ..errors import ReifyError
from ..formats import endings
from ..formats.images import resize_to
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..pictures.cutout import CutoutSettings, cut_out, smaller
from ..pictures.outline import along_axis, mirror_axis, outline_of, proposed
from ..pictures.regions import SMALLEST, regions_by_color, regions_painted
from ..settings import group, option
from ..values import Mesh, Picture, Pictures, Result
from . import Method

VIEWS = ("front", "side", "top")
PREVIEW_PX, PREVIEW_FACES = 256, 1500
PREVIEW_SMALLEST = 0.02  # of the subject: the preview of layers joins smaller parts with a neighbor
LARGEST_SUBJECT_PX = 2048  # outlines are followed at this size at most, textures keep theirs

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Settings:
    """What can be set about it; every group but the first and the last belongs to one method."""

    method: str = option(
        "auto",
        "How the picture becomes a body",
        choices={
            "auto": "Choose by the outline: its symmetry, straightness, holes and colors",
            "inflate": "Round, like a balloon with the subject's outline",
            "layers": "Each part of a figure round by itself, in front of and behind each other",
            "lathe": "Turned around its axis, for vases, bottles and wheels",
            "extrude": "Flat, with beveled edges, for logos and letters",
            "relief": "Light and dark as height over a plate",
            "turnaround": "Two or three drawn views of one subject: front, side, top",
        },
    )
    size_m: float = option(1.0, "Width or height of the object, whichever is larger", low=0.001, high=1000.0, unit="m")
    faces: int = option(20_000, "About how many faces the mesh gets", low=200, high=300_000)
    cutout: CutoutSettings = group(CutoutSettings, "Cut-out")
    inflate: InflateSettings = group(InflateSettings, "Inflate")
    layers: LayersSettings = group(LayersSettings, "Layers")
    lathe: LatheSettings = group(LatheSettings, "Lathe")
    extrude: ExtrudeSettings = group(ExtrudeSettings, "Extrude")
    relief: ReliefSettings = group(ReliefSettings, "Relief")
    turnaround: TurnaroundSettings = group(TurnaroundSettings, "Turnaround")
    texture: ProjectionSettings = group(ProjectionSettings, "Texture")


def run(pictures: Pictures, settings: Settings, job: Job) -> Result:
    """A picture in, a textured mesh out; raises ReifyError where nothing can be cut out of it."""
    views = in_order(pictures.sources, settings)
    strokes = file_of(settings.cutout.strokes)
    cut = [job.stage(_title(i), apart(cut_out), view, settings.cutout, strokes) for i, view in enumerate(views)]
    method = _chosen(cut, settings, job)
    mesh = job.stage("Building mesh", apart(_build), tuple(cut), replace(settings, method=method), file_of(settings.layers.painted))
    return Result(name=pictures.name or cut[0].name, report=job.report, mesh=mesh)


def one_by_one(sources: Sequence[Path], settings: Settings) -> tuple[Pictures, ...]:
    """The jobs that several files make: one for each picture, or one in all for the views of a turnaround.

    A folder stands for the pictures in it. Raises ReifyError where there are none.
    """
    files = [file for source in sources for file in (_pictures_in(source) if source.is_dir() else (source,))]
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


def chosen_for(cut: Sequence[Picture], settings: Settings) -> tuple[str, str]:
    """The method that cut-out pictures get, and why where it was chosen for them; raises ReifyError where nothing is left of them."""
    for picture in cut:
        _need_a_subject(picture)
    if settings.method != "auto":
        return settings.method, ""
    return ("turnaround", f"{len(cut)} views of one subject were given") if len(cut) > 1 else proposed(outline_of(cut[0]))


def preview_mesh(cut: Sequence[Picture], settings: Settings) -> Mesh:
    """A coarse mesh of cut-out pictures, in less than a tenth of a second: for sliders that are being dragged.

    Raises ReifyError where nothing is left of the subject, or the method needs another number of pictures.
    """
    method, _ = chosen_for(cut, settings)
    coarse = replace(settings, method=method, faces=min(settings.faces, PREVIEW_FACES))
    side_px = PREVIEW_PX // 2 if method == "layers" else PREVIEW_PX  # every part costs as much as a picture
    return shaped([smaller(picture, side_px) for picture in cut], coarse, file_of(settings.layers.painted), rough=True)


def shaped(
    pictures: Sequence[Picture],
    settings: Settings,
    painted: Path | None = None,
    progress: Progress = lambda fraction, text: None,
    rough: bool = False,
) -> Mesh:
    """The textured mesh that `settings.method` (not "auto") makes of cut-out pictures; raises ReifyError.

    A `rough` one is made faster: its faces are less even, and small parts aren't told from their neighbors.
    """
    if settings.method == "turnaround":
        return _turned_around(pictures, settings, progress)
    picture, small = pictures[0], smaller(pictures[0], LARGEST_SUBJECT_PX)
    _need_a_subject(picture)
    normals = None
    if settings.method == "relief":
        subject = small.coverage
        if settings.relief.framed:
            small, subject = framed(small)
            picture = small
        solid, normals = relief(small, subject, settings.faces, settings.relief, progress)
        normals = resize_to(normals, (picture.srgb.shape[1], picture.srgb.shape[0]))
    else:
        solid = _solid(small, settings, painted, progress, rough)
    progress(0.8, "projecting the picture")
    mesh, pictured_px, is_back = mesh_of(solid, settings.size_m)
    scale = picture.srgb.shape[1] / small.srgb.shape[1]
    return projected(mesh, scale * pictured_px, is_back, picture, settings.texture, normals)


def _need_a_subject(picture: Picture) -> None:
    if not (picture.coverage > 0.5).any():
        raise ReifyError("Nothing is left of the subject.", "Choose another way to cut it out, or grow the mask.")


def _build(pictures: tuple[Picture, ...], settings: Settings, painted: Path | None, *, job: Job) -> Mesh:
    if len(pictures) == 3 and (apart := disagreement(*pictures)) > 0.15:
        job.warn(f"The side and the top view disagree about the depth by {apart:.0%}; their mean was taken.")
    mesh = shaped(pictures, settings, painted, job.progress)
    job.metric("faces", len(mesh.faces) - mesh.quads)
    job.metric("quads", mesh.quads)
    job.metric("vertices", len(mesh.vertices))
    return mesh


def _solid(picture: Picture, settings: Settings, painted: Path | None, progress: Progress, rough: bool) -> Solid:
    if settings.method == "layers":
        progress(0.0, "telling parts apart")
        least = PREVIEW_SMALLEST if rough else SMALLEST
        regions = regions_painted(painted, picture, least) if painted else regions_by_color(picture, settings.layers.colors, least)
        return layers(picture.coverage, regions, settings.faces, settings.layers, settings.inflate, progress, rough)
    if settings.method == "lathe":
        progress(0.0, "finding the axis")
        axis = mirror_axis(picture.coverage)
        upright, top_px = along_axis(picture.coverage, axis)
        return lathe(upright, axis.point_px, axis.angle, top_px, settings.faces, settings.lathe)
    if settings.method == "extrude":
        return extrude(picture.coverage, settings.faces, settings.extrude, progress)
    return inflate(picture.coverage, settings.faces, settings.inflate, progress, rough)


def _turned_around(pictures: Sequence[Picture], settings: Settings, progress: Progress) -> Mesh:
    front, side, top = pictures[0], *(*pictures[1:], None, None)[:2]
    if side is None:
        raise ReifyError("A turnaround needs two or three views, but there is one picture.", "Add the side view, or choose another method.")
    return turnaround(front, side, top, settings.faces, settings.size_m, settings.turnaround, progress)


def _chosen(cut: Sequence[Picture], settings: Settings, job: Job) -> str:
    method, why = chosen_for(cut, settings)
    if why:
        job.choose("method", f"{method}, because {why}")
    return method


def _pictures_in(folder: Path) -> list[Path]:
    # macOS leaves a ._NAME beside each file on disks that aren't its own.
    files = sorted(path for path in folder.iterdir() if endings.has(path, endings.PICTURES) and not path.name.startswith("."))
    if not files:
        raise ReifyError(f"{folder.name} holds no pictures.", "Choose a folder with pictures in it, or the pictures themselves.")
    return files


def _title(view: int) -> str:
    return "Cutting out" if view == 0 else f"Cutting out the {VIEWS[view]} view"


def file_of(text: str) -> Path | None:
    """The file that a setting names; None where it is empty."""
    return Path(text).expanduser() if text.strip() else None


METHOD = Method(
    id="image",
    title="From Picture",
    summary="Turn a drawing or a cut-out picture into a closed, textured mesh, offline and in a second",
    takes=(Pictures,),
    gives=("mesh",),
    settings=Settings,
    run=run,
    presets={"Standard": {}, "Preview": {"faces": 3000}, "High": {"faces": 80_000}},
    stages={"Cutting out": 0.3, "Building mesh": 0.7},
    packages=("scipy", "PIL", "safetensors"),
    split=one_by_one,
)
