"""Numba kernels that pack charts as bitmaps; imported on first use.

A row of cells is an array of 64-bit words, the first cell in the lowest bit of the first word.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint64

BITS = 64
EXACT, STEPS = 8, 8  # sizes up to 8 cells are exact, larger ones rounded to 8 steps per octave
SIZES = EXACT + STEPS * 12  # for up to 8 * 2^12 cells
EMPTY, ONE = uint64(0), uint64(1)
ALL = uint64(0xFFFFFFFFFFFFFFFF)


@njit(cache=True, nogil=True)
def draw_chart(triangles, first, last, width, height, cells):
    """Mark the cells [H*W] bool that triangles `first` to `last` [F,3,2] touch; positions are in cells from 0."""
    for f in range(first, last):
        low_y = min(triangles[f, 0, 1], triangles[f, 1, 1], triangles[f, 2, 1])
        high_y = max(triangles[f, 0, 1], triangles[f, 1, 1], triangles[f, 2, 1])
        for y in range(max(0, int(low_y)), min(height - 1, int(high_y)) + 1):
            low, high = np.inf, -np.inf
            for c in range(3):
                ax, ay = triangles[f, c, 0], triangles[f, c, 1]
                bx, by = triangles[f, (c + 1) % 3, 0], triangles[f, (c + 1) % 3, 1]
                if ay > by:
                    ax, ay, bx, by = bx, by, ax, ay
                if by < y or ay > y + 1:
                    continue
                slope = (bx - ax) / (by - ay) if by > ay else 0.0
                x0, x1 = ax + slope * (max(float(y), ay) - ay), bx - slope * (by - min(y + 1.0, by))
                low, high = min(low, x0, x1), max(high, x0, x1)
            for x in range(max(0, int(low)), min(width - 1, int(high)) + 1):
                cells[y * width + x] = True


@njit(cache=True, nogil=True)
def runs_of(cells, width, height, turned, runs):
    """Rows, first cells and lengths [R,3] of a chart's runs of marked cells, row by row; returns R.

    With `turned` the chart is turned by so many quarters counterclockwise, as `place_of` turns points.
    """
    count = 0
    rows, columns = (width, height) if turned % 2 else (height, width)
    for y in range(rows):
        length = 0
        for x in range(columns + 1):
            marked = False
            if x < columns:
                if turned == 0:
                    marked = cells[y * width + x]
                elif turned == 1:
                    marked = cells[(height - 1 - x) * width + y]
                elif turned == 2:
                    marked = cells[(height - 1 - y) * width + width - 1 - x]
                else:
                    marked = cells[x * width + width - 1 - y]
            if marked:
                length += 1
            elif length > 0:
                runs[count, 0], runs[count, 1], runs[count, 2] = y, x - length, length
                count += 1
                length = 0
    return count


@njit(cache=True, nogil=True)
def longest_first(runs, count, out):
    """The first `count` runs, sorted by falling length."""
    longest = runs[:count, 2].max()
    place = np.zeros(longest + 2, np.int64)
    for r in range(count):
        place[longest - runs[r, 2] + 1] += 1
    place[1:] = np.cumsum(place[1:])
    for r in range(count):
        k = longest - runs[r, 2]
        out[place[k]] = runs[r]
        place[k] += 1


@njit(cache=True, nogil=True)
def pack(order, widths, heights, starts, cells, margin, columns, rows, places, turns):
    """Place charts [C] by first fit from the bottom; returns the rows of cells that they need, or -1 where there are more than `rows`.

    `cells` holds the charts' bitmaps one after the other, `starts` [C+1] where each begins, `widths` and `heights` their sizes.
    Between charts and around all of them `margin` cells stay empty. `places` [C,2] gets the column and row of each chart's lower
    left corner, `turns` [C] by how many quarters it is turned.
    """
    words = columns // BITS + 1
    taken = np.zeros((rows, 2 * words), np.uint64)  # by charts and the margins around them; the second half stays empty
    blocked, line = np.zeros(words, np.uint64), np.zeros(2 * words, np.uint64)
    # What didn't fit below this row won't if it is hardly smaller: one row for each size, rounded.
    tried = np.full((SIZES, SIZES), margin, np.int64)
    most = 1
    for c in range(widths.shape[0]):
        most = max(most, (widths[c] // 2 + 1) * heights[c], (heights[c] // 2 + 1) * widths[c])
    found, runs, best_runs = np.empty((most, 3), np.int64), np.empty((most, 3), np.int64), np.empty((most, 3), np.int64)
    needed = 0
    for c in order:
        best_top, best_count = rows - margin + 1, 0
        for turned in range(4):
            width, height = (heights[c], widths[c]) if turned % 2 else (widths[c], heights[c])
            if width > columns - 2 * margin:
                continue
            count = runs_of(cells[starts[c] : starts[c + 1]], widths[c], heights[c], turned, found)
            longest_first(found, count, runs)
            i, j = _rounded(width), _rounded(height)
            y = tried[i, j]
            while y + height < best_top:
                x = _first_fit(taken, y, runs, count, margin, columns - margin - width, blocked, line)
                if x >= 0:
                    places[c, 0], places[c, 1], turns[c] = x, y, turned
                    best_top, best_count = y + height, count
                    best_runs[:count] = runs[:count]
                    break
                y += 1
            tried[i, j] = max(margin, y - height)
        if best_count == 0:
            return -1
        _take(taken, places[c, 0], places[c, 1], best_runs, best_count, margin, columns)
        needed = max(needed, best_top + margin)
    return needed


@njit(inline="always")
def _rounded(length):
    return length if length < EXACT else EXACT + int(STEPS * np.log2(length / EXACT))


@njit(cache=True, nogil=True)
def _first_fit(taken, y, runs, count, first, last, blocked, line):
    """The first column from `first` to `last` where all runs are free when the chart's lowest row is `y`; -1 where none is."""
    words, all_words = last // BITS + 1, line.shape[0] // 2
    blocked[:words] = EMPTY
    blocked[: first // BITS] = ALL
    blocked[first // BITS] |= (ONE << uint64(first % BITS)) - ONE
    if last % BITS != BITS - 1:
        blocked[words - 1] |= ~((ONE << uint64(last % BITS + 1)) - ONE)
    for r in range(count):
        row, length = taken[y + runs[r, 0]], runs[r, 2]
        # Bit x of `line` becomes whether any cell from x on, as many as the run is long, is taken.
        _copy_shifted(row, runs[r, 1], all_words, line)
        covered = 1
        while covered < length:
            step = min(covered, length - covered)
            _smear(line, step, all_words)
            covered += step
        free = EMPTY
        for i in range(words):
            blocked[i] |= line[i]
            free |= ~blocked[i]
        if free == EMPTY:
            return -1
    for i in range(words):
        if blocked[i] != ALL:
            for bit in range(BITS):
                if (blocked[i] >> uint64(bit)) & ONE == EMPTY:
                    return i * BITS + bit
    return -1


@njit(inline="always")
def _copy_shifted(row, by, count, out):
    """Write the first `count` words of `row`, shifted by `by` cells towards the start, to `out`."""
    whole, part = by // BITS, uint64(by % BITS)
    if part == EMPTY:
        for i in range(count):
            out[i] = row[i + whole]
    else:
        rest = uint64(BITS) - part
        for i in range(count):
            out[i] = (row[i + whole] >> part) | (row[i + whole + 1] << rest)


@njit(inline="always")
def _smear(line, by, count):
    """Dilate the first `count` words of `line` by `by` cells towards the start; beyond them all cells are empty."""
    whole, part = by // BITS, uint64(by % BITS)
    if part == EMPTY:
        for i in range(count):
            line[i] |= line[i + whole]
    else:
        rest = uint64(BITS) - part
        for i in range(count):
            line[i] |= (line[i + whole] >> part) | (line[i + whole + 1] << rest)


@njit(cache=True, nogil=True)
def _take(taken, x, y, runs, count, margin, columns):
    """Mark a chart's cells and all within `margin` of them as taken."""
    rows = taken.shape[0]
    for r in range(count):
        left, right = max(0, x + runs[r, 1] - margin), min(columns, x + runs[r, 1] + runs[r, 2] + margin)
        for j in range(max(0, y + runs[r, 0] - margin), min(rows, y + runs[r, 0] + margin + 1)):
            for i in range(left // BITS, (right - 1) // BITS + 1):
                word = ALL
                if i * BITS < left:
                    word &= ALL << uint64(left - i * BITS)
                if (i + 1) * BITS > right:
                    word &= ALL >> uint64((i + 1) * BITS - right)
                taken[j, i] |= word
