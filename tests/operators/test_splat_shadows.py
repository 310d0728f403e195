"""Shadows of meshes on splats, and the proxy that casts those of splats."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender
STRENGTH = 0.7


@pytest.fixture
def plate(scene):
    """400 splats at height 0, of which those within 0.5 of the origin have a cube above them; a sun shines straight down."""
    import bpy
    from reify.scene.splats import splats_object

    x, y = np.meshgrid(np.linspace(-2, 2, 20), np.linspace(-2, 2, 20))
    given = dataclasses.replace(
        samples.splats(400, degree=2),
        means=np.column_stack((x.ravel(), y.ravel(), np.zeros(400))).astype(np.float32),
        log_scales=np.full((400, 3), -2.5, np.float32),
        opacity_logits=np.full(400, 3, np.float32),
    )
    made = splats_object("Plate", given)
    scene.collection.objects.link(made)
    bpy.ops.mesh.primitive_cube_add(size=1.0, location=(0, 0, 1))
    bpy.ops.object.light_add(type="SUN", location=(5, 5, 5))
    bpy.context.object.data.angle = 0.0
    for other in bpy.context.selected_objects:
        other.select_set(False)
    bpy.context.view_layer.objects.active = made
    return made


def shown(made) -> dict[str, np.ndarray]:
    """The attributes that the viewport draws."""
    import bpy
    from reify.scene import splat_nodes
    from reify.scene.splats import holds_splats, read_arrays

    splat_nodes.set_carried(made, True)
    splat_nodes.set_drawn(True)
    bpy.context.view_layer.update()
    geometry = made.evaluated_get(bpy.context.evaluated_depsgraph_get()).evaluated_geometry()
    assert holds_splats(geometry.mesh)
    found = read_arrays(geometry.mesh)
    is_splat = found["radiance:base"][:, 3] > 0  # the box's corners aren't
    return {name: values[is_splat] for name, values in found.items()}


def test_a_mesh_between_splats_and_the_sun_darkens_their_color_from_every_side(plate):
    import bpy
    from reify.backend.values import SH_C0
    from reify.scene.splats import read_arrays

    before = read_arrays(plate.data)
    below = np.abs(before["position"]).max(axis=1) < 0.5
    assert bpy.ops.reify.shadow_catcher(proxy="NONE", strength=STRENGTH) == {"FINISHED"}
    after = shown(plate)
    factor = np.where(below, (1 - STRENGTH) ** (1 / 2.2), 1.0)[:, None]
    srgb = 0.5 + SH_C0 * before["radiance:base"][:, :3]
    np.testing.assert_allclose(0.5 + SH_C0 * after["radiance:base"][:, :3], factor * srgb, atol=1e-5)
    np.testing.assert_array_equal(after["radiance:base"][:, 3], before["radiance:base"][:, 3])
    assert sorted(after) == sorted(before)
    for k in range(8):
        np.testing.assert_allclose(after[f"radiance:sh_{k}"], factor * before[f"radiance:sh_{k}"], atol=1e-5)
    for name, values in read_arrays(plate.data).items():  # the object's own data is as it was
        np.testing.assert_array_equal(values, before[name])


def test_the_shadow_follows_the_mesh_and_a_second_click_changes_the_first(plate):
    import bpy
    from reify.backend.values import SH_C0

    bpy.ops.reify.shadow_catcher(proxy="NONE", strength=STRENGTH)
    bpy.ops.reify.shadow_catcher(proxy="NONE", strength=1.0)
    assert [modifier.name for modifier in plate.modifiers] == ["Shadows", "Splats"]
    bpy.data.objects["Cube"].location.x = 1.0
    colors = 0.5 + SH_C0 * shown(plate)["radiance:base"][:, :3]
    dark = np.abs(colors).max(axis=1) < 1e-5
    place = np.array([point.co for point in plate.data.points])
    np.testing.assert_array_equal(dark, (np.abs(place[:, 0] - 1) < 0.5) & (np.abs(place[:, 1]) < 0.5))


def test_without_a_lamp_or_a_mesh_one_sentence_says_what_is_missing(plate):
    import bpy

    bpy.data.objects.remove(bpy.data.objects["Cube"])
    with pytest.raises(RuntimeError, match="There is no mesh that could throw a shadow"):
        bpy.ops.reify.shadow_catcher(proxy="NONE")
    bpy.data.objects.remove(bpy.data.objects["Sun"])
    with pytest.raises(RuntimeError, match="There is no lamp whose shadows"):
        bpy.ops.reify.shadow_catcher(proxy="NONE")


def test_the_proxy_lies_around_the_splats_moves_with_them_and_no_camera_sees_it(plate):
    import bpy

    assert bpy.ops.reify.shadow_catcher(receive=False, faces=500) == {"FINISHED"}
    (proxy,) = plate.children
    assert 100 < len(proxy.data.polygons) <= 550
    vertices = np.array([vertex.co for vertex in proxy.data.vertices])
    assert (np.abs(vertices[:, 2]) < 0.5).all() and 1.9 < np.abs(vertices[:, :2]).max() < 2.6
    assert not proxy.visible_camera and proxy.visible_shadow and proxy.hide_get() and not proxy.hide_render
    plate.location = (1, 2, 3)
    bpy.context.view_layer.update()
    assert tuple(proxy.matrix_world.translation) == (1, 2, 3)
    bpy.context.view_layer.objects.active = plate
    bpy.ops.reify.shadow_catcher(receive=False, faces=500, proxy="CATCH")
    assert plate.children == (proxy,) and proxy.visible_camera and proxy.is_shadow_catcher
