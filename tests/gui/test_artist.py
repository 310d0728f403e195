"""The artist's first half hour around results, by real drops, clicks and keys."""

from __future__ import annotations

import pytest

from .test_window import warnings_in

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
