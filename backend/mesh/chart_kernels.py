"""Numba kernels that cut a mesh into charts and pack them; imported on first use."""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def grow(normals, areas, centers, neighbors, seeds, seed_normals, least_cosine, reach, chart):
    """Label faces [F] with the chart that reaches them most cheaply; -1 stays where none may.

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
    """Label what has no chart yet, one chart after the other: each follows its mean normal as long as faces agree with it.

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
    """Give faces with two neighbors in another chart to that one, where its normal allows: borders get shorter."""
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
def find_covered(triangles, heights, first, last, texel, covered):
    """Mark faces of one chart, `first` to `last`, that lie under others of it when it is flattened.

    `triangles` [F,3,2] are flat positions, `heights` [F] distances towards the eye. Points a little inside the faces are
    tested on a raster of `texel`, so that faces which only touch don't count.
    """
    low_x, low_y = triangles[first, 0, 0], triangles[first, 0, 1]
    high_x, high_y = low_x, low_y
    for f in range(first, last):
        for c in range(3):
            low_x, high_x = min(low_x, triangles[f, c, 0]), max(high_x, triangles[f, c, 0])
            low_y, high_y = min(low_y, triangles[f, c, 1]), max(high_y, triangles[f, c, 1])
    columns, rows = int((high_x - low_x) / texel) + 2, int((high_y - low_y) / texel) + 2
    owner = np.full((rows, columns), -1, np.int32)
    found = 0
    for f in range(first, last):
        ax, ay = (triangles[f, 0, 0] - low_x) / texel, (triangles[f, 0, 1] - low_y) / texel
        bx, by = (triangles[f, 1, 0] - low_x) / texel, (triangles[f, 1, 1] - low_y) / texel
        cx, cy = (triangles[f, 2, 0] - low_x) / texel, (triangles[f, 2, 1] - low_y) / texel
        doubled = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if doubled <= 0:
            continue
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
                elif heights[f] > heights[other]:
                    found += not covered[other]
                    covered[other] = True
                    owner[y, x] = f
                else:
                    found += not covered[f]
                    covered[f] = True
    return found


@njit(cache=True, nogil=True)
def profile(triangles, first, last, margin, bottom, top):
    """Lowest and highest texel [W] of one chart in each column, with `margin` around it; positions are texels from 0."""
    width = bottom.shape[0]
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    for f in range(first, last):
        for c in range(3):
            ax, ay = triangles[f, c, 0], triangles[f, c, 1]
            bx, by = triangles[f, (c + 1) % 3, 0], triangles[f, (c + 1) % 3, 1]
            if ax > bx:
                ax, ay, bx, by = bx, by, ax, ay
            slope = (by - ay) / (bx - ax) if bx > ax else 0.0
            for x in range(int(ax), int(bx) + 1):
                y0 = ay + slope * (max(float(x), ax) - ax)
                y1 = ay + slope * (min(x + 1.0, bx) - ax) if bx > ax else by
                i = x + margin
                low[i], high[i] = min(low[i], min(y0, y1)), max(high[i], max(y0, y1))
    for i in range(width):
        lowest, highest = np.inf, -np.inf
        for j in range(max(0, i - margin), min(width, i + margin + 1)):
            lowest, highest = min(lowest, low[j]), max(highest, high[j])
        bottom[i], top[i] = int(np.floor(lowest)), int(np.floor(highest)) + 2 * margin + 1


@njit(cache=True, nogil=True)
def pack(order, starts, bottoms, tops, size, places):
    """Put charts [C] one on the other like falling bricks (Levy et al., 2002); returns the height that they need.

    `bottoms` and `tops` hold the charts' profiles one after the other, `starts` [C+1] where each begins. `places` [C,2] gets
    the column and row of each chart's corner.
    """
    horizon = np.zeros(size, np.int64)
    needed = 0
    for c in order:
        first, width = starts[c], starts[c + 1] - starts[c]
        if width > size:
            return 2 * size * max(1, width // size)
        best_row, best_waste, best_x = np.int64(1 << 40), np.int64(1 << 60), 0
        for x in range(size - width + 1):
            row = np.int64(0)
            for i in range(width):
                row = max(row, horizon[x + i] - bottoms[first + i])
                if row > best_row:
                    break
            if row > best_row:
                continue
            waste = np.int64(0)
            for i in range(width):
                waste += row + bottoms[first + i] - horizon[x + i]
            if row < best_row or waste < best_waste:
                best_row, best_waste, best_x = row, waste, x
        places[c, 0], places[c, 1] = best_x, best_row
        for i in range(width):
            horizon[best_x + i] = best_row + tops[first + i]
            needed = max(needed, horizon[best_x + i])
    return needed
