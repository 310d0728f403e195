"""Renders agree with what was trained while the camera moves, with nobody telling the splats so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.tests.scene.turntable import Turntable
from reify.tests.scene.viewport.subject import bumpy_ball, surrounded

pytestmark = [pytest.mark.blender, pytest.mark.slow]
pytest.importorskip("numba")


def test_cycles_agrees_with_the_rasterizer_from_a_camera_that_moves(scene):
    turntable = Turntable(scene, surrounded(bumpy_ball(6000)), (96, 60))
    found = [turntable.psnr(frame) for frame in (1, 9, 17)]
    assert min(found) >= 30.0, found
    first, second = (turntable.rendered(frame) for frame in (1, 13))
    assert np.abs(first - second).mean() > 0.02  # it does move


@pytest.mark.parametrize("face_camera", [True, False])
def test_glass_shows_the_splats_behind_it_with_either_shape(scene, face_camera):
    import bpy
    from reify.scene import compat, splat_nodes

    subject = surrounded(bumpy_ball(2000))
    turntable = Turntable(scene, replace(subject, sh=subject.sh[:, :1].copy()), (96, 60))  # ellipsoids have the DC color
    modifier = turntable.made.modifiers[0]
    socket = splat_nodes.socket_identifier(modifier.node_group, splat_nodes.FACE_CAMERA)
    compat.set_modifier_input(modifier, socket, face_camera)
    bpy.ops.mesh.primitive_plane_add(size=3, location=(0, -2.2, 0), rotation=(np.pi / 2, 0, 0))
    glass = bpy.data.materials.new("Glass")
    compat.use_nodes(glass)
    tree = glass.node_tree
    tree.nodes.clear()
    output, refraction = tree.nodes.new("ShaderNodeOutputMaterial"), tree.nodes.new("ShaderNodeBsdfRefraction")
    refraction.inputs["IOR"].default_value, refraction.inputs["Roughness"].default_value = 1.0, 0.0
    tree.links.new(refraction.outputs[0], output.inputs[0])
    bpy.data.objects["Plane"].data.materials.append(glass)
    assert turntable.psnr(1) >= 27.5


def test_motion_blur_of_cycles_agrees_with_render_splats(scene):
    import bpy
    from reify.scene.splat_render import SplatRender

    turntable = Turntable(scene, surrounded(bumpy_ball(1500)), (64, 40), samples=16)
    scene.render.use_motion_blur, scene.render.motion_blur_shutter, scene.render.film_transparent = True, 0.2, True
    with SplatRender(scene, bpy.context.view_layer) as render:
        light = render.frame(12)[..., :3]
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-8) ** (1 / 2.4) - 0.055)
    scene.render.film_transparent = False
    error = (turntable.rendered(12) - expected) ** 2
    assert -10 * np.log10(error.mean()) >= 27.0
