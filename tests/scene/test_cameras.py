from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def placed(scene):
    import bpy
    from reify.backend.values import Photo
    from reify.scene.cameras import camera_object

    known = samples.cameras()
    made = []
    for i in range(2):
        photo = Photo(Path("/captures/x.png"), f"photo {i}", *known.size_px[i].tolist())
        made.append(camera_object(photo, known.cam_from_world[i], known.K[i], known.size_px[i]))
        scene.collection.objects.link(made[-1])
    bpy.context.view_layer.update()
    return known, made


@pytest.mark.parametrize("i", [0, 1], ids=["landscape", "portrait"])
def test_a_camera_with_an_off_center_principal_point_projects_known_points_onto_known_pixels(scene, placed, i):
    import bpy
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector
    from reify.scene.cameras import fit_render_to

    known, made = placed
    fit_render_to(made[i], scene)
    bpy.context.view_layer.update()
    xyz = np.random.default_rng(0).normal(0, 0.4, size=(20, 3))
    in_camera = xyz @ known.cam_from_world[i, :3, :3].T + known.cam_from_world[i, :3, 3]
    pixels = in_camera @ known.K[i].T
    pixels = pixels[:, :2] / pixels[:, 2:]
    views = [world_to_camera_view(scene, made[i], Vector(point)) for point in xyz]
    width, height = known.size_px[i]
    seen = np.array([(view.x * width, (1 - view.y) * height) for view in views])
    assert np.abs(seen - pixels).max() < 0.01


def test_a_camera_looks_at_the_subject_and_stands_upright(placed):
    _known, made = placed
    forward = made[0].matrix_world.to_3x3().col[2] * -1
    up = made[0].matrix_world.to_3x3().col[1]
    assert forward.dot(-made[0].matrix_world.translation.normalized()) > 0.999
    assert up.z > 0.8


def test_cameras_come_back_from_blender_as_they_were(placed):
    from reify.scene.cameras import read_cameras

    known, made = placed
    back = read_cameras(made)
    np.testing.assert_allclose(back.K, known.K, atol=1e-3)
    np.testing.assert_allclose(back.cam_from_world, known.cam_from_world, atol=1e-5)
    np.testing.assert_array_equal(back.size_px, known.size_px)


def test_an_object_that_is_no_camera_is_refused_with_its_name(scene):
    import bpy
    from reify.backend.errors import ReifyError
    from reify.scene.cameras import read_cameras

    with pytest.raises(ReifyError, match="Lamp is no perspective camera"):
        read_cameras([bpy.data.objects.new("Lamp", None)])


def test_the_background_of_a_photo_with_exif_rotation_stands_upright(scene, tmp_path):
    image = pytest.importorskip("PIL.Image")
    from reify.backend.values import Photo
    from reify.scene.cameras import camera_object

    exif = image.Exif()
    exif[0x0112] = 6  # stored lying on its left side: a quarter turn clockwise brings it upright
    image.new("RGB", (640, 480)).save(tmp_path / "a.jpg", exif=exif)
    known = samples.cameras().take([1])
    made = camera_object(Photo(tmp_path / "a.jpg", "a.jpg", 480, 640), known.cam_from_world[0], known.K[0], known.size_px[0])
    background = made.data.background_images[0]
    assert background.rotation % (2 * np.pi) == pytest.approx(np.pi / 2, abs=1e-4)
    assert background.scale == pytest.approx(640 / 480)
