"""Texels of a mesh and the photos that see them: sampled, equalized in exposure, blended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import device
from ..formats.images import resize_to
from ..geometry import raster, triangles
from ..geometry.vectors import scatter_add, unit
from ..values import Array, Mesh, Views
from . import texel_kernels as kernels

EDGE = 1 / 800  # by the photo's longer side: distance to a depth discontinuity below which pixels are unused; cameras are off by as much
EDGE_FADE = 1 / 200  # the same, below which pixels get a tenth of their weight
LEAST_COSINE = 0.15  # between surface normal and direction to the camera (81 degrees), below which a photo isn't used
COARSE = 1 / 100  # by the photo's longer side: wavelength that parts coarse colors from detail; more blends detail of several photos
SPREAD = 14.0  # gray levels from the photos' median at which a coarse color counts half; less drops highlights, and shading, sooner
PATCH_PX = 32  # texels along a patch, on which photos are chosen together
NORMAL_PASSES = 8  # of averaging normals
LEAST_ALIKE = 0.5  # cosine (60 degrees) up to which neighboring normals are averaged


@dataclass(frozen=True, eq=False)
class Layout:
    """The T texels inside UV islands, row by row."""

    size: int  # width and height of the texture
    rows: Array  # [T] int32, from the top
    columns: Array  # [T] int32
    face: Array  # [T] int32
    barycentric: Array  # [T,2] float32, weights of corners 1 and 2

    @property
    def count(self) -> int:
        """T."""
        return len(self.face)


@dataclass(frozen=True, eq=False)
class Samples:
    """The S best photos of every texel, in falling order; empty slots have quality 0."""

    quality: Array  # [T,S] float32
    color: Array  # [T,S,3] uint8, sRGB
    low: Array  # [T,S,3] uint8, the same without detail
    view: Array  # [T,S] int16

    @classmethod
    def empty(cls, count: int, slots: int) -> Samples:
        """Nothing collected yet."""
        color, low = (np.zeros((count, slots, 3), np.uint8) for _ in range(2))
        return cls(np.zeros((count, slots), np.float32), color, low, np.zeros((count, slots), np.int16))


def rasterize_uvs(mesh: Mesh, size: int) -> Layout:
    """The texels whose centers lie in a face's UV triangle; where faces overlap, the last one counts."""
    if mesh.uvs is None:
        raise ValueError("the mesh has no UVs")
    face = np.full((size, size), -1, np.int32)
    barycentric = np.zeros((size, size, 2), np.float32)
    kernels.draw_uvs(mesh.uvs.astype(np.float64), face, barycentric)
    rows, columns = np.nonzero(face >= 0)
    return Layout(size, rows.astype(np.int32), columns.astype(np.int32), face[rows, columns], barycentric[rows, columns])


def denoised_normals(mesh: Mesh) -> Array:
    """Unit vertex normals [V,3] float32 after bilateral smoothing: noise would make neighboring faces choose different photos.

    Neighbors are weighted by the cosine of their angle, so that edges stay.
    """
    normals = triangles.vertex_normals(mesh.vertices, mesh.faces).astype(np.float64)
    start, end = mesh.faces.ravel(), mesh.faces[:, [1, 2, 0]].ravel()
    for _ in range(NORMAL_PASSES):
        alike = np.maximum(np.einsum("ei,ei->e", normals[start], normals[end]) - LEAST_ALIKE, 0.0)
        normals = unit(normals + scatter_add(alike[:, None] * normals[end], start, len(normals)))
    return normals.astype(np.float32)


def collect(samples: Samples, layout: Layout, mesh: Mesh, normals: Array, views: Views, index: int) -> None:
    """Insert one photo into the slots of the texels that it sees at a higher quality than the photos there.

    `normals` [V,3] are the vertex normals for the viewing angle.
    """
    rgb, alpha, known = views.rgb[index], views.alpha[index], views.weight[index]
    depth = raster.rasterize_mesh(mesh, views.cameras, index).depth
    weights = _pixel_weights(depth, alpha, known)
    pose = np.ascontiguousarray(views.cameras.cam_from_world[index], np.float64)
    K = views.cameras.K[index]
    intrinsics = np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2]])
    rgb = np.ascontiguousarray(rgb)
    sharpness, coarse = np.float32(_sharpness(rgb, depth > 0)), _without_detail(rgb, weights > 0)

    def work(first: int, last: int) -> None:
        part = slice(first, last)
        kernels.collect(
            layout.face[part], layout.barycentric[part], mesh.vertices, mesh.faces, normals, pose, intrinsics, rgb, coarse, depth, weights,
            sharpness, LEAST_COSINE, index, samples.quality[part], samples.color[part], samples.low[part], samples.view[part],
        )  # fmt: skip

    device.split(work, layout.count, parts=8, least=4096)


