from __future__ import annotations

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def shown(scene):
    """What the view layer shows, after Blender has evaluated it."""
    import bpy
    from reify.scene.viewport import clouds

    def note(_scene, depsgraph):
        clouds.note_changes(depsgraph)

    def look():
        bpy.context.view_layer.update()
        return clouds.shown(bpy.context)

    clouds.forget()
    bpy.app.handlers.depsgraph_update_post.append(note)
    yield look
    bpy.app.handlers.depsgraph_update_post.remove(note)
    clouds.forget()


def evaluated(made):
    """Vertices [V,3] and numbers of edges and faces of what Blender shows of an object."""
    import bpy

    geometry = made.evaluated_get(bpy.context.evaluated_depsgraph_get()).evaluated_geometry()
    mesh = geometry.mesh
    return np.array([vertex.co for vertex in mesh.vertices]), len(mesh.edges), len(mesh.polygons)


def placed(scene, name: str = "S", count: int = 50):
    from reify.scene.splats import splats_object

    made = splats_object(name, samples.splats(count))
    scene.collection.objects.link(made)
    return made


def made_of(cloud):
    from reify.scene.splats import splats_of

    return splats_of(cloud.arrays, cloud.antialiased, cloud.surfels)


def test_splats_are_shown_where_their_object_stands_with_what_its_attributes_hold(scene, shown):
    made = placed(scene)
    made.location, made.scale = (1, 2, 3), (1, 2, 0.5)
    (found,) = shown()
    np.testing.assert_allclose(found.world_from_object, [[1, 0, 0, 1], [0, 2, 0, 2], [0, 0, 0.5, 3], [0, 0, 0, 1]])
    given, read = samples.splats(50), made_of(found.cloud)
    for field in ("means", "quats", "log_scales", "opacity_logits", "sh"):
        np.testing.assert_allclose(getattr(read, field), getattr(given, field), atol=1e-4)


def test_only_the_look_splats_is_drawn_here_and_only_where_blender_would_draw_the_object_solid(scene, shown):
    from reify.scene import splat_nodes

    made = placed(scene)
    for look in splat_nodes.LOOKS:
        splat_nodes.set_look(made, look)
        assert splat_nodes.look_of(made) == look
        assert len(shown()) == (look == splat_nodes.SPLATS)
    splat_nodes.set_look(made, splat_nodes.SPLATS)
    made.display_type = "BOUNDS"
    assert not shown()
    made.display_type = "TEXTURED"
    made.modifiers["Splats"].show_viewport = False
    assert not shown()
    made.modifiers.remove(made.modifiers["Splats"])
    assert not shown()


def test_instances_of_a_collection_share_one_cloud_and_stand_where_the_instances_do(scene, shown):
    import bpy

    inner = bpy.data.collections.new("Inner")
    made = placed(scene)
    inner.objects.link(made)
    for x in (5, 7):
        empty = bpy.data.objects.new("Empty", None)
        empty.instance_type, empty.instance_collection, empty.location.x = "COLLECTION", inner, x
        scene.collection.objects.link(empty)
    found = shown()
    assert sorted(entry.world_from_object[0, 3] for entry in found) == [0, 5, 7]
    assert len({id(entry.cloud) for entry in found}) == 1
    assert sorted(entry.owner for entry in found) == ["Empty", "Empty.001", "S"]


def test_attributes_are_read_again_after_they_changed_and_not_before(scene, shown):
    from reify.scene import attributes

    made = placed(scene)
    (before,) = shown()
    made.location.x = 1
    (moved,) = shown()
    assert moved.cloud is before.cloud
    attributes.write(made.data, "position", "FLOAT_VECTOR", np.ones((50, 3)))
    made.data.update_tag()
    (after,) = shown()
    assert after.cloud is not before.cloud
    np.testing.assert_allclose(made_of(after.cloud).means, 1)


