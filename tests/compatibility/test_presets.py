"""Presets that users have saved set what they did."""

from __future__ import annotations

import shutil

import pytest

pytestmark = pytest.mark.blender


@pytest.mark.parametrize("method", ["photos", "image", "mesh", "surface"])
def test_a_saved_preset_sets_what_was_saved(method: str, scene, files, wanted, tmp_path, monkeypatch) -> None:
    import bpy
    from reify.backend.methods import method_called
    from reify.session import properties

    preset = shutil.copy(files / "presets" / f"{method}.py", tmp_path)
    group = properties.group_of(scene, method_called(method))
    menu = bpy.types.VIEW3D_PT_reify_presets
    monkeypatch.setattr(menu, "bl_label", menu.bl_label)  # Blender calls the menu by the preset that was chosen last
    bpy.ops.script.execute_preset(filepath=str(preset), menu_idname="VIEW3D_PT_reify_presets")
    assert properties.read_settings(method_called(method), group) == wanted[method]
    assert group.preset == list(method_called(method).presets)[1]
