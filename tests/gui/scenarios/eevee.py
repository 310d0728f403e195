"""EEVEE renders splats from a camera that moves, with nobody telling the splats so."""

from __future__ import annotations

from math import pi

import bpy

FILE = "/home/artist/subject.ply"
SIZE_PX = (160, 100)
FRAMES = (1, 9)
DISTANCE, HEIGHT = 3.6, 0.5


def run(window):
    scene = bpy.context.scene
    bpy.ops.reify.import_splats("EXEC_DEFAULT", filepath=FILE)
    camera, cube = bpy.data.objects["Camera"], bpy.data.objects["Cube"]
    cube.hide_render = True
    scene.world = None
    camera.data.lens = camera.data.sensor_width = 36.0
    axis = bpy.data.objects.new("Axis", None)
    scene.collection.objects.link(axis)
    camera.parent, camera.location, camera.rotation_euler = axis, (0.0, -DISTANCE, HEIGHT), (pi / 2 - 0.138, 0.0, 0.0)
    for frame, turn in ((1, 0.0), (25, 2 * pi)):
        axis.rotation_euler.z = turn
        axis.keyframe_insert("rotation_euler", frame=frame)
    scene.render.engine = "BLENDER_EEVEE"
    scene.eevee.taa_render_samples = 8
    scene.render.resolution_x, scene.render.resolution_y = SIZE_PX
    scene.render.dither_intensity = 0.0
    scene.view_settings.view_transform = "Standard"
    yield 1.0
    poses = {}
    for frame in FRAMES:
        scene.frame_set(frame)
        scene.render.filepath = f"/home/artist/eevee-{frame}.png"
        bpy.ops.render.render(write_still=True)
        poses[frame] = [list(row) for row in camera.matrix_world]
        yield 0.5
    window.note(poses=poses)
