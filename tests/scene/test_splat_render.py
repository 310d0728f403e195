"""Render Splats: what the rasterizer gives for the scene's camera, amid the meshes that the engine renders."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.tests.scene.turntable import Turntable
from reify.tests.scene.viewport.subject import bumpy_ball

pytestmark = pytest.mark.blender
pytest.importorskip("numba")

SIZE = WIDTH, HEIGHT = 96, 60
FAR = 1e10


@pytest.fixture
def turntable(scene):
    scene.world, scene.render.film_transparent = None, True
    return Turntable(scene, bumpy_ball(2000), SIZE)


def rendered(scene, frame: int = 1, **how) -> np.ndarray:
    import bpy
    from reify.scene.splat_render import SplatRender

    with SplatRender(scene, bpy.context.view_layer, **how) as render:
        return render.frame(frame)


def srgb(picture: np.ndarray) -> np.ndarray:
    """Straight linear light, premultiplied again in sRGB: as splats are blended."""
    alpha = picture[..., 3:4]
    light = np.divide(picture[..., :3], alpha, out=np.zeros_like(picture[..., :3]), where=alpha > 1e-6)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-8) ** (1 / 2.4) - 0.055) * alpha


@pytest.mark.parametrize("frame", [1, 9])
def test_a_moving_camera_sees_what_the_rasterizer_gives(scene, turntable, frame):
    found = rendered(scene, frame)
    expected, alpha = turntable.rasterized(frame)
    np.testing.assert_allclose(srgb(found), expected, atol=1e-3)
    np.testing.assert_allclose(found[..., 3], alpha, atol=1e-4)
    assert (found[..., 4] == FAR).any() and 2.0 < found[..., 4].min() < 4.0


def test_shift_percentage_border_and_pixel_aspect_are_those_of_blender(scene, turntable):
    whole = rendered(scene)
    render, lens = scene.render, scene.camera.data
    render.resolution_x, render.resolution_y, render.resolution_percentage = 2 * WIDTH, 2 * HEIGHT, 50
    np.testing.assert_allclose(rendered(scene), whole, atol=1e-5)
    render.use_border, render.use_crop_to_border = True, True
    render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = 0.25, 0.75, 0.5, 1.0
    part = rendered(scene)
    np.testing.assert_allclose(part, whole[: HEIGHT // 2, WIDTH // 4 : 3 * WIDTH // 4], atol=2e-3)
    render.use_crop_to_border = False
    placed = rendered(scene)
    assert placed.shape == whole.shape and (placed[HEIGHT // 2 :, :, 3] == 0).all()
    np.testing.assert_allclose(placed[: HEIGHT // 2, WIDTH // 4 : 3 * WIDTH // 4], part)
    render.use_border = False
    lens.shift_x = 0.25  # of the width: what was at the edge of the right half is at that of the left one
    np.testing.assert_allclose(rendered(scene)[:, : WIDTH // 2, 3], whole[:, WIDTH // 4 : 3 * WIDTH // 4, 3], atol=0.1)


def test_an_orthographic_camera_sees_splats_where_blender_puts_them(scene, turntable):
    import bpy
    from bpy_extras.object_utils import world_to_camera_view
    from reify.scene.splats import splats_object
    from reify.tests.scene import samples

    bpy.data.objects.remove(turntable.made)
    scene.collection.objects.link(splats_object("One", samples.splat((0.3, 0.2, 0.4), 0.9, 0.05, 1.0)))
    scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 3.0
    found = rendered(scene)
    at = world_to_camera_view(scene, scene.camera, scene.camera.matrix_world.to_translation().__class__((0.3, 0.2, 0.4)))
    row, column = np.unravel_index(found[..., 3].argmax(), found.shape[:2])
    assert abs(column + 0.5 - at.x * WIDTH) <= 1 and abs(row + 0.5 - (1 - at.y) * HEIGHT) <= 1
    assert abs(found[row, column, 4] - at.z) < 0.15


def test_a_cube_hides_the_splats_behind_it_and_no_others(scene, turntable):
    import bpy

    free = rendered(scene)
    bpy.ops.mesh.primitive_cube_add(size=0.8, location=(-0.7, -1.6, 0.0))
    bpy.ops.object.light_add(type="SUN")
    hidden = rendered(scene)
    cube = np.abs(hidden[..., 4] - 1.6) < 0.6
    inside = cube & np.roll(cube, 2, 1) & np.roll(cube, -2, 1) & np.roll(cube, 2, 0) & np.roll(cube, -2, 0)
    assert inside.mean() > 0.05 and np.allclose(hidden[inside][:, 3], 1.0)
    assert np.ptp(hidden[inside][:, :3], axis=1).max() < 0.02  # gray: no splat shines through
    right = slice(WIDTH // 2 + 2, None)
    np.testing.assert_allclose(hidden[:, right], free[:, right], atol=1e-5)
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.data.objects["Cube"].location.y = 2.5  # behind
    behind = rendered(scene)
    solid = free[..., 3] > 0.98
    np.testing.assert_allclose(behind[solid][:, :3], free[solid][:, :3], atol=0.03)


@pytest.mark.parametrize("by", ["object", "collection"])
@pytest.mark.parametrize("transparent", [True, False])
def test_a_holdout_hides_the_splats_behind_it_and_leaves_nothing_in_their_place(scene, turntable, by, transparent):
    import bpy

    free = rendered(scene)
    bpy.ops.mesh.primitive_cube_add(size=0.8, location=(-0.7, -1.6, 0.0))
    cube = bpy.data.objects["Cube"]
    scene.render.film_transparent = transparent
    as_surface = rendered(scene)
    if by == "object":
        cube.is_holdout = True
    else:
        held = bpy.data.collections.new("Held")
        scene.collection.children.link(held)
        scene.collection.objects.unlink(cube)
        held.objects.link(cube)
        bpy.context.view_layer.layer_collection.children["Held"].holdout = True
    found = rendered(scene)
    inside = np.abs(as_surface[..., 4] - 1.6) < 0.6
    inside &= np.roll(inside, 2, 1) & np.roll(inside, -2, 1) & np.roll(inside, 2, 0) & np.roll(inside, -2, 0)
    assert inside.mean() > 0.05 and np.abs(found[inside][:, :4]).max() < 1e-6 and (found[inside][:, 4] == FAR).all()
    right = slice(WIDTH // 2 + 2, None)
    np.testing.assert_allclose(found[:, right, :3], free[:, right, :3], atol=1e-5)
    assert (found[:, right, 3] == 1).all() or transparent


def test_the_world_shines_through_and_settings_and_frame_are_as_before(scene, turntable, tmp_path):
    import bpy
    from reify.scene.splat_render import frames

    free = rendered(scene)
    scene.world, scene.render.film_transparent = bpy.data.worlds.new("W"), False
    from reify.scene.compat import use_nodes

    use_nodes(scene.world)
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.2, 0.4, 0.6, 1.0)
    scene.frame_set(7)
    image = scene.render.image_settings
    image.file_format, image.color_mode = "PNG", "RGB"
    before = (scene.render.filepath, image.file_format, image.color_mode, image.color_depth, scene.render.film_transparent)
    written = list(frames(scene, bpy.context.view_layer, (1,), str(tmp_path / "f_##")))
    assert (scene.render.filepath, image.file_format, image.color_mode, image.color_depth, scene.render.film_transparent) == before
    assert scene.frame_current == 7 and not turntable.made.hide_render and written == [tmp_path / "f_01.exr"]
    loaded = bpy.data.images.load(str(written[0]))
    pixels = np.empty(WIDTH * HEIGHT * 4, np.float32)
    loaded.pixels.foreach_get(pixels)
    found = pixels.reshape(HEIGHT, WIDTH, 4)[::-1]
    expected = free[..., :3] + (1 - free[..., 3:4]) * (0.2, 0.4, 0.6)
    np.testing.assert_allclose(found[..., :3], expected, atol=2e-3)
    np.testing.assert_allclose(found[..., 3], 1.0)


def test_depth_and_alpha_are_read_back_from_the_file(scene, turntable, tmp_path):
    OpenEXR = pytest.importorskip("OpenEXR")
    from reify.backend.formats.passes import write_rgba_depth

    found = rendered(scene)
    write_rgba_depth(tmp_path / "one.exr", found)
    channels = OpenEXR.File(str(tmp_path / "one.exr"), separate_channels=True).channels()
    for i, name in enumerate("RGBAZ"):
        np.testing.assert_array_equal(channels[name].pixels, found[..., i])


def test_moved_copies_and_instances_are_sorted_together(scene, turntable):
    import bpy
    from reify.backend.splats.render import rasterize
    from reify.backend.splats.transform import transformed
    from reify.backend.values import Cameras
    from reify.scene.cameras import FLIP
    from reify.tests.splats.test_scene_rasterizer import joined

    copy = turntable.made.copy()
    scene.collection.objects.link(copy)
    copy.location, copy.scale = (0.4, 0.3, 0.2), (0.7, 0.7, 0.7)
    bpy.context.view_layer.update()
    found = rendered(scene)
    both = joined(turntable.splats, transformed(turntable.splats, np.array(copy.matrix_world, np.float64)))
    K = np.array([[[WIDTH, 0, WIDTH / 2], [0, WIDTH, HEIGHT / 2], [0, 0, 1]]], float)
    pose = np.linalg.inv(np.array(scene.camera.matrix_world, np.float64) @ FLIP)
    expected = rasterize(both, Cameras(pose[None], K, np.array([SIZE]), np.zeros((1, 8))), 0, geometry=False)
    np.testing.assert_allclose(found[..., 3], expected.alpha, atol=2e-3)
    np.testing.assert_allclose(srgb(found), expected.rgb, atol=1e-2)
    copy.hide_render = True
    assert np.abs(rendered(scene)[..., 3] - found[..., 3]).max() > 0.2


def test_motion_blur_is_the_mean_over_the_shutter(scene, turntable):
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 0.5
    still, blurred = turntable.rasterized(12)[1], rendered(scene, 12)[..., 3]
    assert np.abs(still - blurred).max() > 0.05 and abs(still.mean() - blurred.mean()) < 0.01


def test_a_scene_that_cannot_be_rendered_says_why(scene):
    import bpy
    from reify.scene.splat_render import check

    with pytest.raises(ReifyError, match="no camera"):
        check(scene)
    bpy.ops.object.camera_add()
    scene.camera = bpy.context.object
    with pytest.raises(ReifyError, match="no splats"):
        check(scene)
    scene.camera.data.type = "PANO"
    with pytest.raises(ReifyError, match="panoramic"):
        check(scene)


@pytest.mark.parametrize(
    ("path", "expected"), [("/a/b", "/a/b0003.exr"), ("/a/", "/a/0003.exr"), ("/a/x_##_l.exr", "/a/x_03_l.exr"), ("/a/#.EXR", "/a/3.exr")]
)
def test_frames_are_called_as_blender_calls_them(path, expected):
    pytest.importorskip("bpy")
    from reify.scene.splat_render import frame_path

    assert str(frame_path(path, 3)) == expected
