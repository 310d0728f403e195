"""Initial splats: at sparse points, in the visual hull of masks, by a plane sweep over neighboring photos, or at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ReifyError
from ..geometry.vectors import rejections, unit
from ..values import SH_C0, Cameras, Points, Splats, Views

if TYPE_CHECKING:
    from .settings import TrainingSettings

Array = Any
ENOUGH_POINTS = 200  # sparse points; with fewer the plane sweep is the better start
START_OPACITY = 0.5
SWEPT_SPLATS = 20_000
SWEEP_DEPTHS = 96  # hypotheses along each ray
SWEEP_VIEWS = 24  # that rays start from, at most
SWEEP_NEIGHBORS = 4  # views that each one is compared with
SWEEP_JURY = 9  # nearest rays in the picture, the ray itself among them, whose median inverse depth a ray is held against
SWEEP_TOLERANCE = 0.25  # relative difference of inverse depth from that median, above which a ray is dropped
HULL_SPLATS = 12_000
HULL_CELLS = 96  # of the grid along each axis
RANDOM_SPLATS = 20_000


def starting_splats(views: Views, points: Points | None, settings: TrainingSettings, seed: int) -> Splats:
    """Splats to begin training with, no more than `settings.max_splats` where that is set.

    Unless `settings.start_from` says where from: the visual hull where photos have transparent surroundings, else sparse points where
    there are enough of them, else a plane sweep: on random viewing rays the depth at which neighboring photos agree best.
    For "depth" the points are those that `depth_start` has added to.
    Raises ReifyError where there are no cameras, where no point is inside all silhouettes, and where there isn't what was asked for.
    """
    if len(views) == 0:
        raise ReifyError("There is no photo with a camera.", "Add photos, or see why their cameras weren't found.")
    rng = np.random.default_rng(seed)
    limit = settings.max_splats or np.iinfo(np.int64).max
    masked = [i for i in range(len(views)) if views.alpha[i] is not None]
    start_from = settings.start_from
    if start_from == "auto":
        start_from = "sweep"
        if len(masked) >= 3 and len(masked) * 2 >= len(views):
            start_from = "hull"
        elif points is not None and len(points) >= ENOUGH_POINTS:
            start_from = "points"
    if start_from == "hull":
        if len(masked) < 3:
            raise ReifyError("A visual hull needs at least three photos with masks.", "Add masks, or start from something else.")
        xyz, rgb = _hull_points(views, masked, rng)
    elif start_from in ("points", "depth"):
        xyz, rgb = _sparse_points(points)
    elif start_from == "sweep":
        xyz, rgb = _swept_points(views, rng)
    else:
        xyz, rgb = _random_points(views.cameras, rng)
    if len(xyz) > limit:
        kept = rng.choice(len(xyz), limit, replace=False)
        xyz, rgb = xyz[kept], rgb[kept]
    return splats_at(xyz, rgb, sh_degree=settings.sh_degree, antialiased=settings.antialiased)


def splats_at(xyz: Array, rgb: Array, *, sh_degree: int, antialiased: bool) -> Splats:
    """Round splats at points [N,3] with colors [N,3] in 0..1, each as large as the mean distance to its three nearest neighbors."""
    from scipy.spatial import cKDTree

    count = len(xyz)
    near = min(4, count)
    distance = cKDTree(xyz).query(xyz, k=near)[0].reshape(count, near)[:, 1:]
    spacing = np.sqrt(np.mean(distance**2, axis=1)) if near > 1 else np.full(count, 0.01)
    spacing = np.clip(spacing, 1e-7, 5 * np.median(spacing) + 1e-7)
    sh = np.zeros((count, (sh_degree + 1) ** 2, 3), np.float32)
    sh[:, 0] = (rgb - 0.5) / SH_C0
    quats = np.zeros((count, 4), np.float32)
    quats[:, 0] = 1
    return Splats(
        means=xyz.astype(np.float32),
        quats=quats,
        log_scales=np.repeat(np.log(spacing)[:, None], 3, axis=1).astype(np.float32),
        opacity_logits=np.full(count, np.log(START_OPACITY / (1 - START_OPACITY)), np.float32),
        sh=sh,
        antialiased=antialiased,
    )


def focus_of(cameras: Cameras) -> tuple[Array, float]:
    """The point [3] nearest to all viewing axes in the least squares, and the median distance of the cameras to it.

    A weak prior holds it in front of the cameras where the axes are parallel.
    """
    centers, forward = cameras.centers, cameras.forward
    across = rejections(forward)
    damping = 1e-3 * len(cameras)
    reach = np.linalg.norm(centers - centers.mean(axis=0), axis=1).max() or 1.0
    ahead = centers.mean(axis=0) + forward.mean(axis=0) * reach
    system = across.sum(axis=0) + damping * np.eye(3)
    focus = np.linalg.solve(system, np.einsum("cij,cj->i", across, centers) + damping * ahead)
    return focus, float(np.median(np.linalg.norm(centers - focus, axis=1)))


def _sparse_points(points: Points | None) -> tuple[Array, Array]:
    finite = np.zeros(0, bool) if points is None else np.isfinite(points.xyz).all(axis=1)
    if points is None or not finite.any():
        raise ReifyError("There are no sparse points to start from.", "Find the cameras from the photos, or start from something else.")
    xyz = points.xyz[finite].astype(np.float64)
    return xyz, np.full((len(xyz), 3), 0.5) if points.rgb is None else points.rgb[finite] / 255


def _random_points(cameras: Cameras, rng: np.random.Generator) -> tuple[Array, Array]:
    """Gray points evenly in a ball around what the cameras look at, as far out as they stand."""
    focus, distance = focus_of(cameras)
    direction = unit(rng.normal(size=(RANDOM_SPLATS, 3)))
    return focus + direction * distance * np.cbrt(rng.random((RANDOM_SPLATS, 1))), np.full((RANDOM_SPLATS, 3), 0.5)


def _hull_points(views: Views, masked: list[int], rng: np.random.Generator) -> tuple[Array, Array]:
    cameras = views.cameras
    focus, distance = focus_of(cameras)
    low, high = focus - distance * 0.7, focus + distance * 0.7
    chosen = [masked[i] for i in np.unique(np.linspace(0, len(masked) - 1, min(40, len(masked))).astype(int))]
    photos = [(views.rgb[i], views.alpha[i], views.weight[i]) for i in chosen]
    # Twice: coarsely, to find the subject's box, then finely inside of it.
    for _ in range(2):
        axes = [np.linspace(a, b, HULL_CELLS) for a, b in zip(low, high, strict=True)]
        cell = (high - low) / (HULL_CELLS - 1)
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        inside = _inside_silhouettes(grid, cameras, chosen, photos)
        if not inside.any():
            raise ReifyError(
                "The masks have nothing in common.", "Check that they are white (or opaque) on the subject and belong to their photos."
            )
        hit = grid[inside]
        low, high = hit.min(axis=0) - 1.5 * cell, hit.max(axis=0) + 1.5 * cell
    solid = inside.reshape((HULL_CELLS,) * 3)
    padded = np.pad(solid, 1)
    buried = solid.copy()
    for axis in range(3):
        for shift in (-1, 1):
            buried &= np.roll(padded, shift, axis=axis)[1:-1, 1:-1, 1:-1]
    shell = grid[(solid & ~buried).ravel()]
    picked = shell[rng.permutation(len(shell))[:HULL_SPLATS]] + (rng.random((min(len(shell), HULL_SPLATS), 3)) - 0.5) * cell
    return picked, _mean_colors(picked, cameras, chosen, photos)


def _inside_silhouettes(grid: Array, cameras: Cameras, chosen: list[int], photos: list[tuple[Array, Array, Array | None]]) -> Array:
    misses = np.zeros(len(grid), np.int16)
    seen = np.zeros(len(grid), np.int16)
    for i, (_rgb, alpha, weight) in zip(chosen, photos, strict=True):
        column, row, visible = _pixels(grid, cameras, i)
        if weight is not None:  # what isn't known there is not seen
            known = weight[row, column] > 127
            column, row = column[known], row[known]
            visible[visible] = known
        seen += visible
        misses[visible] += alpha[row, column] < 8
    # One silhouette in twenty may miss a thin part.
    return (misses <= len(chosen) // 20) & (seen * 2 >= len(chosen))


def _mean_colors(xyz: Array, cameras: Cameras, chosen: list[int], photos: list[tuple[Array, Array, Array | None]]) -> Array:
    # The nearest third of the views: what occludes a point is mostly on its other side.
    distance = np.linalg.norm(xyz[:, None] - cameras.centers[chosen][None], axis=2)
    limit = np.quantile(distance, 0.34, axis=1)
    total, weight = np.full((len(xyz), 3), 1e-3 * 0.5), np.full(len(xyz), 1e-3)
    for place, (i, (rgb, alpha, _weight)) in enumerate(zip(chosen, photos, strict=True)):
        column, row, visible = _pixels(xyz, cameras, i)
        use = np.flatnonzero(visible & (distance[:, place] <= limit))
        column, row, visible = _pixels(xyz[use], cameras, i)
        opacity = alpha[row, column] / 255
        total[use] += rgb[row, column] / 255 * opacity[:, None]
        weight[use] += opacity
    return total / weight[:, None]


def _pixels(xyz: Array, cameras: Cameras, index: int) -> tuple[Array, Array, Array]:
    """Columns and rows of the points inside of a camera's picture, and the mask of these points."""
    pose, k, (width, height) = cameras.cam_from_world[index], cameras.K[index], cameras.size_px[index]
    local = xyz @ pose[:3, :3].T + pose[:3, 3]
    depth = np.maximum(local[:, 2], 1e-9)
    x = k[0, 0] * local[:, 0] / depth + k[0, 2]
    y = k[1, 1] * local[:, 1] / depth + k[1, 2]
    visible = (local[:, 2] > 1e-3) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return x[visible].astype(int), y[visible].astype(int), visible


