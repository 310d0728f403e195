"""From where a subject was photographed, on rings of cameras of which one knows it."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.capture import coverage
from reify.backend.values import Cameras


def looking(centers: np.ndarray, at=(0.0, 0.0, 0.0)) -> Cameras:
    """Cameras at `centers` [C,3] that look at a point, upright."""
    poses = []
    for center in np.asarray(centers, float):
        forward = np.asarray(at) - center
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        rotation = np.array([right, np.cross(forward, right), forward])
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, -rotation @ center
        poses.append(pose)
    count = len(poses)
    return Cameras(np.array(poses), np.tile(np.eye(3), (count, 1, 1)), np.ones((count, 2), int), np.zeros((count, 8)))


def ring(angles_deg, elevation_deg=20.0, radius=4.0) -> np.ndarray:
    """Places around the origin, from the front (0) to the right (90)."""
    turn, up = np.radians(np.asarray(angles_deg, float)), np.radians(elevation_deg)
    return radius * np.column_stack((np.sin(turn) * np.cos(up), -np.cos(turn) * np.cos(up), np.full(len(turn), np.sin(up))))


def test_what_the_cameras_look_at_is_found_where_it_is():
    at = (0.3, -0.2, 0.4)
    assert coverage.focus_of(looking(ring(range(0, 360, 30)) + np.array(at), at)) == pytest.approx(at, abs=0.05)


def test_a_full_ring_lacks_photos_from_above_alone_and_says_so():
    said = coverage.said_of(looking(ring(range(0, 360, 15))), [f"{n}.jpg" for n in range(24)])
    assert said[0].startswith("Photos look from ") and said[1:] == ["Photos are missing from above."]


def test_half_a_ring_lacks_the_other_half_by_name():
    cameras = looking(np.concatenate((ring(range(0, 181, 15)), ring(range(0, 181, 15), 70.0))))
    directions = ring(range(0, 360, 5), 10.0, 1.0)
    missing = coverage.places_missing(directions, coverage.coverage(cameras, directions).counts)
    assert set(missing) == {"the left", "the back left", "the front left"}


def test_counts_are_the_cameras_that_look_from_there_and_those_that_look_aside_dont_count():
    cameras = looking(ring([0, 10, 20, 90]))
    directions = ring([0, 90, 180], 20.0, 1.0)
    assert coverage.coverage(cameras, directions).counts.tolist() == [3, 1, 0]
    aside = looking(ring([0, 10, 20]))
    away = looking(ring([90]), at=(0.0, 50.0, 0.0))
    both = Cameras(*(np.concatenate((getattr(aside, n), getattr(away, n))) for n in ("cam_from_world", "K", "size_px", "distortion")))
    assert coverage.coverage(both, directions).counts.tolist() == [3, 0, 0]


def test_a_photo_far_from_all_others_is_named():
    said = coverage.said_of(looking(ring([0, 15, 30, 45, 120])), [f"{n}.jpg" for n in range(5)])
    assert said[-1] == "Photos without another one within 30 degrees: 1 (4.jpg). Take some in between."
