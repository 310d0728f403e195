"""Selected objects through methods that change things: what comes out stands in their place, and they are kept."""

from __future__ import annotations

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender

pytest.importorskip("numba")
pytest.importorskip("fast_simplification")


@pytest.fixture
def monkey(scene):
    """A monkey's head under a parent, scaled unevenly and mirrored, in two materials, with UVs and a color per vertex."""
    import bpy

    bpy.ops.mesh.primitive_monkey_add(location=(1, 2, 3), rotation=(0.1, 0.2, 0.3))
    made = bpy.context.object
    made.scale = (1, 2, -1)
    made.parent = bpy.data.objects.new("Parent", None)
    scene.collection.objects.link(made.parent)
    for name in ("left", "right"):
        made.data.materials.append(bpy.data.materials.new(name))
    for polygon in made.data.polygons:
        polygon.material_index = int(polygon.center.x > 0)
        polygon.use_smooth = True
    made.data.uv_layers.active.name = "Unwrapped"
    colors = made.data.color_attributes.new("Paint", "BYTE_COLOR", "CORNER")
    for corner, loop in zip(colors.data, made.data.loops, strict=True):
        corner.color = (made.data.vertices[loop.vertex_index].co.z > 0, 0, 0, 1)
    made.data.color_attributes.active_color = colors
    bpy.context.view_layer.update()
    return made


def test_the_result_takes_the_objects_place_name_parent_and_materials_and_the_object_is_kept(scene, monkey):
    import bpy

    before = np.array(monkey.matrix_world)
    scene.reify.mesh.faces = 400
    assert bpy.ops.reify.convert(method="mesh") == {"FINISHED"}
    made = bpy.data.objects["Suzanne"]
    assert made is bpy.context.object and made.select_get() and made != monkey
    assert (monkey.name, monkey.hide_get(), monkey.hide_render, len(monkey.data.polygons)) == ("Suzanne Original", True, True, 500)
    np.testing.assert_allclose(np.array(made.matrix_world), before, atol=1e-6)
    assert made.parent == monkey.parent and len(made.data.polygons) <= 420
    assert [slot.material.name for slot in made.material_slots] == ["left", "right"]
    sides = [(polygon.center.x > 0) == polygon.material_index for polygon in made.data.polygons if abs(polygon.center.x) > 0.2]
    assert np.mean(sides) > 0.98
    assert made.data.uv_layers.active.name == "Unwrapped"
    painted = made.data.color_attributes["Paint"].data
    red = [painted[vertex.index].color[0] > 0.5 for vertex in made.data.vertices if abs(vertex.co.z) > 0.3]
    assert red == [vertex.co.z > 0 for vertex in made.data.vertices if abs(vertex.co.z) > 0.3]
    lows = [np.array([vertex.co for vertex in which.data.vertices]).min(axis=0) for which in (made, monkey)]
    np.testing.assert_allclose(lows[0], lows[1], atol=0.1)


def test_beside_the_original_nothing_of_it_changes(scene, monkey):
    import bpy

    scene.reify_convert.beside = True
    bpy.ops.reify.convert(method="mesh", preset="Repair Only")
    made = bpy.context.object
    assert (monkey.name, monkey.hide_get(), made.name) == ("Suzanne", False, "Suzanne Mesh")
    apart = made.matrix_world.translation - monkey.matrix_world.translation
    assert apart.x > 2 and abs(apart.y) < 1e-5 and abs(apart.z) < 1e-5


def test_modifiers_are_applied_or_kept(scene, monkey):
    import bpy

    monkey.modifiers.new("Finer", "SUBSURF")
    scene.reify_convert.beside = True
    bpy.ops.reify.convert(method="mesh", preset="Repair Only")
    applied = bpy.context.object
    assert not applied.modifiers and len(applied.data.polygons) > 3000
    applied.select_set(False)
    monkey.select_set(True)
    bpy.context.view_layer.objects.active = monkey
    scene.reify_convert.modifiers = False
    bpy.ops.reify.convert(method="mesh", preset="Repair Only")
    assert len(bpy.context.object.modifiers) == 1 and len(bpy.context.object.data.polygons) < 1100


def test_levels_of_detail_are_objects_with_numbers(scene, monkey):
    import bpy

    scene.reify.mesh.lods = 2
    bpy.ops.reify.convert(method="mesh")
    levels = [bpy.data.objects[f"Suzanne_LOD{level}"] for level in range(3)]
    counts = [len(level.data.polygons) for level in levels]
    assert counts[0] > 1.9 * counts[1] > 3.6 * counts[2]
    assert [level.hide_get() for level in levels] == [False, True, True]


def test_every_selected_object_is_converted_and_what_fits_no_method_is_left_alone(scene, monkey):
    import bpy

    bpy.ops.object.empty_add()
    bpy.ops.mesh.primitive_cube_add(location=(5, 0, 0))
    for each in scene.objects:
        each.select_set(each.type in ("MESH", "EMPTY"))
    bpy.ops.reify.convert(method="mesh", preset="Repair Only")
    assert {"Suzanne", "Suzanne Original", "Cube", "Cube Original"} <= set(bpy.data.objects.keys())


