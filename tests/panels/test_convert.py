"""The Convert panel: which methods fit, why it is gray, what changed."""

from __future__ import annotations

import pytest
from reify.tests.panels.test_panels import Layout, draw

pytestmark = pytest.mark.blender


@pytest.fixture
def scene(registered, monkeypatch):  # noqa: F811
    import bpy
    from reify.session import queue

    monkeypatch.setattr(Layout, "split", Layout.row, raising=False)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    _ = bpy.context.scene.reify
    yield bpy.context.scene
    queue.stop()


def test_with_nothing_selected_the_button_is_gray_and_says_what_to_select(scene):
    from reify.panels.convert import VIEW3D_PT_reify_convert

    drawn, texts = draw(VIEW3D_PT_reify_convert)
    assert "reify.convert (disabled)" in drawn
    assert "Select a mesh, splats or a point cloud." in texts


def test_a_mesh_is_offered_its_methods_with_their_settings(scene):
    import bpy
    from reify.backend import settings as settings_of
    from reify.backend.methods import all_methods
    from reify.panels.convert import VIEW3D_MT_reify_convert_method, VIEW3D_PT_reify_convert

    bpy.ops.mesh.primitive_cube_add()
    drawn, texts = draw(VIEW3D_PT_reify_convert)
    assert {"reify.convert", "preset", "beside", "modifiers"} <= set(drawn)
    assert "method=mesh" in draw(VIEW3D_MT_reify_convert_method)[0]
    assert drawn.index("reify.convert") < drawn.index("faces"), "what grows comes below the button"
    assert {option.path for option in settings_of.options(all_methods()["mesh"].settings)} <= set(drawn)
    assert "Cube" in texts


def test_what_a_method_did_to_a_mesh_stands_in_a_table(scene):
    import bpy
    from reify.panels.convert import VIEW3D_PT_reify_convert

    pytest.importorskip("numba")
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.object.data.polygons[0].select = True
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.object.data.polygons[0].select = True
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.delete(type="FACE")
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.reify.convert(method="mesh", preset="Watertight")
    _drawn, texts = draw(VIEW3D_PT_reify_convert)
    assert "Before After" in texts and "Holes 1 0" in texts and "Watertight No Yes" in texts and "Triangles 10 12" in texts


def test_a_figure_that_was_0_and_is_0_is_left_out():
    from reify.panels.convert import changes

    metrics = {"before.holes": 0.0, "after.holes": 0.0, "before.genus": -1.0, "after.genus": 1.0, "before.area": 0.5, "after.area": 12345.0}
    assert changes(metrics) == [("Handles (Genus)", "–", "1"), ("Area", "0.5", "12,345")]
