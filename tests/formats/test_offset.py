import numpy as np
import pytest
from reify.backend.formats.offset import cameras_without, centered, offset_of, with_offset, written
from reify.backend.values import Cameras, Mesh, Points

UTM = np.array([500123.25, 4649776.5, 312.0])
ECEF = np.array([3875298.5, 332091.25, 5039022.75])
RNG = np.random.default_rng(0)
BALL = (lambda v: v / np.linalg.norm(v, axis=1, keepdims=True))(RNG.normal(size=(500, 3)))


@pytest.mark.parametrize("place", [UTM, ECEF, -UTM])
@pytest.mark.parametrize("size", [0.01, 1.0, 800.0])
def test_large_coordinates_lose_no_detail(place, size):
    xyz = size * BALL + place
    offset = offset_of(xyz)
    assert offset is not None and np.abs(offset - place).max() <= size
    points = centered(Points(xyz), offset)
    assert points.xyz.dtype == np.float32
    assert np.abs(points.xyz - (xyz - offset)).max() < 1e-6 * size
    assert np.abs(with_offset(points.xyz, offset) - xyz).max() < 1e-6 * size


@pytest.mark.parametrize("place", [(0, 0, 0), (10, 0, 0), (0, -100, 3)])
def test_coordinates_that_32_bits_hold_stay_where_they_are(place):
    assert offset_of(BALL + np.array(place)) is None


def test_stray_and_broken_positions_do_not_move_the_offset():
    xyz = BALL + UTM
    xyz[:10], xyz[10], xyz[11] = 0.0, np.nan, np.inf
    offset = offset_of(xyz)
    assert offset is not None and np.abs(offset - UTM).max() <= 1.0


def test_the_offset_is_a_number_that_can_be_typed():
    assert written(offset_of(30 * BALL + UTM)) == "500120, 4649780, 310"


def test_nothing_and_a_single_place_have_an_answer():
    assert offset_of(np.zeros((0, 3))) is None and offset_of(np.full((1, 3), np.nan)) is None and offset_of(np.zeros((3, 3))) is None
    assert np.abs(offset_of(np.tile(UTM, (4, 1))) - UTM).max() <= 0.5


def test_a_mesh_is_centered_by_its_vertices():
    mesh = Mesh(BALL + UTM, np.array([[0, 1, 2]], np.int32))
    assert np.allclose(centered(mesh, UTM).vertices, BALL, atol=1e-6)


def test_cameras_see_the_same_pixels_after_the_offset_is_gone():
    turn = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    poses = np.eye(4)[None].repeat(2, axis=0)
    poses[:, :3, :3] = turn
    poses[:, :3, 3] = -(turn @ (UTM + [[1, 2, 3], [4, 5, 6]])[..., None])[..., 0]
    cameras = Cameras(poses, np.eye(3)[None].repeat(2, axis=0), np.array([[8, 6]] * 2), np.zeros((2, 8)))
    near = cameras_without(cameras, UTM)
    assert np.allclose(near.centers, [[1, 2, 3], [4, 5, 6]], atol=1e-8) and np.array_equal(near.cam_from_world[:, :3, :3], poses[:, :3, :3])
    assert cameras_without(cameras, None) is cameras
