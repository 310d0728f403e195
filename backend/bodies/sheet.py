"""A flat, quad-dominant mesh of a cut-out: a balanced quadtree, cut along the contour of the coverage.

All bodies made from a picture start from such a sheet. The contour is the level of one half, to a fraction of a pixel. Cells have the
requested spacing where the contour is nearly straight and are refined elsewhere, down to the samples, so that the topology of the mask
is kept: pixels are 8-connected, and every hole of the subject is a hole of the sheet. Units are the picture's pixels, x to the right
and y down; polygons are counter-clockwise as seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..geometry import masks
from ..values import Array

CORNERS = 12  # of a cell's outline at most: 4 corners, 4 hanging nodes of finer neighbors, 4 crossings
TOLERANCE = 0.3  # distance in samples between the contour and the chord that cuts a cell, above which the cell is refined
STEPS_PX = 0.4  # distance by which the contour may move when the stairs of hard-edged pixels are smoothed
MOST_CELLS = 1024  # along the longer side
LEVELS = 5  # of the quadtree: the largest cells are 2**5 samples wide


@dataclass(frozen=True, eq=False)
class Sheet:
    """L polygons over V vertices in the plane of the picture."""

    xy_px: Array  # [V,2] float64
    polygons: Array  # [L,CORNERS] int32, filled up with -1
    counts: Array  # [L] int32, corners of each polygon, 3 to CORNERS
    rim: Array  # [V] bool, on the contour

    @property
    def rim_edges(self) -> Array:
        """Directed boundary edges [E,2] (from, to), with the subject on their left."""
        edges = outline_edges(self.polygons, self.counts)
        size = len(self.xy_px)
        forward, backward = edges[:, 0] * size + edges[:, 1], edges[:, 1] * size + edges[:, 0]
        return edges[~np.isin(forward, backward)]


def sheet_of(coverage: Array, spacing_px: float) -> Sheet:
    """The subject of `coverage` [H,W] float, 0 to 1, meshed with cells about `spacing_px` wide.

    The grid is symmetric about the center of the subject: a symmetric subject gets a symmetric mesh.
    Raises ValueError where nothing is covered by half.
    """
    wanted = euler_number(coverage > 0.5)
    for finer in (1.0, 0.93, 0.86):
        samples, origin_px, step_px, level = _sampled(coverage, finer * spacing_px)
        inside = samples > 0.5
        if euler_number(inside) == wanted:
            break
    else:  # details of a pixel fall between the samples: sample at the pixels themselves
        samples, origin_px, step_px, level = _aligned(coverage, spacing_px)
        inside = samples > 0.5
    split = _cells_to_split(samples, inside, level)
    codes = np.concatenate([_outlines(inside, split, k, level) for k in range(level + 1)])
    used = codes >= 0
    counts = used.sum(axis=1)
    keep = counts >= 3
    codes, counts = np.take_along_axis(codes, np.argsort(~used, axis=1, kind="stable"), axis=1)[keep], counts[keep]
    vertices, index = np.unique(codes[codes >= 0], return_inverse=True)
    polygons = np.full(codes.shape, -1, np.int32)
    polygons[codes >= 0] = index
    xy = origin_px + step_px * _positions(vertices, samples)
    return Sheet(xy, polygons, counts.astype(np.int32), vertices >= samples.size)


def sheet_for(coverage: Array, faces: int, wall_px: float = 0.0, tries: int = 2) -> Sheet:
    """A relaxed sheet of which two, with walls of `wall_px` between their rims, have about `faces` faces.

    It is meshed anew up to `tries` times to meet that number.
    """
    finest = max(coverage.shape) / MOST_CELLS
    spacing = max(spacing_for(coverage, faces, wall_px), finest)
    sheet = sheet_of(coverage, spacing)
    for _ in range(tries):
        count = _faces_in_all(sheet, wall_px)
        if abs(count / faces - 1.0) < 0.1:
            break
        spacing = max(spacing * (count / faces) ** 0.7, finest)  # a long or crooked outline takes more than its share
        sheet = sheet_of(coverage, spacing)
    return relaxed(sheet, contour_px=STEPS_PX)


def euler_number(inside: Array) -> int:
    """Components minus holes of a mask [H,W] bool, with 8-connected pixels."""
    padded = np.pad(inside, 1)
    a, b, c, d = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    corners = (a | b | c | d).sum()
    edges = (padded[:, 1:] | padded[:, :-1]).sum() + (padded[1:] | padded[:-1]).sum()
    return int(corners) - int(edges) + int(inside.sum())


def spacing_for(coverage: Array, faces: int, wall_px: float = 0.0) -> float:
    """The spacing in pixels at which two sheets and the walls of `wall_px` between their rims have about `faces` faces."""
    inside = coverage > 0.5
    area = float(inside.sum())
    outline = float((inside[1:] != inside[:-1]).sum() + (inside[:, 1:] != inside[:, :-1]).sum()) * np.pi / 4.0
    # faces = (2 area + wall) / h^2 + 1.5 outline / h: a row of cut and smaller cells runs along the outline, and
    # faces of walls are about 1.6 h^2 large.
    square, linear = 2.0 * area + outline * wall_px / 1.6, 1.5 * outline
    return float((linear + np.sqrt(linear**2 + 4.0 * faces * square)) / (2.0 * faces))


def wall_rows(sheet: Sheet, wall_px: float) -> int:
    """Rows of faces in a wall of `wall_px` along the rim, for faces up to twice as high as wide."""
    width = float(np.linalg.norm(np.diff(sheet.xy_px[sheet.rim_edges], axis=1), axis=-1).mean())
    return int(np.clip(round(wall_px / max(2.0 * width, 1e-9)), 1, 24))


def _faces_in_all(sheet: Sheet, wall_px: float) -> int:
    quads, triangles = faces_of(sheet)
    walls = int(sheet.rim.sum()) * wall_rows(sheet, wall_px) if wall_px else 0
    return 2 * (len(quads) + len(triangles)) + walls


def outline_edges(polygons: Array, counts: Array) -> Array:
    """Directed edges of padded polygons, polygon by polygon, [sum(counts),2] int64."""
    slots = np.arange(polygons.shape[1])
    following = np.where(slots[None, :] + 1 < counts[:, None], slots[None, :] + 1, 0)
    valid = slots[None, :] < counts[:, None]
    return np.stack([polygons[valid], np.take_along_axis(polygons, following, axis=1)[valid]], axis=1).astype(np.int64)


def faces_of(sheet: Sheet) -> tuple[Array, Array]:
    """Quads [Q,4] and triangles [T,3] of a sheet; polygons of five corners and more fall into quads and a triangle."""
    quads, triangles = [], []
    for count in np.unique(sheet.counts):
        polygons = sheet.polygons[sheet.counts == count][:, :count]
        if count > 4:
            polygons = _from_the_best_corner(polygons, sheet)
        for first in range(1, count - 2, 2):
            quads.append(polygons[:, [0, first, first + 1, first + 2]])
        if count % 2:
            triangles.append(polygons[:, [0, count - 2, count - 1]])
    return np.concatenate([np.zeros((0, 4), np.int32), *quads]), np.concatenate([np.zeros((0, 3), np.int32), *triangles])


def relaxed(sheet: Sheet, weights: Array | None = None, rounds: int = 12, slide: bool = True, contour_px: float = 0.0) -> Sheet:
    """The sheet after Laplacian smoothing, in which rim vertices move along the contour only.

    `weights` [sum(counts)] belong to `outline_edges`. `contour_px` is the distance by which the contour itself may move to lose the
    stairs of hard-edged pixels. Vertices of cells that would be inverted stay where they were.
    """
    from scipy.sparse import coo_matrix

    edges = outline_edges(sheet.polygons, sheet.counts)
    strength = np.ones(len(edges)) if weights is None else weights
    size = len(sheet.xy_px)
    links = coo_matrix((strength, (edges[:, 0], edges[:, 1])), shape=(size, size)).tocsr()
    links = links + links.T
    total = np.asarray(links.sum(axis=1)).ravel()
    xy = _slid(sheet, contour_px) if slide else sheet.xy_px.copy()
    inner = ~sheet.rim
    for _ in range(rounds):
        xy[inner] = (links @ xy)[inner] / total[inner, None]
    return _without_inverted_cells(sheet, xy)


def _sampled(coverage: Array, spacing_px: float) -> tuple[Array, Array, float, int]:
    rows, columns = masks.bounds(coverage > 0.5)
    level = int(np.clip(np.ceil(np.log2(spacing_px)), 0, LEVELS))
    step, block = spacing_px / 2**level, 2**level
    low, high = np.array([columns.start, rows.start], float), np.array([columns.stop, rows.stop], float)
    middle = 0.5 * (low + high)
    half = 0.5 * (high - low) + 1.5
    blocks = np.ceil(half / (step * block)).astype(int)  # on either side of the middle
    origin = middle - blocks * step * block
    x = origin[0] + step * np.arange(2 * blocks[0] * block + 1)
    y = origin[1] + step * np.arange(2 * blocks[1] * block + 1)
    samples = _interpolated(_interpolated(coverage.astype(np.float32), y - 0.5).T, x - 0.5).T.copy()
    samples[[0, -1]], samples[:, [0, -1]] = 0.0, 0.0
    return samples, origin, step, level


def _interpolated(rows: Array, places: Array) -> Array:
    """Rows at fractional positions, zero outside; linear, as splines overshoot at hard edges."""
    padded = np.pad(rows, ((1, 1), (0, 0)))
    low = np.clip(np.floor(places).astype(int), -1, len(rows) - 1)
    share = np.clip(places - low, 0.0, 1.0).astype(np.float32)[:, None]
    return padded[low + 1] * (1.0 - share) + padded[low + 2] * share


def _aligned(coverage: Array, spacing_px: float) -> tuple[Array, Array, float, int]:
    rows, columns = masks.bounds(coverage > 0.5)
    level = int(np.clip(round(np.log2(spacing_px)), 0, LEVELS))
    cut = coverage[rows, columns].astype(np.float32)
    around = [(1, 1 + (-(size + 1)) % 2**level) for size in cut.shape]
    return np.pad(cut, around), np.array([columns.start - 0.5, rows.start - 0.5]), 1.0, level


def _cells_to_split(samples: Array, inside: Array, level: int) -> list[Array]:
    lowest = inside[:-1, :-1] & inside[1:, :-1] & inside[:-1, 1:] & inside[1:, 1:]
    highest = inside[:-1, :-1] | inside[1:, :-1] | inside[:-1, 1:] | inside[1:, 1:]
    split = [np.zeros(lowest.shape, bool)]
    for k in range(1, level + 1):
        lowest, highest = _pooled(lowest, np.logical_and), _pooled(highest, np.logical_or)
        # 2:1 balance: the neighbors of a split cell are at most one level coarser than its children.
        crowded = _pooled(_grown(split[-1]), np.logical_or)
        cut = np.argwhere(highest & ~lowest & ~crowded)
        crooked = np.zeros(lowest.shape, bool)
        crooked[tuple(cut.T)] = _is_crooked(samples, inside, cut, 2**k)
        split.append(crowded | crooked)
    return split


def _pooled(cells: Array, combine: np.ufunc) -> Array:
    return combine(combine(cells[::2, ::2], cells[1::2, ::2]), combine(cells[::2, 1::2], cells[1::2, 1::2]))


def _grown(cells: Array) -> Array:
    grown = cells.copy()
    grown[1:] |= cells[:-1]
    grown[:-1] |= cells[1:]
    grown[:, 1:] |= cells[:, :-1]
    grown[:, :-1] |= cells[:, 1:]
    return grown


def _is_crooked(samples: Array, inside: Array, cells: Array, size: int) -> Array:
    """Cells [n] bool whose contour isn't one nearly straight line; `cells` [n,2] are row and column of blocks."""
    steps = np.arange(size + 1)
    rows, columns = cells[:, :1] * size + steps, cells[:, 1:] * size + steps
    block = inside[rows[:, :, None], columns[:, None, :]]
    value = samples[rows[:, :, None], columns[:, None, :]]
    sides = [(block[:, :, 0], value[:, :, 0]), (block[:, -1], value[:, -1]), (block[:, :, -1], value[:, :, -1]), (block[:, 0], value[:, 0])]
    crossings = np.stack([side[:, 1:] != side[:, :-1] for side, _ in sides], axis=1)  # [n,4,size]
    per_side = crossings.sum(axis=2)
    plain = (per_side.max(axis=1) <= 1) & (per_side.sum(axis=1) == 2)
    points = np.zeros((len(cells), 4, 2))
    for i, (_, along) in enumerate(sides):
        at = crossings[:, i].argmax(axis=1)
        t = at + _fraction(along[np.arange(len(at)), at], along[np.arange(len(at)), at + 1])
        fixed = np.full(len(at), 0.0 if i in (0, 3) else float(size))
        points[:, i] = np.stack([fixed, t] if i in (0, 2) else [t, fixed], axis=1)
    chosen = np.argsort(per_side == 0, axis=1, kind="stable")[:, :2]
    first, second = (np.take_along_axis(points, chosen[:, i, None, None], axis=1)[:, 0] for i in (0, 1))
    along = second - first
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.linalg.norm(along, axis=1), 1e-9)[:, None]
    x, y = steps[None, None, :] - first[:, 0, None, None], steps[None, :, None] - first[:, 1, None, None]
    signed = (normal[:, 0, None, None] * x + normal[:, 1, None, None] * y) * np.where(block, 1.0, -1.0)
    off = np.minimum(np.maximum(-signed, 0.0).max(axis=(1, 2)), np.maximum(signed, 0.0).max(axis=(1, 2)))
    return ~plain | (off > TOLERANCE)


