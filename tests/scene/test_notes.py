"""Stars and notes on results."""

from __future__ import annotations

import dataclasses

import pytest
from reify.backend.errors import ReifyError
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def made(registered):
    """A result in an empty file, its mesh active."""
    import bpy
    from reify.scene import commit

    bpy.ops.wm.read_factory_settings(use_empty=True)
    collection = commit.commit(samples.result())
    bpy.context.view_layer.objects.active = commit.members(collection, "mesh")[0]
    return collection


def test_stars_and_notes_are_given_by_clicks_and_taken_back(made):
    import bpy
    from reify.scene import notes

    bpy.ops.reify.rate(stars=4)
    bpy.ops.reify.note(text="the ears are good")
    assert (notes.rating_of(made), notes.notes_of(made)) == (4, "the ears are good")
    bpy.ops.reify.rate(stars=4)
    assert notes.rating_of(made) == 0
    made[notes.RATING] = "many"
    assert notes.rating_of(made) == 0


def test_stars_and_notes_stay_when_a_result_is_made_anew_and_when_the_file_is_saved(made, tmp_path):
    import bpy
    from reify import api
    from reify.scene import commit

    api.rate(made.name, 5, "keep")
    commit.commit(dataclasses.replace(samples.result(), points=None), replaces=made)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "rated.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "rated.blend"))
    (found,) = api.results()
    assert (found["name"], found["rating"], found["notes"], found["method"]) == ("fox", 5, "keep", "photos")


def test_versions_stand_side_by_side_and_are_selected_by_a_click(made):
    import bpy
    from reify.scene import commit, notes

    second = commit.commit(samples.result())
    assert notes.versions_of(bpy.context.scene, made) == [made, second] == notes.versions_of(bpy.context.scene, second)
    bpy.ops.reify.select_version(collection=second.name)
    assert bpy.context.object.name in second.all_objects and bpy.context.object.select_get()


def test_results_that_arent_there_cant_be_rated(made):
    from reify import api

    with pytest.raises(ReifyError, match="no result called Statue"):
        api.rate("Statue", 3)
