"""Splats selected, deleted, cropped, adjusted and placed by the operators that the panel has."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def body(scene):
    """A plate of splats below a ball of splats, and three far away; the object is active and selected."""
    from reify.scene.splats import splats_object

    random = np.random.default_rng(0)
    ball = random.normal(size=(2000, 3))
    ball = ball / np.linalg.norm(ball, axis=1)[:, None] * 0.5 + (0, 0, 0.6)
    plate = np.column_stack((random.uniform(-2, 2, (4000, 2)), random.normal(0, 0.005, 4000)))
    far = np.array([[0, 0, 4], [0.5, 1, 4], [1, 0.5, 4]])
    given = samples.splats(6003, degree=3)
    given = dataclasses.replace(
        given,
        means=np.concatenate((ball, plate, far)).astype(np.float32),
        log_scales=np.full((6003, 3), -4, np.float32),
        opacity_logits=np.full(6003, 2, np.float32),
    )
    made = splats_object("Body", given)
    scene.collection.objects.link(made)
    activate(made)
    return made


def activate(made) -> None:
    import bpy

    for other in bpy.context.selected_objects:
        other.select_set(False)
    made.select_set(True)
    bpy.context.view_layer.objects.active = made
    bpy.context.view_layer.update()


def chosen(made) -> np.ndarray:
    from reify.scene import splat_edits

    return splat_edits.selection(made.data)


def select(by: str, **options) -> np.ndarray:
    import bpy

    assert bpy.ops.reify.select_splats(by=by, **options) == {"FINISHED"}
    return chosen(bpy.context.object)


def test_splats_are_selected_by_what_they_have_in_common(body):
    import bpy

    assert select("ALL").all() and not select("NONE").any() and select("INVERT").all()
    assert np.flatnonzero(select("FLOATERS")).tolist() == [6000, 6001, 6002]
    bpy.context.scene.cursor.location = (0, 0, 0.6)
    assert select("SPHERE", radius=0.52).sum() == 2000
    assert select("SPHERE", radius=0.52, action="SUBTRACT").sum() == 0
    assert select("SIZE", least_size=1.0).sum() == 0
    assert select("OPACITY", most_opacity=0.5).sum() == 0


def test_growing_and_shrinking_a_selection_changes_it_at_its_rim(body):
    import bpy

    bpy.context.scene.cursor.location = (0, 0, 0)
    first = select("SPHERE", radius=0.5)
    grown = select("GROW", distance=0.2)
    assert (grown & first).sum() == first.sum() < grown.sum() < 5000
    assert first.sum() * 0.3 < select("SHRINK", distance=0.2).sum() < grown.sum()


def test_a_closed_mesh_selects_what_is_inside_of_it_as_both_stand(body):
    import bpy

    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5, location=(1, 2, 1.2))
    ball = bpy.context.object
    ball.scale = (1.2, 1.2, 1.2)
    body.location = (1, 2, 0.6)
    activate(body)
    ball.select_set(True)
    inside = select("MESH")
    assert inside[:2000].mean() > 0.99
    heights = np.linalg.norm(np.array([p.co for p in body.data.points])[2000:] - (0, 0, 0.6), axis=1)
    np.testing.assert_array_equal(inside[2000:][np.abs(heights - 0.6) > 0.02], (heights < 0.6)[np.abs(heights - 0.6) > 0.02])


def test_the_subject_alone_stays_without_the_ground_and_what_floats(body):
    import bpy

    assert bpy.ops.reify.subject_only() == {"FINISHED"}
    left = np.array([p.co for p in body.data.points])
    assert 1900 < len(left) <= 2000 and left[:, 2].min() > 0.03
    assert len(body.data.attributes["radiance:sh_14"].data) == len(left)


def test_deleting_keeps_every_attribute_of_the_rest_and_the_look_of_the_object(body):
    import bpy
    from reify.scene.splats import read_splats

    before = read_splats(body)
    materials = list(body.data.materials)
    mask = select("FLOATERS")
    assert bpy.ops.reify.delete_splats() == {"FINISHED"}
    after = read_splats(body)
    for name in ("means", "quats", "log_scales", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name)[~mask], err_msg=name)
    assert body.data.name == "Body" and list(body.data.materials) == materials and "antialiased" in body.data
    with pytest.raises(RuntimeError, match="No splats are selected"):
        bpy.ops.reify.delete_splats()


def test_separated_splats_are_an_object_beside_and_joining_brings_them_back_as_they_stand(body):
    import bpy
    from reify.scene.splats import read_splats

    before = read_splats(body)
    select("SPHERE", radius=1.0)
    assert bpy.ops.reify.separate_splats() == {"FINISHED"}
    other = bpy.data.objects["Body.001"]
    assert len(other.data.points) + len(body.data.points) == 6003
    body.rotation_euler = (0.3, 0.2, 1.0)
    body.location = (1, 2, 3)
    activate(body)
    other.select_set(True)
    assert bpy.ops.reify.join_splats() == {"FINISHED"}
    assert len(body.data.points) == 6003 and "Body.001" not in bpy.data.objects
    world = np.array(body.matrix_world)
    joined = read_splats(body).means[-100:] @ world[:3, :3].T + world[:3, 3]
    distance = np.linalg.norm(joined[:, None] - before.means[None], axis=2).min(axis=1)
    assert distance.max() < 1e-5


def test_hidden_splats_are_shown_by_no_viewport_and_selected_by_nothing_until_they_are_revealed(body):
    import bpy
    from reify.scene.splats import read_splats
    from reify.scene.viewport import clouds

    mask = select("FLOATERS")
    assert bpy.ops.reify.hide_splats() == {"FINISHED"}
    assert not chosen(body).any()
    np.testing.assert_array_equal(select("ALL"), ~mask)
    shown = clouds.read_cloud(body.data, body.data).arrays["radiance:base"][:, 3]
    np.testing.assert_array_equal(shown == 0, mask)
    assert len(read_splats(body)) == 6003 and (read_splats(body).opacity_logits > 1).all()
    assert bpy.ops.reify.reveal_splats() == {"FINISHED"}
    np.testing.assert_array_equal(chosen(body), mask)
    assert bpy.ops.reify.hide_splats(others=True) == {"FINISHED"}
    np.testing.assert_array_equal(select("ALL"), mask)
    assert bpy.ops.reify.delete_splats() == {"FINISHED"}  # the hidden ones stay, hidden
    assert len(body.data.points) == 6000 and not select("ALL").any()


def test_hidden_splats_stay_hidden_behind_other_modifiers(body):
    import bpy
    from reify.scene import splat_nodes
    from reify.scene.viewport import clouds

    mask = select("FLOATERS")
    bpy.ops.reify.hide_splats()
    bpy.ops.reify.crop_box()
    bpy.context.object.scale = (9, 9, 9)
    splat_nodes.set_carried(body, True)
    splat_nodes.set_drawn(True)
    bpy.context.view_layer.update()
    geometry = body.evaluated_get(bpy.context.evaluated_depsgraph_get()).evaluated_geometry()
    shown = clouds.read_cloud(body.data, geometry.mesh).arrays["radiance:base"][:, 3]
    assert (shown > 0).sum() == (~mask).sum()


def test_every_key_of_the_tool_calls_an_operator_with_settings_that_it_has(body):
    import bpy
    from reify.operators import splat_tool

    for name, _key, settings in splat_tool.KEYS:
        kind = getattr(bpy.ops.reify, name.removeprefix("reify.")).get_rna_type()
        for setting, value in settings.items():
            found = kind.properties[setting]
            assert found.type != "ENUM" or value in found.enum_items


def test_a_crop_box_shows_what_is_inside_and_follows_when_it_is_moved(body):
    import bpy

    assert bpy.ops.reify.crop_box() == {"FINISHED"}
    box = bpy.context.object
    assert box.type == "EMPTY" and [m.name for m in body.modifiers] == ["Crop", "Splats"]
    crop = body.modifiers["Crop"]
    body.modifiers["Splats"].show_viewport = False

    def shown() -> int:
        bpy.context.view_layer.update()
        geometry = body.evaluated_get(bpy.context.evaluated_depsgraph_get()).evaluated_geometry()
        return len(geometry.pointcloud.points)

    assert 5500 < shown() < 6001
    box.location, box.scale = (0, 0, 0.6), (0.6, 0.6, 0.55)
    assert shown() == 2000
    assert len(body.data.points) == 6003 and crop.show_render
    activate(body)
    assert bpy.ops.reify.crop_box() == {"FINISHED"} and bpy.context.object == box and len(body.modifiers) == 2


def test_decimating_keeps_the_most_important_splats_and_fits_into_megabytes(body):
    import bpy
    from reify.scene import attributes

    opacity = attributes.read(body.data, "radiance:base")
    opacity[:, 3] = 0.1
    opacity[100:200, 3] = 0.9
    kind = body.data.attributes["radiance:base"].data_type
    attributes.write(body.data, "radiance:base", kind, opacity)
    positions = attributes.read(body.data, "position")[100:200]
    assert bpy.ops.reify.decimate_splats(by="COUNT", count=1000) == {"FINISHED"}
    left = attributes.read(body.data, "position")
    assert len(left) == 1000 and all((left == place).all(axis=1).any() for place in positions)
    assert bpy.ops.reify.decimate_splats(by="SIZE", megabytes=0.0248) == {"FINISHED"}
    np.testing.assert_allclose(attributes.read(body.data, "position"), positions)


def test_exposure_and_saturation_change_colors_from_every_side(body):
    import bpy
    from reify.backend.geometry import harmonics
    from reify.backend.splats.editing.colors import LUMA
    from reify.scene.splats import read_splats

    directions = np.random.default_rng(2).normal(size=(5, 3))

    def seen() -> np.ndarray:
        return 0.5 + np.einsum("dk,nkc->ndc", harmonics.basis(directions, 3), read_splats(body).sh)

    before = seen()
    assert bpy.ops.reify.adjust_splats(exposure=1.0) == {"FINISHED"}
    np.testing.assert_allclose(seen(), before * 2 ** (1 / 2.2), atol=1e-4)
    assert bpy.ops.reify.adjust_splats(saturation=0.0) == {"FINISHED"}
    np.testing.assert_allclose(seen(), np.repeat((before * 2 ** (1 / 2.2) @ LUMA)[..., None], 3, axis=2), atol=1e-4)


def test_only_selected_splats_are_adjusted_where_some_are(body):
    import bpy
    from reify.scene import attributes

    before = attributes.read(body.data, "scale")
    mask = select("FLOATERS")
    assert bpy.ops.reify.adjust_splats(scale=2.0, opacity=0.5) == {"FINISHED"}
    after = attributes.read(body.data, "scale")
    np.testing.assert_allclose(after[mask], before[mask] * 2, rtol=1e-5)
    np.testing.assert_array_equal(after[~mask], before[~mask])


def test_an_applied_transform_leaves_every_picture_as_it_was(body):
    import bpy
    from reify.backend.geometry.axes import looking_at
    from reify.backend.splats.render import rasterize
    from reify.backend.splats.transform import transformed
    from reify.backend.values import Cameras
    from reify.scene.splats import read_splats

    pytest.importorskip("numba")
    body.location, body.rotation_euler, body.scale = (0.5, -0.2, 0.1), (0.4, 0.3, 2.0), (1.5, 1.5, 1.5)
    bpy.context.view_layer.update()
    expected = transformed(read_splats(body), np.array(body.matrix_world))
    assert bpy.ops.reify.apply_splat_transform() == {"FINISHED"}
    bpy.context.view_layer.update()
    np.testing.assert_allclose(np.array(body.matrix_world), np.eye(4), atol=1e-6)
    K = np.array([[[120, 0, 60], [0, 120, 40], [0, 0, 1]]], float)
    cameras = Cameras(looking_at(np.array([[1.0, -6, 3]]), np.zeros(3)), K, np.array([[120, 80]]), np.zeros((1, 8)))
    seen, wanted = (rasterize(s, cameras, 0, geometry=False).rgb for s in (read_splats(body), expected))
    np.testing.assert_allclose(seen, wanted, atol=2e-3)
    body.scale = (1, 1, 2)
    bpy.context.view_layer.update()
    with pytest.raises(RuntimeError, match="mirrored or scaled unevenly"):
        bpy.ops.reify.apply_splat_transform()


def test_a_tilted_result_is_leveled_and_stood_on_the_floor(body):
    import bpy

    root = bpy.data.objects.new("Root", None)
    bpy.context.scene.collection.objects.link(root)
    body.parent = root
    root.rotation_euler, root.location = (0.2, -0.15, 0.7), (3, 2, 1)
    bpy.context.view_layer.update()
    assert bpy.ops.reify.place_splats(center=True) == {"FINISHED"}
    bpy.context.view_layer.update()
    world = np.array(body.matrix_world)
    up = world[:3, :3] @ (0, 0, 1)
    np.testing.assert_allclose(up, (0, 0, 1), atol=2e-3)
    assert abs(world[2, 3]) < 0.01 and np.linalg.norm(world[:2, 3]) < 0.1
    np.testing.assert_allclose(np.array(body.matrix_local), np.eye(4), atol=1e-6)  # it is the root that has moved


def test_the_origin_goes_to_the_base_and_nothing_else_moves(body):
    import bpy
    from reify.scene import attributes

    body.location, body.rotation_euler = (1, 2, 3), (0, 0, 0.5)
    bpy.context.view_layer.update()

    def places() -> np.ndarray:
        world = np.array(body.matrix_world)
        return attributes.read(body.data, "position") @ world[:3, :3].T + world[:3, 3]

    before = places()
    assert bpy.ops.reify.place_splats(level=False, stand=False, origin=True) == {"FINISHED"}
    bpy.context.view_layer.update()
    np.testing.assert_allclose(places(), before, atol=1e-5)
    assert body.location.z == pytest.approx(2.99, abs=0.02)


def test_the_mesh_of_the_same_result_is_cut_along_with_the_splats(body):
    import bpy
    from reify.backend.values import Mesh, Result
    from reify.scene.commit import commit, members
    from reify.scene.splats import read_splats

    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 41), np.linspace(-2, 2, 41), indexing="ij"), axis=-1).reshape(-1, 2)
    ring = np.column_stack((0.5 * np.cos(grid[:, 0] * 9), 0.5 * np.sin(grid[:, 0] * 9), np.full(len(grid), 0.6)))
    vertices = np.concatenate((np.column_stack((grid, np.zeros(len(grid)))), ring)).astype(np.float32)
    faces = np.arange(3 * (len(vertices) // 3), dtype=np.int32).reshape(-1, 3)
    collection = commit(Result("fox", samples.REPORT, splats=read_splats(body), mesh=Mesh(vertices, faces)))
    (splats,), (mesh,) = members(collection, "splats"), members(collection, "mesh")
    activate(splats)
    assert bpy.ops.reify.subject_only() == {"FINISHED"}
    heights = np.array([vertex.co.z for vertex in mesh.data.vertices])
    assert (heights > 0.5).sum() == len(ring) and (heights < 0.5).sum() < 30


def test_points_of_splats_have_their_places_colors_and_normals_across_flat_ones(body):
    import bpy
    from reify.backend.values import SH_C0
    from reify.scene import attributes
    from reify.scene.points import read_points
    from reify.scene.splats import read_splats

    splats = read_splats(body)
    flat = np.tile(np.float32([0.02, 0.02, 0.001]), (6003, 1))
    attributes.write(body.data, "scale", "FLOAT_VECTOR", flat)
    attributes.write(body.data, "rotation", "QUATERNION", np.tile(np.float32([1, 0, 0, 0]), (6003, 1)))
    body.location, body.scale = (1, 2, 3), (2, 2, 2)
    select("FLOATERS")
    bpy.ops.reify.hide_splats()
    assert bpy.ops.reify.splats_to_points() == {"FINISHED"}
    bpy.context.view_layer.update()
    made = bpy.context.object
    assert made != body and made.matrix_world == body.matrix_world
    points = read_points(made)
    np.testing.assert_allclose(points.xyz, splats.means[:6000])
    np.testing.assert_allclose(points.rgb / 255, np.clip(0.5 + SH_C0 * splats.sh[:6000, 0], 0, 1), atol=1 / 255)
    above = points.xyz[:, 2] - np.median(points.xyz[:, 2])
    np.testing.assert_allclose(points.normals[above > 0.1], np.tile([0, 0, 1.0], ((above > 0.1).sum(), 1)), atol=1e-6)