def solve_gains(samples: Samples, views: int, rounds: int = 4) -> Array:
    """Gains [C,3] float32 on every photo's sRGB values that make overlapping photos agree; their geometric mean is 1.

    Iteratively reweighted least squares on log ratios, in which highlights and misregistered colors count little.
    """
    chosen = np.random.default_rng(0).choice(len(samples.quality), min(len(samples.quality), 200_000), replace=False)
    quality, color, view = samples.quality[chosen], samples.color[chosen].astype(np.float32), samples.view[chosen].astype(np.int64)
    usable = (quality > 0) & (color.min(axis=2) > 12) & (color.max(axis=2) < 245)
    pairs = [(a, b) for a in range(quality.shape[1]) for b in range(a + 1, quality.shape[1])]
    both = [usable[:, a] & usable[:, b] for a, b in pairs]
    first = np.concatenate([view[ok, a] for (a, _), ok in zip(pairs, both, strict=True)])
    second = np.concatenate([view[ok, b] for (_, b), ok in zip(pairs, both, strict=True)])
    ratio = np.concatenate([np.log(color[ok, a] / color[ok, b]) for (a, b), ok in zip(pairs, both, strict=True)])
    logs = np.zeros((views, 3))
    for _ in range(rounds):
        residual = ratio + logs[first] - logs[second]
        weight = 1.0 / (1.0 + (np.abs(residual).max(axis=1) / 0.1) ** 2)
        # The ridge, 2 % of the median diagonal, keeps photos with little overlap near 1.
        normal = _laplacian(first, second, weight, views)
        ridge = 0.02 * float(np.median(np.diag(normal))) + 1e-6
        for c in range(3):
            pull = np.bincount(second, weight * ratio[:, c], views) - np.bincount(first, weight * ratio[:, c], views)
            logs[:, c] = np.linalg.solve(normal + ridge * np.eye(views), pull)
    return np.exp(logs - logs.mean(axis=0)).clip(0.4, 2.5).astype(np.float32)


def weigh_by_agreement(samples: Samples, gains: Array, layout: Layout, mesh: Mesh) -> None:
    """Take quality from photos that disagree with the others: at a texel, and on the whole patch of a chart around it.

    So a reflection, something that stood before the subject or a camera that is off loses to the photos that agree, all over the patch.
    """
    agreement = np.empty_like(samples.quality)

    def work(first: int, last: int) -> None:
        part = slice(first, last)
        kernels.agree(samples.quality[part], samples.low[part], samples.view[part], gains, np.float32(SPREAD), agreement[part])

    device.split(work, layout.count, parts=8, least=4096)
    patch = _patches(layout, mesh)
    total, count = (np.zeros((int(patch.max()) + 1, len(gains)), kind) for kind in (np.float32, np.int32))
    kernels.add_by_patch(samples.quality, samples.view, agreement, patch, total, count)
    kernels.weigh(samples.quality, samples.view, agreement, patch, total / np.maximum(count, 1).astype(np.float32))

    def sort(first: int, last: int) -> None:
        part = slice(first, last)
        kernels.sort_slots(samples.quality[part], samples.color[part], samples.low[part], samples.view[part])

    device.split(sort, layout.count, parts=8, least=4096)


def blend(samples: Samples, gains: Array, sharpness: float) -> Array:
    """Colors [T,3] float32, 0 to 255, of the slots: coarse colors by quality, detail by quality to the power `sharpness`."""
    out = np.zeros((len(samples.quality), 3), np.float32)

    def work(first: int, last: int) -> None:
        part = slice(first, last)
        kernels.blend(
            samples.quality[part], samples.color[part], samples.low[part], samples.view[part], gains, np.float32(sharpness), out[part]
        )

    device.split(work, len(out), parts=8, least=4096)
    return out


