"""What structure from motion is told before it begins: cameras, rigs of cameras, and which pictures were taken at once.

A camera of the request that names a `rig` is one of its sensors, with a known turn from the rig and a known lens: both stay as they are.
Every other camera is a rig of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pycolmap


def describe_photos(path: Path, request: dict[str, Any]) -> None:
    """Write cameras, rigs, frames and images, unless an earlier run has; camera and image ids are the request's indices + 1."""
    database = pycolmap.Database.open(path)
    if database.num_images() == len(request["images"]):
        database.close()
        return
    database.clear_all_tables()
    for number, described in enumerate(request["cameras"], start=1):
        database.write_camera(_camera(number, described), use_camera_id=True)
    rig_of = _write_rigs(database, request["cameras"])
    frames: dict[Any, list[Any]] = {}
    for number, described in enumerate(request["images"], start=1):
        image = pycolmap.Image(name=described["name"], camera_id=described["camera"] + 1, image_id=number)
        rig = rig_of[described["camera"]]
        frames.setdefault((rig, described.get("shot") or number), []).append(image)
    for (rig, _), images in frames.items():
        frame = pycolmap.Frame()
        frame.rig_id = rig
        for image in images:
            frame.add_data_id(image.data_id)
        frame_id = database.write_frame(frame)
        for image in images:
            image.frame_id = frame_id
    for image in sorted((image for images in frames.values() for image in images), key=lambda image: image.image_id):
        database.write_image(image, use_image_id=True)
    database.close()


def known_cameras(request: dict[str, Any]) -> set[int]:
    """Ids of the cameras whose lens and place in a rig are known."""
    return {number for number, described in enumerate(request["cameras"], start=1) if described.get("rig")}


def _camera(number: int, described: dict[str, Any]) -> Any:
    width, height = described["width"], described["height"]
    known = described["focal_px"]
    camera = pycolmap.Camera.create_from_model_name(number, described["model"], known or 1.2 * max(width, height), width, height)
    camera.has_prior_focal_length = known is not None
    return camera


def _write_rigs(database: Any, cameras: list[dict[str, Any]]) -> dict[int, int]:
    """The rig's id for each index of a camera."""
    groups: dict[Any, list[int]] = {}
    for index, described in enumerate(cameras):
        groups.setdefault(described.get("rig") or index, []).append(index)
    rig_of: dict[int, int] = {}
    for members in groups.values():
        rig = pycolmap.Rig()
        reference = members[0]
        rig.add_ref_sensor(_sensor(reference))
        for index in members[1:]:
            rig.add_sensor(_sensor(index), _turn(cameras[index]) * _turn(cameras[reference]).inverse())
        rig_id = database.write_rig(rig)
        rig_of |= dict.fromkeys(members, rig_id)
    return rig_of


def _sensor(index: int) -> Any:
    return pycolmap.sensor_t(type=pycolmap.SensorType.CAMERA, id=index + 1)


def _turn(described: dict[str, Any]) -> Any:
    w, x, y, z = described["cam_from_rig"]
    return pycolmap.Rigid3d(pycolmap.Rotation3d(np.array([x, y, z, w])), np.zeros(3))
