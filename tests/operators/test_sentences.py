"""Sentences that were generated are kept for their user, and variants of one stand side by side."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.blender


@pytest.fixture
def group(registered, tmp_path, monkeypatch):
    import bpy
    from reify.scene import preferences

    monkeypatch.setattr(preferences, "user_folder", lambda name: tmp_path / "user" / name)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.reify.method = "text"
    return bpy.context.scene.reify.text


def test_what_was_generated_is_kept_newest_first_bounded_and_for_the_user_alone(group, tmp_path) -> None:
    import bpy
    from reify.session import history

    for sentence in ("a red chair", "a blue  chair", "a red chair"):
        group.text = sentence
        bpy.ops.reify.create()
    assert history.sentences() == ("a red chair", "a blue chair")
    folder = tmp_path / "user" / "sentences"
    assert os.name == "nt" or (folder.stat().st_mode & 0o077) == 0
    bpy.ops.reify.use_sentence(sentence="a blue chair")
    assert group.text == "a blue chair"
    for number in range(history.MOST + 5):
        history.remember(f"{number} chairs")
    history._read.clear()
    assert len(history.sentences()) == history.MOST
    bpy.ops.reify.forget_sentences()
    history._read.clear()
    assert history.sentences() == ()


def test_a_damaged_history_is_none(group, tmp_path) -> None:
    from reify.session import history

    history.remember("a chair")
    (tmp_path / "user" / "sentences" / "history.json").write_text("{[")
    history._read.clear()
    assert history.sentences() == ()


def test_variants_have_seeds_of_their_own_and_stand_side_by_side(group) -> None:
    import bpy
    from reify.scene import notes, provenance

    group.text = "a tree beside a rock"
    bpy.context.scene.reify.variants, bpy.context.scene.reify.seed = 3, 5
    bpy.ops.reify.create()
    made = notes.results_in(bpy.context.scene)
    assert [provenance.read(one)["seed"] for one in made] == [5, 6, 7]
    assert notes.versions_of(bpy.context.scene, made[0]) == made
    bpy.context.view_layer.update()

    def reach(collection) -> tuple[float, float]:
        parts = [item for item in collection.all_objects if item.type == "MESH"]
        along = [(item.matrix_world @ vertex.co).x for item in parts for vertex in item.data.vertices]
        return min(along), max(along)

    reaches = [reach(one) for one in made]
    assert all(before[1] < after[0] for before, after in zip(reaches, reaches[1:], strict=False))


def test_one_more_of_the_same_sentence_may_take_the_place_of_the_last(group) -> None:
    import bpy
    from reify.scene import notes, provenance

    group.text = "a tree"
    bpy.ops.reify.create()
    bpy.context.scene.reify.version, bpy.context.scene.reify.seed = "replace", 9
    bpy.ops.reify.create()
    (only,) = notes.results_in(bpy.context.scene)
    assert provenance.read(only)["seed"] == 9 and len([item for item in only.all_objects if item.type == "MESH"]) == 1
