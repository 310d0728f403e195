"""Codebooks: values and rows of values by the number of the nearest of a few (vector quantization, Lloyd 1982)."""

from __future__ import annotations

import numpy as np

from ..values import Array

BINS = 16384  # of the histogram that a codebook of single values is made from
SMOOTHED = 256  # bins that share a density
ROUNDS = 20  # of Lloyd's algorithm for single values
ROW_ROUNDS = 4  # of it for rows; further ones gain less than 1 %
SAMPLE = 65536  # rows that the first level of a palette is made from
PART = 16384  # rows that are compared with all entries at a time


def codebook_of(values: Array, size: int = 256) -> Array:
    """`size` ascending values float32, among them both extremes of any number of `values`, near to all of them in the mean square."""
    counts, edges = np.histogram(values, BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    density = np.repeat(counts.reshape(-1, SMOOTHED).sum(axis=1), SMOOTHED)
    share = np.cumsum(np.cbrt(density))  # the best density of entries is the cube root of that of the values (Panter and Dite 1951)
    entries = np.interp((np.arange(size) + 0.5) / size * share[-1], share, middles)
    for _ in range(ROUNDS):
        nearest = np.searchsorted((entries[1:] + entries[:-1]) / 2, middles)
        weight = np.bincount(nearest, counts, size)
        entries = np.where(weight > 0, np.bincount(nearest, counts * middles, size) / np.maximum(weight, 1), entries)
        entries.sort()
        entries[[0, -1]] = edges[[0, -1]]
    return entries.astype(np.float32)


def nearest_of(codebook: Array, values: Array) -> Array:
    """The numbers of the nearest entries of an ascending codebook, uint8."""
    return np.searchsorted((codebook[1:] + codebook[:-1]) / 2, values).astype(np.uint8)


def palette_of(rows: Array, size: int, seed: int = 0) -> tuple[Array, Array]:
    """At most `size` rows float32 and the number [N] of one near to each of the rows [N,D].

    In two levels: about the root of `size` clusters, each of which gets its share of the entries. So a million rows of 45 values and
    65536 entries take seconds instead of an hour.
    """
    rng = np.random.default_rng(seed)
    if len(rows) <= size:
        return rows.astype(np.float32), np.arange(len(rows))
    coarse = _clustered(rows[rng.choice(len(rows), min(len(rows), SAMPLE), replace=False)], round(size**0.5), rng)
    cluster = _nearest_rows(coarse, rows)
    order = np.argsort(cluster, kind="stable")
    ends = np.cumsum(np.bincount(cluster, minlength=len(coarse)))
    entries: list[Array] = []
    labels, used = np.empty(len(rows), np.int64), 0
    for first, end in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True):
        members = order[first:end]
        if len(members) == 0:
            continue
        share = max(1, size * end // len(rows) - size * first // len(rows))
        own = _clustered(rows[members], min(share, size - used), rng)
        if len(own):
            labels[members] = used + _nearest_rows(own, rows[members])
        else:  # rounding has used up all entries
            labels[members] = _nearest_rows(entries[-1], rows[members]) + used - len(entries[-1])
        entries.append(own) if len(own) else None
        used += len(own)
    return np.concatenate(entries), labels


def _clustered(rows: Array, size: int, rng: np.random.Generator) -> Array:
    """`size` means of rows, or all of fewer rows."""
    if len(rows) <= size or size == 0:
        return rows[: max(size, 0)].astype(np.float32)
    means = rows[rng.choice(len(rows), size, replace=False)].astype(np.float32)
    for _ in range(ROW_ROUNDS):
        nearest = _nearest_rows(means, rows)
        order = np.argsort(nearest, kind="stable")
        counts = np.bincount(nearest, minlength=size)
        filled = counts > 0
        starts = (np.cumsum(counts) - counts)[filled]
        means[filled] = np.add.reduceat(rows[order], starts, axis=0) / counts[filled, None]
    return means


def _nearest_rows(means: Array, rows: Array) -> Array:
    half_squares = 0.5 * np.square(means).sum(axis=1)
    parts = [rows[first : first + PART] for first in range(0, len(rows), PART)]
    return np.concatenate([np.argmax(part @ means.T - half_squares, axis=1) for part in parts])
