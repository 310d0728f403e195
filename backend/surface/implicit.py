"""Implicit functions of oriented points, for small clouds: moving least squares and radial basis functions."""

from __future__ import annotations

import numpy as np

from .. import device
from ..jobs.job import Job
from ..values import Array
from .cloud import Cloud, subsampled
from .grid import BLOCK, SparseGrid
from .sampling import Field, around, grid_of, lattice, sample

FITTED = 24  # nearest points that a sphere is fitted to
FARTHEST = 3.2  # point spacings from the nearest point beyond which the function is unknown
MOST_CENTERS = 1000  # of radial basis functions; the dense system has four rows for each
SAMPLES = 4  # voxels per spacing of the centers
CHUNK = 100_000  # samples at once


def moving_least_squares(cloud: Cloud, voxel: float, max_voxels: int, *, job: Job) -> SparseGrid:
    """Signed distances to algebraic spheres fitted by moving least squares, known only near the points: holes and rims stay open.

    After Guennebaud and Gross, "Algebraic point set surfaces" (2007), with the closed form of Guennebaud, Germann and Gross,
    "Dynamic sampling and rendering of algebraic point set surfaces" (2008).
    """
    reach = FARTHEST * cloud.spacing
    while True:
        origin, count = lattice(cloud.xyz.min(axis=0) - reach, cloud.xyz.max(axis=0) + reach, voxel)
        blocks = around((cloud.xyz - origin) / voxel, min(reach / voxel, BLOCK / 2), count)
        if len(blocks) * BLOCK**3 <= max_voxels:
            break
        voxel *= max(1.05, (len(blocks) * BLOCK**3 / max_voxels) ** 0.5)
    job.record_choice("mls.voxel_size", f"{voxel:.3g}")
    field = _sphere_distance(cloud, reach)
    offsets = voxel * np.argwhere(np.ones((BLOCK,) * 3, bool))
    values = np.empty((len(blocks), BLOCK**3), np.float32)
    for first in range(0, len(blocks), CHUNK // BLOCK**3):
        job.progress(first / len(blocks), f"fitting block {first} of {len(blocks)}")
        part = slice(first, first + CHUNK // BLOCK**3)
        values[part] = field(((origin + BLOCK * voxel * blocks[part])[:, None] + offsets).reshape(-1, 3)).reshape(-1, BLOCK**3)
    return grid_of(origin, voxel, count, blocks, values.reshape(-1, BLOCK, BLOCK, BLOCK))


def _sphere_distance(cloud: Cloud, reach: float) -> Field:
    from scipy.spatial import cKDTree

    tree, fitted = cKDTree(cloud.xyz), min(FITTED, len(cloud))

    def field(points: Array) -> Array:
        distance, near = tree.query(points, k=fitted, workers=-1)
        believed = distance[:, 0] <= reach
        out = np.full(len(points), np.nan)
        distance, near = distance[believed], near[believed]
        weight = (1.0 - (distance / (1.001 * distance[:, -1:])) ** 2) ** 4 * cloud.area[near]
        p, n = cloud.xyz[near] - points[believed, None], cloud.normals[near]
        total = weight.sum(axis=1)
        mean_p, mean_n = (np.einsum("qk,qki->qi", weight, v) / total[:, None] for v in (p, n))
        pn, pp = (np.einsum("qk,qki,qki->q", weight, p, v) / total for v in (n, p))
        curved = pp - np.einsum("qi,qi->q", mean_p, mean_p)
        square = 0.5 * (pn - np.einsum("qi,qi->q", mean_p, mean_n)) / np.maximum(curved, 1e-30)
        linear = mean_n - 2.0 * square[:, None] * mean_p
        constant = -np.einsum("qi,qi->q", linear, mean_p) - square * pp
        # The sphere's equation, divided by its slope on the sphere, is the distance to first order.
        slope = np.sqrt(np.maximum(np.einsum("qi,qi->q", linear, linear) - 4.0 * square * constant, 1e-12))
        out[believed] = constant / slope
        return out

    return field


def radial_basis(cloud: Cloud, voxel: float, max_voxels: int, *, job: Job) -> tuple[SparseGrid, Field]:
    """The function of least energy that is 0 at the points with their normals as gradients, sampled, and itself for exact normals.

    A `voxel` of 0 follows the spacing of the centers. Hermite interpolation with the kernel r^3: Macedo, Gois and Velho,
    "Hermite radial basis functions implicits" (2011).
    """
    device.prepare_numba()
    from . import implicit_kernels as kernels

    few = subsampled(cloud, MOST_CENTERS)
    if len(few) < len(cloud):
        job.record_choice("rbf.centers", f"{len(few)} means of {len(cloud)} points: the system grows with the cube of their number")
    middle, scale = few.xyz.mean(axis=0), float(np.ptp(few.xyz, axis=0).max()) / 2
    centers = (few.xyz - middle) / scale
    job.progress(0.0, f"solving for {len(few)} centers")
    alpha, beta, plane = _solved(centers, few.normals)

    def field(points: Array) -> Array:
        out = np.empty(len(points))
        near = np.ascontiguousarray((points - middle) / scale)
        device.split(lambda a, b: kernels.hermite_values(near[a:b], centers, alpha, beta, plane, out[a:b]), len(points), parts=8, least=256)
        return scale * out

    voxel = voxel or few.spacing / SAMPLES
    margin = 0.15 * np.ptp(few.xyz, axis=0).max()
    job.progress(0.3, "sampling the function")
    with job.span(1.0):
        grid = sample(field, few.xyz.min(axis=0) - margin, few.xyz.max(axis=0) + margin, voxel, 3.0, max_voxels, job=job)
    job.record_choice("rbf.voxel_size", f"{grid.voxel:.3g}")
    return grid, field


def _solved(centers: Array, normals: Array) -> tuple[Array, Array, Array]:
    """Coefficients alpha [N], beta [N,3] and plane [4] of the function that is 0 with gradient `normals` at `centers`."""
    n = len(centers)
    d = centers[:, None] - centers[None]
    r = np.linalg.norm(d, axis=2)
    gradient = 3.0 * r[..., None] * d
    with np.errstate(invalid="ignore", divide="ignore"):
        hessian = 3.0 * (r[..., None, None] * np.eye(3) + np.nan_to_num(np.einsum("nmi,nmj->nmij", d, d) / r[..., None, None]))
    matrix = np.zeros((4 * n + 4, 4 * n + 4))
    matrix[:n, :n] = r**3
    matrix[:n, n : 4 * n] = -gradient.reshape(n, 3 * n)
    matrix[n : 4 * n, :n] = gradient.transpose(0, 2, 1).reshape(3 * n, n)
    matrix[n : 4 * n, n : 4 * n] = -hessian.transpose(0, 2, 1, 3).reshape(3 * n, 3 * n)
    matrix[:n, 4 * n] = matrix[4 * n, :n] = 1.0
    matrix[:n, 4 * n + 1 :], matrix[4 * n + 1 :, :n] = centers, centers.T
    matrix[n : 4 * n, 4 * n + 1 :] = np.tile(np.eye(3), (n, 1))
    matrix[4 * n + 1 :, n : 4 * n] = np.tile(np.eye(3), (1, n))
    matrix[np.arange(4 * n), np.arange(4 * n)] += 1e-9
    right = np.concatenate([np.zeros(n), normals.ravel(), np.zeros(4)])
    solved = np.linalg.solve(matrix, right)  # releases the interpreter; scipy's solver holds it
    return solved[:n], np.ascontiguousarray(solved[n : 4 * n].reshape(n, 3)), solved[4 * n :]
