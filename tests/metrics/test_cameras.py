from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reify.backend.metrics.cameras import align_points, camera_errors, rotation_angles_deg
from reify.backend.values import Array, Cameras


def rotation(axis: Array, angle_deg: float) -> Array:
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(angle_deg)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def cameras_at(centers: Array, rotations: Array) -> Cameras:
    count = len(centers)
    pose = np.tile(np.eye(4), (count, 1, 1))
    pose[:, :3, :3] = rotations
    pose[:, :3, 3] = -np.einsum("cij,cj->ci", rotations, centers)
    return Cameras(pose, np.tile(np.eye(3), (count, 1, 1)), np.full((count, 2), 100), np.zeros((count, 8)))


def random_cameras(seed: int, count: int = 7) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 3)), np.stack([rotation(random.normal(size=3), random.uniform(0, 180)) for _ in range(count)])


@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100.0), angle=st.floats(0.0, 180.0))
@settings(max_examples=30, deadline=None)
def test_a_turned_scaled_and_moved_solution_has_no_error(seed: int, scale: float, angle: float) -> None:
    centers, rotations = random_cameras(seed)
    turn = rotation(np.array([1.0, 2.0, -0.5]), angle)
    solved = cameras_at(scale * centers @ turn.T + [3.0, -1.0, 2.0], rotations @ turn.T)
    errors = camera_errors(solved, cameras_at(centers, rotations))
    assert errors.position.max() < 1e-9
    assert errors.rotation_deg.max() < 1e-5


def test_a_mirrored_solution_is_not_aligned_by_mirroring() -> None:
    centers, rotations = random_cameras(1)
    mirrored = cameras_at(centers * [-1.0, 1.0, 1.0], rotations)
    errors = camera_errors(mirrored, cameras_at(centers, rotations))
    assert np.linalg.det(errors.true_from_solved[:3, :3]) > 0
    assert errors.position.max() > 0.3


def test_one_camera_that_is_turned_by_ten_degrees_is_named_by_its_error() -> None:
    centers, rotations = random_cameras(2)
    wrong = rotations.copy()
    wrong[3] = rotation(np.array([0.0, 1.0, 0.0]), 10.0) @ wrong[3]
    errors = camera_errors(cameras_at(centers, wrong), cameras_at(centers, rotations))
    np.testing.assert_allclose(errors.rotation_deg, np.where(np.arange(7) == 3, 10.0, 0.0), atol=1e-6)


def test_the_alignment_of_noisy_points_is_the_least_squares_one() -> None:
    random = np.random.default_rng(3)
    source = random.normal(size=(40, 3))
    target = 2.0 * source @ rotation(np.array([1.0, 0.0, 1.0]), 70.0).T + [1.0, 2.0, 3.0] + 0.1 * random.normal(size=(40, 3))
    best = align_points(source, target)

    def squared_error(similarity: Array) -> float:
        return float(np.square(source @ similarity[:3, :3].T + similarity[:3, 3] - target).sum())

    for axis in np.eye(3):
        for angle in (-0.1, 0.1):
            nudged = best.copy()
            nudged[:3, :3] = rotation(axis, angle) @ nudged[:3, :3]
            assert squared_error(nudged) > squared_error(best)
    for factor in (0.999, 1.001):
        nudged = best.copy()
        nudged[:3, :3] *= factor
        assert squared_error(nudged) > squared_error(best)


@pytest.mark.parametrize("angle", [1e-6, 0.5, 90.0, 179.9])
def test_the_angle_of_a_rotation_is_exact_near_zero_and_near_a_half_turn(angle: float) -> None:
    assert rotation_angles_deg(rotation(np.array([1.0, 1.0, 0.3]), angle)[None])[0] == pytest.approx(angle, rel=1e-6)


def test_cameras_on_one_line_cannot_be_aligned() -> None:
    line = np.outer(np.arange(4.0), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="line"):
        align_points(line, line)
