from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.values import SH_C0, Splats
from reify.tests.scene import samples

pytestmark = pytest.mark.blender
SIZE_PX = 64
FIELDS = ("means", "quats", "log_scales", "opacity_logits", "sh")


@pytest.mark.parametrize("degree", [0, 3])
def test_splats_come_back_from_blender_as_they_were(scene, degree):
    from reify.scene.splats import read_splats, splats_object

    given = samples.splats(degree=degree)
    back = read_splats(splats_object("S", given))
    for field in FIELDS:
        np.testing.assert_allclose(getattr(back, field), getattr(given, field), atol=1e-4, err_msg=field)


def test_attributes_follow_blenders_contract_for_gaussian_splats(scene):
    from reify.scene.splats import splats_object

    given = samples.splats(degree=1)
    cloud = splats_object("S", given).data
    kinds = {attribute.name: attribute.data_type for attribute in cloud.attributes}
    assert kinds.pop("radiance:base") in ("FLOAT4", "FLOAT_COLOR")
    wanted = {"position": "FLOAT_VECTOR", "scale": "FLOAT_VECTOR", "rotation": "QUATERNION"}
    wanted |= {f"radiance:sh_{k}": "FLOAT_VECTOR" for k in range(3)}
    assert {name: kind for name, kind in kinds.items() if name in wanted} == wanted
    np.testing.assert_allclose(cloud.attributes["scale"].data[5].vector, np.exp(given.log_scales[5]), rtol=1e-5)
    np.testing.assert_allclose(cloud.attributes["rotation"].data[5].value, given.quats[5], rtol=1e-5)


@pytest.fixture(params=["facing the camera", "solid"])
def facing(request) -> bool:
    return request.param == "facing the camera"


