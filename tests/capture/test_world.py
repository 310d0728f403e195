from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.backend.capture.world import find_frame, find_up, normalize_world, transform_cameras, transform_capture
from reify.backend.jobs.job import Job
from reify.backend.values import Array, Cameras, Capture, Photo, Points

FOCAL_PX, SIZE_PX = 400.0, (400, 300)


def looking_at(centers: Array, target: Array, up: Array, roll_deg: float | Array = 0.0) -> Cameras:
    forward = target - centers
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    down = np.cross(forward, right)
    roll = np.radians(np.broadcast_to(roll_deg, len(centers)))[:, None]
    right, down = np.cos(roll) * right + np.sin(roll) * down, -np.sin(roll) * right + np.cos(roll) * down
    pose = np.tile(np.eye(4), (len(centers), 1, 1))
    pose[:, :3, :3] = np.stack([right, down, forward], axis=1)
    pose[:, :3, 3] = -np.einsum("cij,cj->ci", pose[:, :3, :3], centers)
    K = np.tile([[FOCAL_PX, 0, SIZE_PX[0] / 2], [0, FOCAL_PX, SIZE_PX[1] / 2], [0, 0, 1.0]], (len(centers), 1, 1))
    return Cameras(pose, K, np.tile(SIZE_PX, (len(centers), 1)), np.zeros((len(centers), 8)))


def ring(count: int = 24, arc_deg: float = 360.0, radius: float = 5.0, height: float = 2.0) -> Array:
    angle = np.radians(np.linspace(-arc_deg / 2, arc_deg / 2, count, endpoint=False))
    return np.stack([radius * np.sin(angle), -radius * np.cos(angle), np.full(count, height)], axis=1)


def similarity(seed: int) -> Array:
    random = np.random.default_rng(seed)
    q, r = np.linalg.qr(random.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    q[:, 0] *= np.linalg.det(q)
    matrix = np.eye(4)
    matrix[:3, :3] = random.uniform(0.1, 10.0) * q
    matrix[:3, 3] = random.normal(size=3) * 10
    return matrix


def subject_on_ground(random: np.random.Generator) -> Array:
    subject = random.normal(size=(600, 3))
    subject = 0.8 * subject / np.linalg.norm(subject, axis=1, keepdims=True) * random.uniform(0.8, 1.0, (600, 1)) + [0, 0, 0.8]
    ground = np.column_stack([random.uniform(-3, 3, (800, 2)), random.normal(scale=0.003, size=800)])
    far = random.uniform(-30, 30, (200, 3)) + [0, 40, 15]
    return np.concatenate([subject, ground, far])


def capture_of(cameras: Cameras, xyz: Array | None = None, metric: bool = False) -> Capture:
    photos = tuple(Photo(path=__file__, name=str(i), width=SIZE_PX[0], height=SIZE_PX[1]) for i in range(len(cameras)))  # type: ignore[arg-type]
    return Capture("test", photos, cameras, None if xyz is None else Points(xyz.astype(np.float32)), metric=metric)


def angle_deg(a: Array, b: Array) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))))


def in_world(capture: Capture, source: Array) -> Array:
    assert capture.world_from_source is not None
    return source @ capture.world_from_source[:3, :3].T + capture.world_from_source[:3, 3]


@pytest.mark.parametrize("seed", range(4))
def test_a_solved_world_in_any_orientation_and_scale_ends_upright_centered_and_of_radius_one(seed: int) -> None:
    true = looking_at(ring(), np.array([0, 0, 0.8]), np.array([0, 0, 1.0]))
    xyz = subject_on_ground(np.random.default_rng(seed))
    scramble = similarity(seed)
    moved = transform_capture(capture_of(true, xyz), scramble)
    capture = normalize_world(moved, given=False, job=Job())
    total = capture.world_from_source
    assert total is not None
    assert angle_deg(total[:3, :3] @ [0, 0, 1.0], np.array([0, 0, 1.0])) < 0.5
    assert np.linalg.norm(in_world(capture, np.array([0, 0, 0.8]))) < 0.1
    assert 0.5 < np.cbrt(np.linalg.det(total[:3, :3])) * 0.8 < 1.2
    assert np.linalg.det(total[:3, :3]) > 0


