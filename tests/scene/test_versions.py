"""Results of the same sources are told apart, rest on the floor, and keep their cameras to themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


def test_versions_of_a_result_have_names_of_their_own_and_others_none(scene):
    from reify.scene import versions
    from reify.scene.commit import commit

    first, second = commit(samples.result()), commit(samples.result())
    other = commit(replace(samples.result("owl"), report=replace(samples.REPORT, inputs={"/captures/owl": "cd34"})))
    assert [found.name for found in (first, second, other)] == ["fox", "fox v2", "owl"]
    assert {made.name for made in second.objects} == {"fox v2", "fox v2 Splats", "fox v2 Mesh", "fox v2 Points"}
    assert versions.older(scene, "photos", ["/captures/fox"]) == [first, second]
    assert commit(samples.result(), replaces=first) == first and first.name == "fox"


def test_a_capture_rests_on_the_floor_with_its_origin_at_its_foot_and_its_cameras_with_it(scene):
    import bpy
    from reify.scene.commit import commit, members

    mesh = samples.mesh()
    sunk = replace(samples.result(), mesh=replace(mesh, vertices=mesh.vertices - np.array([0, 0, 0.8], np.float32)))
    collection = commit(sunk, on_floor=True)
    bpy.context.view_layer.update()
    made = members(collection, "mesh")[0]
    assert min((made.matrix_world @ corner.co).z for corner in made.data.vertices) == pytest.approx(0, abs=1e-6)
    assert tuple(members(collection, "root")[0].location) == (0, 0, 0)
    camera = next(made for made in members(collection, "camera") if made.name == "a.png")
    assert tuple(camera.matrix_basis.translation) == pytest.approx((3, -2, 1.8), abs=1e-5)


def test_what_was_in_large_coordinates_still_knows_where_it_was_when_it_rests(scene):
    from reify.scene import provenance
    from reify.scene.commit import commit, members

    offset = np.array([5e5, 4e6, 300.0])
    splats = samples.splats()
    collection = commit(replace(samples.result(), mesh=None, capture=None, offset=offset), on_floor=True)
    made = members(collection, "splats")[0]
    back = provenance.source_from_world(made)
    first = np.array([*made.data.attributes["position"].data[0].vector, 1.0])
    assert (back @ first)[:3] == pytest.approx(splats.means[0] + offset, abs=1e-4)
    assert abs((back @ first)[2] - first[2] - 300) > 0.1, "the sample didn't rest yet"


def test_a_result_of_before_that_is_centered_stays_so_when_it_is_made_again(scene):
    from reify.scene.commit import RESTS, commit, members

    mesh = samples.mesh()
    sunk = replace(samples.result(), mesh=replace(mesh, vertices=mesh.vertices - np.array([0, 0, 0.8], np.float32)))
    collection = commit(sunk, on_floor=True)
    del collection[RESTS]
    commit(sunk, replaces=collection)
    assert min(corner.co.z for corner in members(collection, "mesh")[0].data.vertices) == pytest.approx(-0.8, abs=1e-6)


def test_cameras_are_left_out_of_the_scene_until_they_are_asked_for(scene):
    import bpy
    from reify.scene import photo_cameras
    from reify.scene.commit import commit

    collection = commit(samples.result())
    layer = bpy.context.view_layer
    assert not photo_cameras.are_shown(collection, layer) and "a.png" not in layer.objects
    first, second = photo_cameras.cameras_of(collection)
    photo_cameras.set_shown(collection, True)
    assert photo_cameras.are_shown(collection, layer) and first.visible_get() and second.visible_get()
    photo_cameras.set_shown(collection, True, only=second)
    assert (first.visible_get(), second.visible_get()) == (False, True)


def test_the_scenes_own_camera_stays(scene):
    import bpy
    from reify.scene.commit import commit

    bpy.ops.wm.read_factory_settings()
    scene = bpy.context.scene
    before = scene.camera, scene.render.resolution_x
    commit(samples.result())
    assert (scene.camera, scene.render.resolution_x) == before
