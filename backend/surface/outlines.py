"""Masks made to agree: each outline is moved to where the visual hull of all has it.

Masks are drawn or guessed photo by photo: one is some pixels wide, the next one narrow, a third beside its subject. Whatever is empty in a
few of them is empty in space, so that splats trained on them are thinner than the subject all around, and their hull even more so. What a
mask is off by is one width and one shift, which the others tell: with each outline at the mean of all, the hull's outlines are the masks'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import device
from ..capture.views import load_views
from ..errors import ReifyError
from ..geometry.masks import moved_outline, outline_distance
from ..geometry.raster import rasterize_mesh
from ..jobs.job import Job
from ..values import Array, Capture, Mesh, Views
from .hull import LEAST_VIEWS, visual_hull

SIDE_PX = 400  # longer side of the masks that are compared
MAX_VOXELS = 3_000_000
ROUNDS = 3  # of moving outlines and carving anew; two bring them to a tenth of a pixel
SETTLED_PX = 0.25  # largest move of a round, after which there is no other one
LEAST_PX = 0.75  # moves below are left: the hull's own voxels are no finer
MOST = 0.03  # of the longer side; what is further off is another outline
SCATTER_PX = 3.0  # median distance of an outline from the hull's, once moved, above which it isn't the same one
STEPS = 10  # of iteratively reweighted least squares, in which parts that are cut off don't count
SMOOTH_PX = 1.5  # standard deviation of the Gaussian under an outline's normals


def agreeing_masks(capture: Capture, *, job: Job) -> Capture:
    """The capture with its masks' outlines moved to where most photos have them (`Photo.mask_move`); masks that agree stay as they are.

    Transparency in photos is left: there are no colors beyond it.
    """
    with job.span(0.2):
        views = load_views(capture, SIDE_PX, job=job)
    with job.span(1.0):
        moves = moves_of(views, job=job)
    moves[[photo.mask is None or photo.has_alpha for photo in capture.photos]] = 0.0
    off = int(moves.any(axis=1).sum())
    if off:
        scales = np.array([photo.width for photo in capture.photos]) / views.cameras.size_px[:, 0]
        moves *= scales[:, None]
        most = float(np.abs(moves).max())
        job.record_choice(
            "masks", f"{off} of {len(moves)} outlines are moved by up to {most:.1f} pixels, to where the other photos have them"
        )
    photos = tuple(
        replace(photo, mask_move=(float(move[0]), float(move[1]), float(move[2])))
        for photo, move in zip(capture.photos, moves, strict=True)
    )
    return replace(capture, photos=photos)


def moves_of(views: Views, *, job: Job) -> Array:
    """How far to grow each mask and to shift it right and down [C,3] so that outlines agree, in pixels of the views; 0 where they do.

    Which way all of them are off can't be told: the median doesn't grow.
    """
    moves = np.zeros((len(views), 3))
    outlines = [None if alpha is None else outline_distance(np.asarray(alpha) >= 128) for alpha in views.alpha]
    cut = np.array([outline is not None and outline.min() < 0 < outline.max() for outline in outlines])
    if cut.sum() < LEAST_VIEWS:
        return moves
    longest = views.cameras.size_px.max(axis=1)
    for round_ in range(ROUNDS):
        with job.span((round_ + 1) / ROUNDS):
            job.progress(0.0, "carving the visual hull")
            try:
                hull = _hull(moved(views, moves))
            except ReifyError:  # which extracting the surface tells
                return np.zeros_like(moves)
            found = np.zeros_like(moves)
            for index in np.flatnonzero(cut):
                job.progress(0.5 + 0.5 * index / len(views), f"comparing mask {index + 1} of {len(views)}")
                outline = outlines[index]
                assert outline is not None
                found[index] = _offset(moved_distance(outline, moves[index]), hull, views, int(index))
            found[cut, 0] -= np.median(found[cut, 0])
            moves[cut] += found[cut]
            moves[np.abs(moves).max(axis=1) > MOST * longest] = 0.0
        if np.abs(found).max() < SETTLED_PX:
            break
    moves[np.abs(moves).max(axis=1) < LEAST_PX] = 0.0
    return moves


def moved(views: Views, moves: Array) -> Views:
    """The views with each mask grown, and shifted right and down, by `moves` [C,3] pixels."""
    alphas: Sequence[Array | None] = [
        alpha if alpha is None or not move.any() else moved_outline(np.asarray(alpha), *move.tolist())
        for alpha, move in zip(views.alpha, moves, strict=True)
    ]
    return replace(views, alpha=alphas)


def moved_distance(distance: Array, move: Array) -> Array:
    """The signed distance [H,W] to an outline that is grown, and shifted right and down, by `move` [3] pixels."""
    from scipy.ndimage import shift

    grow, right, down = move
    return shift(distance, (down, right), order=1, mode="nearest") - grow


def _hull(views: Views) -> Mesh:
    from .marching import marching_cubes

    device.prepare_numba()
    return Mesh(*marching_cubes(visual_hull(views, 0.0, MAX_VOXELS, job=Job())))


def _offset(outline: Array, hull: Mesh, views: Views, index: int) -> Array:
    """How far the mask with the signed distance `outline` [H,W] has to be grown and shifted to meet the hull's picture [3], pixels."""
    from scipy.ndimage import gaussian_filter

    hit = rasterize_mesh(hull, views.cameras, index).hit
    if not hit.any():
        return np.zeros(3)
    rows, columns = np.nonzero(np.abs(outline) <= 0.5)
    inner = (rows > 0) & (columns > 0) & (rows < outline.shape[0] - 1) & (columns < outline.shape[1] - 1)
    rows, columns = rows[inner], columns[inner]
    if len(rows) == 0:
        return np.zeros(3)
    smooth = gaussian_filter(outline, SMOOTH_PX)
    normals = np.stack([np.gradient(smooth, axis=axis)[rows, columns] for axis in (1, 0)], axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    away = (outline - outline_distance(hit))[rows, columns]  # of the hull's outline outward from the mask's
    terms = np.column_stack([np.ones(len(away)), normals])
    found = np.array([np.median(away), 0.0, 0.0])
    for _ in range(STEPS):
        residual = away - terms @ found
        scatter = max(1.4826 * float(np.median(np.abs(residual))), 0.25)
        root = 1.0 / (1.0 + (residual / (2.0 * scatter)) ** 2)
        found = np.linalg.lstsq(terms * root[:, None], away * root, rcond=None)[0]
    return found if scatter < SCATTER_PX else np.zeros(3)
