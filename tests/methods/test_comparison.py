"""The picture that shows what came out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from reify.backend.methods._comparison import GAP_PX, comparison
from reify.backend.values import Cameras, Capture, Mesh, Photo, Report, Result


def looking_down(size_px: tuple[int, int], count: int) -> Cameras:
    """Cameras five units above the origin, looking down, the picture's top towards +y."""
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] = 5.0
    width, height = size_px
    K = np.array([[width * 2.0, 0, width / 2], [0, width * 2.0, height / 2], [0, 0, 1]])
    return Cameras(
        np.repeat(pose[None], count, 0), np.repeat(K[None], count, 0), np.repeat([[width, height]], count, 0), np.zeros((count, 8))
    )


def test_photo_and_mesh_stand_side_by_side_from_held_out_cameras_and_agree(tmp_path: Path) -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[12:20, 36:42] = 200  # up and to the right of the middle
    photos = []
    for i in range(5):
        Image.fromarray(picture if i == 3 else picture * 0).save(tmp_path / f"{i}.png")
        photos.append(Photo(tmp_path / f"{i}.png", f"{i}.png", 60, 40))
    corners = np.array([[0.25, 0.0], [0.5, 0.0], [0.5, 1 / 3], [0.25, 1 / 3]], np.float32)  # the same patch on z = 0
    square = Mesh(
        np.c_[corners, np.zeros(4)].astype(np.float32),
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        vertex_srgb=np.full((4, 3), 200 / 255, np.float32),
    )
    capture = Capture("x", tuple(photos), cameras=looking_down((60, 40), 5), test=(3,))
    sheet = comparison(Result("x", Report(), mesh=square, capture=capture), long_side_px=60)
    assert sheet.shape == (40, 60 + GAP_PX + 60, 3)
    difference = np.abs(sheet[:, :60].astype(int) - sheet[:, 60 + GAP_PX :]).max(axis=2)
    assert (difference > 40).mean() < 0.01
    assert sheet[15, 39].min() > 150 and sheet[15, 60 + GAP_PX + 39].min() > 150
