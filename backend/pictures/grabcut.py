"""GrabCut: subject and background as mixtures of colors, separated by a minimum cut (Rother, Kolmogorov, Blake 2004).

The cut is found on a small copy of the picture, in a tenth of a second; a guided filter (He, Sun, Tang 2010) then
brings its outline to the edges of the full picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..formats.images import read_image, resize, resize_to
from ..jobs.job import Job
from ..values import Array
from .box import Box
from .lab import lab_of

LONG_SIDE_PX = 256
COLORS = 5  # Gaussians in each mixture
ROUNDS = 6
CONTRAST = 50.0  # weight of the outline against the colors, the paper's gamma
SURE = 1e4
LIGHT, DARK = 200, 55  # strokes on the subject are lighter, those on the background darker


def strokes_of(path: Path, shape: tuple[int, ...]) -> Array:
    """Strokes as [H,W] int8: 1 is the subject, -1 the background, 0 unknown; raises ReifyError where there are none of one kind."""
    pixels = read_image(path)
    light = pixels[..., :3].mean(axis=2)
    painted = pixels[..., 3] > 127 if pixels.shape[2] == 4 else np.ones(light.shape, bool)
    strokes = np.where(painted & (light > LIGHT), 1, np.where(painted & (light < DARK), -1, 0)).astype(np.int8)
    if not (strokes == 1).any() or not (strokes == -1).any():
        raise ReifyError(f"{path.name} lacks strokes.", "Paint white on the subject and black on the background, and leave the rest gray.")
    rows, columns = (np.arange(size) * have // size for size, have in zip(shape, strokes.shape, strict=False))
    return strokes[rows[:, None], columns]


def to_paint_on(pixels: Array) -> Array:
    """A copy [H,W,3] uint8 so faint that strokes of white and black on it can be told from what it shows."""
    low, high = DARK + 25, LIGHT - 25
    return (low + pixels[..., :3].astype(np.float32) / 255.0 * (high - low)).astype(np.uint8)


def grab_cut(srgb: Array, box: Box, strokes: Array | None, job: Job) -> Array:
    """Coverage [H,W] float32 of the subject inside `box`, or of what `strokes` [H,W] mark."""
    small = resize(srgb, LONG_SIDE_PX)
    known = _known(srgb.shape[:2], box, strokes)
    rows, columns = (np.arange(size) * full // size for size, full in zip(small.shape[:2], srgb.shape[:2], strict=True))
    known = known[rows[:, None], columns]
    colors = lab_of(small).astype(np.float64)
    links = _links(colors)
    # Without a box, the strokes alone say what the colors are at first.
    subject = known >= 0 if strokes is None else known == 1
    background = known == -1
    for step in range(ROUNDS):
        job.progress(step / ROUNDS, f"cutting, round {step + 1} of {ROUNDS}")
        costs = [_cost(colors, _mixture(colors[member])) for member in (subject, background)]
        before = subject
        subject = _cut(costs[1] - costs[0], known, links)
        background = ~subject
        if not subject.any() or subject.all() or (step and (subject == before).all()):
            break
    return _brought_to_edges(srgb, subject)


def _known(shape: tuple[int, ...], box: Box, strokes: Array | None) -> Array:
    known = np.full(shape, -1, np.int8)
    known[box[1] : box[3], box[0] : box[2]] = 0
    if strokes is not None:
        known = np.where(strokes != 0, strokes, np.maximum(known, 0) if strokes.any() else known)
    return known


def _mixture(colors: Array) -> tuple[Array, Array, Array]:
    """Weights [K], means [K,3] and covariances [K,3,3] of a mixture, by a few rounds of k-means."""
    rng = np.random.default_rng(0)
    if len(colors) > 8000:
        colors = colors[rng.choice(len(colors), 8000, replace=False)]
    means = colors[rng.choice(len(colors), min(COLORS, len(colors)), replace=False)]
    for _ in range(8):
        owner = ((colors[:, None] - means[None]) ** 2).sum(-1).argmin(axis=1)
        means = np.stack([colors[owner == k].mean(axis=0) if (owner == k).any() else means[k] for k in range(len(means))])
    weights, covariances = np.bincount(owner, minlength=len(means)) / len(colors), []
    for k in range(len(means)):
        off = colors[owner == k] - means[k]
        covariances.append(off.T @ off / max(len(off), 1) + 2.0 * np.eye(3))
    return weights, means, np.stack(covariances)


def _cost(colors: Array, mixture: tuple[Array, Array, Array]) -> Array:
    """-log of the best Gaussian's likelihood for each pixel [H,W]."""
    costs = []
    for weight, mean, covariance in zip(*mixture, strict=True):
        off = colors - mean
        distance = np.einsum("hwi,ij,hwj->hw", off, np.linalg.inv(covariance), off, optimize=True)
        costs.append(0.5 * distance + 0.5 * np.log(np.linalg.det(covariance)) - np.log(max(weight, 1e-9)))
    return np.min(costs, axis=0)