def test_points_fall_on_the_same_pixels_after_the_world_has_moved() -> None:
    capture = capture_of(looking_at(ring(), np.zeros(3), np.array([0, 0, 1.0])), subject_on_ground(np.random.default_rng(0)))
    moved = normalize_world(transform_capture(capture, similarity(3)), given=False, job=Job())

    def pixels(of: Capture) -> Array:
        assert of.cameras is not None and of.points is not None
        in_camera = np.einsum("cij,nj->cni", of.cameras.cam_from_world[:, :3, :3], of.points.xyz[:600])
        in_camera += of.cameras.cam_from_world[:, None, :3, 3]
        image = np.einsum("cij,cnj->cni", of.cameras.K, in_camera)
        return image[..., :2] / image[..., 2:]

    np.testing.assert_allclose(pixels(moved), pixels(capture), atol=0.01)


def test_an_asymmetric_subject_is_not_mirrored() -> None:
    cameras = looking_at(ring(), np.zeros(3), np.array([0, 0, 1.0]))
    frame = find_frame(transform_cameras(cameras, similarity(5)), None, keep_upright=False, keep_scale=False)
    total = frame.world_from_source @ similarity(5)
    front, left, above = total[:3, :3] @ [0, -1.0, 0], total[:3, :3] @ [-1.0, 0, 0], total[:3, :3] @ [0, 0, 1.0]
    assert np.cross(front, left) @ above < 0  # as with the unturned axes: (-y) x (-x) = -z


def test_half_a_ring_of_cameras_that_look_down_does_not_tilt_the_world() -> None:
    cameras = looking_at(ring(12, arc_deg=120, height=4.0), np.zeros(3), np.array([0, 0, 1.0]))
    up, _why, _doubtful = find_up(cameras)
    assert angle_deg(-cameras.cam_from_world[:, 1, :3].mean(axis=0), np.array([0, 0, 1.0])) > 20  # what a mean would give
    assert angle_deg(up, np.array([0, 0, 1.0])) < 4


def test_a_row_of_cameras_that_look_the_same_way_takes_up_from_the_pictures() -> None:
    row = np.stack([np.linspace(-3, 3, 9), np.full(9, -6.0), np.zeros(9)], axis=1)
    up, _why, _doubtful = find_up(looking_at(row, np.array([0, 1e6, 0]), np.array([0, 0, 1.0])))
    assert angle_deg(up, np.array([0, 0, 1.0])) < 1


def test_a_few_photos_taken_with_a_turned_phone_do_not_tilt_the_world() -> None:
    roll = np.where(np.arange(24) % 6 == 0, 90.0, np.random.default_rng(0).normal(scale=2.0, size=24))
    up, _why, _doubtful = find_up(looking_at(ring(), np.zeros(3), np.array([0, 0, 1.0]), roll))
    assert angle_deg(up, np.array([0, 0, 1.0])) < 2.5


@pytest.mark.parametrize("roll_deg", [90.0, -90.0])
def test_a_ring_of_photos_that_lie_on_their_side_stands_up(roll_deg: float) -> None:
    up, why, _doubtful = find_up(looking_at(ring(), np.zeros(3), np.array([0, 0, 1.0]), roll_deg))
    assert angle_deg(up, np.array([0, 0, 1.0])) < 1
    assert "side" in why


def test_the_ground_corrects_cameras_that_are_all_held_a_little_askew() -> None:
    cameras = looking_at(ring(24, arc_deg=150), np.array([0, 0, 0.8]), np.array([0, 0, 1.0]), 6.0)
    xyz = subject_on_ground(np.random.default_rng(1))
    with_ground = find_frame(cameras, Points(xyz.astype(np.float32)), keep_upright=False, keep_scale=False)
    without = find_frame(cameras, None, keep_upright=False, keep_scale=False)
    assert angle_deg(without.world_from_source[2, :3], np.array([0, 0, 1.0])) > 2
    assert angle_deg(with_ground.world_from_source[2, :3], np.array([0, 0, 1.0])) < 0.3
    assert with_ground.ground_z is not None
    ground = with_ground.world_from_source @ [0, 0, 0, 1.0]
    assert ground[2] == pytest.approx(with_ground.ground_z, abs=0.02)


