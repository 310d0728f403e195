"""From Picture in a real Blender with a window."""

from __future__ import annotations

import shutil

import pytest

from .test_window import warnings_in

pytestmark = [pytest.mark.gui, pytest.mark.slow]


def test_a_picture_is_cut_out_previewed_while_a_slider_is_dragged_and_made_by_clicks(blender, data) -> None:
    shutil.copytree(data / "single_images", blender.folder / "Pictures")
    outcome = blender.play("picture", timeout=900, compare=False)  # its windows show pictures that aren't ours to store
    assert outcome["reason"].startswith("Inflate, because the outline is free")
    assert outcome["preview"] == "MESH"
    assert outcome["dragged_px"] > 0.1
    assert outcome["meshes"] >= 3, "the preview doesn't follow the slider"
    assert "robot Mesh" in outcome["made"] and "Reify Preview" not in outcome["made"]
    assert outcome["left"] == [] and "robot Mesh" not in outcome["after_undo"]
    left, top, right, bottom = (int(side) for side in outcome["box"].split())
    assert (left, top, right, bottom) == pytest.approx((51, 51, 461, 461), abs=4)
    assert outcome["by"] == "grabcut"
    assert not warnings_in(outcome["output"])
