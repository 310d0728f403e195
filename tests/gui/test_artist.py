"""The artist's first half hour around results, by real drops, clicks and keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .test_window import warnings_in

SCENARIOS = Path(__file__).resolve().parent / "scenarios"

pytestmark = [pytest.mark.gui, pytest.mark.slow]


def test_drops_versions_regenerating_cameras_and_hiding_do_what_an_artist_expects(blender, photos) -> None:
    outcome = blender.play("artist", timeout=450, compare=False)
    print({key: value for key, value in outcome.items() if key != "output"})
    assert len(outcome["first"]) == 3 and len(outcome["second"]) == 4 and not set(outcome["first"]) & set(outcome["second"])
    assert outcome["photos"] >= 24 and outcome["weak"] == [outcome["blurred"]]
    assert outcome["selected"] == ["figure Mesh"]
    assert (outcome["camera"], outcome["cameras_in_layer"], outcome["disabled"]) == ("Camera", ["Camera"], [])
    assert outcome["camera_stays"] and outcome["child_stays"] and outcome["active_stays"]
    assert outcome["versions"] == ["figure", "figure v2"]
    assert outcome["shown"] == 25, "24 of the photos, and the scene's own"
    assert outcome["looks_through"] == "CAMERA" and outcome["scene_camera"] != "Camera"
    assert (outcome["left"], outcome["put_away"]) == ("PERSP", 1)
    assert outcome["hidden"] and outcome["after_alt_h"] == []
    assert "matches no enum" not in outcome["output"]
    assert not warnings_in(outcome["output"])


def test_buttons_stay_names_follow_results_rest_on_the_floor_and_leave_by_export_and_search(blender, photos) -> None:
    shutil.copy(SCENARIOS / "artist.py", blender.folder)
    outcome = blender.play("handover", timeout=450, compare=False)
    print({key: value for key, value in outcome.items() if key != "output"})
    before, after = outcome["button"]
    assert before == after, "Generate moves away under the mouse"
    assert outcome["named"] == "figure" and outcome["renamed"] == ["Kiki Mesh"]
    assert abs(outcome["lowest"]) < 1e-4 and abs(outcome["rested"]) < 1e-4
    assert outcome["files"] == ["kiki.glb", "kiki.mtl", "kiki.obj"]
    assert "mesh.faces" in outcome["found"] and outcome["reset"]
    assert "81.204" in outcome.get("german", "81.204") and "27,3" in outcome.get("german", "27,3")
    assert not warnings_in(outcome["output"])
