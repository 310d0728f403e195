"""A textured body from pictures whose subject is cut out, in whichever way is set or fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ReifyError
from ..formats.images import resize_to
from ..jobs.job import Job
from ..networks.points import PointSettings
from ..networks.reconstruction import LearnedSettings
from ..networks.structured import StructuredSettings
from ..pictures.cutout import CutoutSettings, smaller
from ..pictures.outline import along_axis, mirror_axis, outline_of, proposed
from ..pictures.regions import SMALLEST, regions_by_color, regions_of_parts, regions_painted
from ..settings import file_of, group, option
from ..values import Array, Mesh, Picture
from .depth_relief import DepthSettings, depth_relief
from .extrude import ExtrudeSettings, extrude
from .inflation import InflateSettings, inflate
from .lathe import LatheSettings, lathe
from .layers import LayersSettings, layers
from .projection import ProjectionSettings, projected
from .relief import ReliefSettings, framed, relief
from .solid import Solid, mesh_of
from .turnaround import TurnaroundSettings, disagreement, turnaround

PREVIEW_PX, PREVIEW_FACES = 256, 1500
PREVIEW_SMALLEST = 0.02  # of the subject: the preview of layers joins smaller parts with a neighbor
LARGEST_SUBJECT_PX = 2048  # outlines are followed at this size at most, textures keep theirs
SHAPING = 0.8  # of the time; the rest is its texture
LEARNED = ("triposr", "trellis", "point-e", "depth_anything")  # methods that aren't bodies of outlines: networks make them
DISAGREEING = 0.15  # of the depth, between the side and the top view, above which that is said


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
            "turnaround": "Drawn views of one subject: front, side or top, back",
            "triposr": "A network that has learned from many objects adds the sides that the picture doesn't show",
            "trellis": "Networks invent the whole object by the picture, finely and another one by each seed; slow without a graphics card",
            "point-e": "Networks make colored points of the picture and a surface around them, rough and another one by each seed",
            "depth_anything": "A relief of all that the picture shows, each place as near as a network takes it to be",
        },
    )
    size_m: float = option(1.0, "Width or height of the object, whichever is larger", low=0.001, high=1000.0, unit="m")
    faces: int = option(20_000, "About how many faces the mesh gets", low=200, high=300_000)
    baked_px: int = option(
        1024,
        "Width and height of the texture of what networks make, or 0 for colors at vertices",
        low=0,
        high=8192,
        unit="px",
        label="Baked Texture",
    )
    cutout: CutoutSettings = group(CutoutSettings, "Cut-out")
    inflate: InflateSettings = group(InflateSettings, "Inflate")
    layers: LayersSettings = group(LayersSettings, "Layers")
    lathe: LatheSettings = group(LatheSettings, "Lathe")
    extrude: ExtrudeSettings = group(ExtrudeSettings, "Extrude")
    relief: ReliefSettings = group(ReliefSettings, "Relief")
    turnaround: TurnaroundSettings = group(TurnaroundSettings, "Turnaround")
    triposr: LearnedSettings = group(LearnedSettings, "TripoSR")
    trellis: StructuredSettings = group(StructuredSettings, "TRELLIS")
    point_e: PointSettings = group(PointSettings, "Point-E")
    depth: DepthSettings = group(DepthSettings, "Depth")
    texture: ProjectionSettings = group(ProjectionSettings, "Texture")


def cutout_of(settings: Settings) -> CutoutSettings:
    """How pictures are cut out: a relief by depth shows the whole of one in which nothing is transparent, unless that is set otherwise."""
    by_itself = settings.method == "depth_anything" and settings.cutout.by == "auto"
    return replace(settings.cutout, by="opaque") if by_itself else settings.cutout


def build(pictures: tuple[Picture, ...], settings: Settings, painted: Path | None, *, job: Job) -> Mesh:
    """The mesh of `shaped`, with its figures in the report."""
    views = [picture for picture in pictures if picture.view != "back"]
    if len(views) == 3 and (apart := disagreement(*views)) > DISAGREEING:
        job.warn(f"The side and the top view disagree about the depth by {apart:.0%}; their mean was taken.")
    mesh = shaped(pictures, settings, painted, job=job)
    _report(mesh, job)
    return mesh


def build_by_depth(picture: Picture, disparity: Array, settings: Settings, *, job: Job) -> Mesh:
    """The textured front of what a picture shows, by its `disparity` [h,w]; raises ReifyError where nothing is left of it."""
    small = smaller(picture, LARGEST_SUBJECT_PX)
    with job.span(SHAPING):
        solid = depth_relief(small, disparity, settings.faces, settings.depth, job.progress)
    job.progress(SHAPING, "projecting the picture")
    mesh, pictured_px, is_back = mesh_of(solid, settings.size_m)
    scale = picture.srgb.shape[1] / small.srgb.shape[1]
    mesh = projected(mesh, scale * pictured_px, is_back, picture, ProjectionSettings(), soft_rim=False)
    _report(mesh, job)
    return mesh


def chosen_for(cut: Sequence[Picture], settings: Settings) -> tuple[str, str]:
    """The method that cut-out pictures get, and why where it was chosen for them; raises ReifyError where nothing is left of them."""
    for picture in cut:
        _need_a_subject(picture)
    if settings.method != "auto":
        return settings.method, ""
    if any(picture.view in ("side", "top") for picture in cut):
        return "turnaround", f"{len(cut)} views of one subject were given"
    return proposed(outline_of(cut[0]))


def preview_mesh(cut: Sequence[Picture], settings: Settings) -> Mesh:
    """A coarse mesh of cut-out pictures, in less than a tenth of a second: for sliders that are being dragged.

    Raises ReifyError where nothing is left of the subject, or the method needs another number of pictures.
    """
    method, _ = chosen_for(cut, settings)
    coarse = replace(settings, method=method, faces=min(settings.faces, PREVIEW_FACES))
    side_px = PREVIEW_PX // 2 if method == "layers" else PREVIEW_PX  # every part costs as much as a picture
    return shaped([smaller(picture, side_px) for picture in cut], coarse, file_of(settings.layers.painted), rough=True, job=Job())


def shaped(
    pictures: Sequence[Picture],
    settings: Settings,
    painted: Path | None = None,
    rough: bool = False,
    *,
    job: Job,
) -> Mesh:
    """The textured mesh that `settings.method` (neither "auto" nor one of LEARNED) makes of cut-out pictures; raises ReifyError.

    The first is the front; the others' `view` says what they show.

    A `rough` one is made faster: its faces are less even, and small parts aren't told from their neighbors.
    """
    if settings.method == "turnaround":
        return _turned_around(pictures, settings, job)
    picture, small = pictures[0], smaller(pictures[0], LARGEST_SUBJECT_PX)
    _need_a_subject(picture)
    normals, back = None, _seen_from("back", pictures)
    if settings.method == "relief":
        subject = small.coverage
        if settings.relief.framed:
            small, subject = framed(small)
            picture = small
        with job.span(SHAPING):
            solid, normals = relief(small, subject, settings.faces, settings.relief, job.progress)
        normals = resize_to(normals, (picture.srgb.shape[1], picture.srgb.shape[0]))
    else:
        with job.span(SHAPING):
            solid = _solid(small, settings, painted, rough, job)
    job.progress(SHAPING, "projecting the picture")
    mesh, pictured_px, is_back = mesh_of(solid, settings.size_m)
    scale = picture.srgb.shape[1] / small.srgb.shape[1]
    return projected(mesh, scale * pictured_px, is_back, picture, settings.texture, normals, back=back)


def _report(mesh: Mesh, job: Job) -> None:
    job.metric("faces", len(mesh.faces) - mesh.quads)
    job.metric("quads", mesh.quads)
    job.metric("vertices", len(mesh.vertices))


def _need_a_subject(picture: Picture) -> None:
    if not (picture.coverage > 0.5).any():
        raise ReifyError("Nothing is left of the subject.", "Choose another way to cut it out, or grow the mask.")


def _solid(picture: Picture, settings: Settings, painted: Path | None, rough: bool, job: Job) -> Solid:
    if settings.method == "layers":
        job.progress(0.0, "telling parts apart")
        least = PREVIEW_SMALLEST if rough else SMALLEST
        if painted:
            regions = regions_painted(painted, picture, least)
        elif picture.parts is not None:
            regions = regions_of_parts(picture, least)
        else:
            regions = regions_by_color(picture, settings.layers.colors, least)
        return layers(picture.coverage, regions, settings.faces, settings.layers, settings.inflate, job.progress, rough)
    if settings.method == "lathe":
        job.progress(0.0, "finding the axis")
        axis = mirror_axis(picture.coverage)
        upright, top_px = along_axis(picture.coverage, axis)
        return lathe(upright, axis.point_px, axis.angle, top_px, settings.faces, settings.lathe)
    if settings.method == "extrude":
        return extrude(picture.coverage, settings.faces, settings.extrude, job.progress)
    return inflate(picture.coverage, settings.faces, settings.inflate, job.progress, rough)


def _turned_around(pictures: Sequence[Picture], settings: Settings, job: Job) -> Mesh:
    side, top, back = (_seen_from(view, pictures) for view in ("side", "top", "back"))
    if side is None and top is None:
        raise ReifyError("A turnaround needs a side or a top view beside the front.", "Add one, or choose another method.")
    return turnaround(pictures[0], side, top, settings.faces, settings.size_m, settings.turnaround, job.progress, back)


def _seen_from(view: str, pictures: Sequence[Picture]) -> Picture | None:
    return next((picture for picture in pictures if picture.view == view), None)