def test_the_ground_hardly_depends_on_which_of_its_points_were_found() -> None:
    random = np.random.default_rng(2)
    lawn = np.column_stack([random.uniform(-2, 2, (1500, 2)), random.normal(scale=0.06, size=1500)])
    xyz = np.concatenate([subject_on_ground(random)[:600], lawn])
    cameras = looking_at(ring(24, arc_deg=150), np.array([0, 0, 0.8]), np.array([0, 0, 1.0]), 8.0)
    ups = []
    for _ in range(8):
        some = Points(xyz[random.random(len(xyz)) < 0.8].astype(np.float32))
        frame = find_frame(cameras, some, keep_upright=False, keep_scale=False)
        assert frame.ground_z is not None
        ups.append(frame.world_from_source[2, :3] / np.linalg.norm(frame.world_from_source[2, :3]))
    assert angle_deg(np.mean(ups, axis=0), np.array([0, 0, 1.0])) < 1
    assert max(angle_deg(up, np.mean(ups, axis=0)) for up in ups) < 0.5


def test_a_wall_is_not_taken_for_the_ground() -> None:
    random = np.random.default_rng(0)
    wall = np.column_stack([random.uniform(-3, 3, 900), random.normal(scale=0.003, size=900), random.uniform(-2, 2, 900)])
    cameras = looking_at(ring(12, arc_deg=90, height=0.0), np.zeros(3), np.array([0, 0, 1.0]))
    frame = find_frame(cameras, Points(wall.astype(np.float32)), keep_upright=False, keep_scale=False)
    assert frame.ground_z is None
    assert angle_deg(frame.world_from_source[2, :3], np.array([0, 0, 1.0])) < 2