def test_what_modifiers_before_make_of_splats_is_what_is_shown(scene, shown):
    import bpy
    from reify.scene import splat_nodes
    from reify.scene.nodes import Nodes
    from reify.scene.viewport import clouds

    made = placed(scene)
    group = bpy.data.node_groups.new("Up", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    n = Nodes(group)
    up = n.add("GeometryNodeSetPosition", Geometry=n.add("NodeGroupInput")["Geometry"], Offset=(0.0, 0.0, 4.0))
    n.add("NodeGroupOutput", Geometry=up["Geometry"])
    modifier = made.modifiers.new("Up", "NODES")
    modifier.node_group = group
    made.modifiers.move(1, 0)
    splat_nodes.set_drawn(True)
    assert len(shown()) == 1
    clouds.carry()
    (found,) = shown()
    read = made_of(found.cloud)
    visible = read.opacity_logits > -10
    assert visible.sum() == 50
    np.testing.assert_allclose(read.means[visible], samples.splats(50).means + (0, 0, 4), atol=1e-5)
    made.modifiers.remove(modifier)
    shown()
    clouds.carry()
    (found,) = shown()
    np.testing.assert_allclose(made_of(found.cloud).means, samples.splats(50).means, atol=1e-5)


def test_drawn_here_splats_are_for_blender_the_corners_of_a_box_around_them_and_no_face(scene):
    from reify.scene import splat_nodes

    made = placed(scene, count=500)
    splat_nodes.set_drawn(True)
    corners, edges, faces = evaluated(made)
    assert faces == 0 and edges == 24
    positions = samples.splats(500).means
    inside = (positions >= corners.min(0)) & (positions <= corners.max(0))
    assert inside.all(1).mean() > 0.95
    splat_nodes.set_drawn(False)
    assert evaluated(made)[2] > 500


def test_points_are_all_of_one_size_and_ellipsoids_as_splats_are(scene):
    from reify.scene import splat_nodes

    made = placed(scene, count=200)
    spread = {}
    for look in (splat_nodes.POINTS, splat_nodes.ELLIPSOIDS):
        splat_nodes.set_look(made, look)
        corners = evaluated(made)[0].reshape(-1, 12, 3)
        sizes = np.linalg.norm(corners - corners.mean(1, keepdims=True), axis=2)
        spread[look] = sizes.max() / sizes.min()
    assert spread[splat_nodes.POINTS] < 1.01 < 2 < spread[splat_nodes.ELLIPSOIDS]


def test_a_file_of_the_version_before_gets_the_present_nodes_and_keeps_its_settings(scene, tmp_path):
    import bpy
    from reify.scene import compat, splat_nodes
    from reify.scene.splats import splats_object

    old = bpy.data.node_groups.new("Reify Splats", "GeometryNodeTree")
    kinds = {"Viewport Size": "Float", "Viewport Amount": "Float", "Viewport Opacity": "Float", "Viewport Largest": "Float"}
    old.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    for name, kind in {"Geometry": "Geometry", "Face Camera": "Bool", "Soft in Viewport": "Bool", **kinds}.items():
        old.interface.new_socket(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
    for name, soft in (("Fast", False), ("Soft", True)):
        made = splats_object(name, samples.splats(10))
        scene.collection.objects.link(made)
        made.animation_data_clear()
        modifier = made.modifiers["Splats"]
        modifier.node_group = old
        for socket, value in {"Viewport Size": 2.5, "Soft in Viewport": soft, "Face Camera": False}.items():
            compat.set_modifier_input(modifier, splat_nodes.socket_identifier(old, socket), value)
    splat_nodes.upgrade()
    looks = {made.name: splat_nodes.look_of(made) for made in scene.objects}
    assert looks == {"Fast": splat_nodes.SPLATS, "Soft": splat_nodes.AS_RENDERED}
    for made in scene.objects:
        (modifier,) = splat_nodes.drawing(made)
        assert modifier.node_group.name == splat_nodes.GROUP
        for socket, value in (("Viewport Size", 2.5), ("Face Camera", False)):
            owner, key = compat.modifier_input(modifier, splat_nodes.socket_identifier(modifier.node_group, socket))
            assert owner.path_resolve(key) == value
        assert [driver.driver.is_valid for driver in made.animation_data.drivers] == [True]
    assert not any(splat_nodes._is_old_group(group) for group in bpy.data.node_groups)


def test_native_splats_are_what_blender_calls_them_where_it_knows_them(scene):
    import bpy
    from reify.scene.splats import upgrade

    made = placed(scene)
    if "type" not in bpy.types.PointCloud.bl_rna.properties:
        pytest.skip("this Blender has no native splats")
    assert made.data.type == "GAUSSIAN_SPLAT"
    made.data.type = "POINTS"  # as in a file of Blender 5.2
    upgrade()
    assert made.data.type == "GAUSSIAN_SPLAT"


def test_selected_splats_are_tinted_in_object_mode_unless_all_are_selected(scene):
    from reify.scene import splat_edits
    from reify.scene.splats import splats_object
    from reify.scene.viewport import clouds

    data = splats_object("S", samples.splats(10)).data
    mask = np.arange(10) < 3
    plain = clouds.read_cloud(data, data).arrays["radiance:base"]
    splat_edits.select(data, mask)
    tinted = clouds.read_cloud(data, data).arrays["radiance:base"]
    np.testing.assert_array_equal((tinted != plain).any(axis=1), mask)
    splat_edits.select(data, ~np.zeros(10, bool))
    np.testing.assert_array_equal(clouds.read_cloud(data, data).arrays["radiance:base"], plain)
