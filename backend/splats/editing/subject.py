"""What a capture was made for: the subject, without the ground that it stands on and the background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...values import Array, Cameras
from .cells import usual_size
from .selection import inside_sphere, largest_body

OPAQUE = 0.3  # opacity of splats that make up a ground
SAMPLE = 20_000  # points that a plane is fitted to
TRIES = 400  # planes through three random points
THICKNESS = 0.012  # half thickness of the ground, of the radius around the subject
LEAST_SHARE = 0.08  # of the points that a ground has to hold
STEEPEST = 0.5  # cosine between the ground's normal and up
BETWEEN = 0.75  # radius around the focus, of the distance of the nearest cameras
AROUND = 60  # percentile of distances from the middle within which a subject lies where no camera is known


@dataclass(frozen=True, eq=False)
class Plane:
    """The points p with normal.p = offset."""

    normal: Array  # [3] float64, unit, to the side of the cameras, or up
    offset: float

    def height(self, points: Array) -> Array:
        """Signed distance [N] of points [N,3]."""
        return points @ self.normal - self.offset


def focus_of(cameras: Cameras) -> tuple[Array, float]:
    """The point [3] nearest to the axes of all cameras, in the sense of least squares, and the distance of the nearest cameras."""
    axes, centers = cameras.forward, cameras.centers
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    focus = np.linalg.lstsq(across.sum(axis=0), np.einsum("cij,cj->i", across, centers), rcond=None)[0]
    return focus, float(np.percentile(np.linalg.norm(centers - focus, axis=1), 10))


def region_of(points: Array, weights: Array, cameras: Cameras | None) -> tuple[Array, float]:
    """Middle [3] and radius of the ball that the subject is in."""
    if cameras is not None and len(cameras) > 2:
        focus, distance = focus_of(cameras)
        return focus, BETWEEN * distance
    some = points[weights >= np.median(weights)][:: -(-len(points) // SAMPLE)]
    middle = np.median(some, axis=0).astype(np.float64)
    return middle, float(np.percentile(np.linalg.norm(points - middle, axis=1), AROUND))


def ground_plane(points: Array, radius: float, up: Array, seed: int = 0) -> Plane | None:
    """The plane with the most of points [N,3] about it, none steeper than 60 degrees against `up` [3]; None where there is none.

    Fischler and Bolles, "Random Sample Consensus", 1981. `radius` is that of the region that the points fill.
    """
    if len(points) < 10:
        return None
    random = np.random.default_rng(seed)
    some = points[random.permutation(len(points))[:SAMPLE]].astype(np.float64)
    a, b, c = (some[random.integers(0, len(some), TRIES)] for _ in range(3))
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1)
    usable = lengths > 1e-12
    normals, a = normals[usable] / lengths[usable, None], a[usable]
    normals *= np.where(normals @ up < 0, -1.0, 1.0)[:, None]
    flat = normals @ up > STEEPEST
    normals, a = normals[flat], a[flat]
    if not len(normals):
        return None
    thickness = THICKNESS * radius
    heights = some.astype(np.float32) @ normals.T.astype(np.float32) - np.einsum("ij,ij->i", normals, a).astype(np.float32)
    # What lies below a ground speaks against it: a table top has the floor below it.
    votes = (np.abs(heights) < thickness).sum(axis=0) - 0.3 * (heights < -3 * thickness).sum(axis=0)
    best = int(votes.argmax())
    if votes[best] < LEAST_SHARE * len(some):
        return None
    on = some[np.abs(heights[:, best]) < thickness]
    middle = on.mean(axis=0)
    normal = np.linalg.svd(on - middle, full_matrices=False)[2][2]
    normal = normal if normal @ up > 0 else -normal
    return Plane(normal, float(normal @ middle))


def subject_mask(points: Array, weights: Array, cameras: Cameras | None, up: Array) -> Array:
    """Mask [N] of the subject's points [N,3]: near the cameras' focus, above the ground, and connected.

    `weights` [N] are opacities, or ones for vertices of a mesh; `up` [3] is a direction that roughly points up.
    """
    middle, radius = region_of(points, weights, cameras)
    kept = inside_sphere(points, middle, radius)
    plane = ground_plane(points[kept & (weights > OPAQUE)], radius, up)
    if plane is not None:
        kept &= plane.height(points) > 2.5 * THICKNESS * radius
    inner = np.flatnonzero(kept)
    if len(inner) == 0:
        return kept
    known = cameras is not None and len(cameras) > 2
    body = largest_body(points[inner], weights[inner], usual_size(points[inner]), middle if known else None)
    kept[inner[~body]] = False
    return kept
