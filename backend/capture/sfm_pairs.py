"""Which pairs of photos are worth matching: all of them, neighbors in time, or those that look alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..values import Array

Pair = tuple[int, int]  # indices of photos, the smaller one first

COARSE_FEATURES = 192  # of a photo; large ones are few, stable and seen from far and near
RATIO = 0.85  # between the nearest and the second nearest descriptor (Lowe 2004, section 7.1)


def all_pairs(count: int) -> list[Pair]:
    """Every pair of `count` photos."""
    return [(a, b) for a in range(count) for b in range(a + 1, count)]


def neighbors(count: int, overlap: int) -> list[Pair]:
    """Each photo of a sequence with the `overlap` next ones, and with others at growing distances (powers of two).

    Not ordered photos have an overlap of 0, and no neighbors.
    """
    if overlap == 0:
        return []
    steps = sorted({*range(1, overlap + 1), *(1 << k for k in range(count.bit_length()))})
    return [(a, a + step) for a in range(count) for step in steps if a + step < count]


def similar_pairs(
    descriptors: Sequence[Array],  # C times [F,128] uint8, of the photos' largest features
    partners: int,
    progress: Callable[[int], None] = lambda photo: None,
) -> list[Pair]:
    """Pairs in which a few large features match already: each photo's `partners` best.

    This is preemptive matching (Wu, "Towards linear-time incremental structure from motion", 3DV 2013, section 3). It looks at
    all pairs, at a cost of 128 F^2 multiplications each: 4 s for 300 photos on two cores.
    """
    scores = preemptive_scores(descriptors, progress)
    chosen: set[Pair] = set()
    for photo, row in enumerate(scores):
        best = [int(other) for other in np.argsort(-row, kind="stable")[:partners] if row[other] > 0]
        chosen |= {(min(photo, other), max(photo, other)) for other in best}
    return sorted(chosen)


def preemptive_scores(descriptors: Sequence[Array], progress: Callable[[int], None] = lambda photo: None) -> Array:
    """Mutual nearest neighbors that pass the ratio test, for each pair of photos: [C,C] int, 0 on the diagonal."""
    count = len(descriptors)
    unit = [_unit(rows) for rows in descriptors]
    scores = np.zeros((count, count), np.int32)
    for a in range(count):
        progress(a)
        for b in range(a + 1, count):
            scores[a, b] = scores[b, a] = _mutual_matches(unit[a], unit[b])
    return scores


def _unit(descriptors: Array) -> Array:
    rows = descriptors[:, :128].astype(np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def _mutual_matches(a: Array, b: Array) -> int:
    if len(a) < 2 or len(b) < 2:
        return 0
    cosines = a @ b.T
    nearest = cosines.argmax(axis=1)
    mutual = cosines.argmax(axis=0)[nearest] == np.arange(len(a))
    first, second = np.moveaxis(np.partition(cosines, -2, axis=1)[:, -2:][:, ::-1], 1, 0)
    angles = np.arccos(np.clip([first, second], -1.0, 1.0))
    return int(np.count_nonzero(mutual & (angles[0] < RATIO * angles[1])))
