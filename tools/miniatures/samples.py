"""Samples: a picture of a shape as the fixed camera sees it, and its occupancy in the frame that the networks answer in.

The camera stands in front of the shape, a little above it. A shape is turned about the vertical by an angle, then scaled and moved so that
its picture's box is the one that `triposr.squared` makes of it: so the picture says where in the cube of the field the shape is.

Letters: N samples, S cells along an edge of the cube, B cells near the surface, P pixels along an edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion
from scipy.spatial import cKDTree

from ...backend.formats.images import resize_to
from ...backend.geometry import raster
from ...backend.geometry.vectors import unit
from ...backend.networks.triposr import BLENDER_FROM_MODEL, FILLED, GROUND, RADIUS, squared
from ...backend.values import Array, Cameras, Mesh, Picture
from .shapes import Shape

CELLS = 48
PICTURE_PX, RENDER_PX = 64, 96
ELEVATION, MOST_TURN = 15.0, 45.0  # degrees
DISTANCE, HALF_VIEW = 4.0, 0.69  # of the camera, and what it sees of the plane through the origin to each side
NEAR_CELLS = 1536  # kept for each sample
SURFACE_POINTS, COLORED_POINTS = 30_000, 5000
CARVING_VIEWS, CARVING_PX, CARVING_DISTANCE = 24, 96, 20.0
LIGHT = np.array([-0.5, -0.4, 0.77])  # towards it


@dataclass(frozen=True, eq=False)
class Samples:
    """What a network learns from or is measured on."""

    names: Array  # [N] str
    families: Array  # [N] str
    rgba: Array  # [N,P,P,4] uint8, on gray
    occupied: Array  # [N,S*S*S/8] uint8, bits of cells along x, y, z of the model
    near: Array  # [N,B] int32, cells near the surface
    near_srgb: Array  # [N,B,3] uint8, of the surface there

    def save(self, path: Path) -> None:
        """Write them."""
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Samples:
        """Read them."""
        with np.load(path) as file:
            return cls(**{name: file[name] for name in file.files})

    def grids(self) -> Array:
        """Occupancy [N,S,S,S] bool."""
        return np.unpackbits(self.occupied, axis=1).astype(bool).reshape(-1, CELLS, CELLS, CELLS)


def sample_of(shape: Shape, turn: float) -> tuple[Array, Array, Array, Array] | None:
    """A sample's arrays after `families`, for a shape turned by degrees; None where it is deeper than the cube, or hardly to be seen."""
    corners = framed(shape.corners, turn)
    if corners is None:
        return None
    rgba = picture_of(corners, shape.srgb)
    if rgba is None:
        return None
    grid, points, owners = occupancy(corners @ BLENDER_FROM_MODEL)
    if grid.sum() < 50:
        return None
    rng = np.random.default_rng(len(corners))
    near = np.flatnonzero(binary_dilation(grid) & ~binary_erosion(grid))
    near = rng.choice(near, NEAR_CELLS).astype(np.int32)
    _, closest = cKDTree(points[:COLORED_POINTS]).query(centers()[near])
    near_srgb = (shape.srgb[owners[closest]] * 255).astype(np.uint8)
    return squared_rgba(rgba), np.packbits(grid), near, near_srgb


def framed(corners: Array, turn: float) -> Array | None:
    """Corners [F,3,3] turned, and placed as the camera wants it; None where they don't fit the cube."""
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    corners = corners @ np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]]).T
    flat = corners.reshape(-1, 3)
    flat = flat - (flat.min(axis=0) + flat.max(axis=0)) / 2
    flat = flat / max(float(np.abs(flat).max()), 1e-9) * FILLED * HALF_VIEW
    pose = camera(2).cam_from_world[0]
    for _ in range(4):
        seen = flat @ pose[:3, :3].T + pose[:3, 3]
        plane = seen[:, :2] / seen[:, 2:] * DISTANCE
        low, high = plane.min(axis=0), plane.max(axis=0)
        flat = flat - np.append((low + high) / 2, 0.0) @ pose[:3, :3]
        flat = flat * (2 * FILLED * HALF_VIEW / max(float((high - low).max()), 1e-9))
        flat = flat - _depth_middle(flat, pose)
    return flat.reshape(corners.shape) if np.abs(flat).max() < RADIUS else None


def _depth_middle(flat: Array, pose: Array) -> Array:
    depth = flat @ pose[2, :3]
    return (depth.min() + depth.max()) / 2 * pose[2, :3]


def camera(size_px: int) -> Cameras:
    """The fixed camera, at that many pixels along an edge."""
    tilt = np.radians(ELEVATION)
    forward = np.array([0.0, np.cos(tilt), -np.sin(tilt)])
    focal = size_px / 2 * DISTANCE / HALF_VIEW
    return _looking(forward, DISTANCE, focal, size_px)


def _looking(forward: Array, distance: float, focal_px: float, size_px: int) -> Cameras:
    """A camera that looks along `forward` at the origin."""
    up = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.99 else np.array([0.0, 1.0, 0.0])
    right = unit(np.cross(forward, up))
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = 0.0, 0.0, distance
    K = np.array([[focal_px, 0.0, size_px / 2], [0.0, focal_px, size_px / 2], [0.0, 0.0, 1.0]])
    return Cameras(pose[None], K[None], np.array([[size_px, size_px]]), np.zeros((1, 8)))


