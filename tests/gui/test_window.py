"""The very zip in a real Blender 5.2 with a window, by real mouse events."""

from __future__ import annotations

import re

import pytest

pytestmark = [pytest.mark.gui, pytest.mark.slow]


def warnings_in(output: str) -> list[str]:
    """Lines that a user who starts Blender from a terminal would worry about."""
    return [line for line in output.splitlines() if re.search(r"reify[./\\w]*\.py|Traceback|RuntimeWarning|DeprecationWarning", line)]


def test_blender_accepts_the_zip_and_knows_its_command(blender) -> None:
    said = blender.call("blender", "--command", "extension", "validate", blender.inside(blender.folder / "reify.zip"))
    assert "Success" in said
    assert "run" in blender.call("blender", "--background", "--command", "reify", "--help")


def test_a_fresh_installation_shows_how_to_get_the_engine_and_installs_it_from_wheels(blender) -> None:
    outcome = blender.play("first_steps")
    assert outcome["state_before"] == "ABSENT"
    assert outcome["state_after"] == "READY"
    assert len(outcome["fractions"]) >= 3, "the bar doesn't move"
    assert "reify-worker" not in outcome["threads"]
    assert not warnings_in(outcome["output"])
