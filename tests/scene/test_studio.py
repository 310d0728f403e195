"""The demo's photos show what their cameras say, and leave Blender as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.blender
bpy = pytest.importorskip("bpy")

RAISED_HAND = np.array([0.76, -0.02, 1.48])  # red, on the figure's left
BODY = np.array([0.0, 0.0, 0.78])  # orange


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    from reify.scene import studio

    return studio.render_capture(tmp_path_factory.mktemp("studio"), views=4, size_px=128, samples=4)


def pixel(path: Path, x: float, y: float) -> np.ndarray:
    """Mean color of 3x3 pixels around (x, y), y down; 0 to 1."""
    from PIL import Image

    picture = np.asarray(Image.open(path).convert("RGB"), dtype=np.float32) / 255
    column, row = int(x), int(y)
    return picture[row - 1 : row + 2, column - 1 : column + 2].mean(axis=(0, 1))


def project(cameras, index: int, xyz: np.ndarray) -> tuple[float, float]:
    in_camera = cameras.cam_from_world[index] @ [*xyz, 1.0]
    u, v, w = cameras.K[index] @ in_camera[:3]
    assert w > 0
    return u / w, v / w


def is_red(rgb: np.ndarray) -> bool:
    return bool(rgb[0] > 1.8 * rgb[1] and rgb[0] > 1.5 * rgb[2])


def test_photos_are_numbered_pictures_and_nothing_else_lies_there(photos: list[Path]) -> None:
    assert [path.name for path in photos] == [f"view_{index:03}.png" for index in range(4)]
    assert sorted(photos[0].parent.iterdir()) == photos


def test_the_raised_hand_is_red_where_the_true_cameras_project_it_and_nowhere_mirrored(photos: list[Path]) -> None:
    from reify.scene import studio

    cameras = studio.studio_cameras(4, 128)
    x, y = project(cameras, 0, RAISED_HAND)
    assert is_red(pixel(photos[0], x, y))
    assert not is_red(pixel(photos[0], 128 - x, y))
    assert y < project(cameras, 0, BODY)[1], "the figure stands on its head"


def test_the_same_photos_come_out_every_time(photos: list[Path], tmp_path: Path) -> None:
    from reify.scene import studio

    again = studio.render_capture(tmp_path, views=4, size_px=128, samples=4)
    assert again[2].read_bytes() == photos[2].read_bytes()


def test_rendering_leaves_blender_as_it_was(tmp_path: Path) -> None:
    from reify.scene import studio

    kinds = ("scenes", "objects", "meshes", "materials", "cameras", "worlds", "curves", "images")
    before = {kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in kinds}
    studio.render_capture(tmp_path, views=1, size_px=16, samples=1)
    after = {kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in kinds}
    ignored = "Render Result"  # Blender's own, there from the first render on
    after["images"] = [name for name in after["images"] if name != ignored]
    before["images"] = [name for name in before["images"] if name != ignored]
    assert after == before


def test_the_walk_goes_all_round_on_three_heights_and_looks_at_the_figure() -> None:
    from reify.scene import studio

    cameras = studio.studio_cameras(40, 400)
    from_aim = cameras.centers - np.array(studio.AIM)
    elevation = np.degrees(np.arcsin(from_aim[:, 2] / np.linalg.norm(from_aim, axis=1)))
    assert np.ptp(elevation) > 30 and elevation.min() > 15
    azimuth = np.sort(np.degrees(np.arctan2(cameras.centers[:16, 1], cameras.centers[:16, 0])))
    assert np.diff(azimuth).max() < 35
    for index in range(40):
        assert np.abs(np.array(project(cameras, index, np.array(studio.AIM))) - 200).max() < 30
        assert np.allclose(np.linalg.det(cameras.cam_from_world[index, :3, :3]), 1.0)
