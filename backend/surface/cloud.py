"""Oriented point clouds: finite, without duplicates, with outward normals and the surface area that each point stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import device
from ..errors import ReifyError
from ..geometry import topology
from ..geometry.vectors import scatter_add, unit
from ..jobs.job import Job
from ..values import Array, Points

LEAST_POINTS = 16
NEIGHBORS = 12  # nearest points, itself among them, that a point's normal and area are estimated from
MOST_POINTS = 2_000_000  # of a larger cloud so many are used, taken evenly
FAR = 20.0  # point spacings beyond which colors aren't interpolated, but taken from one of SAMPLE points
SAMPLE = 1000  # points that the spacing is estimated from


@dataclass(frozen=True, eq=False)
class Cloud:
    """Oriented points."""

    xyz: Array  # [N,3] float64
    normals: Array  # [N,3] float64, unit, outwards; zero in a cloud that needn't be oriented
    area: Array  # [N] float64, square world units of surface that each point stands for
    rgb: Array | None  # [N,3] uint8

    def __len__(self) -> int:
        return len(self.xyz)

    @property
    def spacing(self) -> float:
        """Typical distance between neighboring points, world units."""
        return float(np.sqrt(np.median(self.area)))


def cloud_of(points: Points, centers: Array | None = None, oriented: bool = True, *, job: Job) -> Cloud:
    """The points as a cloud; missing normals are fitted to neighbors and face the nearest of the camera `centers` [C,3].

    Without cameras normals are oriented by propagation along a spanning tree (Hoppe, DeRose, Duchamp, McDonald and Stuetzle,
    "Surface reconstruction from unorganized points", 1992). Unless the cloud has to be `oriented`, missing normals stay zero. Raises
    ReifyError where there are fewer than LEAST_POINTS different points.
    """
    from scipy.spatial import cKDTree

    job.progress(0.0, "measuring the cloud")
    xyz, normals, rgb = _cleaned(points, job)
    distance, near = cKDTree(xyz).query(xyz, k=NEIGHBORS, workers=-1)
    area = np.pi * distance[:, -1] ** 2 / NEIGHBORS
    if normals is None and not oriented:
        normals = np.zeros_like(xyz)
    elif normals is None:
        looking = np.zeros((0, 3)) if centers is None else centers
        job.progress(0.5, "finding normals")
        fitted = _fitted(xyz, near)
        normals = _facing_cameras(looking, xyz, fitted) if len(looking) else _propagated(near, xyz, fitted)
        job.record_choice("cloud.normals", "fitted, facing the cameras" if len(looking) else "fitted, turned outwards")
    return Cloud(xyz, normals, area, rgb)


def thinned(cloud: Cloud, cell: float) -> Cloud:
    """The cloud subsampled in cubes of edge `cell`: means of the points in each, weighted by area, with the sum of their areas."""
    place = np.floor((cloud.xyz - cloud.xyz.min(axis=0)) / cell).astype(np.int64)
    size = place.max(axis=0) + 1
    key, first, owner = np.unique((place[:, 0] * size[1] + place[:, 1]) * size[2] + place[:, 2], return_index=True, return_inverse=True)
    if len(key) == len(cloud):
        return cloud

    def mean(rows: Array) -> Array:
        return scatter_add(rows * cloud.area[:, None], owner, len(key)) / np.bincount(owner, cloud.area, len(key))[:, None]

    normals = mean(cloud.normals)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(length > 1e-6, normals / np.maximum(length, 1e-6), cloud.normals[first])
    rgb = None if cloud.rgb is None else np.rint(mean(cloud.rgb)).astype(np.uint8)
    return Cloud(mean(cloud.xyz), normals, np.bincount(owner, cloud.area, len(key)), rgb)


def subsampled(cloud: Cloud, count: int) -> Cloud:
    """The cloud thinned evenly to at most about `count` points."""
    extent, cell = float(np.ptp(cloud.xyz, axis=0).max()), cloud.spacing
    fewer = cloud
    while len(fewer) > count and cell < extent:
        cell *= max(1.05, (len(fewer) / count) ** 0.5)
        fewer = thinned(cloud, cell)
    return fewer


def colors_at(vertices: Array, xyz: Array, rgb: Array) -> Array:
    """Colors [V,3] float32 sRGB, 0 to 1, interpolated between `rgb` [N,3] uint8 of the four nearest points `xyz` [N,3].

    Weights fall with the squared distance. Farther than FAR spacings from all points a vertex takes the color of one point nearby.
    """
    from scipy.spatial import cKDTree

    tree, count = cKDTree(xyz), min(4, len(xyz))
    some = np.arange(0, len(xyz), max(1, len(xyz) // SAMPLE))
    spacing = float(np.median(tree.query(xyz[some], k=[count])[0]))
    # Without a bound the search from the middle of a ball of points visits all of them.
    distance, near = tree.query(vertices, k=range(1, count + 1), distance_upper_bound=max(FAR * spacing, 1e-30), workers=-1)
    lost = np.isinf(distance[:, 0])
    if lost.any():
        distance[lost, 0], near[lost, 0] = 1.0, some[cKDTree(xyz[some]).query(vertices[lost], workers=-1)[1]]
    weight = 1.0 / (distance**2 + 1e-6 * spacing**2 + 1e-30)
    near = np.where(np.isinf(distance), 0, near)
    mean = np.einsum("vk,vki->vi", weight, rgb[near].astype(np.float64)) / weight.sum(axis=1, keepdims=True)
    return (mean / 255.0).astype(np.float32)


def _cleaned(points: Points, job: Job) -> tuple[Array, Array | None, Array | None]:
    """Finite points without duplicates, as positions, normals where all points have one, and colors."""
    sound = np.isfinite(points.xyz).all(axis=1)
    if not sound.all():
        job.warn(f"{int((~sound).sum())} points without a position were left out.")
    normals = points.normals
    if normals is not None:
        length = np.linalg.norm(normals, axis=1)
        normals = normals if (np.isfinite(length) & (length > 0))[sound].all() else None
    rows = points.xyz[sound].astype(np.float32)
    first = topology.first_of_equal(rows)[0]
    if len(first) < LEAST_POINTS:
        places = "one place" if len(first) == 1 else f"{len(first)} different places"
        raise ReifyError(
            f"{len(points)} points in {places} are too few for a surface.", f"At least {LEAST_POINTS} are needed; use a denser cloud."
        )
    chosen = np.flatnonzero(sound)[first]
    if len(chosen) > MOST_POINTS:
        job.warn(f"Of {len(chosen)} points {MOST_POINTS} were used, taken evenly.")
        chosen = chosen[np.linspace(0, len(chosen) - 1, MOST_POINTS).astype(int)]
    xyz = points.xyz[chosen].astype(np.float64)
    if normals is not None:
        normals = unit(normals[chosen].astype(np.float64))
    return xyz, normals, None if points.rgb is None else points.rgb[chosen]


def _fitted(xyz: Array, near: Array, chunk: int = 200_000) -> Array:
    """Normals [N,3] of either sign: the direction of least variance of each point's neighbors."""
    normals = np.empty_like(xyz)
    for first in range(0, len(xyz), chunk):
        around = xyz[near[first : first + chunk]]
        around -= around.mean(axis=1, keepdims=True)
        normals[first : first + chunk] = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))[1][:, :, 0]
    return normals


