"""Camera and world axes: the one place where conventions are converted.

Cameras of ours look along +z with y down (OpenCV); OpenGL's and Blender's look along -z with y up. Worlds of ours are
Blender's, Z up; COLMAP's have no fixed up, but stand on y down where the first camera was level.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..values import Array, Cameras
from .vectors import unit

OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])  # of camera axes; its own inverse

# World axes: target_from_source, rotations about x by a quarter turn.
Z_UP_FROM_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
Z_UP_FROM_Y_DOWN = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def cam_from_world_of_opengl(world_from_cam: Array) -> Array:
    """[C,4,4] camera-to-world with OpenGL axes (transforms.json, Blender's matrix_world) to cam_from_world with OpenCV axes."""
    return inverse_rigid(np.asarray(world_from_cam, dtype=np.float64) @ OPENCV_FROM_OPENGL)


def opengl_of_cam_from_world(cam_from_world: Array) -> Array:
    """[C,4,4] cam_from_world with OpenCV axes to camera-to-world with OpenGL axes, as Blender's matrix_world has them."""
    return inverse_rigid(np.asarray(cam_from_world, dtype=np.float64)) @ OPENCV_FROM_OPENGL


def looking_at(centers: Array, target: Array) -> Array:
    """cam_from_world [C,4,4], OpenCV axes, of level cameras at `centers` [C,3] that look at `target` [3]; z is up in the world.

    The world's x is to the right of a camera that looks straight up or down.
    """
    forward = unit(target - centers)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    vertical = np.linalg.norm(right, axis=1) < 1e-9
    right = unit(np.where(vertical[:, None], [1.0, 0.0, 0.0], right))
    poses = np.tile(np.eye(4), (len(centers), 1, 1))
    poses[:, :3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    poses[:, :3, 3] = -np.einsum("cij,cj->ci", poses[:, :3, :3], centers)
    return poses


def inverse_rigid(transforms: Array) -> Array:
    """Inverses of rigid transforms [C,4,4]; scale and shear are removed."""
    u, _, vt = np.linalg.svd(transforms[:, :3, :3])
    rotations = u @ vt
    inverse = np.tile(np.eye(4), (len(transforms), 1, 1))
    inverse[:, :3, :3] = rotations.transpose(0, 2, 1)
    inverse[:, :3, 3] = -np.einsum("cji,cj->ci", rotations, transforms[:, :3, 3])
    return inverse


def move_points(xyz: Array, new_from_old: Array) -> Array:
    """[N,3] positions after the world was moved by an affine transform [4,4]; keeps their dtype."""
    return (xyz @ new_from_old[:3, :3].T + new_from_old[:3, 3]).astype(xyz.dtype, copy=False)


def turn_cameras(cameras: Cameras, quarter_turns: Array) -> Cameras:
    """The cameras of pictures that were turned counter-clockwise by `quarter_turns` [C] (numpy.rot90), where the world stays."""
    cam_from_world, K, size_px, distortion = (
        values.copy() for values in (cameras.cam_from_world, cameras.K, cameras.size_px, cameras.distortion)
    )
    for i, turns in enumerate(np.asarray(quarter_turns) % 4):
        for _ in range(turns):  # a quarter turn takes the pixel (u, v) to (v, width - u), so x' = y and y' = -x
            width = size_px[i, 0]
            cam_from_world[i, :2] = cam_from_world[i, 1].copy(), -cam_from_world[i, 0]
            K[i, 0, 0], K[i, 1, 1] = K[i, 1, 1], K[i, 0, 0]
            K[i, 0, 2], K[i, 1, 2] = K[i, 1, 2], width - K[i, 0, 2]
            size_px[i] = size_px[i, ::-1].copy()
            if not cameras.fisheye:  # its coefficients are all radial
                distortion[i, 2:4] = -distortion[i, 3], distortion[i, 2]
    return replace(cameras, cam_from_world=cam_from_world, K=K, size_px=size_px, distortion=distortion)


def resize_cameras(cameras: Cameras, size_px: Array) -> Cameras:
    """The cameras of pictures scaled to `size_px` [C,2]; the first pixel's center stays at (0.5, 0.5)."""
    scale = np.asarray(size_px, dtype=np.float64) / cameras.size_px
    K = cameras.K.copy()
    K[:, :2] *= scale[:, :, None]
    return replace(cameras, K=K, size_px=np.asarray(size_px).astype(cameras.size_px.dtype))
