"""Points to start from where sparse ones are few: depth that a network estimates for each photo, fitted to the sparse points in it."""

from __future__ import annotations

import numpy as np

from ..capture.depth import LEAST_COMPARED, LEAST_SHARE, agreement
from ..capture.views import load_views
from ..errors import ReifyError
from ..geometry import axes
from ..jobs.job import Job
from ..networks.depth import Estimator
from ..values import Array, Capture, Points, Views

LONG_SIDE_PX = 960  # of the photos
MOST_VIEWS = 60
POINTS_A_VIEW = 1500
TRIES = 256  # pairs of sparse points that propose scale and shift
FITS = 0.1  # relative difference of inverse depth up to which a sparse point counts for scale and shift
TIGHTER = (0.05, 0.025)  # the same, for the second and the third fit
LEAST_POINTS, LEAST_FITTING = 12, 0.25  # sparse points that have to, and their share; others are on sides that this photo doesn't show
BEYOND = 1.5  # times nearer or farther than any fitting point: there the fit says little
EDGE = 0.05  # relative step of depth between neighboring pixels; what lies between two things is on neither


def points_by_depth(capture: Capture, seed: int, *, job: Job) -> Points:
    """The capture's sparse points and those of estimated depth; the sparse ones alone, with a warning, where photos don't agree.

    Raises ReifyError where there are no cameras or sparse points, or weights or torch are missing.
    """
    if capture.points is None or len(capture.points) < LEAST_POINTS:
        raise ReifyError("There are no sparse points to fit depth to.", "Find the cameras from the photos, or start from something else.")
    job.progress(0.0, "loading Depth Anything")
    estimator = Estimator(job)
    chosen = [capture.train[i] for i in np.unique(np.linspace(0, len(capture.train) - 1, MOST_VIEWS).astype(int))]
    views = load_views(capture, LONG_SIDE_PX, chosen)
    rng = np.random.default_rng(seed)
    maps: dict[int, Array] = {}
    clouds: list[tuple[int, Array, Array]] = []
    for index in range(len(views)):
        with job.span((index + 1) / len(views), f"estimating depth, photo {index + 1} of {len(views)}"):
            disparity = scaled(estimator.disparity(views.rgb[index], job.progress), views.rgb[index].shape[:2])
            depth = fitted(disparity, _seen(views, index, capture.points.xyz), rng)
            if depth is not None:
                maps[index] = depth
                clouds.append((index, *_points_of(views, index, depth, rng)))
    share, compared = agreement(views.cameras, clouds, maps)
    if compared < LEAST_COMPARED or share < LEAST_SHARE:
        job.warn("Estimated depth doesn't agree from photo to photo; splats start from the sparse points alone.")
        return capture.points
    job.record_choice("start", f"estimated depth of {len(clouds)} of {len(views)} photos, fitted to {len(capture.points)} sparse points")
    found = np.concatenate([xyz for _, xyz, _ in clouds]), np.concatenate([rgb for _, _, rgb in clouds])
    gray = np.full((len(capture.points), 3), 128, np.uint8)
    colors = gray if capture.points.rgb is None else capture.points.rgb
    return Points(np.concatenate([capture.points.xyz, found[0]]).astype(np.float32), np.concatenate([colors, found[1]]))


def fitted(disparity: Array, seen: tuple[Array, Array], rng: np.random.Generator) -> Array | None:
    """Depth [H,W] whose inverse is the disparity's, scaled and shifted to fit sparse points; 0 where it isn't known.

    `seen` are the points' pixels (x, y) [N,2] int and depths [N]. None where too few of them fit: some may be hidden in this photo.
    """
    (column, row), wanted = seen[0].T, 1.0 / seen[1]
    given = disparity[row, column].astype(np.float64)
    if len(given) < LEAST_POINTS:
        return None
    first, second = rng.integers(0, len(given), (2, TRIES))
    apart = np.abs(given[first] - given[second]) > 1e-6 * max(float(np.ptp(given)), 1e-12)
    first, second = first[apart], second[apart]
    scale = (wanted[first] - wanted[second]) / (given[first] - given[second])
    shift = wanted[first] - scale * given[first]
    proposed = np.column_stack([scale, shift])[scale > 0]
    if len(proposed) == 0:
        return None
    fits = np.abs(proposed[:, :1] * given + proposed[:, 1:] - wanted) < FITS * wanted
    best = fits[fits.sum(axis=1).argmax()]
    if best.sum() < max(LEAST_POINTS, LEAST_FITTING * len(given)):
        return None
    scale, shift = _least_squares(given[best], wanted[best])
    for tolerance in TIGHTER:  # points just behind an outline fit loosely, and all err to one side
        close = np.abs(scale * given + shift - wanted) < tolerance * wanted
        if close.sum() >= LEAST_POINTS:
            scale, shift = _least_squares(given[close], wanted[close])
    if scale <= 0:
        return None
    inverse = scale * disparity + shift
    known = (inverse > wanted[best].min() / BEYOND) & (inverse < wanted[best].max() * BEYOND)
    return np.where(known, 1.0 / np.where(known, inverse, 1.0), 0.0)


def _least_squares(given: Array, wanted: Array) -> tuple[float, float]:
    """The scale and shift of `given` [N] with the least relative differences from `wanted` [N]."""
    system = np.column_stack([given, np.ones(len(given))]) / wanted[:, None]
    (scale, shift), *_ = np.linalg.lstsq(system, np.ones(len(given)), rcond=None)
    return float(scale), float(shift)


def scaled(disparity: Array, shape: tuple[int, ...]) -> Array:
    """A map [h,w] at the size of its picture [H,W], corner pixels to corner pixels."""
    from scipy.ndimage import map_coordinates

    rows, columns = (np.linspace(0, side - 1, wanted) for side, wanted in zip(disparity.shape, shape, strict=True))
    return map_coordinates(disparity, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest")


def _seen(views: Views, index: int, xyz: Array) -> tuple[Array, Array]:
    """Pixels (x, y) [N,2] int and depths [N] of points [P,3] that are inside a view."""
    in_cam = axes.move_points(xyz.astype(np.float64), views.cameras.cam_from_world[index])
    in_cam = in_cam[in_cam[:, 2] > 1e-6]
    K = views.cameras.K[index]
    at = np.floor(in_cam[:, :2] / in_cam[:, 2:] * K[[0, 1], [0, 1]] + K[:2, 2])
    inside = ((at >= 0) & (at < views.cameras.size_px[index])).all(axis=1)
    return at[inside].astype(int), in_cam[inside, 2]


def _points_of(views: Views, index: int, depth: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Points in the world [N,3] and their colors [N,3] uint8, off the edges of things and of what is masked."""
    known = depth > 0
    for planes in (views.alpha, views.weight):
        plane = planes[index]
        if plane is not None:
            known &= plane > 127
    steps = [np.abs(np.gradient(depth, axis=axis)) for axis in (0, 1)]
    known &= np.maximum(*steps) < EDGE * depth
    rows, columns = np.nonzero(known)
    picked = rng.permutation(len(rows))[:POINTS_A_VIEW]
    rows, columns = rows[picked], columns[picked]
    K, z = views.cameras.K[index], depth[rows, columns]
    xy = (np.column_stack([columns, rows]) + 0.5 - K[:2, 2]) / K[[0, 1], [0, 1]]
    world_from_cam = axes.inverse_rigid(views.cameras.cam_from_world[index : index + 1])[0]
    return axes.move_points(np.column_stack([xy * z[:, None], z]), world_from_cam), views.rgb[index][rows, columns]
