"""Results to files that Blender writes, scenes and meshes: into a folder of their own, and looked at before they get their names."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from ..backend import whole
from ..backend.errors import ReifyError
from ..backend.files import writing
from ..backend.formats import glb, obj
from ..backend.geometry import axes
from ..backend.streams import without_notes
from ..backend.values import Array, Mesh, Result
from .commit import commit, members
from .mesh import mesh_object

log = logging.getLogger(__name__)

GAP = 0.25  # between results that stand side by side, of a result's width


def write_blend(results: Sequence[Result], path: Path) -> None:
    """A new .blend with `results` side by side along X; what was open in this process is closed.

    Raises ReifyError where it can't be written.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    edge = 0.0
    for result in results:
        collection = commit(result, on_floor=True)
        if len(results) > 1:
            edge = _move_beside(collection, edge)
    save_blend(path)


def _move_beside(collection: bpy.types.Collection, edge: float) -> float:
    """Move a result so that it begins at x = `edge`; returns where the next one may begin."""
    bpy.context.view_layer.update()
    shown = [made for role in ("mesh", "splats", "points", "part") for made in members(collection, role)]
    corners = [(made.matrix_world @ Vector(corner)).x for made in shown for corner in made.bound_box]
    left, right = min(corners, default=0.0), max(corners, default=0.0)
    for root in members(collection, "root"):
        root.location.x += edge - left
    return edge + (right - left) * (1.0 + GAP)


def save_blend(path: Path) -> None:
    """Save what is open, which keeps its own name; an older file stays as Blender's backup, NAME.blend1.

    Raises ReifyError where it can't be written.
    """
    with writing(path, before_moving=lambda written: _keep_older(path)) as written:
        # Not in the folder but beside it: paths of pictures count from where the file lies.
        beside = path.parent / f"{written.parent.name}.blend"
        try:
            with explained(path):
                bpy.ops.wm.save_as_mainfile(filepath=str(beside), copy=True, compress=True, check_existing=False)
            os.replace(beside, written)
        finally:
            beside.unlink(missing_ok=True)


def _keep_older(path: Path) -> None:
    if path.is_file():
        os.replace(path, path.with_name(f"{path.name}1"))


def write_mesh(mesh: Mesh, path: Path, source_from_world: Array | None = None) -> None:
    """A mesh with its textures as .glb, .obj or .stl, Y up where the format has it so; raises ReifyError where it can't be written.

    With `source_from_world` [4,4] it stands in the large coordinates of its source again; not in .stl, which holds 32 bits.
    """
    offset = None if source_from_world is None else source_from_world[:3, 3]
    if source_from_world is not None and not np.array_equal(source_from_world[:3, :3], np.eye(3)):
        mesh = replace(mesh, vertices=(mesh.vertices @ source_from_world[:3, :3].T).astype(np.float32))
    writers: dict[str, Callable[[Path], None]] = {".glb": _write_glb, ".obj": _write_obj, ".stl": _write_stl}
    if path.suffix.lower() not in writers:
        raise ReifyError(f"Meshes can't be written as {path.suffix}.", f"Choose one of: {' '.join(writers)}.")
    scene = bpy.data.scenes.new("Reify Export")
    made = mesh_object(path.stem, mesh)
    data: Any = made.data
    scene.collection.objects.link(made)
    try:
        layer = scene.view_layers[0]
        with bpy.context.temp_override(scene=scene, view_layer=layer, selected_objects=[made], active_object=made, object=made):
            made.select_set(True)
            with writing(path, before_moving=lambda written: _check_faces(written, data)) as written, explained(path):
                _write_at(written, writers[path.suffix.lower()], offset)
    finally:
        _forget(made, scene)


def _check_faces(path: Path, data: Any) -> None:
    """Raise ValueError where a file holds fewer faces than the mesh that it was made of."""
    data.calc_loop_triangles()
    expected, found = len(data.polygons if path.suffix.lower() == ".obj" else data.loop_triangles), whole.faces(path)
    if found != expected:
        raise ValueError(f"{path.name} holds {found} of {expected} faces")


def _write_at(path: Path, write: Callable[[Path], None], offset: Array | None) -> None:
    write(path)
    if offset is not None:
        y_up = axes.Z_UP_FROM_Y_UP[:3, :3].T @ offset
        if path.suffix.lower() == ".obj":
            obj.move_back(path, y_up)
        elif path.suffix.lower() == ".glb":
            glb.move_back(path, y_up)


def _write_glb(path: Path) -> None:
    bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", use_active_scene=True, export_yup=True)


def _write_obj(path: Path) -> None:
    # The exporter names picture files, but writes none of those that are packed.
    for image in _images(bpy.context.object.data.materials):
        picture = path.with_name(f"{path.stem} {image.name.rpartition(path.stem)[2].strip()}.png".replace(" ", "_"))
        image.save(filepath=str(picture))
        image.unpack(method="REMOVE")
        image.filepath = str(picture)
    bpy.ops.wm.obj_export(filepath=str(path), export_selected_objects=True, path_mode="STRIP")


def _write_stl(path: Path) -> None:
    bpy.ops.wm.stl_export(filepath=str(path), export_selected_objects=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise what operators report as the OSError that it was; a traceback of theirs goes to the log and never to the user.

    What exporters print of their progress is dropped.
    """
    try:
        with without_notes():
            yield
    except RuntimeError as error:
        said = str(error).strip().removeprefix("Error: ")
        log.warning("%s couldn't be written: %s", path, said)
        number = re.search(r"\[Errno (\d+)\]", said)
        if number is not None:
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
        raise OSError(None, "Blender's exporter failed" if "Traceback" in said else said.splitlines()[0], str(path)) from error


def _forget(made: bpy.types.Object, scene: bpy.types.Scene) -> None:
    data: Any = made.data
    materials = list(data.materials)
    used = _images(materials)
    bpy.data.objects.remove(made)
    bpy.data.meshes.remove(data)
    bpy.data.scenes.remove(scene)
    bpy.data.batch_remove([*materials, *used])


def _images(materials: Iterable[bpy.types.Material]) -> list[bpy.types.Image]:
    return [node.image for material in materials for node in material.node_tree.nodes if getattr(node, "image", None)]
