"""Spherical harmonics of splats beside the .blend: they are three quarters of what a file with splats holds.

Position, color, opacity, scale and rotation stay in the .blend, so that it renders where Reify or the file beside it is missing, only
with colors that don't depend on the view. Beside it lies a whole PLY of the splats, which other programs open, named by its content: a
.blend never finds another version's harmonics, and what didn't change isn't written again. Saving takes the harmonics out of the data
for the moment in which Blender writes; loading, linking and appending put them back.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..backend.errors import ReifyError
from ..backend.formats.confined import is_network
from ..backend.formats.splat_ply import read_harmonics, write_splat_ply
from ..backend.reading import is_file
from ..backend.values import Array
from . import attributes, stored
from .splat_edits import bands
from .splats import holds_splats, read_arrays, splats_of

log = logging.getLogger(__name__)

BESIDE = "reify_beside"  # property of a point cloud: its harmonics are to lie beside the .blend
FILE = "reify_harmonics"  # where they lie, relative to the .blend with "//", once it was saved
BANDS = "reify_bands"  # how many there are
BAND = "radiance:sh_"
DIGEST_BYTES = 8

_taken: dict[str, dict[str, Array]] = {}  # harmonics that are out of the data while Blender writes, by the point cloud's name


def store_beside(cloud: Any) -> None:
    """Let a point cloud's harmonics lie beside the .blend from its next save on; raises ReifyError where there are none."""
    if not bands(cloud):
        raise ReifyError("These splats have no colors that depend on the view: nothing would become smaller.", "Keep them in the .blend.")
    cloud[BESIDE] = True


def pack(cloud: Any) -> None:
    """Let a point cloud's harmonics lie in the .blend again; raises ReifyError where the file that holds them is missing."""
    if is_missing(cloud):
        raise ReifyError(f"{cloud.get(FILE)} is missing.", "Choose where it is first.")
    for key in (BESIDE, FILE, BANDS):
        if key in cloud:
            del cloud[key]


def is_missing(cloud: Any) -> bool:
    """Whether a point cloud lacks harmonics that lie in a file."""
    return bool(stored.text(cloud, FILE)) and len(bands(cloud)) < stored.whole(cloud, BANDS, 0)


def path_of(cloud: Any) -> Path:
    """The file that a point cloud's harmonics lie in, as far as the open .blend, or the one it is linked from, knows."""
    return Path(bpy.path.abspath(stored.text(cloud, FILE), library=cloud.library))


def restore(cloud: Any, path: Path) -> None:
    """Read a point cloud's harmonics from a PLY; raises ReifyError where it is damaged or belongs to other splats."""
    wanted = stored.whole(cloud, BANDS, 0)
    harmonics = read_harmonics(path)
    if harmonics.shape[:2] != (wanted, len(cloud.points)):
        raise ReifyError(f"{path.name} holds other splats than {cloud.name}.", "Choose the file that was saved with this .blend.")
    for k, band in enumerate(harmonics):
        name = f"{BAND}{k}"
        attributes.write(cloud, name, "FLOAT_VECTOR", band)
        if cloud.library is not None and not _write_linked(cloud.attributes[name].data, band):
            cloud.attributes.remove(cloud.attributes[name])
            raise ReifyError(f"This Blender doesn't let {cloud.name} be changed, which is linked.", "Append it instead.")
    cloud.update_tag()


def find(cloud: Any, path: str) -> None:
    """Read a point cloud's harmonics from a PLY that was moved, and remember where it is; raises ReifyError as `restore` does."""
    restore(cloud, Path(path))
    cloud[FILE] = path


def restore_all() -> list[str]:
    """Read what lies beside, for all point clouds that lack it; returns why some still do, a sentence each."""
    problems = []
    cloud: Any
    for cloud in bpy.data.pointclouds:
        if is_missing(cloud):
            try:
                restore(cloud, _own_path_of(cloud))
            except ReifyError as error:
                problems.append(str(error))
    return problems


def rebase(cloud: Any, library: str) -> None:
    """Let the path of a point cloud that was appended from `library`, a .blend, be absolute: the next save makes it relative again."""
    path = stored.text(cloud, FILE)
    if path.startswith("//"):
        cloud[FILE] = str(Path(bpy.path.abspath(library)).parent / path[2:])