@pytest.mark.parametrize("srgb", [0.2, 0.5, 0.9])
def test_a_known_gray_comes_out_of_a_render_as_that_gray(scene, tmp_path, srgb, facing):
    picture = _rendered(scene, tmp_path, samples.splat((0, 0, 0), srgb, sigma=1.0, opacity_logit=12.0), facing)
    assert picture[SIZE_PX // 2, SIZE_PX // 2, :3] == pytest.approx(srgb, abs=0.02)


def test_a_splat_around_the_camera_is_seen_when_its_center_is_ahead_and_only_then(scene, tmp_path, facing):
    ahead, behind = samples.splat((0, -3, 0), 0.5, 2.0, 12.0), samples.splat((0, -5, 0), 0.9, 2.0, 12.0)
    both = Splats(*(np.concatenate((getattr(ahead, f), getattr(behind, f))) for f in FIELDS))
    assert _rendered(scene, tmp_path, both, facing)[SIZE_PX // 2, SIZE_PX // 2, 0] == pytest.approx(0.5, abs=0.03)


def test_a_splat_falls_off_as_a_gaussian_does(scene, tmp_path, facing):
    # Seen from 4 away through 36 mm of 36: the picture is 4 wide where the splat is. Gray as the surroundings that opacity is for.
    picture = _rendered(scene, tmp_path, samples.splat((0, 0, 0), 0.35, sigma=0.5, opacity_logit=3.0), facing)
    opacity = 1 / (1 + np.exp(-3.0))
    for pixel in (0, 6, 12, 18):
        distance = (pixel + 0.5) * 4 / SIZE_PX
        closest = distance if facing else distance * 4 / np.hypot(4, distance)  # in the plane of the square, or of the ray
        expected = _srgb(opacity * np.exp(-0.5 * (closest / 0.5) ** 2) * 0.1007)
        assert picture[SIZE_PX // 2, SIZE_PX // 2 + pixel, 0] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("before", "behind"), [(0.1, 0.35), (0.5, 0.35), (0.9, 0.35), (0.1, 0.8), (0.9, 0.1)])
def test_half_clear_splats_blend_nearly_as_training_blends_them(scene, tmp_path, before, behind):
    near, far = samples.splat((0, -1, 0), before, 1.0, 0.0), samples.splat((0, 1, 0), behind, 2.0, 12.0)
    both = Splats(*(np.concatenate((getattr(far, f), getattr(near, f))) for f in FIELDS))
    seen = _rendered(scene, tmp_path, both)[SIZE_PX // 2, SIZE_PX // 2, 0]
    trained, plain = (before + behind) / 2, _srgb((_linear(before) + _linear(behind)) / 2)
    assert abs(seen - trained) < max(0.03, 0.8 * abs(plain - trained))


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_over_average_surroundings_each_color_blends_as_training_blends_it(scene, tmp_path, channel):
    near, far = samples.splat((0, -1, 0), 0.5, 1.0, 0.0), samples.splat((0, 1, 0), 0.35, 2.0, 12.0)
    near.sh[0, 0, channel] = 0.45 / SH_C0
    both = Splats(*(np.concatenate((getattr(far, f), getattr(near, f))) for f in FIELDS))
    seen = _rendered(scene, tmp_path, both)[SIZE_PX // 2, SIZE_PX // 2]
    assert seen[channel] == pytest.approx((0.95 + 0.35) / 2, abs=0.012)
    assert seen[(channel + 1) % 3] == pytest.approx((0.5 + 0.35) / 2, abs=0.012)


def test_a_splat_smaller_than_a_pixel_is_as_wide_as_the_low_pass_filter_makes_it(scene, tmp_path):
    from reify.scene.splat_color import STEEPNESS
    from reify.scene.splat_nodes import LOW_PASS

    # A pixel is 4 / SIZE_PX wide where the splat is.
    picture = _rendered(scene, tmp_path, samples.splat((0, 0, 0), 1.0, sigma=1e-4, opacity_logit=12.0))
    middle = slice(SIZE_PX // 2 - 4, SIZE_PX // 2 + 4)  # elsewhere there is the dither of 8 bits
    light = _linear_all(picture[middle, middle, 0])
    columns = np.arange(8) - 3.5
    # Over black a splat of k gives a (1 - k) + a² k of its light; both are Gaussians, the second of half the variance.
    k = STEEPNESS * (1.0 - 0.35) / (1.0 + 0.35)
    expected = LOW_PASS * ((1 - k) + k / 4) / ((1 - k) + k / 2) + 0.09  # and the engine's own filter
    spread = (light.sum(0) * columns**2).sum() / light.sum()
    assert spread == pytest.approx(expected, abs=0.1)
    assert light.sum() == pytest.approx(2 * np.pi * LOW_PASS * ((1 - k) + k / 2), rel=0.3)


def test_the_color_follows_the_viewing_direction(scene, tmp_path):
    given = samples.splat((0, 0, 0), 0.5, 1.0, 12.0)
    bands = np.zeros((1, 15, 3), dtype=np.float32)
    bands[0, [0, 5, 8]] = [[0.3, 0, 0], [0, 0.3, 0], [0, 0, 0.3]]  # of degree 1, 2 and 3, at y = 1: -0.4886, -0.3154, 0.5900
    given = dataclasses.replace(given, sh=np.concatenate((given.sh, bands), axis=1))
    picture = _rendered(scene, tmp_path, given)
    expected = [0.5 - 0.3 * 0.4886, 0.5 - 0.3 * 0.3154, 0.5 + 0.3 * 0.5900]
    assert picture[SIZE_PX // 2, SIZE_PX // 2, :3] == pytest.approx(expected, abs=0.02)


def test_a_long_splat_lies_where_its_quaternion_puts_it(scene, tmp_path, facing):
    turned = dataclasses.replace(
        samples.splat((0, 0, 0), 1.0, sigma=0.1),
        log_scales=np.log(np.array([[0.8, 0.1, 0.1]], dtype=np.float32)),
        quats=np.array([[np.cos(np.pi / 8), 0, -np.sin(np.pi / 8), 0]], dtype=np.float32),  # x turned up towards z
    )
    picture = _rendered(scene, tmp_path, turned, facing)
    middle, off = SIZE_PX // 2, SIZE_PX // 8
    assert picture[middle - off, middle + off, 0] > 0.5
    assert picture[middle + off, middle + off, 0] < 0.05


def test_the_nearer_splat_covers_the_farther_one(scene, tmp_path, facing):
    near, far = samples.splat((0, -1, 0), 0.8, 0.5, 9.0), samples.splat((0, 1, 0), 0.2, 0.5, 9.0)
    both = Splats(*(np.concatenate((getattr(far, f), getattr(near, f))) for f in FIELDS))
    assert _rendered(scene, tmp_path, both, facing)[SIZE_PX // 2, SIZE_PX // 2, 0] == pytest.approx(0.8, abs=0.03)


def test_solid_mode_has_the_colors_of_the_splats(scene):
    import bpy
    from reify.scene.splats import splats_object

    made = splats_object("S", samples.splat((0, 0, 0), 0.5, 1.0))
    scene.collection.objects.link(made)
    drawn = made.evaluated_get(bpy.context.evaluated_depsgraph_get()).evaluated_geometry()
    mesh = drawn.mesh
    assert mesh.color_attributes.active_color_name == "reify_color"
    assert tuple(mesh.color_attributes["reify_color"].data[0].color)[:3] == pytest.approx([0.214] * 3, abs=1e-3)


def test_a_mesh_is_no_splats_and_is_refused(scene):
    from reify.backend.errors import ReifyError
    from reify.scene.mesh import mesh_object
    from reify.scene.splats import read_splats

    with pytest.raises(ReifyError, match="Statue holds no splats"):
        read_splats(mesh_object("Statue", samples.mesh()))


def _srgb(linear: float) -> float:
    return 1.055 * linear ** (1 / 2.4) - 0.055 if linear > 0.0031308 else 12.92 * linear


def _linear_all(srgb: np.ndarray) -> np.ndarray:
    return np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)


def _linear(srgb: float) -> float:
    return ((srgb + 0.055) / 1.055) ** 2.4 if srgb > 0.04045 else srgb / 12.92


def _rendered(scene, folder, splats: Splats, facing: bool = True) -> np.ndarray:
    """A Cycles render of splats over black, from 4 away along -y with a horizontal field of view of 1:1; [H,W,4] sRGB."""
    import bpy
    from mathutils import Matrix
    from reify.scene import compat, splat_nodes
    from reify.scene.splats import splats_object

    made = splats_object("S", splats)
    scene.collection.objects.link(made)
    modifier = made.modifiers["Splats"]
    compat.set_modifier_input(modifier, splat_nodes.socket_identifier(modifier.node_group, "Face Camera"), facing)
    lens = bpy.data.cameras.new("Camera")
    lens.lens = lens.sensor_width = 36
    scene.camera = bpy.data.objects.new("Camera", lens)
    scene.camera.matrix_world = Matrix.Translation((0, -4, 0)) @ Matrix.Rotation(np.pi / 2, 4, "X")
    scene.collection.objects.link(scene.camera)
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 16
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = SIZE_PX
    scene.view_settings.view_transform = "Standard"
    scene.render.filepath = str(folder / "render.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    flat = np.empty(SIZE_PX * SIZE_PX * 4, dtype=np.float32)
    image.pixels.foreach_get(flat)
    return flat.reshape(SIZE_PX, SIZE_PX, 4)[::-1]