def test_a_given_world_that_stands_upright_keeps_its_orientation_and_others_do_not() -> None:
    cameras = looking_at(ring(), np.array([1.0, 2.0, 3.0]), np.array([0, 0, 1.0]))
    kept = normalize_world(capture_of(cameras), given=True, job=Job())
    assert kept.world_from_source is not None
    rotation = kept.world_from_source[:3, :3] / np.cbrt(np.linalg.det(kept.world_from_source[:3, :3]))
    np.testing.assert_allclose(rotation, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(in_world(kept, np.array([1.0, 2.0, 3.0])), 0.0, atol=0.05)
    lying = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # COLMAP's y down
    turned = normalize_world(transform_capture(capture_of(cameras), lying), given=True, job=Job())
    assert turned.world_from_source is not None
    assert angle_deg(turned.world_from_source[:3, :3] @ [0, 0, 1.0], np.array([0, 0, 1.0])) < 1


def test_a_metric_world_is_not_scaled() -> None:
    capture = capture_of(looking_at(ring(), np.zeros(3), np.array([0, 0, 1.0])), metric=True)
    moved = normalize_world(transform_capture(capture, np.diag([1.0, -1.0, -1.0, 1.0])), given=True, job=Job())
    assert moved.world_from_source is not None
    assert np.linalg.det(moved.world_from_source[:3, :3]) == pytest.approx(1.0)


def test_cameras_on_one_side_of_a_solved_world_stand_before_its_front() -> None:
    cameras = looking_at(ring(12, arc_deg=100), np.zeros(3), np.array([0, 0, 1.0]))
    capture = normalize_world(transform_capture(capture_of(cameras), similarity(7)), given=False, job=Job())
    assert capture.cameras is not None
    x, y, _z = capture.cameras.centers.mean(axis=0)
    assert y < 0 and abs(x) < 0.05 * abs(y)


def front_deg(cameras: Cameras) -> float:
    """Direction of our world's -Y in the cameras' own, from its -Y toward its X."""
    x, y, _z = -find_frame(cameras, None, keep_upright=False, keep_scale=False).world_from_source[1, :3]
    return float(np.degrees(np.arctan2(x, -y)))


def test_the_front_is_where_most_cameras_stand_or_else_what_the_first_photo_shows() -> None:
    arcs = np.arange(160, 361)
    fronts = [front_deg(looking_at(ring(60, arc), np.zeros(3), np.array([0, 0, 1.0]))) for arc in arcs]
    assert abs(fronts[0]) < 2 and abs(fronts[-1] + 180) < 2  # the first of each arc stands at its left end
    assert np.abs(np.diff(fronts)).max() < 5  # and nothing tips over in between


@pytest.mark.parametrize("left_out", [1, 7, 15])
def test_one_photo_less_does_not_turn_a_world_that_was_photographed_nearly_all_around(left_out: int) -> None:
    cameras = looking_at(ring(16, arc_deg=310), np.zeros(3), np.array([0, 0, 1.0]))
    others = cameras.take([index for index in range(16) if index != left_out])
    assert front_deg(others) == pytest.approx(front_deg(cameras), abs=2)


def test_what_lies_right_in_a_first_photo_from_straight_above_is_x() -> None:
    above = np.column_stack([ring(4, 360, 1.0)[:, :2], np.full(4, 5.0)])
    downward = np.tile(np.eye(4), (4, 1, 1))
    downward[:, :3, :3] = [[0, 1.0, 0], [1, 0, 0], [0, 0, -1]]  # right is Y, down is X
    downward[:, :3, 3] = -np.einsum("cij,cj->ci", downward[:, :3, :3], above)
    cameras = replace(looking_at(ring(4), np.zeros(3), np.array([0, 0, 1.0])), cam_from_world=downward)
    tilted = looking_at(ring(24), np.zeros(3), np.array([0, 0, 1.0]))  # tell where up is
    frame = find_frame(joined(cameras, tilted), None, keep_upright=False, keep_scale=False)
    assert angle_deg(frame.world_from_source[0, :3], np.array([0, 1.0, 0])) < 2


def joined(a: Cameras, b: Cameras) -> Cameras:
    return Cameras(*(np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("cam_from_world", "K", "size_px", "distortion")))


def test_cameras_of_which_half_are_turned_by_a_quarter_still_tell_up() -> None:
    random = np.random.default_rng(4)
    roll = np.where(np.arange(24) % 2 == 0, 90.0, 0.0) + random.normal(scale=2.0, size=24)
    up, why, doubtful = find_up(looking_at(ring(height=1.0), np.zeros(3), np.array([0, 0, 1.0]), roll))
    assert angle_deg(up, np.array([0, 0, 1.0])) < 3 and "quarter" in why and not doubtful


@pytest.mark.parametrize("height", [2.0, 0.0])
def test_a_walk_around_a_subject_with_a_camera_held_at_all_angles_tells_up(height: float) -> None:
    random = np.random.default_rng(0)
    centers = ring(40, height=height) + random.normal(scale=0.2, size=(40, 3))
    cameras = looking_at(centers, np.zeros(3), np.array([0.0, 0.0, 1.0]), random.uniform(-180, 180, 40))
    up, why, doubtful = find_up(cameras)
    assert abs(up[2]) > np.cos(np.radians(4.0)) and "circle" in why
    assert (up[2] > 0 and not doubtful) or height == 0.0
    above = looking_at(5.0 * random.normal(size=(40, 3)), np.zeros(3), np.array([0.0, 0.0, 1.0]), random.uniform(-180, 180, 40))
    assert find_up(above)[2]


def test_cameras_held_at_all_angles_take_up_from_the_ground_and_say_so_where_there_is_none() -> None:
    random = np.random.default_rng(5)
    rising = ring(height=2.0) + np.linspace([0, 0, -1.5], [0, 0, 4.0], 24)  # a spiral, whose axis isn't told by a circle
    cameras = looking_at(rising, np.array([0, 0, 0.8]), np.array([0, 0, 1.0]), random.uniform(-180, 180, 24))
    on_ground, alone = Job(), Job()
    capture = normalize_world(capture_of(cameras, subject_on_ground(np.random.default_rng(0))), given=False, job=on_ground)
    assert capture.world_from_source is not None
    assert angle_deg(capture.world_from_source[:3, :3] @ [0, 0, 1.0], np.array([0, 0, 1.0])) < 1
    assert not on_ground.report.warnings and "up from the ground" in on_ground.report.choices["world"]
    normalize_world(capture_of(cameras), given=False, job=alone)
    assert "up is doubtful" in alone.report.warnings[0]


def test_the_ground_corrects_the_axis_of_a_walk() -> None:
    cameras = looking_at(ring(height=2.0), np.array([0, 0, 0.8]), np.array([0, 0, 1.0]), np.random.default_rng(5).uniform(-180, 180, 24))
    frame = find_frame(cameras, Points(subject_on_ground(np.random.default_rng(0)).astype(np.float32)), keep_upright=False, keep_scale=True)
    assert frame.up.startswith("from the circle") and frame.up.endswith("from the ground") and not frame.doubtful
    assert angle_deg(frame.world_from_source[:3, :3] @ [0, 0, 1.0], np.array([0, 0, 1.0])) < 1
