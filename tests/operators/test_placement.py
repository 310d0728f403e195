"""Results are put where they belong, all of them at once, whatever of them is selected."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def root(scene):
    """The root of a mesh that is 1 by 1 by 1, selected."""
    import bpy
    from reify.scene.commit import commit, members

    collection = commit(replace(samples.result(), splats=None, points=None))
    bpy.context.view_layer.objects.active = members(collection, "mesh")[0]
    bpy.context.view_layer.update()
    return members(collection, "root")[0]


def corners(root):
    import bpy

    made = next(child for child in root.children if child.type == "MESH")
    bpy.context.view_layer.update()
    return np.array([made.matrix_world @ vertex.co for vertex in made.data.vertices])


def test_a_result_rests_on_the_floor_wherever_it_was(root):
    import bpy

    root.location, root.rotation_euler = (1, 2, 5), (0.3, 0.2, 0.1)
    bpy.context.view_layer.update()
    bpy.ops.reify.rest_on_floor()
    assert corners(root)[:, 2].min() == pytest.approx(0, abs=1e-5)
    assert tuple(root.location)[:2] == pytest.approx((1, 2))


def test_a_result_gets_its_real_size_from_its_origin(root):
    import bpy

    bpy.ops.reify.set_size(size=3.5)
    size = np.ptp(corners(root), axis=0)
    assert size == pytest.approx([3.5, 3.5, 3.5], rel=0.05)
    assert corners(root)[:, 2].min() == pytest.approx(0, abs=1e-6)
    bpy.ops.reify.set_length(measured=0.5, length=0.25)
    assert np.ptp(corners(root), axis=0) == pytest.approx(size / 2)
    with pytest.raises(RuntimeError, match="The two places are the same"):
        bpy.ops.reify.set_length(measured=0.0, length=0.25)


def test_a_result_is_turned_about_the_vertical(root):
    import bpy

    before = corners(root)
    bpy.ops.reify.turn_to_front(angle=math.pi / 2)
    np.testing.assert_allclose(corners(root), np.column_stack((-before[:, 1], before[:, 0], before[:, 2])), atol=1e-6)


def test_three_places_of_the_ground_become_the_floor_with_the_result_above(root):
    import bpy

    root.rotation_euler, root.location = (math.pi + 0.4, 0.3, 0.2), (0, 0, 2)  # upside down
    ground = corners(root)[[0, 2, 1]]
    bpy.ops.reify.set_ground(first=ground[0], second=ground[1], third=ground[2])
    found = corners(root)
    assert found[:4, 2] == pytest.approx([0] * 4, abs=1e-5) and found[4, 2] == pytest.approx(1, abs=1e-5)
    with pytest.raises(RuntimeError, match="lie on a line"):
        bpy.ops.reify.set_ground(first=(0, 0, 0), second=(1, 0, 0), third=(2, 0, 0))


def test_what_lies_on_its_side_stands_up_on_its_widest_base_or_on_another(root):
    import bpy

    root.rotation_euler, root.location = (math.pi / 2 + 0.2, 0.3, 0.2), (0, 0, 2)
    bpy.context.view_layer.update()
    bpy.ops.reify.stand_up()
    found = corners(root)
    assert found[:4, 2] == pytest.approx([0] * 4, abs=1e-4) and found[4, 2] == pytest.approx(1, abs=1e-4)
    bpy.ops.reify.stand_up(base=2)
    assert corners(root)[:, 2].min() == pytest.approx(0, abs=1e-4) and not np.allclose(corners(root)[:4, 2], 0, atol=1e-2)


def test_splats_without_a_result_around_them_are_placed_by_themselves(scene):
    import bpy
    from reify.scene.splats import splats_object

    made = splats_object("s", samples.splats(count=500))
    scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    made.location.z = 7
    bpy.context.view_layer.update()
    bpy.ops.reify.rest_on_floor()
    assert 1.5 < made.location.z < 4.5, "all but a percent of a normal distribution lies above -2.3"


def test_a_job_is_called_after_its_capture_and_can_be_renamed_with_its_result(scene, quick_method, tmp_path):
    import bpy
    from reify.session import queue, texts

    folder = tmp_path / "snowmiku"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.jpg").touch()
    bpy.ops.reify.drop_files(directory=str(folder), files=[{"name": "0.jpg"}, {"name": "1.jpg"}])
    from reify.backend.methods import method_called
    from reify.session import start
    from reify.session.properties import read_settings
    from reify.session.sources import paths_of

    method = method_called("photos")
    group = scene.reify.photos
    with queue.runner().held():
        (task,) = start.start_all(method, paths_of(group), read_settings(method, group), scene)
        assert texts.name_of(task) == "snowmiku"
        bpy.ops.reify.rename(number=task.number, name="Miku")
        assert texts.name_of(task) == "Miku"
    start.wait(task)
    assert "Miku Mesh" in bpy.data.objects
    bpy.ops.reify.rename(number=task.number, name="Hero")
    assert "Hero" in bpy.data.collections and texts.ending(task).startswith("Hero is ready")
