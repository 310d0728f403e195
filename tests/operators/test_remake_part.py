"""Regenerate This Part: one thing changes, all else stays."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.blender


@pytest.fixture
def made(registered):
    import bpy
    from reify import api

    def scene(sentence: str, style: str = "as said") -> dict[str, bpy.types.Object]:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        collection = api.place(api.make("text", settings={"text": sentence, "style": style}, keep=False))
        bpy.context.view_layer.update()
        return {item.name: item for item in collection.all_objects}

    return scene


def points(item) -> np.ndarray:
    return np.array([vertex.co[:] for vertex in item.data.vertices])


def activate(item) -> None:
    import bpy

    bpy.context.view_layer.objects.active = item


def test_another_seed_makes_another_tree_in_its_place_and_leaves_the_house(made) -> None:
    import bpy

    objects = made("a tree beside a house")
    tree, house = objects["tree"], objects["house"]
    before, place, other = points(tree), np.array(tree.matrix_world), house.data
    activate(tree)
    assert bpy.ops.reify.remake_part(seed=5) == {"FINISHED"}
    after = points(tree)
    assert before.shape != after.shape or not np.allclose(before, after)
    assert np.ptp(after, axis=0).max() == pytest.approx(np.ptp(before, axis=0).max(), rel=1e-4)
    assert np.array_equal(np.array(tree.matrix_world), place) and house.data == other
    assert tree["reify_part_seed"] == 5
    first = points(tree)
    assert bpy.ops.reify.remake_part() == {"FINISHED"}
    assert tree["reify_part_seed"] == 6 and not (points(tree).shape == first.shape and np.allclose(points(tree), first))
    assert bpy.ops.reify.remake_part(seed=5) == {"FINISHED"}
    assert np.allclose(points(tree), first)


def test_another_thing_takes_the_place_with_its_color_and_all_of_its_kind_change(made) -> None:
    import bpy

    objects = made("three red chairs beside a table")
    chairs = [item for name, item in objects.items() if name.startswith("chair") and item.type == "MESH"]
    activate(chairs[1])
    assert bpy.ops.reify.remake_part(thing="armchair") == {"FINISHED"}
    assert len({chair.data for chair in chairs}) == 1 and {chair["reify_noun"] for chair in chairs} == {"armchair"}
    assert any("#be1c1e" in slot.material.name for slot in chairs[0].material_slots)
    assert bpy.ops.reify.remake_part(thing="stool", alike=False) == {"FINISHED"}
    assert [chair["reify_noun"] for chair in chairs] == ["armchair", "stool", "armchair"]


def test_what_there_is_no_thing_for_is_said(made) -> None:
    import bpy

    activate(made("an apple")["apple"])
    with pytest.raises(RuntimeError, match="I have no flibbertigibbet"):
        bpy.ops.reify.remake_part(thing="flibbertigibbet")


def test_a_style_stays(made) -> None:
    import bpy

    tree = made("a low poly tree beside a house")["tree"]
    activate(tree)
    assert bpy.ops.reify.remake_part(seed=3) == {"FINISHED"}
    assert [modifier.name for modifier in tree.modifiers].count("Low Poly") == 1


def test_an_object_of_the_users_cannot_be_made_again(made) -> None:
    import bpy

    made("an apple")
    bpy.ops.mesh.primitive_cube_add()
    assert not bpy.ops.reify.remake_part.poll()
