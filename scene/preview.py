"""What a running job, or a live preview, shows in the viewport: one object, refreshed in place, gone when it ends.

The point cloud is larger than what it holds and what is left over is hidden, so that a count which grows, as it
does while splats are trained, rarely needs a new object.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bpy
import numpy as np

from ..backend.values import Mesh, Points, Splats
from . import splat_nodes
from .mesh import mesh_data, mesh_object, vertex_srgb
from .points import points_object
from .slices import Slices
from .splats import VIEWPORT_SPLATS, splats_object, write_splats

NAME = "Reify Preview"
MARK = "reify_preview"  # property that tells ours from what a user calls the same
MOST = VIEWPORT_SPLATS  # a preview of more would slow the viewport down


def show(value: Any, scene: bpy.types.Scene) -> bool:
    """Show splats, points or a mesh; returns False for values that have no preview here."""
    if isinstance(value, Splats):
        _show_splats(_padded(_thinned(value)), scene)
        return True
    if isinstance(value, Points) and len(value):
        clear()
        _place(points_object(NAME, value), scene)
        return True
    if isinstance(value, Mesh):
        _show_mesh(value, scene)
        return True
    return False


def shown(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The preview in a scene, None where there is none."""
    return next((made for made in scene.objects if made.get(MARK)), None)


def prepare() -> None:
    """Do what the first preview needs ahead of it, so that neither takes long."""
    splat_nodes.prepare()


def prepare_in_slices() -> Slices[None]:
    """The same, in slices."""
    return splat_nodes.prepare_in_slices()


def clear() -> None:
    """Remove the preview, wherever it is."""
    for made in [made for made in bpy.data.objects if made.get(MARK)]:
        data: Any = made.data
        materials = {material for material in data.materials if material is not None and material.name.startswith(NAME)}
        bpy.data.objects.remove(made)
        if not data.users:
            bpy.data.batch_remove([data])
        bpy.data.batch_remove([material for material in materials if not material.users])


def _show_splats(splats: Splats, scene: bpy.types.Scene) -> None:
    found: Any = shown(scene)
    if found is None or found.type != "POINTCLOUD" or len(found.data.points) != len(splats) or "radiance:base" not in found.data.attributes:
        clear()
        _place(splats_object(NAME, splats), scene)
        return
    write_splats(found.data, splats, with_sh=False)
    found.data.update_tag()


def _show_mesh(mesh: Mesh, scene: bpy.types.Scene) -> None:
    # Colors of the vertices instead of a texture: an image would have to be made anew, and packed, every time.
    colored = replace(mesh, vertex_srgb=vertex_srgb(mesh), uvs=None, textures={})
    found = shown(scene)
    if found is None or found.type != "MESH":
        clear()
        _place(mesh_object(NAME, colored), scene)
        return
    before: Any = found.data
    after = mesh_data(NAME, colored)
    after.materials.append(before.materials[0])
    found.data = after
    bpy.data.meshes.remove(before)


def _place(made: bpy.types.Object, scene: bpy.types.Scene) -> None:
    made[MARK] = True
    made.hide_select = made.hide_render = True
    scene.collection.objects.link(made)


def _thinned(splats: Splats) -> Splats:
    step = -(-len(splats) // MOST)
    return splats.take(np.arange(0, len(splats), step)) if step > 1 else splats


def _padded(splats: Splats) -> Splats:
    # Powers of 1.5: a new object for every half more, and at most a third left over.
    room = 1024
    while room < len(splats):
        room = room * 3 // 2
    extra = room - len(splats)

    def pad(array: np.ndarray, fill: float = 0.0) -> np.ndarray:
        return np.concatenate((array, np.full((extra, *array.shape[1:]), fill, dtype=array.dtype)))

    quats = pad(splats.quats)
    quats[len(splats) :, 0] = 1
    # Far below any opacity that is drawn.
    return Splats(pad(splats.means), quats, pad(splats.log_scales, -20.0), pad(splats.opacity_logits, -20.0), pad(splats.sh[:, :1]))
