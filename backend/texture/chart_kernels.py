"""Numba kernels that cut a mesh into charts; imported on first use."""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit

MOST_STEPS = 4096  # samples along a chart's box when overlaps are searched


@njit(cache=True, nogil=True)
def grow(normals, areas, centers, neighbors, seeds, seed_normals, least_cosine, reach, chart):
    """Label faces [F] with the chart of least path cost from its seed; -1 stays where no chart may go.

    All charts grow at once from their seeds. A step costs the deviation from the chart's normal and, so that charts stay
    compact, the distance from the seed in units of `reach`; no chart takes a face beyond `least_cosine`.
    """
    heap = [(0.0, np.int64(0), np.int64(0))]
    heap.pop()
    for s in range(seeds.shape[0]):
        heapq.heappush(heap, (0.0, np.int64(seeds[s]), np.int64(s)))
    while len(heap) > 0:
        _, f, c = heapq.heappop(heap)
        if chart[f] >= 0:
            continue
        chart[f] = c
        for k in range(3):
            g = neighbors[f, k]
            if g < 0 or chart[g] >= 0:
                continue
            cosine = normals[g, 0] * seed_normals[c, 0] + normals[g, 1] * seed_normals[c, 1] + normals[g, 2] * seed_normals[c, 2]
            if cosine < least_cosine:
                continue
            away = np.sqrt(
                (centers[g, 0] - centers[seeds[c], 0]) ** 2
                + (centers[g, 1] - centers[seeds[c], 1]) ** 2
                + (centers[g, 2] - centers[seeds[c], 2]) ** 2
            )
            heapq.heappush(heap, ((1.0 - cosine) + 0.1 * away / reach, np.int64(g), np.int64(c)))


@njit(cache=True, nogil=True)
def cover(normals, areas, neighbors, order, least_cosine, chart):
    """Label faces without a chart, one chart after the other: each takes neighbors as long as their normals agree with its mean.

    Returns the seeds. `order` says which faces may start a chart first.
    """
    seeds = [np.int64(0)]
    seeds.pop()
    count = chart.max() + 1
    for start in order:
        if chart[start] >= 0:
            continue
        seeds.append(np.int64(start))
        x, y, z = normals[start, 0], normals[start, 1], normals[start, 2]
        sx, sy, sz = x * areas[start], y * areas[start], z * areas[start]
        heap = [(0.0, np.int64(start))]
        while len(heap) > 0:
            _, f = heapq.heappop(heap)
            if chart[f] >= 0:
                continue
            length = np.sqrt(sx * sx + sy * sy + sz * sz)
            if length > 0:
                x, y, z = sx / length, sy / length, sz / length
            if normals[f, 0] * x + normals[f, 1] * y + normals[f, 2] * z < least_cosine:
                continue
            chart[f] = count
            sx, sy, sz = sx + normals[f, 0] * areas[f], sy + normals[f, 1] * areas[f], sz + normals[f, 2] * areas[f]
            for k in range(3):
                g = neighbors[f, k]
                if g >= 0 and chart[g] < 0:
                    cosine = normals[g, 0] * x + normals[g, 1] * y + normals[g, 2] * z
                    if cosine >= least_cosine:
                        heapq.heappush(heap, (1.0 - cosine, np.int64(g)))
        # The mean may have drifted away from where the chart began: the seed at least is always its own.
        if chart[start] < 0:
            chart[start] = count
        count += 1
    return np.array(seeds)


@njit(cache=True, nogil=True)
def straighten(normals, neighbors, chart_normals, least_cosine, chart, rounds):
    """Shorten borders: a face with two neighbors in another chart joins it where its normal allows."""
    for _ in range(rounds):
        changed = 0
        for f in range(chart.shape[0]):
            a, b, c = neighbors[f, 0], neighbors[f, 1], neighbors[f, 2]
            ca, cb, cc = chart[a] if a >= 0 else -1, chart[b] if b >= 0 else -1, chart[c] if c >= 0 else -1
            target = ca if ca in (cb, cc) else (cb if cb == cc else -1)
            if target >= 0 and target != chart[f]:
                n = chart_normals[target]
                if normals[f, 0] * n[0] + normals[f, 1] * n[1] + normals[f, 2] * n[2] >= least_cosine:
                    chart[f] = target
                    changed += 1
        if changed == 0:
            break


@njit(cache=True, nogil=True)
def find_overlaps(triangles, first, last, step):
    """Pairs [N,2] of flattened faces [F,3,2] of one chart, `first` to `last`, that overlap.

    Points a little inside the faces are tested on a raster of `step`, so that faces which only touch don't count.
    """
    low_x, low_y = triangles[first, 0, 0], triangles[first, 0, 1]
    high_x, high_y = low_x, low_y
    for f in range(first, last):
        for c in range(3):
            low_x, high_x = min(low_x, triangles[f, c, 0]), max(high_x, triangles[f, c, 0])
            low_y, high_y = min(low_y, triangles[f, c, 1]), max(high_y, triangles[f, c, 1])
    # A thin chart across its box would need more; it can't be drawn finer than the tile anyway.
    step = max(step, max(high_x - low_x, high_y - low_y) / MOST_STEPS, 1e-300)
    columns, rows = int((high_x - low_x) / step) + 2, int((high_y - low_y) / step) + 2
    owner = np.full((rows, columns), -1, np.int32)
    pairs = np.empty((16, 2), np.int64)
    count = 0
    for f in range(first, last):
        ax, ay = (triangles[f, 0, 0] - low_x) / step, (triangles[f, 0, 1] - low_y) / step
        bx, by = (triangles[f, 1, 0] - low_x) / step, (triangles[f, 1, 1] - low_y) / step
        cx, cy = (triangles[f, 2, 0] - low_x) / step, (triangles[f, 2, 1] - low_y) / step
        doubled = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if doubled <= 0:
            continue
        latest = -1
        for y in range(int(min(ay, by, cy)), int(max(ay, by, cy)) + 1):
            for x in range(int(min(ax, bx, cx)), int(max(ax, bx, cx)) + 1):
                u, v = x + 0.5, y + 0.5
                w0 = ((bx - u) * (cy - v) - (by - v) * (cx - u)) / doubled
                w1 = ((cx - u) * (ay - v) - (cy - v) * (ax - u)) / doubled
                if w0 < 0.02 or w1 < 0.02 or w0 + w1 > 0.98:
                    continue
                other = owner[y, x]
                if other < 0:
                    owner[y, x] = f
                elif other != latest:
                    if count == len(pairs):
                        pairs = np.concatenate((pairs, np.empty_like(pairs)))
                    pairs[count, 0], pairs[count, 1] = other, f
                    count, latest = count + 1, other
    return pairs[:count]
