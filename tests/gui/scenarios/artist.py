"""The artist's way through results, with a job that computes nothing: drops, versions, regenerating, cameras, hiding."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import bpy
import numpy as np

PHOTOS = Path("/home/artist/Pictures/figure")


def run(window):
    from bl_ext.user_default.reify.backend.jobs.needs import Needs
    from bl_ext.user_default.reify.backend.methods import photos

    yield from window.install_engine()
    photos.METHOD = dataclasses.replace(photos.METHOD, run=made_at_once, needs=Needs(), stages=("Training splats",))
    yield from drops(window)
    yield from generate(window)
    yield from regenerate(window)
    yield from second_version(window)
    yield from cameras(window)
    yield from hide_and_show(window)


def drops(window):
    """The sidebar opens on Reify's tab; a drop starts a new list; one photo is asked about."""
    names = sorted(PHOTOS.iterdir())
    sources = bpy.context.scene.reify.photos.sources
    area = window.area
    area.spaces.active.show_region_ui = True
    yield from window.open_sidebar("View")
    area.spaces.active.show_region_ui = False
    yield 0.5
    yield from window.press_last((yield from window.drop(*names[:3])), "Use in Reify")
    yield from window.until(lambda: window.sidebar.active_panel_category == "Reify", "Reify's tab", 10.0)
    window.note(first=[source.label for source in sources])
    yield from window.press_last((yield from window.drop(*names[3:7])))
    yield from window.until(lambda: len(sources) == 4, "the second drop to replace the first")
    window.note(second=[source.label for source in sources])
    yield from window.press_last((yield from window.drop(names[0])))
    yield from window.shot("asked")
    yield from window.key("ESC")
    yield 0.5
    blur(names[5])
    bpy.ops.reify.drop_files(directory=str(PHOTOS.parent), files=[{"name": PHOTOS.name}], method="photos")
    from bl_ext.user_default.reify.session import photo_looks
    from bl_ext.user_default.reify.session.sources import listed

    yield from window.until(lambda: photo_looks.is_known(listed(bpy.context.scene.reify.photos)), "the photos to be looked at", 60.0)
    found = photo_looks.of(listed(bpy.context.scene.reify.photos))
    window.note(photos=len(found.paths), weak=[found.names[index] for index in found.weak], blurred=names[5].name)
    yield 1.0
    yield from window.shot("ready")


def blur(path):
    """As a photo is for which the camera was moved."""
    from PIL import Image, ImageFilter

    with Image.open(path) as picture:
        blurred = picture.filter(ImageFilter.GaussianBlur(4.0))
    blurred.save(path, quality=95)


def generate(window):
    task = yield from window.start("bpy.ops.reify.create", "Generate")
    yield from handed_over(window, task)
    layer = bpy.context.view_layer
    window.note(
        selected=sorted(made.name for made in bpy.context.selected_objects),
        camera=bpy.context.scene.camera.name,
        cameras_in_layer=[made.name for made in layer.objects if made.type == "CAMERA"],
        disabled=[made.name for made in bpy.data.objects if made.hide_viewport],
    )
    yield from window.shot("result")


def regenerate(window):
    """By the button; the camera of the capture that was made the scene's stays it, and what is active stays active."""
    camera = next(made for made in bpy.data.objects if made.type == "CAMERA" and made.name != "Camera")
    bpy.context.scene.camera = camera
    hat = bpy.data.objects.new("Hat", None)
    bpy.context.scene.collection.objects.link(hat)
    hat.parent = bpy.data.objects["figure Mesh"]
    active = bpy.context.view_layer.objects.active.name
    bpy.ops.ed.undo_push(message="Hat")
    yield 0.5
    task = yield from window.start("bpy.ops.reify.regenerate", "Regenerate")
    yield from handed_over(window, task)
    window.note(
        camera_stays=bpy.context.scene.camera is not None and bpy.context.scene.camera.name == camera.name,
        child_stays=bpy.data.objects["Hat"].parent is not None,
        active_stays=bpy.context.view_layer.objects.active.name == active,
    )


def second_version(window):
    bpy.context.scene.reify.photos.mesh__faces = 1234
    task = yield from window.start("bpy.ops.reify.create")
    yield from handed_over(window, task)
    window.note(versions=[found.name for found in bpy.context.scene.collection.children if found.name.startswith("figure")])
    yield from window.shot("versions")


def cameras(window):
    yield from window.press("bpy.ops.reify.show_cameras", "Cameras")
    yield 1.0
    window.note(shown=len([made for made in bpy.context.view_layer.objects if made.type == "CAMERA" and made.visible_get()]))
    yield from window.shot("cameras")
    bpy.data.collections["figure v2"].reify_photo = 2
    yield 1.0
    space = window.area.spaces.active
    window.note(looks_through=space.region_3d.view_perspective, scene_camera=bpy.context.scene.camera.name)
    yield from window.shot("photo")
    yield from window.move(window.area.x + 300, window.area.y + 200)  # off the button, which Blender would still call the hovered one
    yield 1.0
    yield from window.press("bpy.ops.reify.show_cameras")
    yield 1.0
    window.note(left=space.region_3d.view_perspective, put_away=len([m for m in bpy.context.view_layer.objects if m.type == "CAMERA"]))


def hide_and_show(window):
    """Alt+H shows what a result hides."""
    hidden = [made.name for made in bpy.data.objects if made.name.startswith("figure") and made.type == "POINTCLOUD" and made.hide_get()]
    yield from window.key("H", alt=True)
    yield 1.0
    window.note(hidden=hidden, after_alt_h=[name for name in hidden if not bpy.data.objects[name].visible_get()])


def handed_over(window, task):
    from bl_ext.user_default.reify.session import pump

    yield from window.until(lambda: task.state.ended, "the job to end")
    assert task.failure is None, f"{task.failure.what} {task.failure.details}"
    yield from window.until(lambda: task.number in pump._shown.handed_over, "the result in the scene")
    yield 1.0


def made_at_once(inputs, settings, job):
    from bl_ext.user_default.reify.backend.geometry.axes import looking_at
    from bl_ext.user_default.reify.backend.values import Cameras, Capture, Mesh, Photo, Points, Result

    folder = inputs.sources[0]
    names = sorted(folder.iterdir())
    count = len(names)
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    places = np.column_stack((3 * np.cos(angles), 3 * np.sin(angles), np.full(count, 1.0)))
    K = np.tile(np.array([[320.0, 0, 160], [0, 320, 160], [0, 0, 1]]), (count, 1, 1))
    found = Cameras(looking_at(places, np.zeros(3)), K, np.full((count, 2), 320), np.zeros((count, 8)))
    photos = tuple(Photo(path, path.name, 320, 320) for path in names)
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32) * 0.6
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = np.array([face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))], np.int32)
    mesh = Mesh(corners, faces, vertex_srgb=(corners / 1.2 + 0.5).astype(np.float32))
    points = Points(corners, np.full((8, 3), 200, np.uint8))
    job.metric("registered", count)
    job.metric("faces", len(faces))
    return Result(folder.name, job.report, mesh=mesh, points=points, capture=Capture(folder.name, photos, found, points))