def _links(colors: Array) -> list[tuple[Array, Array, Array]]:
    """Pairs of neighboring pixels (from, to) and what cutting between them costs."""
    height, width = colors.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    pairs: list[tuple[Any, Any, float]] = [
        (np.s_[:, :-1], np.s_[:, 1:], 1.0),
        (np.s_[:-1], np.s_[1:], 1.0),
        (np.s_[:-1, :-1], np.s_[1:, 1:], 2**-0.5),
        (np.s_[1:, :-1], np.s_[:-1, 1:], 2**-0.5),
    ]
    squares = [((colors[a] - colors[b]) ** 2).sum(-1) for a, b, _ in pairs]
    beta = 0.5 / max(float(np.mean(np.concatenate([square.ravel() for square in squares]))), 1e-9)
    return [
        (index[a].ravel(), index[b].ravel(), (CONTRAST * weight * np.exp(-beta * square)).ravel())
        for (a, b, weight), square in zip(pairs, squares, strict=True)
    ]


def _cut(preference: Array, known: Array, links: list[tuple[Array, Array, Array]]) -> Array:
    """The subject [H,W] bool by a minimum cut; `preference` is how much each pixel would rather belong to the subject."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    preference = np.where(known == 1, SURE, np.where(known == -1, -SURE, np.clip(preference, -SURE, SURE))).ravel()
    count = preference.size
    source, sink, every = count, count + 1, np.arange(count)
    ends = [(a, b, w) for a, b, w in links] + [(b, a, w) for a, b, w in links]
    ends.append((np.full(count, source), every, np.maximum(preference, 0.0)))
    ends.append((every, np.full(count, sink), np.maximum(-preference, 0.0)))
    start, end, weight = (np.concatenate(column) for column in zip(*ends, strict=True))
    graph = csr_matrix((np.round(weight * 16).astype(np.int32), (start, end)), shape=(count + 2, count + 2))
    residual = graph - maximum_flow(graph, source, sink).flow
    residual.data = np.maximum(residual.data, 0)
    residual.eliminate_zeros()
    reached = breadth_first_order(residual, source, return_predecessors=False)
    subject = np.zeros(count + 2, bool)
    subject[reached] = True
    return subject[:count].reshape(known.shape)


def _brought_to_edges(srgb: Array, subject: Array) -> Array:
    from scipy.ndimage import uniform_filter

    height, width = srgb.shape[:2]
    coarse = resize_to(subject.astype(np.uint8) * 255, (width, height)).astype(np.float32) / 255.0
    if (height, width) == subject.shape:
        return coarse
    guide = srgb.astype(np.float32).mean(axis=2) / 255.0
    size = 2 * round(1.5 * max(height, width) / LONG_SIDE_PX) + 1
    mean, mean_coarse = uniform_filter(guide, size), uniform_filter(coarse, size)
    slope = (uniform_filter(guide * coarse, size) - mean * mean_coarse) / (uniform_filter(guide * guide, size) - mean**2 + 1e-4)
    offset = mean_coarse - slope * mean
    filtered = uniform_filter(slope, size) * guide + uniform_filter(offset, size)
    # Steeper, so that the edge is a pixel or two wide and nothing half transparent stays inside.
    return np.clip((filtered - 0.5) * 3.0 + 0.5, 0.0, 1.0)
