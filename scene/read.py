"""Objects and files as what a method is given: a mesh, splats or points, with a name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..backend import folders
from ..backend.errors import ReifyError
from ..backend.formats import columns, obj
from ..backend.formats.mesh_ply import read_mesh_ply
from ..backend.formats.offset import centered, offset_of
from ..backend.formats.splat_rows import SplatRows
from ..backend.geometry import axes
from ..backend.mesh.join import joined
from ..backend.values import Array, Cameras, Given, Mesh, Points, Splats
from . import attributes, provenance
from .cameras import read_cameras
from .commit import members
from .mesh import SURFACES, read_mesh, read_pieces
from .points import read_points
from .splats import read_splats

FLATTEST = 1e-12  # share of the largest axis below which a scale can't be taken back


def kind_of(source: bpy.types.Object | None) -> type | None:
    """What an object holds for a method: Splats, Points, Mesh, or None for nothing that one could take."""
    if source is None or source.data is None:
        return None
    if source.type == "POINTCLOUD":
        return Splats if "radiance:base" in source.data.attributes else Points
    if source.type == "MESH" and not source.data.polygons and not source.modifiers:
        if not len(source.data.vertices):
            return None
        return Splats if _holds_splat_columns(source) else Points
    return Mesh if source.type in SURFACES else None


def given_from(source: bpy.types.Object, modifiers: bool = True) -> Given:
    """What an object holds. Meshes come scaled and turned as they stand in the world, around the object's origin.

    Splats and points are in the object's own space, with the cameras that they were made from. Raises ReifyError for an object
    that holds nothing, or is scaled to nothing.
    """
    kind = kind_of(source)
    if kind is Splats and source.type == "MESH":
        return _given_from_columns(source)
    if kind is Splats:
        return Given(read_splats(source), source.name, cameras=_cameras_of(source))
    if kind is Points:
        return Given(read_points(source), source.name, cameras=_cameras_of(source))
    mesh = _moved(read_mesh(source, modifiers), world_from_object(source))
    # Textures stay where they are, in the materials, which the result gets too.
    return Given(replace(mesh, textures={}), source.name)


def world_from_object(source: bpy.types.Object) -> Array:
    """Scale and turn of an object in the world, without its place, [3,3] float64; raises ReifyError where that can't be taken back."""
    turn = np.array(source.matrix_world, dtype=np.float64)[:3, :3]
    sizes = np.linalg.svd(turn, compute_uv=False)
    if not sizes[2] > FLATTEST * sizes[0]:
        raise ReifyError(f"{source.name} is scaled to nothing.", "Give it a scale that isn't 0.")
    return turn


def in_object_space(mesh: Mesh, source: bpy.types.Object) -> Mesh:
    """What was made of a `given_from` mesh, back in the space of the object it came from."""
    return _moved(mesh, np.linalg.inv(world_from_object(source)))


def given_from_file(path: Path) -> Given:
    """All meshes of a file as one, in its world, with one texture, read by Blender's own importers.

    What is open stays as it was. Raises ReifyError where the file can't be read or holds no mesh.
    """
    if not path.is_file():
        raise ReifyError(f"{path.name} isn't there.", "Check the path.")
    importer = IMPORTERS.get(path.suffix.lower())
    if path.suffix.lower() == ".ply":
        pieces, warnings = read_mesh_ply(path)
        return _given_mesh(path, pieces, None, warnings)
    if importer is None:
        raise ReifyError(f"{path.name} has an ending that meshes can't be read from.", f"Choose one of: {' '.join(ENDINGS)}.")
    with _guests() as came, folders.temporary() as folder:
        try:
            near, offset = obj.near_copy(path, folder) if path.suffix.lower() == ".obj" else (path, None)
            importer(str(near))
        except (RuntimeError, AttributeError, OSError) as error:  # how operators, and those that this Blender lacks, say so
            raise ReifyError(f"{path.name} can't be read: {str(error).strip()}", "Export it again, for example as .glb.") from error
        bpy.context.view_layer.update()
        meshes = [mesh for source in came() for mesh in _pieces(source)]
        if not meshes:
            raise ReifyError(f"{path.name} holds no mesh.", "Choose a file with faces in it.")
        return _given_mesh(path, meshes, None if offset is None else axes.Z_UP_FROM_Y_UP[:3, :3] @ offset)


def _given_mesh(path: Path, pieces: list[Mesh], taken_off: Array | None, warnings: tuple[str, ...] = ()) -> Given:
    """Pieces of any precision as one mesh, centered where its coordinates are large; `taken_off` [3] they have lost already."""
    mesh = joined(pieces)
    offset = offset_of(mesh.vertices)
    total = taken_off if offset is None else offset if taken_off is None else offset + taken_off
    return Given(centered(mesh, offset), path.stem, (path,), offset=total, warnings=warnings)


