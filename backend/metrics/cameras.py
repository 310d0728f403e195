"""Errors of solved cameras, after alignment by the similarity that structure from motion leaves undetermined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..values import Array, Cameras


@dataclass(frozen=True, eq=False)
class CameraErrors:
    """Errors of each camera, in the units of the true world."""

    position: Array  # [C]
    rotation_deg: Array  # [C]
    true_from_solved: Array  # [4,4] the similarity of the alignment


def camera_errors(solved: Cameras, true: Cameras) -> CameraErrors:
    """Errors of `solved` against `true`, camera by camera, after the best similarity between the projection centers.

    Raises ValueError where the numbers of cameras differ, there are fewer than three, or all stand on one line.
    """
    if len(solved) != len(true):
        raise ValueError(f"{len(solved)} solved cameras and {len(true)} true ones")
    similarity = align_points(solved.centers, true.centers)
    scale = np.cbrt(np.linalg.det(similarity[:3, :3]))
    aligned = solved.centers @ similarity[:3, :3].T + similarity[:3, 3]
    cam_from_true = solved.cam_from_world[:, :3, :3] @ (similarity[:3, :3] / scale).T
    between = cam_from_true @ true.cam_from_world[:, :3, :3].transpose(0, 2, 1)
    return CameraErrors(np.linalg.norm(aligned - true.centers, axis=1), rotation_angles_deg(between), similarity)


def rotation_angles_deg(rotations: Array) -> Array:
    """Angles [C] of rotations [C,3,3], in degrees; exact near zero, where the trace alone isn't."""
    sine = np.linalg.norm(
        [rotations[:, 2, 1] - rotations[:, 1, 2], rotations[:, 0, 2] - rotations[:, 2, 0], rotations[:, 1, 0] - rotations[:, 0, 1]], axis=0
    )
    return np.degrees(np.arctan2(sine, np.trace(rotations, axis1=1, axis2=2) - 1.0))


def align_points(source: Array, target: Array) -> Array:
    """The similarity [4,4] that takes `source` [N,3] to `target` [N,3] with the least squared error, without mirroring.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991, equations 40 to 43.
    Raises ValueError where the points don't determine it.
    """
    if source.shape != target.shape or len(source) < 3:
        raise ValueError(f"source is {source.shape} and target {target.shape}, expected the same (N, 3) with N >= 3")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    from_source, from_target = source - source_mean, target - target_mean
    left, singular, right = np.linalg.svd(from_target.T @ from_source / len(source))
    if singular[1] <= 1e-12 * max(singular[0], 1e-300):
        raise ValueError("the points stand on one line")
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ np.diag(signs) @ right
    scale = (singular * signs).sum() / np.square(from_source).sum(axis=1).mean()
    similarity = np.eye(4)
    similarity[:3, :3] = scale * rotation
    similarity[:3, 3] = target_mean - scale * rotation @ source_mean
    return similarity
