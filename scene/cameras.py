"""Cameras to Blender and back. Blender's look along -z with y up, ours along z with y down."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..backend.errors import ReifyError
from ..backend.formats.decoding import orientation_of, stored_size
from ..backend.formats.images import QUARTER_TURNS, open_image
from ..backend.values import Array, Cameras, Photo
from . import stored

SENSOR_MM = 36.0
LARGEST_PX = 65536  # a side of a render
PHOTO = "photo"  # name of the photo that a camera was placed for
LENS = ("sensor_fit", "sensor_width", "lens", "shift_x", "shift_y")
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])


def camera_object(photo: Photo, cam_from_world: Array, K: Array, size_px: Array, display_size: float = 0.1) -> bpy.types.Object:
    """A new camera that sees what the photo shows, with the photo as background image; not yet in any collection.

    Lens distortion can't be given to a Blender camera and stays in the picture. Where fx and fy differ, the
    scene's pixel aspect has to follow (`pixel_aspect`).
    """
    width, height = (int(n) for n in size_px)
    lens = bpy.data.cameras.new(photo.name)
    lens.sensor_fit = "HORIZONTAL"  # the width rules for portrait pictures too
    lens.sensor_width = SENSOR_MM
    lens.lens = float(K[0, 0]) * SENSOR_MM / width
    lens.shift_x = (width / 2 - float(K[0, 2])) / width
    lens.shift_y = (float(K[1, 2]) - height / 2) * float(K[0, 0] / K[1, 1]) / width
    lens.display_size = display_size
    lens.clip_start, lens.clip_end = 0.001, 1000.0
    made = bpy.data.objects.new(photo.name, lens)
    made.matrix_world = Matrix((np.linalg.inv(cam_from_world) @ FLIP).tolist())
    lens[PHOTO] = photo.name
    lens["resolution"] = (width, height)
    lens["pixel_aspect"] = float(K[1, 1] / K[0, 0])
    if photo.path.is_file():
        _show_photo(lens, photo)
    return made


def take_lens(lens: bpy.types.Camera, other: bpy.types.Camera) -> None:
    """Give a camera another one's intrinsics; what an artist sets beside them, as depth of field and clipping, stays."""
    for name in LENS:
        setattr(lens, name, getattr(other, name))
    for key in (PHOTO, "resolution", "pixel_aspect"):
        lens[key] = other[key]


def read_cameras(sources: list[bpy.types.Object], world: Matrix | None = None) -> Cameras:
    """Cameras from camera objects, pinhole; `world` is the frame they are wanted in (default: Blender's world).

    Raises ReifyError where an object is no perspective camera.
    """
    render = bpy.context.scene.render
    poses, intrinsics, sizes = [], [], []
    for source in sources:
        if source.type != "CAMERA" or source.data.type != "PERSP":
            raise ReifyError(f"{source.name} is no perspective camera.", "Select cameras with a perspective lens.")
        size = resolution(source.data) or (render.resolution_x, render.resolution_y)
        placed = world_from_object(source)
        matrix = placed if world is None else world.inverted() @ placed
        rigid = matrix.to_quaternion().to_matrix().to_4x4()  # a scaled parent scales the world, not the lens
        rigid.translation = matrix.to_translation()
        poses.append(np.linalg.inv(np.array(rigid) @ FLIP))
        sizes.append(tuple(int(n) for n in size))
        intrinsics.append(_intrinsics(source.data, *sizes[-1]))
    count = len(sources)
    return Cameras(
        cam_from_world=np.reshape(poses, (count, 4, 4)),
        K=np.reshape(intrinsics, (count, 3, 3)),
        size_px=np.reshape(sizes, (count, 2)),
        distortion=np.zeros((count, 8)),
    )


def world_from_object(source: bpy.types.Object) -> Matrix:
    """Where an object stands, also one that the view layer leaves out: Blender evaluates that no further than when it was last in."""
    if source.parent is None or source.name in bpy.context.view_layer.objects:
        return source.matrix_world
    return world_from_object(source.parent) @ source.matrix_parent_inverse @ source.matrix_basis


def fit_render_to(camera: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Make `camera` the scene's and give the render its photo's resolution and pixel aspect."""
    width, height = resolution(camera.data) or (scene.render.resolution_x, scene.render.resolution_y)
    aspect = _pixel_aspect(camera.data)
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = int(width), int(height)
    scene.render.resolution_percentage = 100
    # Blender wants both at least 1; only their quotient counts.
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = max(1.0, aspect), max(1.0, 1 / aspect)


def resolution(lens: Any) -> tuple[int, int] | None:
    """Width and height in pixels of the photo that a camera's data stands for; None where it stands for none."""
    found = stored.numbers(lens, "resolution", 2)
    return None if found is None or min(found) < 1 or max(found) > LARGEST_PX else (int(found[0]), int(found[1]))


def _pixel_aspect(lens: Any) -> float:
    return stored.number(lens, "pixel_aspect", 1.0, 1e-3, 1e3)


def _intrinsics(lens: Any, width: int, height: int) -> Array:
    aspect = _pixel_aspect(lens)
    horizontal = lens.sensor_fit == "HORIZONTAL" or (lens.sensor_fit == "AUTO" and width >= height)
    sensor = lens.sensor_height if lens.sensor_fit == "VERTICAL" else lens.sensor_width
    fitted = width if horizontal else height
    fx = lens.lens / sensor * fitted
    cx = width / 2 - lens.shift_x * fitted
    cy = height / 2 + lens.shift_y * fitted * aspect
    return np.array([[fx, 0, cx], [0, fx * aspect, cy], [0, 0, 1]])


def _show_photo(lens: bpy.types.Camera, photo: Photo) -> None:
    background = lens.background_images.new()
    background.image = bpy.data.images.load(str(photo.path), check_existing=True)
    background.alpha = 0.5
    background.display_depth = "BACK"
    turns = _quarter_turns(photo)
    background.rotation = -turns * np.pi / 2  # Blender turns backgrounds clockwise
    if turns % 2:
        # Fitted before it is turned, the photo's longer side is as long as the frame's shorter one.
        background.frame_method = "FIT"
        background.scale = max(photo.width, photo.height) / min(photo.width, photo.height)
    else:
        background.frame_method = "STRETCH"
    lens.show_background_images = True


def _quarter_turns(photo: Photo) -> int:
    """Quarter turns counter-clockwise that bring the photo's file upright: Blender itself doesn't obey EXIF."""
    try:
        with open_image(photo.path) as image:
            turns = QUARTER_TURNS[orientation_of(image)]
            stored = stored_size(image)
    except (ReifyError, ImportError, OSError, ValueError):  # a background isn't worth failing for
        return 0
    upright = stored[::-1] if turns % 2 else stored
    return turns if upright == (photo.width, photo.height) else 0