def _holds_splat_columns(source: bpy.types.Object) -> bool:
    """Whether vertices have a splat file's columns as attributes, which is what Blender's own PLY importer makes of them before 5.3."""
    names = {attribute.name.lower() for attribute in source.data.attributes} | set("xyz")
    return columns.are_splats(names) and not columns.missing_of_splats(names)


def _given_from_columns(source: bpy.types.Object) -> Given:
    found = attributes.columns(source.data)
    try:
        rows = SplatRows(len(found["x"]), columns.sh_degree_of(found))
    except ValueError as error:
        raise ReifyError(f"{source.name} has {error}, which fits no SH degree.", "Import its file as splats.") from error
    columns.add_splats(rows, found)
    splats, broken = rows.splats(surfels=columns.are_surfels(found)), rows.broken
    if len(splats) == 0:
        raise ReifyError(f"All {broken} splats of {source.name} are broken.", "Export them again.")
    return Given(splats, source.name, warnings=columns.left_out(source.name, "splats", broken, len(splats)))


def _cameras_of(source: bpy.types.Object) -> Cameras | None:
    """The cameras of the result that an object belongs to, in the object's space; None where there are none."""
    collection = provenance.collection_of(source)
    cameras = [] if collection is None else members(collection, "camera")
    return read_cameras(cameras, source.matrix_world) if cameras else None


def _pieces(source: bpy.types.Object) -> Iterator[Mesh]:
    if source.type not in SURFACES or (source.type == "MESH" and not source.data.polygons and not source.modifiers):
        return
    matrix = np.array(source.matrix_world, dtype=np.float64)
    for mesh in read_pieces(source):
        yield _moved(mesh, matrix[:3, :3], matrix[:3, 3], np.float64)


def _moved(mesh: Mesh, turn: Array, place: Array | float = 0.0, dtype: type = np.float32) -> Mesh:
    """A mesh turned and moved; where the matrix mirrors, its faces are turned round to look outwards again."""
    vertices: Array = (mesh.vertices @ turn.T + place).astype(dtype)
    if np.linalg.det(turn) >= 0:
        return replace(mesh, vertices=vertices)
    uvs = None if mesh.uvs is None else _reversed(mesh.uvs, mesh.quads)
    return replace(mesh, vertices=vertices, faces=_reversed(mesh.faces, mesh.quads), uvs=uvs)


def _reversed(corners: Array, quads: int) -> Array:
    """Triangles [F,3,…] the other way round; the quads among them, (a, b, c), (a, c, d), become (a, d, c), (a, c, b)."""
    out = corners[:, [0, 2, 1]]
    out[0 : 2 * quads] = out[: 2 * quads].reshape(quads, 2, *out.shape[1:])[:, ::-1].reshape(2 * quads, *out.shape[1:])
    return np.ascontiguousarray(out)


@contextmanager
def _guests() -> Iterator[Any]:
    """Whatever comes into this .blend inside goes again; yields a function that gives the objects that came."""
    before = _everything()
    selected, active = list(bpy.context.selected_objects), bpy.context.view_layer.objects.active

    def came() -> list[bpy.types.Object]:
        return [source for source in bpy.data.objects if source not in before]

    try:
        yield came
    finally:
        bpy.data.batch_remove(_everything() - before)
        for source in selected:
            source.select_set(True)
        bpy.context.view_layer.objects.active = active


def _everything() -> set[bpy.types.ID]:
    kinds = (prop.identifier for prop in bpy.data.bl_rna.properties if prop.type == "COLLECTION")
    return {block for kind in kinds if kind not in NOT_IMPORTED for block in getattr(bpy.data, kind)}


def _append(path: str) -> None:
    libraries: Any = bpy.data.libraries
    with libraries.load(path, link=False) as (there, here):
        here.objects = there.objects
    for source in here.objects:
        if source is not None and source.name not in bpy.context.scene.objects:
            bpy.context.scene.collection.objects.link(source)


NOT_IMPORTED = ("window_managers", "screens", "workspaces", "brushes", "fonts", "palettes")
IMPORTERS = {
    ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".gltf": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".obj": lambda path: bpy.ops.wm.obj_import(filepath=path),
    ".stl": lambda path: bpy.ops.wm.stl_import(filepath=path),
    ".fbx": lambda path: bpy.ops.import_scene.fbx(filepath=path),
    ".usd": lambda path: bpy.ops.wm.usd_import(filepath=path),
    ".usdc": lambda path: bpy.ops.wm.usd_import(filepath=path),
    ".usdz": lambda path: bpy.ops.wm.usd_import(filepath=path),
    ".abc": lambda path: bpy.ops.wm.alembic_import(filepath=path),
    ".blend": _append,
}
ENDINGS = (*IMPORTERS, ".ply")
