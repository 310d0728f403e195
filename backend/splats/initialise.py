"""Where training starts: sparse points, the visual hull of masks, or random positions before the cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ReifyError
from ..values import SH_C0, Cameras, Points, Splats, Views

if TYPE_CHECKING:
    from .train import TrainingSettings

Array = Any
ENOUGH_POINTS = 200
START_OPACITY = 0.5
RANDOM_SPLATS = 20_000
HULL_SPLATS = 12_000
HULL_CELLS = 96  # along each axis


def starting_splats(views: Views, points: Points | None, settings: TrainingSettings, seed: int) -> Splats:
    """Splats to begin training with, no more than `settings.max_splats` where that is set.

    The visual hull where photos have transparent surroundings, else sparse points where there are enough of them, else random positions.
    Raises ReifyError where there are no cameras, or where no point is inside all silhouettes.
    """
    if len(views) == 0:
        raise ReifyError("There is no photo with a camera.", "Add photos, or see why their cameras weren't found.")
    rng = np.random.default_rng(seed)
    limit = settings.max_splats or np.iinfo(np.int64).max
    masked = [i for i in range(len(views)) if views.alpha[i] is not None]
    if len(masked) >= 3 and len(masked) * 2 >= len(views):
        xyz, rgb = _hull_points(views, masked, rng)
    elif points is not None and len(points) >= ENOUGH_POINTS:
        finite = np.isfinite(points.xyz).all(axis=1)
        xyz = points.xyz[finite].astype(np.float64)
        rgb = np.full((len(xyz), 3), 0.5) if points.rgb is None else points.rgb[finite] / 255
    else:
        xyz, rgb = _random_points(views.cameras, rng), rng.random((RANDOM_SPLATS, 3))
    if len(xyz) > limit:
        kept = rng.choice(len(xyz), limit, replace=False)
        xyz, rgb = xyz[kept], rgb[kept]
    return splats_at(xyz, rgb, sh_degree=settings.sh_degree, antialiased=settings.antialiased)


def splats_at(xyz: Array, rgb: Array, *, sh_degree: int, antialiased: bool) -> Splats:
    """Round splats at points [N,3] with colours [N,3] in 0..1, each as large as the mean distance to its three nearest neighbours."""
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
    """The point nearest to all viewing axes [3], kept before the cameras, and the median distance of the cameras to it."""
    centers, forward = cameras.centers, cameras.forward
    across = np.eye(3) - forward[:, :, None] * forward[:, None, :]
    damping = 1e-3 * len(cameras)
    reach = np.linalg.norm(centers - centers.mean(axis=0), axis=1).max() or 1.0
    ahead = centers.mean(axis=0) + forward.mean(axis=0) * reach
    system = across.sum(axis=0) + damping * np.eye(3)
    focus = np.linalg.solve(system, np.einsum("cij,cj->i", across, centers) + damping * ahead)
    return focus, float(np.median(np.linalg.norm(centers - focus, axis=1)))


def _hull_points(views: Views, masked: list[int], rng: np.random.Generator) -> tuple[Array, Array]:
    cameras = views.cameras
    focus, distance = focus_of(cameras)
    low, high = focus - distance * 0.7, focus + distance * 0.7
    chosen = [masked[i] for i in np.unique(np.linspace(0, len(masked) - 1, min(40, len(masked))).astype(int))]
    photos = [(views.rgb[i], views.alpha[i]) for i in chosen]
    # Twice: coarsely, to find the subject's box, then finely inside of it.
    for _ in range(2):
        axes = [np.linspace(a, b, HULL_CELLS) for a, b in zip(low, high, strict=True)]
        cell = (high - low) / (HULL_CELLS - 1)
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        inside = _inside_silhouettes(grid, cameras, chosen, photos)
        if not inside.any():
            raise ReifyError("The masks have nothing in common.", "Check that they are white (or opaque) on the subject and belong to their photos.")
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
    return picked, _mean_colours(picked, cameras, chosen, photos)


def _inside_silhouettes(grid: Array, cameras: Cameras, chosen: list[int], photos: list[tuple[Array, Array]]) -> Array:
    misses = np.zeros(len(grid), np.int16)
    seen = np.zeros(len(grid), np.int16)
    for i, (_rgb, alpha) in zip(chosen, photos, strict=True):
        column, row, visible = _pixels(grid, cameras, i)
        seen += visible
        misses[visible] += alpha[row, column] < 8
    # One silhouette in twenty may miss a thin part.
    return (misses <= len(chosen) // 20) & (seen * 2 >= len(chosen))


def _mean_colours(xyz: Array, cameras: Cameras, chosen: list[int], photos: list[tuple[Array, Array]]) -> Array:
    # From the third of the views that look from nearest: what hides a point is mostly on its other side.
    distance = np.linalg.norm(xyz[:, None] - cameras.centers[chosen][None], axis=2)
    limit = np.quantile(distance, 0.34, axis=1)
    total, weight = np.full((len(xyz), 3), 1e-3 * 0.5), np.full(len(xyz), 1e-3)
    for place, (i, (rgb, alpha)) in enumerate(zip(chosen, photos, strict=True)):
        column, row, visible = _pixels(xyz, cameras, i)
        use = np.flatnonzero(visible & (distance[:, place] <= limit))
        column, row, visible = _pixels(xyz[use], cameras, i)
        opacity = alpha[row, column] / 255
        total[use] += rgb[row, column] / 255 * opacity[:, None]
        weight[use] += opacity
    return total / weight[:, None]


def _pixels(xyz: Array, cameras: Cameras, index: int) -> tuple[Array, Array, Array]:
    """Columns and rows of the points that a camera sees, and which these are."""
    pose, k, (width, height) = cameras.cam_from_world[index], cameras.K[index], cameras.size_px[index]
    local = xyz @ pose[:3, :3].T + pose[:3, 3]
    depth = np.maximum(local[:, 2], 1e-9)
    x = k[0, 0] * local[:, 0] / depth + k[0, 2]
    y = k[1, 1] * local[:, 1] / depth + k[1, 2]
    visible = (local[:, 2] > 1e-3) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return x[visible].astype(int), y[visible].astype(int), visible


def _random_points(cameras: Cameras, rng: np.random.Generator) -> Array:
    """Half in a ball around what the cameras look at, half farther out along their views."""
    focus, distance = focus_of(cameras)
    ball = RANDOM_SPLATS // 2
    direction = rng.normal(size=(ball, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    near = focus + direction * (distance * 0.7 * rng.random((ball, 1)) ** (1 / 3))
    which = rng.integers(len(cameras), size=RANDOM_SPLATS - ball)
    pixel = rng.random((len(which), 2)) * cameras.size_px[which]
    inverse = np.linalg.inv(cameras.K)[which]
    ray = np.einsum("nij,nj->ni", inverse, np.concatenate([pixel, np.ones((len(which), 1))], axis=1))
    depth = distance * (0.5 + 1 / (0.05 + 0.95 * rng.random((len(which), 1))))
    pose = cameras.cam_from_world[which]
    far = np.einsum("nji,nj->ni", pose[:, :3, :3], ray * depth - pose[:, :3, 3])
    return np.concatenate([near, far])
