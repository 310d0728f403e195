"""An assembled scene in Blender: instances share their mesh, what is carried moves along, styles are modifiers and materials."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from reify.backend.engine import requirements

pytestmark = pytest.mark.blender

WITHOUT_ENGINE = """
import importlib.abc, json, sys
import bpy, numpy
blocked = json.loads(sys.argv[1])

class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is out of reach in this test")

sys.meta_path.insert(0, Wall())
import reify
reify.register()
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.context.scene.reify.method = "text"
bpy.context.scene.reify.text.text = "a red apple on a wooden table"
assert bpy.ops.reify.create() == {"FINISHED"}
print("RESULT", sorted(made.name for made in bpy.data.objects))
"""


def placed(sentence: str, style: str = "as said"):
    import bpy
    from reify import api

    bpy.ops.wm.read_factory_settings(use_empty=True)
    result = api.make("text", settings={"text": sentence, "style": style}, keep=False)
    collection = api.place(result)
    bpy.context.view_layer.update()
    return result, {made.name: made for made in collection.all_objects}


def corners(made) -> np.ndarray:
    matrix = np.array(made.matrix_world)
    return np.array([corner[:] for corner in made.bound_box]) @ matrix[:3, :3].T + matrix[:3, 3]


def test_instances_share_their_mesh_and_hang_on_an_empty() -> None:
    _result, made = placed("four chairs around a table")
    chairs = [item for name, item in made.items() if name.startswith("chair") and item.type == "MESH"]
    assert len(chairs) == 4 and len({chair.data for chair in chairs}) == 1
    assert {chair.parent for chair in chairs} == {made["chair x4"]}


def test_objects_stand_where_the_scene_has_them() -> None:
    result, made = placed("a lamp on a table and four chairs around the table")
    for part in result.scene.parts:
        items = [item for name, item in made.items() if name.split(".")[0] == part.name and item.type == "MESH"]
        found = sorted(np.array(item.matrix_world).round(4).tolist() for item in items)
        assert np.allclose(found, sorted(part.world_from_part.round(4).tolist()), atol=1e-3)


def test_a_table_takes_along_what_stands_on_it() -> None:
    import bpy

    _result, made = placed("an apple on a table")
    before = corners(made["apple"]).mean(axis=0)
    made["table"].location.x += 2.0
    bpy.context.view_layer.update()
    assert np.allclose(corners(made["apple"]).mean(axis=0) - before, (2, 0, 0), atol=1e-4)


def test_every_face_has_the_material_of_its_slot() -> None:
    result, made = placed("a house with a blue roof")
    part = result.scene.parts[0]
    data = made["house"].data
    index = np.empty(len(data.polygons), np.int32)
    data.polygons.foreach_get("material_index", index)
    paired = 2 * part.mesh.quads
    assert np.array_equal(index, np.concatenate((part.material_of_face[0:paired:2], part.material_of_face[paired:])))
    assert len(data.materials) == len(part.materials)
    assert {len(polygon.vertices) for polygon in data.polygons} <= {3, 4} and data.uv_layers


def test_things_of_one_material_share_it() -> None:
    _result, made = placed("a wooden table and a wooden chair of oak")
    names = [{slot.material.name for slot in made[name].material_slots} for name in ("table", "chair")]
    assert all(any("wood" in name for name in of) for of in names)


@pytest.mark.parametrize(("style", "modifier"), [("low poly", "DECIMATE"), ("wireframe", "WIREFRAME")])
def test_styles_of_geometry_are_modifiers(style: str, modifier: str) -> None:
    _result, made = placed("a tree", style)
    assert [found.type for found in made["tree"].modifiers] == [modifier]


def test_each_style_has_materials_of_its_own() -> None:
    seen = {}
    for style in ("realistic", "toy", "clay", "toon", "old"):
        _result, made = placed("a wooden table", style)
        tree = made["table"].material_slots[0].material.node_tree
        seen[style] = tuple(sorted(node.bl_idname for node in tree.nodes)), len(tree.links)
    assert "ShaderNodeEmission" in seen["toon"][0]
    assert len(set(seen.values())) >= 4


def test_every_template_makes_a_material_whose_links_are_valid() -> None:
    from reify.backend.values import Material
    from reify.scene.recipes import RECIPES, node_material

    for template in RECIPES:
        for traits in ((), ("old",), ("glowing",)):
            made = node_material(Material(template, (120, 90, 60), "body", traits))
            assert all(link.is_valid for link in made.node_tree.links)
            assert any(node.bl_idname == "ShaderNodeOutputMaterial" and node.inputs[0].links for node in made.node_tree.nodes)


def test_templates_of_generators_and_words_all_have_a_recipe() -> None:
    from reify.backend.assembly.dress import COLOR_OF
    from reify.backend.prompt.words import MATERIALS
    from reify.backend.shapes import catalogue
    from reify.scene.recipes import RECIPES

    assert set(MATERIALS.values()) <= set(RECIPES) and set(MATERIALS.values()) == set(COLOR_OF)
    used = {slot.template for noun in catalogue.THINGS for slot in catalogue.build(noun).slots}
    assert used <= set(RECIPES)


def test_a_new_file_gets_a_camera_that_sees_all_things_and_a_sun() -> None:
    import bpy
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    _result, made = placed("a castle, a tree and a car")
    scene = bpy.context.scene
    assert any(item.type == "LIGHT" for item in scene.objects)
    seen = [
        world_to_camera_view(scene, scene.camera, Vector(corner)) for name in ("castle", "tree", "car") for corner in corners(made[name])
    ]
    assert all(0 <= point.x <= 1 and 0 <= point.y <= 1 and point.z > 0 for point in seen)


def test_credits_stand_on_every_thing() -> None:
    _result, made = placed("a red apple on a wooden table")
    assert "GPL" in made["apple"]["reify_credits"] and made["apple"]["reify_noun"] == "apple"


def test_a_sentence_needs_nothing_of_the_engine(tmp_path) -> None:
    blocked = json.dumps([requirement.module for requirement in requirements.read()])
    command = [sys.executable, "-c", WITHOUT_ENGINE, blocked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | {"BLENDER_USER_RESOURCES": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'apple'" in done.stdout and "'table'" in done.stdout


def test_a_scene_is_made_again_in_its_place(monkeypatch) -> None:
    import bpy
    from reify import api
    from reify.scene.commit import commit, members

    bpy.ops.wm.read_factory_settings(use_empty=True)
    first = commit(api.make("text", settings={"text": "three trees beside a house"}, keep=False))
    before = len(bpy.data.objects)
    again = commit(api.make("text", settings={"text": "three trees beside a house"}, seed=1, keep=False), replaces=first)
    trees = [made for made in members(again, "part") if made.name.startswith("tree")]
    assert again == first and len(trees) == 3 and len(bpy.data.objects) == before
    assert all(tree.parent is not None and tree.parent.parent is not None for tree in trees)


@pytest.mark.parametrize("ending", [".glb", ".obj"])
def test_a_scene_becomes_a_file_for_other_programs_with_its_colors(tmp_path, ending: str) -> None:
    import bpy
    from reify import api

    result = api.make("text", settings={"text": "two red apples on a wooden table"}, keep=False)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    api.write(result, tmp_path / f"scene{ending}")
    assert not bpy.data.objects and not bpy.data.meshes and not bpy.data.materials
    if ending == ".glb":
        bpy.ops.import_scene.gltf(filepath=str(tmp_path / "scene.glb"))
    else:
        bpy.ops.wm.obj_import(filepath=str(tmp_path / "scene.obj"))
    bpy.context.view_layer.update()
    meshes = [item for item in bpy.data.objects if item.type == "MESH"]
    apples = [item for item in meshes if item.name.startswith("apple")]
    table = next(item for item in meshes if item.name.startswith("table"))
    assert len(apples) == 2 and len(meshes) == 3
    low, high = corners(table).min(axis=0), corners(table).max(axis=0)
    assert np.ptp(corners(table), axis=0).max() == pytest.approx(1.4, rel=1e-3) and high[2] > 0.6
    for apple in apples:
        assert corners(apple).min(axis=0)[2] == pytest.approx(high[2], abs=2e-3)
        assert (corners(apple).mean(axis=0)[:2] > low[:2]).all()
        colors = [slot.material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value[:3] for slot in apple.material_slots]
        assert any(red > 0.4 and green < 0.05 for red, green, _blue in colors)


def test_scenes_of_several_sentences_stand_side_by_side(tmp_path) -> None:
    import bpy
    from reify import api

    results = [api.make("text", settings={"text": text}, keep=False) for text in ("a red chair", "a blue chair")]
    api.write(results, tmp_path / "both.blend")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "both.blend"))
    bpy.context.view_layer.update()
    chairs = [corners(item)[:, 0] for item in bpy.data.objects if item.name.startswith("chair")]
    first, second = sorted(chairs, key=lambda along: float(along.min()))
    assert second.min() > first.max()