def _swept_points(views: Views, rng: np.random.Generator) -> tuple[Array, Array]:
    """Points [N,3] and colors [N,3] by a plane sweep: on random rays the depth with the least difference of 3x3 patches in other views.

    Rays whose depth is far from that of their neighbors are left out.
    """
    cameras = views.cameras
    _focus, distance = focus_of(cameras)
    chosen = np.unique(np.linspace(0, len(cameras) - 1, min(SWEEP_VIEWS, len(cameras))).astype(int))
    depths = 1 / np.linspace(1 / (0.2 * distance), 1 / (8 * distance), SWEEP_DEPTHS)
    # Coarse pictures tolerate errors of the poses, and their 3x3 pixels span enough texture to be told apart.
    small = {int(i): _coarse(views.rgb[int(i)]) for i in chosen}
    points, colors = [], []
    for i in small:
        others = _neighbors(cameras, i, [j for j in small if j != i])
        picture, step = small[i]
        pixel = rng.integers(1, np.array(picture.shape[1::-1]) - 1, size=(SWEPT_SPLATS // len(small), 2))
        offsets = np.stack(np.meshgrid((-1, 0, 1), (-1, 0, 1)), axis=-1).reshape(-1, 2)
        patch = pixel[:, None] + offsets
        expected = picture[patch[..., 1], patch[..., 0]]
        center = (np.concatenate([patch + 0.5, np.ones((*patch.shape[:2], 1))], axis=2) * (step, step, 1)) @ np.linalg.inv(cameras.K[i]).T
        pose = cameras.cam_from_world[i]
        costs = np.full((len(depths), len(pixel)), np.inf)
        for d, depth in enumerate(depths):
            world = (center * depth - pose[:3, 3]) @ pose[:3, :3]
            found = [_patch_cost(world, expected, cameras, j, *small[j]) for j in others]
            # The mean of the best half of the neighbors: in the others the point may be occluded or outside.
            costs[d] = np.sort(found, axis=0)[: max(1, len(found) // 2)].mean(axis=0) if found else rng.random(len(pixel))
        best = costs.argmin(axis=0)
        seen = np.isfinite(costs[best, np.arange(len(pixel))])
        depth = np.where(seen, depths[best], depths[rng.integers(len(depths), size=len(pixel))])
        kept = _agreeing(pixel, depth, seen)
        points.append(((center[:, 4] * depth[:, None] - pose[:3, 3]) @ pose[:3, :3])[kept])
        colors.append(expected[kept, 4])
    return np.concatenate(points), np.concatenate(colors)


def _agreeing(pixel: Array, depth: Array, seen: Array) -> Array:
    """Mask [R] of the rays at `pixel` [R,2] whose depth [R] is consistent with that of the nearest rays; all where hardly any are.

    An outlier may lie right in front of a camera, where its splat becomes a veil that training hardly removes.
    """
    from scipy.spatial import cKDTree

    nearest = cKDTree(pixel).query(pixel, k=min(SWEEP_JURY, len(pixel)))[1].reshape(len(pixel), -1)
    usual = np.median(1 / depth[nearest], axis=1)
    agreeing = seen & (np.abs(1 / depth - usual) < SWEEP_TOLERANCE * usual)
    return agreeing if agreeing.mean() > 0.25 else np.ones_like(agreeing)


def _coarse(rgb: Array) -> tuple[Array, int]:
    """A picture [h,w,3] float32 of about 120 pixels on its longer side, and the factor by which it was shrunk."""
    step = max(1, max(rgb.shape[:2]) // 120)
    height, width = rgb.shape[0] // step, rgb.shape[1] // step
    cut = rgb[: height * step, : width * step].astype(np.float32) / 255
    return cut.reshape(height, step, width, step, 3).mean(axis=(1, 3)), step


def _neighbors(cameras: Cameras, index: int, others: list[int]) -> list[int]:
    """The nearest cameras that look in about the same direction."""
    alike = [j for j in others if cameras.forward[j] @ cameras.forward[index] > 0.5]
    distance = np.linalg.norm(cameras.centers[alike] - cameras.centers[index], axis=1) if alike else np.zeros(0)
    return [alike[k] for k in np.argsort(distance)[:SWEEP_NEIGHBORS]]


def _patch_cost(world: Array, expected: Array, cameras: Cameras, index: int, picture: Array, step: int) -> Array:
    """Mean absolute color difference [R] of patches [R,9,3] in the world, projected into a view, from `expected`; infinite outside."""
    pose, k = cameras.cam_from_world[index], cameras.K[index]
    local = world @ pose[:3, :3].T + pose[:3, 3]
    depth = np.maximum(local[..., 2], 1e-9)
    column = np.floor((k[0, 0] * local[..., 0] / depth + k[0, 2]) / step)
    row = np.floor((k[1, 1] * local[..., 1] / depth + k[1, 2]) / step)
    height, width = picture.shape[:2]
    inside = (local[..., 2] > 1e-6) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    at = np.where(inside, row * width + column, 0).astype(np.int64)
    cost = np.abs(picture.reshape(-1, 3)[at] - expected).mean(axis=(1, 2))
    return np.where(inside.all(axis=1), cost, np.inf)