def _outlines(inside: Array, split: list[Array], k: int, level: int) -> Array:
    """Codes of the vertices around every leaf of level k, [n,CORNERS].

    A code is y * W + x of a sample, H * W more for the crossing right of it, 2 H * W more for the one below it, -1 for none.
    """
    size, width = 2**k, inside.shape[1]
    leaf = ~split[k]
    if k < level:
        leaf &= np.repeat(np.repeat(split[k + 1], 2, axis=0), 2, axis=1)
    y, x = (np.nonzero(leaf)[i] * size for i in (0, 1))
    steps = np.arange(size + 1)
    finer = np.zeros(inside.shape, bool)  # hanging nodes: corners of finer leaves in the middle of this level's sides
    if k:
        fine_y, fine_x = (np.nonzero(split[k])[i] * size for i in (0, 1))
        half = size // 2
        for dy, dx in ((0, half), (half, 0), (size, half), (half, size)):
            finer[fine_y + dy, fine_x + dx] = True
    slots = []
    for dy, dx, down, forward in ((0, 0, True, True), (size, 0, False, True), (0, size, True, False), (0, 0, False, False)):
        rows = y[:, None] + dy + (steps if down else 0)
        columns = x[:, None] + dx + (0 if down else steps)
        along = inside[rows, columns]
        corner = 0 if forward else size
        crossed = along[:, 1:] != along[:, :-1]
        at = crossed.argmax(axis=1)
        every = np.arange(len(y))
        here = rows * width + columns
        crossing = np.where(crossed.any(axis=1), here[every, at] + (2 if down else 1) * inside.size, -1)
        middle = np.full(len(y), -1)
        if k:
            middle = np.where(finer.ravel()[here[:, size // 2]] & along[:, size // 2], here[:, size // 2], -1)
        crossing_first = (at < size // 2) == forward
        slots += [
            np.where(along[:, corner], here[:, corner], -1),
            np.where(crossing_first, crossing, middle),
            np.where(crossing_first, middle, crossing),
        ]
    return np.stack(slots, axis=1)


def _fraction(here: Array, there: Array) -> Array:
    # Clipped, so that crossings don't coincide at a sample.
    return np.clip((0.5 - here) / (there - here + (there == here)), 0.05, 0.95)


def _positions(codes: Array, samples: Array) -> Array:
    height, width = samples.shape
    kind, place = np.divmod(codes, height * width)
    y, x = np.divmod(place, width)
    across, below = kind == 1, kind == 2
    t = np.zeros(len(codes))
    t[across] = _fraction(samples[y[across], x[across]], samples[y[across], x[across] + 1])
    t[below] = _fraction(samples[y[below], x[below]], samples[y[below] + 1, x[below]])
    return np.stack([x + across * t, y + below * t], axis=1)


def _from_the_best_corner(polygons: Array, sheet: Sheet) -> Array:
    """Polygons [n,k], each rotated to the corner whose fan has the best triangles and no edge from rim to rim.

    Front and back of a body share their rim, so such an edge would have four faces.
    """
    count = polygons.shape[1]
    turned = np.stack([np.roll(polygons, -r, axis=1) for r in range(count)], axis=1)  # [n,k,k]
    points = sheet.xy_px[turned]
    a, b, c = points[:, :, :1], points[:, :, 1:-1], points[:, :, 2:]
    area = np.abs((b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0])
    longest = np.maximum(np.maximum(((b - a) ** 2).sum(-1), ((c - a) ** 2).sum(-1)), ((c - b) ** 2).sum(-1))
    quality = (area / np.maximum(longest, 1e-12)).min(axis=2)
    on_rim = sheet.rim[turned]
    quality -= on_rim[:, :, 0] & on_rim[:, :, 2:-1].any(axis=2)
    return turned[np.arange(len(polygons)), quality.argmax(axis=1)]


def _slid(sheet: Sheet, contour_px: float, rounds: int = 8) -> Array:
    """Vertices [V,2] with those of the rim distributed more evenly along the contour, and smoothed across it by at most `contour_px`."""
    xy = sheet.xy_px.copy()
    edges = sheet.rim_edges
    at, before, after = edges[:, 0], np.zeros(len(xy), np.int64), np.zeros(len(xy), np.int64)
    after[edges[:, 0]], before[edges[:, 1]] = edges[:, 1], edges[:, 0]
    before, after = before[at], after[at]
    start = xy[at]
    for factor in (0.5, -0.53) * 6 if contour_px else ():
        xy[at] += factor * (0.5 * (xy[before] + xy[after]) - xy[at])
        off = xy[at] - start
        xy[at] = start + off * np.minimum(1.0, contour_px / np.maximum(np.linalg.norm(off, axis=1), 1e-12))[:, None]
    for _ in range(rounds):
        back, ahead = xy[before] - xy[at], xy[after] - xy[at]
        long_back, long_ahead = np.linalg.norm(back, axis=1), np.linalg.norm(ahead, axis=1)
        straight = -(back * ahead).sum(1) / np.maximum(long_back * long_ahead, 1e-12)
        # Along the longer of the two edges, but not around corners of more than 35 degrees.
        step = 0.25 * (long_ahead - long_back) * (straight > 0.82)
        toward = np.where((step > 0)[:, None], ahead / np.maximum(long_ahead, 1e-12)[:, None], back / np.maximum(long_back, 1e-12)[:, None])
        xy[at] += np.abs(step)[:, None] * toward
    return xy


def _without_inverted_cells(sheet: Sheet, xy: Array) -> Sheet:
    for _ in range(6):
        turned = _smallest_corner_area(sheet, xy) <= 0.02 * np.minimum(1.0, _smallest_corner_area(sheet, sheet.xy_px))
        if not turned.any():
            return replace(sheet, xy_px=xy)
        fixed = np.unique(sheet.polygons[turned])
        fixed = fixed[fixed >= 0]
        xy[fixed] = sheet.xy_px[fixed]
    return sheet


def _smallest_corner_area(sheet: Sheet, xy: Array) -> Array:
    """Least signed area [L] of the triangles between each polygon's centroid and its edges, in px^2; negative where one is inverted."""
    points = np.where((sheet.polygons >= 0)[..., None], xy[sheet.polygons], 0.0)
    center = points.sum(axis=1) / sheet.counts[:, None]
    edges = outline_edges(sheet.polygons, sheet.counts)
    owner = np.repeat(np.arange(len(sheet.counts)), sheet.counts)
    a, b = xy[edges[:, 0]] - center[owner], xy[edges[:, 1]] - center[owner]
    area = 0.5 * (a[:, 1] * b[:, 0] - a[:, 0] * b[:, 1])  # y points down
    return np.minimum.reduceat(area, np.cumsum(sheet.counts) - sheet.counts)
