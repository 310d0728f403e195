"""Results to files that Blender writes: scenes and meshes. What is half-written never stands under its final name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from ..backend.errors import ReifyError
from ..backend.formats import glb, obj
from ..backend.geometry import axes
from ..backend.values import Array, Mesh, Result
from .commit import commit, members
from .mesh import mesh_object

GAP = 0.25  # between results that stand side by side, of a result's width


def write_blend(results: Sequence[Result], path: Path) -> None:
    """A new .blend with `results` side by side along X; what was open in this process is closed.

    Raises OSError where it can't be written.
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
    shown = [made for role in ("mesh", "splats", "points") for made in members(collection, role)]
    corners = [(made.matrix_world @ Vector(corner)).x for made in shown for corner in made.bound_box]
    left, right = min(corners, default=0.0), max(corners, default=0.0)
    for root in members(collection, "root"):
        root.location.x += edge - left
    return edge + (right - left) * (1.0 + GAP)


def save_blend(path: Path, copy: bool = False) -> None:
    """Save what is open; Blender itself writes to a temporary name first. Raises OSError where it can't be written.

    With `copy` the open file keeps its own name.
    """
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=copy, compress=True, check_existing=False)
    except RuntimeError as error:
        raise _os_error(error, path) from error


def write_mesh(mesh: Mesh, path: Path, source_from_world: Array | None = None) -> None:
    """A mesh with its textures as .glb, .obj or .stl, Y up where the format has it so; raises OSError where it can't be written.

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
    scene.collection.objects.link(made)
    try:
        layer = scene.view_layers[0]
        with bpy.context.temp_override(scene=scene, view_layer=layer, selected_objects=[made], active_object=made, object=made):
            made.select_set(True)
            _by_way_of_a_folder(path, lambda place: _write_at(place, writers[path.suffix.lower()], offset))
    finally:
        _forget(made, scene)


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


def _by_way_of_a_folder(path: Path, write: Callable[[Path], None]) -> None:
    # OBJ comes with a .mtl and pictures that name each other, so what is moved into place has its final name already.
    with tempfile.TemporaryDirectory(prefix=".reify-", dir=path.parent) as folder:
        try:
            write(Path(folder) / path.name)
        except RuntimeError as error:  # how Blender's operators report what went wrong
            raise _os_error(error, path) from error
        for made in sorted(Path(folder).iterdir(), key=lambda made: made.name == path.name):
            os.replace(made, path.with_name(made.name))


def _os_error(error: RuntimeError, path: Path) -> OSError:
    return OSError(None, str(error).strip().removeprefix("Error: "), str(path))


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