def _facing_cameras(centers: Array, xyz: Array, normals: Array) -> Array:
    from scipy.spatial import cKDTree

    _, nearest = cKDTree(centers).query(xyz, workers=-1)
    away = np.einsum("ni,ni->n", normals, centers[nearest] - xyz) < 0
    return np.where(away[:, None], -normals, normals)


def _propagated(near: Array, xyz: Array, normals: Array) -> Array:
    """Normals oriented along the spanning tree of most parallel neighbors; the highest point of each connected part faces up."""
    device.prepare_numba()
    from . import cloud_kernels as kernels

    a, b = np.repeat(np.arange(len(xyz)), near.shape[1] - 1), near[:, 1:].ravel()
    product = np.einsum("ei,ei->e", normals[a], normals[b])
    order = np.argsort(-np.abs(product), kind="stable")
    part, sign = np.arange(len(xyz)), np.ones(len(xyz), np.int8)
    kernels.orient(a[order], b[order], product[order] >= 0, part, sign)
    turned = normals * sign[:, None]
    # Sorted by part, then by height: the last point of each part is its highest.
    by_part = np.lexsort((xyz[:, 2], part))
    tops = by_part[np.append(np.flatnonzero(np.diff(part[by_part])), len(xyz) - 1)]
    down = np.zeros(len(xyz), bool)
    down[part[tops]] = turned[tops, 2] < 0
    return np.where(down[part][:, None], -turned, turned)
