"""Splats in a real viewport: what is seen is what the rasterizer gives for the same view."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import SHOTS
from .test_window import warnings_in

pytestmark = [pytest.mark.gui, pytest.mark.slow]

LEAST_DB = 30.0
MARGIN_PX = 60  # the viewport's header lies over its upper edge
BLENDER_GAMMA = 2.2  # how the viewport shows what is drawn over the scene
LEAST_ALPHA = 0.05
LEAST_COVERED = 0.3


@pytest.fixture(scope="module")
def subject() -> Any:
    from reify.tests.scene.viewport.subject import bumpy_ball

    return bumpy_ball(48_000)


def test_splats_are_seen_as_they_were_trained_in_every_mode_from_every_side_and_behind_a_cube(blender, subject) -> None:
    from reify.backend.formats.splat_ply import write_splat_ply

    write_splat_ply(subject, blender.folder / "subject.ply")
    outcome = blender.play("splats", timeout=2400, compare=False)
    print({key: value for key, value in outcome.items() if key not in ("output", "shots", "views")})
    agreement = {name: _agreement(blender.folder, outcome, subject, name) for name in outcome["views"]}
    figures = {
        "viewport_psnr_min": (round(min(agreement.values()), 2), "dB"),
        "viewport_handler_ms": (round(outcome["handler_moving_ms"], 2), "ms"),
        "viewport_fresh_per_s": (round(outcome["fresh_per_s"], 1), "1/s"),
    }
    (SHOTS / "splats-figures.json").write_text(json.dumps(figures))
    print(figures, {name: round(found, 1) for name, found in agreement.items()})
    assert len(agreement) == 18
    assert outcome["chosen_by_itself"] == "PROCESSOR", "a driver that computes on the processor is slower than our kernels"
    assert outcome["chosen"] == "CARD", outcome["chosen_why"]
    assert min(agreement.values()) >= LEAST_DB
    assert outcome["look"] == "Splats"
    assert outcome["settled_step"] == 1 and outcome["step_moving"] > 1
    assert not any(outcome["drawn_in_file"]) and outcome["drawn_here"]
    assert outcome["threads_before"] == ["reify-viewport"]
    assert outcome["threads_after"] == [] and outcome["handlers_after"] == []
    assert not warnings_in(outcome["output"])


def test_eevee_agrees_with_the_rasterizer_from_a_camera_that_moves(blender) -> None:
    from PIL import Image
    from reify.backend.formats.splat_ply import write_splat_ply
    from reify.backend.splats.render import rasterize
    from reify.backend.values import Cameras
    from reify.tests.scene.viewport.subject import bumpy_ball, surrounded

    subject = surrounded(bumpy_ball(6000))
    write_splat_ply(subject, blender.folder / "subject.ply")
    outcome = blender.play("eevee", timeout=1200, compare=False)
    found = {}
    for frame, pose in outcome["poses"].items():
        with Image.open(blender.folder / f"eevee-{frame}.png") as picture:
            shot = np.asarray(picture.convert("RGB"), np.float32) / 255
        height, width = shot.shape[:2]
        K = np.array([[[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]]], float)
        cam_from_world = np.linalg.inv(np.array(pose) @ np.diag([1, -1, -1, 1]))
        seen = rasterize(subject, Cameras(cam_from_world[None], K, np.array([[width, height]]), np.zeros((1, 8))), 0, geometry=False)
        error = (shot - np.clip(seen.rgb, 0, 1))[seen.alpha > LEAST_ALPHA]
        found[frame] = float(-10 * np.log10(np.mean(error**2)))
    print(found)
    (SHOTS / "eevee-figures.json").write_text(json.dumps({"eevee_psnr": (round(min(found.values()), 2), "dB")}))
    assert min(found.values()) >= LEAST_DB


def test_the_tool_selects_and_edits_by_mouse_and_keys_and_frames_are_rendered_while_the_window_lives(blender, subject) -> None:
    import OpenEXR
    from reify.backend.formats.splat_ply import write_splat_ply

    write_splat_ply(subject, blender.folder / "subject.ply")
    outcome = blender.play("editing", timeout=1800, compare=False)
    noted = {key: value for key, value in outcome.items() if key not in ("output", "shots", "clicks")}
    print(noted)
    everything = len(subject.means)
    assert outcome["left"] > 0.3 * everything
    assert outcome["without_left"] == pytest.approx(outcome["left"], rel=0.1), "the subject's halves aren't alike"
    assert outcome["both"] == outcome["left"] + outcome["without_left"]
    assert outcome["left_again"] == outcome["left"], "a drag without a key goes on with what Shift or Ctrl chose before"
    assert outcome["inverted"] == outcome["hidden"] == everything - outcome["left"]
    assert outcome["revealed"] == 0
    assert outcome["before"] == everything and outcome["deleted"] == outcome["left"]
    assert outcome["written"] == [f"frame-{number:04}.exr" for number in (1, 2, 3)]
    assert 0 < len(outcome["others"]) < 500 and outcome["frame"] == 7
    for name in (*outcome["written"], *outcome["others"]):
        with OpenEXR.File(str(blender.folder / "renders" / name)) as file:
            assert file.channels()["RGBA"].pixels.shape == (100, 160, 4), name
    assert not warnings_in(outcome["output"])


def _agreement(folder: Path, outcome: dict[str, Any], subject: Any, name: str) -> float:
    """PSNR of the viewport's picture `name` to that of the rasterizer over an empty viewport, where there are splats, in dB."""
    from reify.backend.splats.render import rasterize

    view = outcome["views"][name]
    kind = name.removeprefix("card-")
    subject = replace(subject, surfels=kind == "surfels", antialiased=kind == "antialiased")
    shot = _crop(folder, outcome, name, view)
    cameras = _cameras(view)
    rendered = rasterize(subject, cameras, 0, geometry=False)
    alpha = rendered.alpha[..., None]
    bare = name.removesuffix("-cube") if f"{name.removesuffix('-cube')}-nothing" in outcome["shots"] else "solid-0"
    nothing = _crop(folder, outcome, f"{bare}-nothing", view)
    straight = np.clip(rendered.rgb / np.maximum(alpha, 1e-6), 0, 1)
    expected = (alpha * straight**BLENDER_GAMMA + (1 - alpha) * nothing**BLENDER_GAMMA) ** (1 / BLENDER_GAMMA)
    counted = rendered.alpha > LEAST_ALPHA
    assert counted[MARGIN_PX:].mean() >= LEAST_COVERED, "the subject is too small"
    if name.endswith("-cube"):
        cube = _crop(folder, outcome, f"{name}-alone", view)
        covered = np.abs(cube - nothing).max(2) > 2 / 255
        assert 0.2 < (covered & counted).sum() / counted.sum() < 0.8, "the cube isn't before half of the subject"
        expected = np.where(covered[..., None], cube, expected)
    error = (shot - expected)[MARGIN_PX:][counted[MARGIN_PX:]]
    return float(-10 * np.log10(np.mean(error**2)))


def _crop(folder: Path, outcome: dict[str, Any], name: str, view: dict[str, Any]) -> np.ndarray:
    from PIL import Image

    left, top, right, bottom = view["box"]
    with Image.open(folder / outcome["shots"][name]["file"]) as picture:
        return np.asarray(picture.convert("RGB"), np.float32)[top:bottom, left:right] / 255


def _cameras(view: dict[str, Any]) -> Any:
    from reify.backend.values import Cameras

    left, top, right, bottom = view["box"]
    width, height = right - left, bottom - top
    p, v = np.array(view["window_matrix"]), np.array(view["view_matrix"])
    K = [[p[0, 0] * width / 2, 0, width / 2 * (1 - p[0, 2])], [0, p[1, 1] * height / 2, height / 2 * (1 + p[1, 2])], [0, 0, 1]]
    return Cameras((np.diag([1, -1, -1, 1]) @ v)[None], np.array([K]), np.array([[width, height]]), np.zeros((1, 8)))