def test_a_converted_object_is_made_again_of_its_original_in_its_place(scene, monkey):
    import bpy

    scene.reify.mesh.faces = 300
    bpy.ops.reify.convert(method="mesh")
    scene.reify.mesh.faces = 100
    count = len(bpy.data.meshes)
    made = bpy.context.object
    made.location.x += 1
    made.modifiers.new("Thick", "SOLIDIFY")
    place = tuple(made.location)
    bpy.ops.reify.regenerate()
    assert bpy.context.object == made and tuple(made.location) == place and [found.name for found in made.modifiers] == ["Thick"]
    assert sorted(found.name for found in bpy.data.objects) == ["Parent", "Suzanne", "Suzanne Original"]
    assert 250 < len(bpy.data.objects["Suzanne"].data.polygons) <= 315
    assert len(bpy.data.meshes) == count
    bpy.data.objects.remove(bpy.data.objects["Suzanne Original"])
    with pytest.raises(RuntimeError, match="is gone"):
        bpy.ops.reify.regenerate()


def test_a_conversion_is_undone_in_one_step(scene, monkey):
    import bpy
    from reify.backend.methods import mesh
    from reify.session import conversion, pump, start
    from reify.tests.session.conftest import until

    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo_push(message="before")
    (order,) = conversion.orders(bpy.context, mesh.METHOD, mesh.METHOD.preset("Game"))
    task = start.start(order)
    until(lambda: task.state.ended, 60)
    pump.tick()
    assert "Suzanne Original" in bpy.data.objects and "Suzanne_LOD3" in bpy.data.objects
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
    assert sorted(found.name for found in bpy.data.objects) == ["Parent", "Suzanne"]
    assert not bpy.data.objects["Suzanne"].hide_get() and len(bpy.data.objects["Suzanne"].data.polygons) == 500


def test_a_result_whose_object_is_deleted_meanwhile_comes_by_itself(scene, monkey):
    import bpy
    from reify.backend.methods import mesh
    from reify.session import conversion, pump, start
    from reify.tests.session.conftest import until

    (order,) = conversion.orders(bpy.context, mesh.METHOD, mesh.METHOD.preset("Repair Only"))
    task = start.start(order)
    bpy.data.objects.remove(monkey)
    until(lambda: task.state.ended, 60)
    pump.tick()
    assert "Suzanne Mesh" in bpy.data.objects


@pytest.mark.parametrize("kind", ["empty", "no faces", "nan", "flat"])
def test_what_holds_nothing_is_refused_with_the_way_out_and_stays_as_it_is(scene, kind):
    import bpy

    bpy.ops.mesh.primitive_cube_add()
    made = bpy.context.object
    if kind == "nan":
        for vertex in made.data.vertices:
            vertex.co.x = float("nan")
    elif kind == "flat":
        for vertex in made.data.vertices:
            vertex.co = (1, 1, 1)
    elif kind == "no faces":
        made.data = bpy.data.meshes.new("none")
    else:
        made.select_set(False)
        bpy.ops.object.empty_add()
    with pytest.raises(RuntimeError):
        bpy.ops.reify.convert(method="mesh")
    assert len(bpy.data.objects) == (2 if kind == "empty" else 1) and not made.hide_get()


def test_why_nothing_can_be_converted_is_said(scene, monkey, monkeypatch):
    import dataclasses

    import bpy
    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import mesh
    from reify.session import conversion

    assert conversion.why_not(bpy.context) == ""
    bpy.ops.object.mode_set(mode="EDIT")
    assert "Edit Mode" in conversion.why_not(bpy.context)
    bpy.ops.object.mode_set(mode="OBJECT")
    monkeypatch.setattr(mesh, "METHOD", dataclasses.replace(mesh.METHOD, needs=Needs(packages=("nowhere_to_be_found",))))
    assert "packages that aren't installed" in conversion.why_not(bpy.context)
    monkey.select_set(False)
    assert "Select a mesh" in conversion.why_not(bpy.context)
    assert not bpy.ops.reify.convert.poll()


def test_methods_are_offered_by_what_is_selected(scene):
    import bpy
    from reify.backend.values import Splats
    from reify.scene.splats import splats_object
    from reify.session import conversion

    made = splats_object("s", samples.splats())
    scene.collection.objects.link(made)
    made.select_set(True)
    bpy.context.view_layer.objects.active = made
    assert conversion.kind_of_active(bpy.context) is Splats
    assert "mesh" not in conversion.methods_for(Splats)
    assert conversion.chosen(bpy.context) is None or Splats in conversion.chosen(bpy.context).takes


def test_maps_come_in_a_material_of_their_own_that_levels_share(scene):
    import dataclasses

    import bpy
    from reify.backend.values import Report, Result
    from reify.scene import convert

    bpy.ops.mesh.primitive_cube_add()
    source = bpy.context.object
    old = bpy.data.materials.new("Old")
    source.data.materials.append(old)
    maps = {kind: np.full((8, 8, 3), 128, np.uint8) for kind in ("base_color", "normal", "occlusion")}
    mesh = dataclasses.replace(samples.mesh(), textures=maps)
    report = Report(method="mesh", settings={}, seed=0, inputs={}, seconds={}, metrics={}, versions={})
    made = convert.place(Result("Cube", report, mesh=mesh, lods=(mesh,)), source)
    level = bpy.data.objects["Cube_LOD1"]
    (material,) = made.data.materials
    assert material != old and list(level.data.materials) == [material]
    assert len([node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeTexImage"]) == 3
