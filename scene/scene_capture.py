"""A capture of Blender's own scene: pictures of objects from all around, rendered by the scene's engine, with their true cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..backend import folders, whole
from ..backend.errors import ReifyError
from ..backend.files import refusal
from ..backend.formats.transforms import write_transforms
from ..backend.surface.orbit import cameras_around
from ..backend.surface.region import Ball
from ..backend.values import Array, Result
from . import attributes, placement
from .cameras import FLIP, SENSOR_MM
from .commit import members

RENDERED = ("MESH", "CURVE", "SURFACE", "META", "FONT", "VOLUME", "POINTCLOUD", "CURVES")
MARKER = "reify_scene.json"  # in the folder of such a capture: its world is that of the .blend
FILL = 0.92  # of the picture, that the ball around the objects takes


def capture_scene(
    scene: bpy.types.Scene,
    objects: Sequence[bpy.types.Object],
    folder: Path,
    *,
    views: int,
    size_px: int,
    alone: bool = True,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[Path]:
    """Render `objects` on transparent ground to view_000.png … in a new `folder`, with transforms.json; raises ReifyError.

    Cameras stand on a sphere around the objects. `alone` hides all else from them; its light, shadows and reflections stay. Colors are
    what splats hold: those of the view transform "Standard", without exposure. What was open in Blender stays as it was.
    """
    shown: list[Any] = [o for o in objects if o.type in RENDERED and not o.hide_render]
    if not shown:
        raise ReifyError("There is nothing selected that renders.", "Select the objects that are to become splats.")
    if folder.exists():
        raise ReifyError(f"{folder} is there already.", "Choose a new folder.")
    cameras = cameras_around(_ball(shown), views, size_px)
    names = [f"view_{index:03}.png" for index in range(views)]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folders.temporary(folder.parent) as temporary, _as_studio(scene, shown, size_px, alone) as camera:
            unfinished = temporary / "capture"  # what is canceled, killed or has no room leaves no half of a capture
            unfinished.mkdir()
            camera.data.lens = float(cameras.K[0, 0, 0]) * SENSOR_MM / size_px
            for index, name in enumerate(names):
                progress(index / views)
                camera.matrix_world = Matrix((np.linalg.inv(cameras.cam_from_world[index]) @ FLIP).tolist())
                _render(scene, unfinished / name)
            write_transforms(cameras, names, unfinished / "transforms.json")
            (unfinished / MARKER).write_text("{}\n", encoding="utf-8")
            unfinished.rename(folder)
    except OSError as error:
        raise refusal(folder, error) from error
    return [folder / name for name in names]


def _render(scene: bpy.types.Scene, path: Path) -> None:
    scene.render.filepath = str(path)
    try:
        bpy.ops.render.render(scene=scene.name, write_still=True)
    except RuntimeError as error:  # Blender's own words where it can't write
        raise ReifyError(f"Rendering failed: {str(error).strip()[:200]}", "Look whether the disk is full, and start again.") from error
    if not path.exists():
        raise ReifyError("Rendering was canceled.", "Start again.")
    try:
        whole.check(path)
    except ValueError as error:
        raise ReifyError(f"Rendering failed: {error}.", "Look whether the disk is full, and start again.") from error


def is_of_scene(sources: Sequence[Path]) -> bool:
    """Whether a result was made of a capture of Blender's own scene alone."""
    return len(sources) == 1 and (sources[0] / MARKER).is_file()


def stand(collection: bpy.types.Collection, result: Result) -> None:
    """Move a result, committed as resting on its floor, to where in the .blend it was captured."""
    turned = None if result.capture is None else result.capture.world_from_source
    rested_from_world = placement.rested(result)[1]
    world_from_blend = np.eye(4) if turned is None else turned
    for root in members(collection, "root"):
        root.matrix_world = Matrix(np.linalg.inv(rested_from_world @ world_from_blend).tolist())


def _ball(objects: Sequence[bpy.types.Object]) -> Ball:
    bpy.context.view_layer.update()
    points = np.concatenate([_extent(o) for o in objects])
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = float(np.linalg.norm(points - center, axis=1).max())
    if not radius > 0:
        raise ReifyError("The selected objects have no extent.", "Select others.")
    x, y, z = (float(value) for value in center)
    return Ball((x, y, z), radius / FILL)


def _extent(made: Any) -> Array:
    """Points [N,3] in the world that span an object: a mesh's vertices as modifiers leave them, else the corners of its box."""
    evaluated = made.evaluated_get(bpy.context.evaluated_depsgraph_get())
    world = np.array(evaluated.matrix_world)
    if made.type == "MESH" and len(evaluated.data.vertices):
        points = attributes.read(evaluated.data, "position")
    else:
        points = np.array([corner[:] for corner in made.bound_box])
    return points @ world[:3, :3].T + world[:3, 3]


@contextmanager
def _as_studio(scene: bpy.types.Scene, shown: Sequence[bpy.types.Object], size_px: int, alone: bool) -> Iterator[Any]:
    """A camera in `scene`, which renders square pictures on transparent ground while the block runs."""
    render: Any = scene.render
    view: Any = scene.view_settings
    wanted = [
        *((render, name, value) for name, value in {
            "resolution_x": size_px, "resolution_y": size_px, "resolution_percentage": 100, "pixel_aspect_x": 1.0, "pixel_aspect_y": 1.0,
            "film_transparent": True, "use_file_extension": False, "filepath": render.filepath, "use_border": False,
            "use_sequencer": False, "use_compositing": False, "use_motion_blur": False,
            "dither_intensity": 0.0,
        }.items()),
        *((view, name, value) for name, value in {"view_transform": "Standard", "look": "None", "exposure": 0.0, "gamma": 1.0}.items()),
        *((render.image_settings, name, value) for name, value in {"file_format": "PNG", "color_mode": "RGBA", "color_depth": "8"}.items()),
        *((o, "visible_camera", False) for o in scene.objects if alone and o.type in RENDERED and o not in shown),
    ]  # fmt: skip
    before = [(owner, name, getattr(owner, name)) for owner, name, _value in wanted]
    data = bpy.data.cameras.new("Reify Capture")
    data.sensor_width, data.sensor_fit, data.clip_start, data.clip_end = SENSOR_MM, "HORIZONTAL", 1e-3, 1e6
    camera, used = bpy.data.objects.new("Reify Capture", data), scene.camera
    scene.collection.objects.link(camera)
    try:
        for owner, name, value in wanted:
            setattr(owner, name, value)
        scene.camera = camera
        yield camera
    finally:
        scene.camera = used
        for owner, name, value in reversed(before):
            setattr(owner, name, value)
        bpy.data.objects.remove(camera)
        bpy.data.cameras.remove(data)
