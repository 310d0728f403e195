"""UV coordinates for large meshes in a second: charts of similar normals, flattened along their mean normal, packed like bricks."""

from __future__ import annotations

import numpy as np

from .. import device
from ..errors import ReifyError
from ..values import Array, Mesh
from . import topology

STEEPEST = 0.34  # cosine: faces tilted more than 70 degrees against their chart get one of their own
FLAT = 0.64  # cosine within which a chart grows at first
MOST_TRIALS = 80  # of scales, each at least 1 % smaller than the one before
TINY = 12  # faces: smaller charts join a neighbor, whose flat faces make room for them
SQUEEZED = 0.1  # of its area: a face that flattening leaves less is spread out
SMALLEST = 0.003  # of its area: a face that still has less goes to another chart
FAINT = 1e-4
ATTEMPTS = 12  # at charts that flatten without overlaps; from half of them on, faces that won't are charts of their own
LEAST_TEXELS = 9  # that a chart and its margin take
ANGLES = 24  # tried between 0 and 90 degrees for the smallest box around a chart


def unwrap_by_charts(mesh: Mesh, size_px: int, margin_px: int) -> Array:
    """UVs [F,3,2] in [0,1] for a texture of `size_px`, without overlaps, with `margin_px` empty texels around every chart.

    All charts have the same texels per area of their flattened faces. Raises ReifyError where there are too many.
    """
    pieces = int(topology.parts(mesh.faces, len(mesh.vertices)).max()) + 1
    if pieces * LEAST_TEXELS > size_px**2:
        raise _too_many(pieces, size_px)
    device.prepare_numba()
    normals, areas = _normals(mesh)
    chart = _charts(mesh, normals, areas)
    flat, chart = _flatten(mesh, normals, areas, chart, size_px)
    return _pack(flat, chart, size_px, margin_px)


def _normals(mesh: Mesh) -> tuple[Array, Array]:
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    doubled = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(doubled, axis=1)
    return doubled / np.where(length > 0, length, 1.0)[:, None], 0.5 * length


def _charts(mesh: Mesh, normals: Array, areas: Array) -> Array:
    from . import chart_kernels as kernels

    count = len(mesh.faces)
    pairs = topology.pair_half_edges(mesh.vertices, mesh.faces)
    neighbors = np.full(3 * count, -1, np.int64)
    neighbors[pairs.first], neighbors[pairs.second] = pairs.second // 3, pairs.first // 3
    neighbors = neighbors.reshape(-1, 3)
    centers = mesh.vertices[mesh.faces].mean(axis=1, dtype=np.float64)
    reach = float(np.sqrt(areas.sum()))
    flatness = _flatness(normals, neighbors)
    chart = np.full(count, -1, np.int64)
    kernels.cover(normals, areas, neighbors, np.argsort(-flatness, kind="stable"), FLAT, chart)
    for _ in range(3):
        # Small charts give way to their neighbors; the others grow again from their middles, all at once.
        size = np.bincount(chart, areas)
        kept = np.flatnonzero(size >= 0.0005 * areas.sum())
        means = _chart_normals(chart, normals, areas)[kept] if len(kept) else np.zeros((0, 3))
        seeds = _middles(chart, kept, normals, centers, areas)
        chart = np.full(count, -1, np.int64)
        kernels.grow(normals, areas, centers, neighbors, seeds, means, STEEPEST, reach, chart)
        kernels.cover(normals, areas, neighbors, np.argsort(-flatness, kind="stable"), FLAT, chart)
    kernels.straighten(normals, neighbors, _chart_normals(chart, normals, areas), STEEPEST, chart, 4)
    return _without_tiny(chart, neighbors)


def _without_tiny(chart: Array, neighbors: Array, rounds: int = 4) -> Array:
    """Charts of few faces given to the neighbor that they share most edges with."""
    for _ in range(rounds):
        count = np.bincount(chart)
        face, side = np.nonzero((neighbors >= 0) & (count[chart] < TINY)[:, None])
        own, other = chart[face], chart[neighbors[face, side]]
        pair, shared = np.unique((own * len(count) + other)[own != other], return_counts=True)
        if len(pair) == 0:
            break
        own, other = pair // len(count), pair % len(count)
        order = np.lexsort((count[other], shared))
        target = np.arange(len(count))
        target[own[order]] = other[order]
        # Of two tiny charts that would swap places, one stays.
        swapped = (target[target] == np.arange(len(count))) & (np.arange(len(count)) < target)
        target[swapped] = np.flatnonzero(swapped)
        chart = np.unique(target[chart], return_inverse=True)[1].reshape(-1)
    return chart


def _flatness(normals: Array, neighbors: Array) -> Array:
    return np.where(neighbors >= 0, np.einsum("fi,fki->fk", normals, normals[neighbors]), -1.0).sum(axis=1)


def _chart_normals(chart: Array, normals: Array, areas: Array) -> Array:
    sums = np.stack([np.bincount(chart, normals[:, k] * areas) for k in range(3)], axis=1)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return sums / np.where(length > 0, length, 1.0)