def _patches(layout: Layout, mesh: Mesh) -> Array:
    """The patch [T] int32 of each texel: texels of one chart in one square of PATCH_PX."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    assert mesh.uvs is not None
    corners = np.ascontiguousarray(mesh.uvs.reshape(-1, 2), np.float32).view(np.complex64)  # one number each is sorted ten times as fast
    corner = np.unique(corners.ravel(), return_inverse=True)[1].reshape(-1, 3)
    start, end = corner.ravel(), corner[:, [1, 2, 0]].ravel()
    count = int(corner.max()) + 1
    chart = connected_components(coo_matrix((np.ones(len(start), bool), (start, end)), (count, count)), directed=False)[1]
    across = -(-layout.size // PATCH_PX)
    square = layout.rows.astype(np.int64) // PATCH_PX * across + layout.columns // PATCH_PX
    named = chart[corner[layout.face, 0]].astype(np.int64) * across**2 + square
    return np.unique(named, return_inverse=True)[1].astype(np.int32)


def _without_detail(rgb: Array, usable: Array) -> Array:
    """A photo [H,W,3] uint8 averaged over usable pixels, at a scale of COARSE of its longer side."""
    from PIL import Image

    height, width = usable.shape
    across, down = (max(1, round(side / (COARSE * max(width, height)))) for side in (width, height))
    averaged = resize_to(np.dstack([rgb, np.where(usable, np.uint8(255), np.uint8(1))]), (across, down))
    return np.asarray(Image.fromarray(np.ascontiguousarray(averaged[..., :3])).resize((width, height), Image.Resampling.BICUBIC))


def _pixel_weights(depth: Array, alpha: Array | None, known: Array | None) -> Array:
    """Weights [H,W] float32 of a photo's pixels: low beside depth discontinuities and the picture's border, 0 where masked."""
    height, width = depth.shape
    jump = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        a, b = (depth[:-1], depth[1:]) if axis == 0 else (depth[:, :-1], depth[:, 1:])
        torn = np.abs(a - b) > 0.02 * np.maximum(a, b)
        jump[tuple(slice(0, -1) if k == axis else slice(None) for k in (0, 1))] |= torn
        jump[tuple(slice(1, None) if k == axis else slice(None) for k in (0, 1))] |= torn
    if alpha is not None:
        jump |= alpha < 250
    long_side = max(width, height)
    weights = np.where(_dilated(jump, max(1, round(EDGE_FADE * long_side))), np.float32(0.1), np.float32(1))
    weights[_dilated(jump, round(EDGE * long_side))] = 0.0
    if known is not None:
        weights[_dilated(known == 0, 1)] = 0.0
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    border = np.minimum(np.minimum(across, width - across)[None, :], np.minimum(down, height - down)[:, None])
    return weights * np.clip(border / (0.05 * long_side), 0.02, 1.0).astype(np.float32)


def _dilated(mask: Array, reach: int) -> Array:
    """The mask [H,W] dilated by a square of `reach` pixels either side."""
    for axis in (0, 1):
        sums = np.cumsum(mask, axis=axis, dtype=np.int32)
        count = mask.shape[axis]
        index = np.arange(count)
        ahead = sums.take(np.minimum(index + reach, count - 1), axis)
        behind = sums.take(np.maximum(index - reach - 1, 0), axis) * (index - reach - 1 >= 0).reshape(-1, *[1] * (1 - axis))
        mask = ahead > behind
    return mask


def _sharpness(rgb: Array, subject: Array) -> float:
    """Root mean square of the Laplacian of the green channel on the subject, in gray levels, plus 1: it falls with blur."""
    gray = rgb[..., 1].astype(np.int16)
    second = np.abs(4 * gray[1:-1, 1:-1] - gray[:-2, 1:-1] - gray[2:, 1:-1] - gray[1:-1, :-2] - gray[1:-1, 2:])
    inside = second[subject[1:-1, 1:-1]]
    return 1.0 + float(np.sqrt(np.mean(inside.astype(np.float32) ** 2))) if inside.size else 1.0


def _laplacian(first: Array, second: Array, weight: Array, count: int) -> Array:
    coupling = np.bincount(first * count + second, weight, count * count).reshape(count, count)
    coupling = coupling + coupling.T
    return np.diag(coupling.sum(axis=1)) - coupling
