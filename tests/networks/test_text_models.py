"""From Text by a model: with a tiny checkpoint a sentence becomes an object in Blender, by Python and by the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.tests.networks import tiny_point_e as tiny

pytest.importorskip("torch")
pytestmark = pytest.mark.blender

SETTINGS = {"model": "point-e", "faces": 800, "point_e.steps": 8, "point_e.guidance": 2.0, "point_e.cells": 24}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment with tiny checkpoints, which Python and the command line work in."""
    from reify import api
    from reify.backend.networks.library import keeping

    given = tmp_path / "given"
    given.mkdir()
    original = tiny.original()
    tiny.write_checkpoints(original, given, float(original["distances"].median()))
    entries = tiny.made_small(original, given, monkeypatch)
    found = Environment(user_folder=tmp_path / "user", device="cpu")
    monkeypatch.setattr(api, "environment", lambda keep=True: found)
    for name in ("CLIP", "POINT_E_TEXT"):
        keeping.import_from(entries[name], given, found, job=Job())
    return found


def test_a_sentence_becomes_a_colored_object_at_its_real_size(kept: Environment) -> None:
    import bpy
    from reify import api

    bpy.ops.wm.read_factory_settings(use_empty=True)
    collection = api.place(api.make("text", "a tall red mug", settings=SETTINGS))
    (made,) = (item for item in collection.all_objects if item.type == "MESH")
    assert made.data.color_attributes and len(made.data.polygons) > 50
    colors = np.zeros(4 * len(made.data.color_attributes[0].data), np.float32)
    made.data.color_attributes[0].data.foreach_get("color", colors)
    assert colors.reshape(-1, 4)[:, :3].std() > 0.01
    bpy.context.view_layer.update()
    assert 0.05 < max(made.dimensions.x, made.dimensions.z) < 0.25, "a mug is no meter high"


def test_the_command_line_writes_a_mesh_and_a_blend(kept: Environment, tmp_path: Path) -> None:
    from reify import cli

    flags = [f"--{path.replace('.', '-').replace('_', '-')}={value}" for path, value in SETTINGS.items()]
    outputs = [tmp_path / "mug.glb", tmp_path / "mug.blend", tmp_path / "mug.json"]
    written = [word for path in outputs for word in ("-o", str(path))]
    assert cli.main(["run", "text", "a mug", "--size-m", "2", *flags, *written]) == 0
    assert all(path.stat().st_size > 500 for path in outputs)
    report = json.loads(outputs[2].read_text())
    assert report["settings"]["model"] == "point-e" and report["licenses"] == {"clip": "MIT", "point-e-text": "MIT"}


def test_without_weights_one_sentence_says_which_how_large_and_how_they_are_got(tmp_path: Path) -> None:
    from reify.backend.methods.text import METHOD, Settings
    from reify.backend.values import Sentence

    with pytest.raises(ReifyError) as refused:
        METHOD.perform(Sentence(), replace(Settings(), text="a mug", model="point-e"), Job(Environment(user_folder=tmp_path)))
    assert refused.value.what == "From Text needs the weights clip (1.6 GB, MIT), point-e-text (0.3 GB, MIT)."
    assert "`reify models get clip`" in refused.value.fix and "`reify models get point-e-text`" in refused.value.fix


@pytest.mark.parametrize(
    ("sentence", "size_m"),
    [("a mug", 0.12), ("a big mug", 0.18), ("two mugs", 0.0), ("a mug on a table", 0.0), ("a gizmotron", 0.0), ("", 0.0)],
)
def test_the_real_size_is_that_of_the_one_thing_that_a_sentence_names(sentence: str, size_m: float) -> None:
    from reify.backend.prompt.sentence import real_size

    assert real_size(sentence, {"mug": 0.12, "table": 1.5}) == pytest.approx(size_m)
