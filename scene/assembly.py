"""A `Scene` as Blender objects: one mesh a thing, shared by its instances, under empties that can be moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import bpy
import numpy as np
from mathutils import Matrix

from ..backend.values import Array, Material, Part, Scene
from . import attributes, provenance
from .mesh import mesh_data
from .recipes import FLAT_STYLES, node_material

SMOOTH_DEG = 35.0  # edges that bend less are shaded smooth
CREDITS = "reify_credits"  # on each object: source, author and license of its shape
NOUN = "reify_noun"
PART = "reify_part"  # on each object: the name of its part in the sentence
READING = "reify_reading"  # on each object: what was understood of the sentence
PART_SEED = "reify_part_seed"  # on what was made again: its seed
STYLED = ("Low Poly", "Wireframe")  # modifiers that styles bring
WIRE = 0.006  # thickness of wireframes, of the thing's size
LOW_POLY_FACES = 220  # about as many triangles the low poly style leaves of a thing

Place = Callable[[bpy.types.Object, str, bpy.types.Object], None]
Dress = Callable[[Material, str, float], bpy.types.Material]  # of a material, the style and the thing's size in meters


def place_scene(scene: Scene, root: bpy.types.Object, place: Place, dress: Dress = node_material) -> list[bpy.types.Object]:
    """Make the objects of a scene, which are returned; `place` links one with its role under its parent.

    Several instances hang on an empty. What is carried hangs on its carrier, so that a table takes its lamp along.
    """
    world: dict[bpy.types.Object, Array] = {root: np.eye(4)}
    first: dict[str, bpy.types.Object] = {}
    made = []

    def put(item: bpy.types.Object, role: str, parent: bpy.types.Object, matrix: Array) -> None:
        world[item] = matrix
        place(item, role, parent)
        item.matrix_parent_inverse = Matrix()
        item.matrix_basis = Matrix((np.linalg.inv(world[parent]) @ matrix).tolist())

    for part in _carriers_first(scene.parts):
        style = part.style or scene.style
        size = float(np.ptp(part.mesh.vertices, axis=0).max())
        data = _data(part, style, size, dress)
        parent = first.get(part.parent, root)
        if len(part.world_from_part) > 1:
            group = bpy.data.objects.new(f"{part.name} x{len(part.world_from_part)}", None)
            group.empty_display_type, group.empty_display_size = "PLAIN_AXES", 0.4 * size
            middle = np.eye(4)
            middle[:3, 3] = part.world_from_part[:, :3, 3].mean(axis=0)
            put(group, "group", parent, middle)
            parent = group
        for matrix in part.world_from_part:
            item = bpy.data.objects.new(part.name, data)
            put(item, "part", parent, matrix)
            _mark(item, part)
            item[READING] = scene.reading
            _modify(item, style, size, len(part.mesh.faces))
            first.setdefault(part.name, item)
            made.append(item)
    return made


def renew(items: list[bpy.types.Object], part: Part, style: str, same_size: bool) -> None:
    """Let objects of one part hold another shape, where they stand; with `same_size` it is scaled to the largest side of the old one.

    Their places, names, parents and the user's modifiers stay. The old mesh goes where nobody uses it.
    """
    old = {item.data for item in items}
    first = items[0].data
    assert isinstance(first, bpy.types.Mesh)
    before = np.empty(3 * len(first.vertices), dtype=np.float32)
    first.vertices.foreach_get("co", before)
    if same_size and len(before):
        factor = float(np.ptp(before.reshape(-1, 3), axis=0).max()) / float(np.ptp(part.mesh.vertices, axis=0).max())
        part = replace(part, mesh=replace(part.mesh, vertices=part.mesh.vertices * factor))
    size = float(np.ptp(part.mesh.vertices, axis=0).max())
    data = _data(part, style, size)
    for item in items:
        item.data = data
        _mark(item, part)
        for name in STYLED:
            if name in item.modifiers:
                item.modifiers.remove(item.modifiers[name])
        _modify(item, style, size, len(part.mesh.faces))
        provenance.keep_name(item)
    provenance.keep_name(data)
    bpy.data.batch_remove([mesh for mesh in old if mesh is not None and not mesh.users])


def _mark(item: bpy.types.Object, part: Part) -> None:
    item[CREDITS] = f"{part.source}, {part.author}, {part.license}"
    item[NOUN], item[PART] = part.noun, part.name


def _carriers_first(parts: tuple[Part, ...]) -> Iterator[Part]:
    waiting, done = list(parts), {""}
    names = {part.name for part in parts}
    while waiting:
        ready = next((part for part in waiting if part.parent in done or part.parent not in names), waiting[0])
        waiting.remove(ready)
        done.add(ready.name)
        yield ready


def _data(part: Part, style: str, size_m: float, dress: Dress = node_material) -> bpy.types.Mesh:
    data = mesh_data(part.name, part.mesh)
    for material in part.materials:
        data.materials.append(dress(material, style, size_m))
    paired = 2 * part.mesh.quads
    of_polygon = np.concatenate((part.material_of_face[0:paired:2], part.material_of_face[paired:]))
    attributes.write(data, "material_index", "INT", of_polygon, domain="FACE")
    if style in FLAT_STYLES:
        data.shade_flat()
    else:
        data.set_sharp_from_angle(angle=float(np.radians(SMOOTH_DEG)))
    data.update()
    return data


def _modify(item: bpy.types.Object, style: str, size_m: float, faces: int) -> None:
    """What a style does to the geometry, as modifiers that can be taken off."""
    if style == "low poly" and faces > LOW_POLY_FACES:
        item.modifiers.new("Low Poly", "DECIMATE").ratio = LOW_POLY_FACES / faces
    elif style == "wireframe":
        wire = item.modifiers.new("Wireframe", "WIREFRAME")
        wire.thickness, wire.use_even_offset = WIRE * size_m, False
