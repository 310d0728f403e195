"""What was understood of a sentence is changed by hand, and made as it was changed."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.blender


@pytest.fixture
def group(registered):
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.reify.method = "text"
    bpy.context.scene.reify.text.text = "a red apple on a wooden table"
    return bpy.context.scene.reify.text


def lines(group) -> list[str]:
    from reify.session.understanding import understood

    return [line for line, *_ in understood(group.text, False, group.reading).lines]


def test_a_thing_is_changed_added_and_left_out(group) -> None:
    import bpy

    bpy.ops.reify.edit_thing(index=0, noun="pear", count=3, color="green")
    assert lines(group) == ["pear: x3, green", "table: wood", "pear on table"]
    bpy.ops.reify.edit_thing(noun="lamp", material="gold")
    bpy.ops.reify.edit_relation(subject="2", kind="beside", other="1")
    assert lines(group) == ["pear: x3, green", "table: wood", "lamp: gold", "pear on table", "lamp beside table"]
    bpy.ops.reify.edit_thing(index=1, leave_out=True)
    assert lines(group) == ["pear: x3, green", "lamp: gold"]
    bpy.ops.reify.read_anew()
    assert lines(group) == ["apple: red", "table: wood", "apple on table"]


def test_what_was_changed_is_made_kept_and_of_no_other_sentence(group) -> None:
    import bpy
    from reify.scene import provenance

    bpy.ops.reify.edit_thing(index=0, noun="pear", count=2)
    bpy.ops.reify.create()
    pears = [item for item in bpy.data.objects if item.name.startswith("pear") and item.type == "MESH"]
    assert len(pears) == 2 and not any(item.name.startswith("apple") for item in bpy.data.objects)
    bpy.context.view_layer.objects.active = pears[0]
    group.reading = ""
    bpy.ops.reify.use_settings()
    assert lines(group)[0] == "pear: x2"
    assert "pear" in provenance.read(pears[0])["settings"]["reading"]
    bpy.ops.reify.remake_part(seed=4)
    assert pears[0]["reify_noun"] == "pear"
    group.text = "a chair"
    assert lines(group) == ["chair"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"noun": "flibbertigibbet"}, "I have no flibbertigibbet"), ({"noun": "pear", "color": "loud"}, "There is no color loud")],
)
def test_what_there_is_not_is_refused_in_words(group, changes: dict[str, str], said: str) -> None:
    import bpy

    with pytest.raises(RuntimeError, match=said):
        bpy.ops.reify.edit_thing(index=0, **changes)
    assert lines(group)[0] == "apple: red"


def test_a_reading_that_is_damaged_is_said(group) -> None:
    from reify.session.understanding import understood

    assert "can't be read" in understood(group.text, False, '{"sentence": "a red apple on a wooden table"').problem
    wrong = '{"sentence": "x", "entities": [], "relations": [{"kind": "on", "subject": 0, "objects": [1]}]}'
    assert "relation to nothing" in understood("x", False, wrong).problem
