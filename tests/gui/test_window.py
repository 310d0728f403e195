"""The very zip in a real Blender 5.2 with a window, by real mouse events."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

DATA = Path(os.environ.get("REIFY_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))

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


def test_from_the_zip_to_the_result_and_back_in_six_clicks_while_the_view_stays_alive(bare_blender) -> None:
    photos(bare_blender)
    outcome = bare_blender.play("generate", timeout=1500)
    print({key: value for key, value in outcome.items() if key != "output"})
    assert len(outcome["clicks"]) <= 6, outcome["clicks"]
    assert outcome["cancelled"] == "cancelled" and outcome["cancel_s"] < 3.0
    assert len(outcome["stages"]) >= 6, "the panel never showed every stage"
    assert {"MESH", "CAMERA", "EMPTY"} <= set(outcome["objects"])
    assert outcome["metrics"]["registered"] >= 7
    assert outcome["ui_stall_median_ms"] < 5.0
    assert outcome["regenerated"] and outcome["kept_place"]
    assert "Training splats" in outcome["from_cache"]
    assert outcome["removed"] and outcome["objects_stay"] > 10
    assert not warnings_in(outcome["output"])


def test_queue_results_and_closing_look_after_the_running_job(blender) -> None:
    photos(blender)
    outcome = blender.play("panels")
    assert outcome["remembering"]
    assert outcome["dirty"] and outcome["dirty_after_saving"], "Blender would close without asking"
    assert outcome["states"] == ["done"] * 3
    assert outcome.get("german", "Erzeugen") == "Erzeugen"
    assert not warnings_in(outcome["output"])


def photos(blender) -> None:
    """A small capture where the scenario looks for it."""
    found = DATA / "kermit" / "images"
    if not found.is_dir():
        pytest.skip(f"the real captures aren't at {DATA}")
    target = blender.chroot / "tmp" / "reify-gui-photos"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(found, target)