def take_out(blend: Path) -> list[str]:
    """Write the harmonics that lie beside `blend`, and take them out of the data; returns why some stay in, a sentence each."""
    problems = []
    cloud: Any
    for cloud in bpy.data.pointclouds:
        if not cloud.get(BESIDE) or cloud.library is not None or not holds_splats(cloud):
            continue
        if is_missing(cloud):
            cloud[FILE] = _relative(path_of(cloud), blend)
            continue
        names = bands(cloud)
        arrays = read_arrays(cloud)
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for name in sorted(arrays):
            digest.update(arrays[name].data)
        path = blend.parent / f"{blend.stem}_splats" / f"{bpy.path.clean_name(cloud.name)}-{digest.hexdigest()}.ply"
        try:
            if not _holds(path, [arrays[name] for name in names]):
                splats = splats_of(arrays, bool(cloud.get("antialiased")), bool(cloud.get("surfels")))
                write_splat_ply(splats, path)
        except ReifyError as error:
            problems.append(str(error))
            continue
        cloud[FILE], cloud[BANDS] = _relative(path, blend), len(names)
        _taken[cloud.name] = {name: arrays[name] for name in names}
        for name in names:
            cloud.attributes.remove(cloud.attributes[name])
    return problems


def put_back() -> None:
    """Put what `take_out` took into the data again."""
    for name, arrays in _taken.items():
        cloud = bpy.data.pointclouds[name]
        for band, values in arrays.items():
            attributes.write(cloud, band, "FLOAT_VECTOR", values)
    _taken.clear()


@bpy.app.handlers.persistent
def _before_save(path: str, *_arguments: Any) -> None:
    for problem in take_out(Path(path)):
        log.warning("Kept in the .blend: %s", problem)


@bpy.app.handlers.persistent
def _after_save(*_arguments: Any) -> None:
    put_back()


@bpy.app.handlers.persistent
def _after_load(*_arguments: Any) -> None:
    for problem in restore_all():
        log.warning(problem)


@bpy.app.handlers.persistent
def _after_import(imported: Any, *_arguments: Any) -> None:
    """After linking and appending."""
    for item in imported.import_items:
        if isinstance(item.id, bpy.types.PointCloud) and item.id.library is None and item.source_library is not None:
            rebase(item.id, item.source_library.filepath)
    _after_load()


HANDLERS = (
    ("save_pre", _before_save),
    ("save_post", _after_save),
    ("save_post_fail", _after_save),
    ("load_post", _after_load),
    ("blend_import_post", _after_import),
)


def register() -> None:
    """Keep harmonics beside .blend files from now on."""
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Leave nothing behind."""
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)


def _relative(path: Path, blend: Path) -> str:
    try:
        return f"//{path.relative_to(blend.parent).as_posix()}"
    except ValueError:
        return str(path)


def _own_path_of(cloud: Any) -> Path:
    """Where a point cloud's harmonics lie; raises ReifyError where another computer would be asked for them that its .blend isn't on."""
    path = path_of(cloud)
    blend = cloud.library.filepath if cloud.library is not None else bpy.data.filepath
    if is_network(str(path)) and not is_network(blend):
        raise ReifyError(f"{path} lies on another computer.", "Choose it in the panel Splats, if you trust it.")
    return path


def _holds(path: Path, harmonics: list[Array]) -> bool:
    """Whether a file that is there already holds these bands, each [N,3], whole: they are about to leave the .blend."""
    try:
        return is_file(path) and np.array_equal(read_harmonics(path), np.stack(harmonics), equal_nan=True)
    except ReifyError:
        return False


def _write_linked(data: Any, values: Array) -> bool:
    """Set the values [N,3] float32 of an attribute of linked data, where `foreach_set` does nothing and says nothing; False where it fails.

    Element by element would take seconds. An attribute's values lie in one array, whose ends are looked at first.
    """
    first, last = data[0].as_pointer(), data[len(data) - 1].as_pointer()
    values = np.ascontiguousarray(values, np.float32)
    if last - first != values.nbytes - values.itemsize * 3:
        return False
    ctypes.memmove(first, values.ctypes.data, values.nbytes)
    written = np.empty_like(values)
    data.foreach_get("vector", written.ravel())
    return np.array_equal(written, values, equal_nan=True)
