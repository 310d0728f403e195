"""A small picture of a result, for lists and the asset browser: seen by the first of its cameras, or from the front right and above."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..values import Array, Cameras, Result

SIDE_PX = 256
DIRECTION = (0.55, -1.0, 0.45)  # from the subject to the camera
MARGIN = 1.15
PAPER = (0.22, 0.22, 0.22)  # Blender's own panels are about as dark


def thumbnail(result: Result, side_px: int = SIDE_PX) -> Array | None:
    """A square picture [S,S,3] uint8; None where there is neither a mesh nor splats to be seen."""
    from ..mesh.raster import render_mesh
    from ..splats.render import rasterize

    solid = result.splats.means if result.splats is not None else result.mesh.vertices if result.mesh is not None else None
    if solid is None or not len(solid):
        return None
    capture = result.capture
    cameras = _framing(solid, side_px) if capture is None or not capture.cameras else _square(capture.cameras, side_px)
    if result.splats is not None:
        rgb = rasterize(result.splats, cameras, 0, background=PAPER, geometry=False).rgb
        return (np.clip(rgb, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    assert result.mesh is not None
    return render_mesh(result.mesh, cameras, 0, background=PAPER)


def _square(cameras: Cameras, side_px: int) -> Cameras:
    """The first camera without its distortion, its picture's middle square at `side_px`."""
    first = cameras.take([0])
    width, height = (float(n) for n in first.size_px[0])
    scale = side_px / min(width, height)
    K = first.K.copy()
    K[0, :2] *= scale
    K[0, :2, 2] -= (np.array([width, height]) * scale - side_px) / 2
    return replace(first, K=K, size_px=np.array([[side_px, side_px]]), distortion=np.zeros((1, 8)), fisheye=False)


def _framing(points: Array, side_px: int) -> Cameras:
    """A camera that has all but the outermost hundredth of the points [N,3] in its picture."""
    low, high = np.percentile(points, (1, 99), axis=0)
    centre, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2 or 1.0
    back = np.array(DIRECTION) / np.linalg.norm(DIRECTION)
    right = np.cross((0.0, 0.0, 1.0), back)
    right /= np.linalg.norm(right)
    rotation = np.stack((right, np.cross(right, back), -back))  # rows: x right, y down, z forward
    distance = 3.0 * radius
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -rotation @ (centre + distance * back)
    focal_px = 0.5 * side_px * distance / (MARGIN * radius)
    K = np.array([[focal_px, 0, side_px / 2], [0, focal_px, side_px / 2], [0, 0, 1]])
    return Cameras(pose[None], K[None], np.array([[side_px, side_px]]), np.zeros((1, 8)))