def _soup(corners: Array) -> Mesh:
    return Mesh(corners.reshape(-1, 3).astype(np.float32), np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3))


def picture_of(corners: Array, srgb: Array) -> Array | None:
    """A picture [R,R,4] uint8 of triangles [F,3,3] in colors [F,3] by the fixed camera; None where nothing is seen."""
    fine = raster.rasterize_mesh(_soup(corners), camera(2 * RENDER_PX), 0)
    if fine.hit.sum() < 40:
        return None
    normals = unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    forward = camera(2).cam_from_world[0, 2, :3]
    normals = normals * -np.sign(normals @ forward + 1e-12)[:, None]
    shade = 0.35 + 0.3 * np.abs(normals @ forward) + 0.35 * np.clip(normals @ LIGHT, 0, None)
    colors = np.vstack([np.clip(srgb * shade[:, None], 0, 1), np.zeros(3)])
    rgba = np.dstack([colors[fine.face], fine.hit])
    rgba[..., :3] *= rgba[..., 3:]
    rgba = rgba.reshape(RENDER_PX, 2, RENDER_PX, 2, 4).mean(axis=(1, 3))
    rgba[..., :3] /= np.maximum(rgba[..., 3:], 1e-6)
    return (rgba * 255 + 0.5).astype(np.uint8)


def as_picture(rgba: Array, name: str = "shape") -> Picture:
    """A picture [H,W,4] uint8 as the networks' own preparation takes it."""
    return Picture(name, np.ascontiguousarray(rgba[..., :3]), rgba[..., 3].astype(np.float32) / 255)


def squared_rgba(rgba: Array) -> Array:
    """The subject [P,P,4] in the middle of a gray square, as the networks' own preparation has it, with its coverage."""
    colors = squared(as_picture(rgba))
    mask = np.repeat(rgba[..., 3:], 3, axis=2)
    coverage = squared(Picture("mask", mask, rgba[..., 3].astype(np.float32) / 255)).astype(np.float32)
    ground = int(GROUND * 255)
    coverage = (coverage[..., :1] - ground) / (255 - ground) * 255
    size = (PICTURE_PX, PICTURE_PX)
    coverage = resize_to(coverage[..., 0].clip(0, 255).astype(np.uint8), size)
    return np.dstack([resize_to(colors, size), coverage])  # apart: Pillow would weight colors by coverage


def centers() -> Array:
    """The middles [S*S*S,3] of the cells, in the model's space."""
    along = ((np.arange(CELLS) + 0.5) / CELLS * 2 - 1) * RADIUS
    return np.stack(np.meshgrid(along, along, along, indexing="ij"), axis=-1).reshape(-1, 3)


def occupancy(corners: Array) -> tuple[Array, Array, Array]:
    """Which cells [S,S,S] bool triangles [F,3,3] in the model's space fill; points [K,3] on these, and the triangle of each.

    A cell is filled where the surface passes, or where its middle isn't seen from outside by any of the views around: that needs neither
    closed nor consistently wound surfaces.
    """
    mesh, places = _soup(corners), centers()
    hidden = np.flatnonzero(((places >= corners.min(axis=(0, 1))) & (places <= corners.max(axis=(0, 1)))).all(axis=1))
    focal = CARVING_PX / 2 * (CARVING_DISTANCE - 1.6) / 1.52
    for forward in _directions():
        view = _looking(forward, CARVING_DISTANCE, focal, CARVING_PX)
        fragments, pose = raster.rasterize_mesh(mesh, view, 0), view.cam_from_world[0]
        seen = places[hidden] @ pose[:3, :3].T + pose[:3, 3]
        pixel = (seen[:, :2] / seen[:, 2:] * focal + CARVING_PX / 2).astype(int).clip(0, CARVING_PX - 1)
        face, depth = (each[pixel[:, 1], pixel[:, 0]] for each in (fragments.face, fragments.depth))
        hidden = hidden[(face >= 0) & (seen[:, 2] >= depth)]
    points, owners = _on_surface(corners)
    grid = np.zeros((CELLS,) * 3, bool)
    grid.reshape(-1)[hidden] = True
    grid[tuple(((points / RADIUS + 1) / 2 * CELLS).astype(int).clip(0, CELLS - 1).T)] = True
    return grid, points, owners


def _directions() -> Array:
    """Evenly over the sphere (Fibonacci), [D,3]."""
    number = np.arange(CARVING_VIEWS) + 0.5
    height, angle = 1 - 2 * number / CARVING_VIEWS, np.pi * (1 + 5**0.5) * number
    wide = np.sqrt(1 - height**2)
    return np.stack([wide * np.cos(angle), wide * np.sin(angle), height], axis=-1)


def _on_surface(corners: Array) -> tuple[Array, Array]:
    """Points by area, and their triangles."""
    rng = np.random.default_rng(0)
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    owners = rng.choice(len(corners), SURFACE_POINTS, p=areas / areas.sum())
    u, v = rng.random((2, SURFACE_POINTS, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    a, b, c = corners[owners].transpose(1, 0, 2)
    return a + u * (b - a) + v * (c - a), owners
