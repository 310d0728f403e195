import numpy as np
import pytest
from reify.backend.capture.lenses import project
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.geometry import axes, quaternions
from reify.backend.values import Cameras

# Looks along the world's +y from 5 units away, upright: right is +x, up is +z.
LEVEL_OPENGL = np.array([[[1.0, 0, 0, 0], [0, 0, -1, -5], [0, 1, 0, 0], [0, 0, 0, 1]]])


def camera(cam_from_world: np.ndarray, distortion: tuple[float, ...] = (0.0,) * 8, fisheye: bool = False) -> Cameras:
    K = pinhole_matrix(80.0, 90.0, 47.0, 33.0)
    return Cameras(cam_from_world, K[None], np.array([[100, 70]]), np.array([distortion]), fisheye)


def test_a_camera_looks_at_its_target_upright_and_from_where_it_is():
    centers = np.array([[0.0, -5.0, 0.0], [3.0, -2.0, 1.0]])
    level, other = axes.looking_at(centers, np.zeros(3))
    np.testing.assert_allclose(level, axes.cam_from_world_of_opengl(LEVEL_OPENGL)[0], atol=1e-12)
    target, up, eye = (other[:3, :3] @ point + other[:3, 3] for point in (np.zeros(3), [0, 0, 1.0], centers[1]))
    np.testing.assert_allclose(target, [0, 0, 14**0.5], atol=1e-12)
    np.testing.assert_allclose(eye, 0, atol=1e-12)
    assert up[0] == pytest.approx(0) and up[1] < 0


@pytest.mark.parametrize("height", [-3.0, 3.0])
def test_a_camera_straight_above_or_below_has_x_to_its_right(height: float):
    (pose,) = axes.looking_at(np.array([[1.0, 2.0, height]]), np.array([1.0, 2.0, 0.0]))
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_allclose(pose[:3, :3] @ [1.0, 0, 0], [1, 0, 0])
    np.testing.assert_allclose(pose[:3, :3] @ [1.0, 2, 0] + pose[:3, 3], [0, 0, 3])


def test_what_is_right_and_up_in_the_world_is_right_and_up_in_the_picture():
    cameras = camera(axes.cam_from_world_of_opengl(LEVEL_OPENGL))
    (right, up, ahead), depths = project(cameras, 0, np.array([[1.0, 0, 0], [0, 0, 1.0], [0, 0, 0]]))
    assert right[0] > ahead[0] and right[1] == pytest.approx(ahead[1])
    assert up[1] < ahead[1] and up[0] == pytest.approx(ahead[0])
    assert np.allclose(depths, 5.0)
    assert np.allclose(cameras.centers, [[0, -5, 0]]) and np.allclose(cameras.forward, [[0, 1, 0]])


def test_opengl_poses_come_back_as_they_went():
    poses = np.array([np.eye(4)] * 5)
    rng = np.random.default_rng(0)
    poses[:, :3, :3] = quaternions.to_matrices(rng.normal(size=(5, 4)))
    poses[:, :3, 3] = rng.normal(size=(5, 3))
    assert np.allclose(axes.opengl_of_cam_from_world(axes.cam_from_world_of_opengl(poses)), poses)


@pytest.mark.parametrize(("turn", "up"), [(axes.Z_UP_FROM_Y_UP, [0, 1, 0]), (axes.Z_UP_FROM_Y_DOWN, [0, -1, 0])])
def test_up_becomes_z_and_nothing_is_mirrored(turn, up):
    assert np.allclose(turn[:3, :3] @ up, [0, 0, 1])
    assert np.linalg.det(turn[:3, :3]) == pytest.approx(1.0)
    assert np.allclose(turn[:3, :3] @ [1, 0, 0], [1, 0, 0])


@pytest.mark.parametrize("fisheye", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_turned_cameras_see_points_where_the_turned_picture_shows_them(turns, fisheye):
    cameras = camera(axes.cam_from_world_of_opengl(LEVEL_OPENGL), (0.1, -0.05, 0.02, -0.03, 0.01, 0, 0, 0), fisheye)
    point = np.array([[0.9, 0.3, 0.7]])
    ((u, v),), _ = project(cameras, 0, point)
    marker = np.zeros((70, 100))
    marker[int(v), int(u)] = 1.0
    row, column = np.argwhere(np.rot90(marker, turns) == 1.0)[0]
    turned = axes.turn_cameras(cameras, np.array([turns]))
    ((u, v),), _ = project(turned, 0, point)
    assert (int(v), int(u)) == (row, column)
    assert tuple(turned.size_px[0]) == np.rot90(marker, turns).shape[::-1]
    assert np.allclose(turned.centers, cameras.centers)


def test_a_scaled_camera_sees_points_at_the_same_part_of_the_picture():
    cameras = camera(axes.cam_from_world_of_opengl(LEVEL_OPENGL), (0.1, 0, 0.01, 0, 0, 0, 0, 0))
    smaller = axes.resize_cameras(cameras, np.array([[50, 14]]))
    points = np.array([[0.9, 0.3, 0.7], [-1.0, 2.0, -0.2]])
    assert np.allclose(project(smaller, 0, points)[0], project(cameras, 0, points)[0] * [0.5, 0.2])


def test_a_camera_that_was_scaled_along_with_its_world_becomes_rigid():
    scaled = LEVEL_OPENGL.copy()
    scaled[:, :3, :3] *= 2.5
    assert np.allclose(axes.cam_from_world_of_opengl(scaled), axes.cam_from_world_of_opengl(LEVEL_OPENGL))