def _middles(chart: Array, kept: Array, normals: Array, centers: Array, areas: Array) -> Array:
    """The face of each kept chart that is nearest to the chart's center of mass."""
    size = np.bincount(chart, areas)
    mass = np.stack([np.bincount(chart, centers[:, k] * areas) for k in range(3)], axis=1) / np.maximum(size, 1e-300)[:, None]
    distance = np.linalg.norm(centers - mass[chart], axis=1)
    order = np.lexsort((distance, chart))
    first = np.searchsorted(chart[order], kept)
    return order[first]


def _flatten(mesh: Mesh, normals: Array, areas: Array, chart: Array, size_px: int) -> tuple[Array, Array]:
    """Flat positions [F,3,2] in world units, each chart turned to stand upright, and charts [F] without covered faces."""
    from . import chart_kernels as kernels

    texel = np.sqrt(areas.sum() / 0.6) / size_px
    for attempt in range(ATTEMPTS):
        flat, heights = _project(mesh, normals, areas, chart)
        flat = _spread_out(flat, mesh, areas, chart)
        turned_away = (_doubled(flat) <= SMALLEST * 2 * areas) & (areas > 1e-12 * areas.sum())
        chart = np.where(turned_away, chart.max() + 1 + (np.arange(len(chart)) if attempt > ATTEMPTS // 2 else chart), chart)
        order = np.argsort(chart, kind="stable")
        bounds = np.flatnonzero(np.diff(chart[order], prepend=-1, append=chart.max() + 1))
        triangles, high = flat[order], heights[order]
        covered = np.zeros(len(chart), bool)

        def look(first: int, last: int, bounds=bounds, triangles=triangles, high=high, covered=covered) -> None:
            for c in range(first, last):
                if bounds[c + 1] - bounds[c] > 1:
                    kernels.find_covered(triangles, high, bounds[c], bounds[c + 1], 0.5 * texel, covered)

        device.split(look, len(bounds) - 1, parts=16)
        if not (covered.any() or turned_away.any()):
            break
        chart = chart.copy()
        chart[order[covered]] += chart.max() + 1
        chart = _connected_charts(mesh, chart)
    flat = _spread_out(_project(mesh, normals, areas, chart)[0], mesh, areas, chart)
    left = _doubled(flat) <= 0
    if left.any():
        chart = np.where(left, chart.max() + 1 + np.arange(len(chart)), chart)
        flat = np.where(left[:, None, None], _project(mesh, normals, areas, chart)[0], flat)
    return _upright(flat, chart), chart


def _project(mesh: Mesh, normals: Array, areas: Array, chart: Array) -> tuple[Array, Array]:
    chart = np.unique(chart, return_inverse=True)[1].reshape(-1)
    n = _chart_normals(chart, normals, areas)
    n[np.linalg.norm(n, axis=1) == 0] = (0.0, 0.0, 1.0)
    across = np.cross(np.eye(3)[np.argmin(np.abs(n), axis=1)], n)
    u = across / np.linalg.norm(across, axis=1, keepdims=True)
    v = np.cross(n, u)
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    flat = np.stack([np.einsum("fci,fi->fc", corners, u[chart]), np.einsum("fci,fi->fc", corners, v[chart])], axis=-1)
    return flat, np.einsum("fi,fi->f", corners.mean(axis=1), n[chart])


def _spread_out(flat: Array, mesh: Mesh, areas: Array, chart: Array, rounds: int = 6) -> Array:
    """Flat positions [F,3,2] where faces that are turned over or squeezed share the room around them.

    Their vertices inside the chart become means of their neighbors (Tutte, 1963), in each round those around them, too.
    """
    from scipy.sparse import coo_matrix, diags
    from scipy.sparse.linalg import spsolve

    keys = chart[:, None].astype(np.int64) * len(mesh.vertices) + mesh.faces
    _, first, node = np.unique(keys, return_index=True, return_inverse=True)
    node, count = node.reshape(-1, 3), len(first)
    place = flat.reshape(-1, 2)[first]
    edges = np.sort(np.concatenate([node[:, [0, 1]], node[:, [1, 2]], node[:, [2, 0]]]), axis=1)
    code, faces_there = np.unique(edges[:, 0] * count + edges[:, 1], return_counts=True)
    a, b = code // count, code % count
    graph = coo_matrix((np.ones(2 * len(a)), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(count, count)).tocsr()
    inner = np.ones(count, bool)
    inner[np.concatenate([a[faces_there == 1], b[faces_there == 1]])] = False
    free = np.zeros(count, bool)
    for _ in range(rounds):
        bad = _doubled(place[node]) < SQUEEZED * 2 * areas
        if free.any():
            bad |= free[node].any(axis=1) & _touch(bad, node, count)
        if not bad.any():
            break
        free[node[bad]] = True
        free &= inner
        moved, held = np.flatnonzero(free), np.flatnonzero(~free)
        if len(moved) == 0:
            break
        rows = graph[moved]
        # The faint pull to where they are settles charts of which no vertex is held.
        matrix = diags(np.asarray(rows.sum(axis=1)).ravel() + FAINT) - rows[:, moved]
        place[moved] = spsolve(matrix.tocsc(), rows[:, held] @ place[held] + FAINT * place[moved]).reshape(-1, 2)
    return place[node]


def _touch(faces: Array, node: Array, count: int) -> Array:
    """Faces [F] that share a node with one of `faces` [F]."""
    near = np.zeros(count, bool)
    near[node[faces]] = True
    return near[node].any(axis=1)


def _doubled(flat: Array) -> Array:
    a, b = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _connected_charts(mesh: Mesh, chart: Array) -> Array:
    """Charts made of several pieces become several charts."""
    pairs = topology.pair_half_edges(mesh.vertices, mesh.faces)
    f, g = pairs.first // 3, pairs.second // 3
    same = chart[f] == chart[g]
    return topology.connected(len(chart), f[same], g[same]).astype(np.int64)


def _affordable(span_px: Array, margin_px: int) -> int:
    """The widest margin, up to `margin_px`, with which the boxes around charts grow to at most twice their area."""
    for margin in range(margin_px, 1, -1):
        if np.prod(span_px + 2 * margin, axis=1).sum() <= 2.0 * np.prod(span_px, axis=1).sum():
            return margin
    return 1


def _upright(flat: Array, chart: Array) -> Array:
    """Every chart turned so that the box around it is small, and higher than wide."""
    chart = np.unique(chart, return_inverse=True)[1].reshape(-1)
    order = np.argsort(chart, kind="stable")
    starts = np.flatnonzero(np.diff(chart[order], prepend=-1))
    best, turn = np.full(len(starts), np.inf), np.zeros(len(starts))
    for angle in np.arange(ANGLES) * (np.pi / 2 / ANGLES):
        width, height = (
            np.maximum.reduceat(x.max(axis=1)[order], starts) - np.minimum.reduceat(x.min(axis=1)[order], starts)
            for x in _turned(flat, angle)
        )
        better = width * height < best
        best = np.where(better, width * height, best)
        turn = np.where(better, np.where(width > height, angle + np.pi / 2, angle), turn)
    return np.stack(_turned(flat, turn[chart][:, None]), axis=-1)


def _turned(flat: Array, angle) -> tuple[Array, Array]:
    cosine, sine = np.cos(angle), np.sin(angle)
    return flat[..., 0] * cosine - flat[..., 1] * sine, flat[..., 0] * sine + flat[..., 1] * cosine


def _pack(flat: Array, chart: Array, size_px: int, margin_px: int) -> Array:
    from . import chart_kernels as kernels

    chart = np.unique(chart, return_inverse=True)[1].reshape(-1)
    order = np.argsort(chart, kind="stable")
    starts = np.flatnonzero(np.diff(chart[order], prepend=-1))
    low = np.minimum.reduceat(flat.min(axis=1)[order], starts, axis=0)
    span = np.maximum.reduceat(flat.max(axis=1)[order], starts, axis=0) - low
    local = (flat - low[chart][:, None])[order]
    bounds = np.append(starts, len(order))
    by_height = np.argsort(-span[:, 1], kind="stable")
    places = np.zeros((len(starts), 2), np.int64)
    # Texels per world unit: from above until it fits; the first guess would fill the square.
    scale = size_px / np.sqrt(np.maximum(0.5 * np.abs(_doubled(flat)).sum(), 1e-300))
    margin = _affordable(span * scale, margin_px)
    for _ in range(MOST_TRIALS):
        widths = (span[:, 0] * scale).astype(np.int64) + 1 + 2 * margin
        offsets = np.concatenate([[0], np.cumsum(widths)])
        if widths.max() > size_px:
            scale *= 0.9
            continue
        bottoms, tops = np.empty(offsets[-1], np.int64), np.empty(offsets[-1], np.int64)
        scaled = local * scale

        def measure(first: int, last: int, scaled=scaled, offsets=offsets, bottoms=bottoms, tops=tops, margin=margin) -> None:
            for c in range(first, last):
                part = slice(offsets[c], offsets[c + 1])
                kernels.profile(scaled, bounds[c], bounds[c + 1], margin, bottoms[part], tops[part])

        device.split(measure, len(starts), parts=16)
        needed = kernels.pack(by_height, offsets, bottoms, tops, size_px, places)
        if needed <= size_px:
            break
        scale *= min(0.99, (size_px / needed) ** 0.5)
    else:
        raise _too_many(len(starts), size_px)
    uvs = np.empty_like(flat)
    uvs[order] = (local * scale + places[chart[order]][:, None] + margin) / size_px
    return uvs.clip(0.0, 1.0).astype(np.float32)


def _too_many(pieces: int, size_px: int) -> ReifyError:
    return ReifyError(
        f"The mesh falls into {pieces} pieces, too many for a texture of {size_px} pixels.",
        "Choose a larger texture, or vertex colors.",
    )
