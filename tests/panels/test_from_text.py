"""From Text in the panel: a line of text, what was understood of it, and what can't be made."""

from __future__ import annotations

import pytest
from reify.tests.panels.test_panels import draw

pytestmark = pytest.mark.blender


@pytest.fixture
def panel(registered):
    import bpy
    from reify.panels.create import VIEW3D_PT_reify

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene.reify
    scene.method = "text"

    def drawn(sentence: str) -> tuple[list[str], str]:
        scene.text.text = sentence
        return draw(VIEW3D_PT_reify)

    return drawn


def test_what_is_understood_is_shown_before_anything_is_made(panel) -> None:
    drawn, texts = panel("four red chairs around a wooden table")
    assert "chair: x4, red" in texts and "table: wood" in texts and "chair around table" in texts
    assert "reify.create" in drawn and "text" in drawn


def test_an_empty_line_says_what_to_write(panel) -> None:
    drawn, texts = panel("")
    assert "Write what to make" in texts
    assert "reify.create (disabled)" in drawn or not any(name == "reify.create" for name in drawn)


def test_what_there_is_no_thing_for_is_said_with_what_is_near(panel) -> None:
    _drawn, texts = panel("a mandolin on a table")
    assert "I have no mandolin; nearest are harp" in texts


def test_a_model_without_its_weights_says_what_it_needs_and_brings_the_button_that_gets_it(panel) -> None:
    import bpy

    bpy.context.scene.reify.text.model = "point-e"
    drawn, texts = panel("a red motorcycle")
    bpy.context.scene.reify.text.model = "assemble"
    assert "From Text needs the weights clip (1.6 GB, MIT), point-e-text (0.3 GB, MIT)." in texts
    assert "`reify models get point-e-text`" in texts
    assert any(name.startswith(("reify.get_model", "extensions.userpref_allow_online")) for name in drawn)
    assert "chair" not in texts and "Understood" not in texts
