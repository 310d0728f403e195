"""A small picture of a result, for lists and the asset browser: seen by the first of its cameras, or from the front right and above."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..geometry import triangles
from ..geometry.axes import looking_at
from ..values import Array, Cameras, Mesh, Result

SIDE_PX = 192
SAMPLES = 400_000  # on a mesh, about ten a pixel
DIRECTION = (0.55, -1.0, 0.45)  # from the subject to the camera
MARGIN = 1.15
PAPER = (0.22, 0.22, 0.22)  # Blender's own panels are about as dark
GRAY = (0.8, 0.8, 0.8)
SHADED = 0.45  # of a face's brightness is lost where it is seen edge-on


def thumbnail(result: Result, side_px: int = SIDE_PX) -> Array | None:
    """A square picture [S,S,3] uint8; None where there is neither a mesh nor splats to be seen."""
    solid = result.splats.means if result.splats is not None else result.mesh.vertices if result.mesh is not None else None
    if solid is None or not len(solid):
        return None
    capture = result.capture
    cameras = _framing(solid, side_px) if capture is None or not capture.cameras else _square(capture.cameras, side_px)
    if result.splats is not None:
        from ..splats.render import rasterize

        rgb = rasterize(result.splats, cameras, 0, background=PAPER, geometry=False).rgb
    else:
        assert result.mesh is not None
        rgb = _picture_of(result.mesh, cameras, side_px)
    return (np.clip(rgb, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _picture_of(mesh: Mesh, cameras: Cameras, side_px: int) -> Array:
    """A mesh as the first camera sees it, by points on it: a method may have neither kernels nor the time to compile them."""
    rng = np.random.default_rng(0)
    corners = triangles.corners_of(mesh.vertices, mesh.faces)
    normals = triangles.cross(corners)
    areas = np.linalg.norm(normals, axis=1)
    if not areas.sum() > 0:
        return np.broadcast_to(np.asarray(PAPER), (side_px, side_px, 3))
    face = rng.choice(len(areas), SAMPLES, p=areas / areas.sum())
    weights = rng.dirichlet((1.0, 1.0, 1.0), SAMPLES)
    points = np.einsum("nk,nkc->nc", weights, corners[face])
    pose, K = cameras.cam_from_world[0], cameras.K[0]
    seen = points @ pose[:3, :3].T + pose[:3, 3]
    toward = np.abs(np.einsum("nc,nc->n", normals[face] / areas[face, None], points - cameras.centers[0]))
    shade = 1.0 - SHADED * (1.0 - toward / np.linalg.norm(points - cameras.centers[0], axis=1))
    color = _colors(mesh, face, weights) * shade[:, None]
    pixel = np.floor((seen[:, :2] / seen[:, 2:]) * K[[0, 1], [0, 1]] + K[:2, 2]).astype(np.int64)
    inside = (seen[:, 2] > 0) & (pixel >= 0).all(axis=1) & (pixel < side_px).all(axis=1)
    order = np.flatnonzero(inside)[np.argsort(-seen[inside, 2])]  # the nearest last: it stays
    picture = np.tile(np.asarray(PAPER), (side_px, side_px, 1))
    picture[pixel[order, 1], pixel[order, 0]] = color[order]
    return picture


def _colors(mesh: Mesh, face: Array, weights: Array) -> Array:
    """Colors of points on faces, [N,3] sRGB, 0 to 1."""
    texture = mesh.textures.get("base_color")
    if texture is not None and mesh.uvs is not None:
        uv = np.einsum("nk,nkc->nc", weights, mesh.uvs[face])
        height, width = texture.shape[:2]
        column = np.clip(uv[:, 0] * width, 0, width - 1).astype(np.int64)
        row = np.clip((1.0 - uv[:, 1]) * height, 0, height - 1).astype(np.int64)
        return texture[row, column, :3] / 255.0
    if mesh.vertex_srgb is not None:
        return np.einsum("nk,nkc->nc", weights, mesh.vertex_srgb[mesh.faces[face]])
    return np.broadcast_to(np.asarray(GRAY), (len(face), 3))


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
    center, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2 or 1.0
    distance = 3.0 * radius
    poses = looking_at((center + distance * np.array(DIRECTION) / np.linalg.norm(DIRECTION))[None], center)
    focal_px = 0.5 * side_px * distance / (MARGIN * radius)
    K = np.array([[focal_px, 0, side_px / 2], [0, focal_px, side_px / 2], [0, 0, 1]])
    return Cameras(poses, K[None], np.array([[side_px, side_px]]), np.zeros((1, 8)))
