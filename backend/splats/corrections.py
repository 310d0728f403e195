"""Nuisance parameters of each photo: exposure with white balance, and the error of the camera's pose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..values import Cameras
from .step import StepFigures

Array = Any
NEUTRAL = np.array([1, 1, 1, 0, 0, 0], np.float64)  # exposure: gains, then offsets
PULL = 0.01  # weight of the squared distance of an exposure from NEUTRAL
# Sum of all of a view's steps, if they all point the same way; the learning rate is this by the number of times that the view is used.
EXPOSURE_REACH, TURN_REACH, MOVE_REACH = 1.5, 0.05, 0.05  # of full color; radians; of the scene's extent
LONGEST = 0.1  # learning rate as a share of the reach, at most
DECAY = 0.1  # learning rate at the end of training by that at its beginning
BETA1, BETA2, EPSILON = 0.9, 0.99, 1e-12  # of Adam


class Corrections:
    """Exposures and poses of the training views, with Adam's moments and step count of each, as a view is used once an epoch."""

    def __init__(self, cam_from_world: Array, extent: float, *, exposure: bool, cameras: bool) -> None:
        """`cam_from_world` [V,4,4] are the poses to start from; `extent` is how far the cameras are from the subject, in world units."""
        count = len(cam_from_world)
        self._fit_exposure, self._fit_cameras = exposure, cameras
        self.exposures = np.tile(NEUTRAL, (count, 1))
        self.poses = np.array(cam_from_world, np.float64)
        self.adam = np.zeros((count, 2, 12))  # of the exposure and of the pose
        self.turns = np.zeros(count)
        self._reach = np.repeat((EXPOSURE_REACH, TURN_REACH, MOVE_REACH * extent), (6, 3, 3))

    def exposure(self, place: int) -> Array | None:
        """Gains and offsets [6] float32 of a training view, None where they aren't fitted."""
        return self.exposures[place].astype(np.float32) if self._fit_exposure else None

    def camera(self, place: int, camera: Cameras) -> Cameras:
        """The camera of a training view with its pose as it is by now."""
        return replace(camera, cam_from_world=self.poses[[place]]) if self._fit_cameras else camera

    def learn(self, place: int, figures: StepFigures, fraction: float, epochs: float) -> None:
        """Take a step of Adam in a view's corrections by a step's gradients; `epochs` is how often the view is used in all of training."""
        gradient = np.zeros(12)
        if figures.v_exposure is not None:
            gradient[:6] = figures.v_exposure + 2 * PULL * (self.exposures[place] - NEUTRAL)
        if figures.v_camera is not None:
            gradient[6:] = figures.v_camera
        if not gradient.any() or not np.isfinite(gradient).all():
            return
        self.turns[place] += 1
        first, second = self.adam[place]
        first += (1 - BETA1) * (gradient - first)
        second += (1 - BETA2) * (gradient**2 - second)
        unbiased = first / (1 - BETA1 ** self.turns[place]), second / (1 - BETA2 ** self.turns[place])
        rate = self._reach * min(LONGEST, 1 / max(epochs, 1)) * DECAY**fraction
        change = -rate * unbiased[0] / (np.sqrt(unbiased[1]) + EPSILON)
        if figures.v_exposure is not None:
            self.exposures[place] += change[:6]
            # All photos brighter and all splats darker looks the same: on average nothing is corrected.
            self.exposures += NEUTRAL - self.exposures.mean(axis=0)
        if figures.v_camera is not None:
            self.poses[place] = motion(change[6:]) @ self.poses[place]


def motion(twist: Array) -> Array:
    """Matrix [4,4] that turns by the rotation vector twist[:3] and then moves by twist[3:]; Rodrigues' formula."""
    angle = float(np.linalg.norm(twist[:3]))
    x, y, z = twist[:3] / max(angle, 1e-300)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix = np.eye(4)
    matrix[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    matrix[:3, 3] = twist[3:]
    return matrix
