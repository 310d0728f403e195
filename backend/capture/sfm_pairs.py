"""Which pairs of photos are worth matching: all of them, neighbors in time, or those that look alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..values import Array

Pair = tuple[int, int]  # indices of photos, the smaller one first

COARSE_FEATURES = 192  # of a photo; large ones are few, stable and seen from far and near
RATIO = 0.85  # between the nearest and the second nearest descriptor (Lowe 2004, section 7.1)
LONGEST_STEP = 32  # of photos in a sequence; places that are seen again later show in what photos look like
CANDIDATES = 48  # photos whose features each photo is compared with: four times the partners that are wanted
BLOCK = 32  # photos compared at once: 5 MB of cosines, which stay in the cache of the processor
WORDS, SAMPLED, LLOYD_STEPS = 64, 20_000, 8  # centers of VLAD, and the descriptors and steps that find them
SOUGHT = 48  # photos without a camera that are sought once more; many more are another place, which has no photo between
ANCHORS, OTHERS, TIES = 4, 2, 2  # of each: photos with a camera, further ones, and pairs that each anchor makes with other anchors


def all_pairs(count: int) -> list[Pair]:
    """Every pair of `count` photos."""
    return [(a, b) for a in range(count) for b in range(a + 1, count)]


def neighbors(count: int, overlap: int) -> list[Pair]:
    """Each photo of a sequence with the `overlap` next ones, and with others at growing distances (powers of two up to LONGEST_STEP).

    Not ordered photos have an overlap of 0, and no neighbors.
    """
    if overlap == 0:
        return []
    steps = sorted({*range(1, overlap + 1), *(1 << k for k in range(LONGEST_STEP.bit_length()))})
    return [(a, a + step) for a in range(count) for step in steps if a + step < count]


def similar_pairs(
    descriptors: Sequence[Array],  # C times [F,128] uint8, of the photos' largest features
    partners: int,
    progress: Callable[[int], None] = lambda photo: None,
) -> list[Pair]:
    """Pairs in which a few large features match already: each photo's `partners` best.

    This is preemptive matching (Wu, "Towards linear-time incremental structure from motion", 3DV 2013, section 3). Each photo is compared
    with at most `CANDIDATES` others, those that its VLAD descriptor is nearest to, so that the cost grows linearly with the photos.
    """
    scores = preemptive_scores(descriptors, candidate_pairs(descriptors), progress)
    chosen: set[Pair] = set()
    for photo, row in enumerate(scores):
        best = [int(other) for other in np.argsort(-row, kind="stable")[:partners] if row[other] > 0]
        chosen |= {(min(photo, other), max(photo, other)) for other in best}
    return sorted(chosen)


def rescuing_pairs(likeness: Array, placed: Sequence[int]) -> list[Pair]:
    """Pairs that may give photos without a camera one, where matching costs seconds a pair.

    `likeness` [C,C] is larger where two photos are likelier to overlap; `placed` are the photos with a camera. Each of the `SOUGHT` others
    that are most alike to placed ones is paired with its `ANCHORS` likeliest placed photos, its `OTHERS` likeliest further ones and both
    neighbors in order, so with 8 at most. A point that it sees has a place only where two placed photos see it: so the anchors of a photo
    are paired with one another, each with its `TIES` likeliest.
    """
    count = len(likeness)
    anchors = np.array(sorted(placed), np.int64)
    missing = np.setdiff1d(np.arange(count), anchors)
    best = likeness[np.ix_(missing, anchors)].max(axis=1, initial=0.0)
    chosen: set[Pair] = set()

    def likeliest(photo: int, among: Array, most: int) -> list[int]:
        others = among[among != photo]
        return [int(other) for other in others[np.argsort(-likeness[photo, others], kind="stable")[:most]]]

    for photo in missing[np.argsort(-best, kind="stable")[:SOUGHT]].tolist():
        held = likeliest(photo, anchors, ANCHORS)
        further = likeliest(photo, np.setdiff1d(np.arange(count), held), OTHERS)
        beside = [other for other in (photo - 1, photo + 1) if 0 <= other < count]
        partners = {*held, *further, *beside}
        held = [other for other in partners if other in placed]
        ties = [(other, tie) for other in held for tie in likeliest(other, np.array(held), TIES)]
        chosen |= {(min(pair), max(pair)) for pair in [*((photo, partner) for partner in partners), *ties]}
    return sorted(chosen)


def similarities(descriptors: Sequence[Array]) -> Array:
    """Cosines [C,C] between the VLAD descriptors of photos, of descriptors [F,128] uint8 each; 0 for photos without any."""
    if not any(map(len, descriptors)):
        return np.zeros((len(descriptors), len(descriptors)), np.float32)
    return (vlad := _vlad(descriptors)) @ vlad.T


def candidate_pairs(descriptors: Sequence[Array]) -> Array:
    """Pairs that may have something in common: [C,C] bool, symmetric; all of them up to `CANDIDATES` photos, more by VLAD's cosine."""
    count = len(descriptors)
    if count <= CANDIDATES + 1:
        return ~np.eye(count, dtype=bool)
    cosines = similarities(descriptors)
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argpartition(-cosines, CANDIDATES, axis=1)[:, :CANDIDATES]
    chosen = np.zeros((count, count), bool)
    np.put_along_axis(chosen, nearest, True, axis=1)
    return chosen | chosen.T


def preemptive_scores(descriptors: Sequence[Array], candidates: Array, progress: Callable[[int], None] = lambda photo: None) -> Array:
    """Mutual nearest neighbors that pass the ratio test, for the pairs in `candidates` [C,C] bool: [C,C] int, 0 elsewhere."""
    count = len(descriptors)
    unit = _stacked(descriptors)
    scores = np.zeros((count, count), np.int32)
    for a in range(count):
        progress(a)
        others = np.flatnonzero(candidates[a, a + 1 :]) + a + 1
        for block in np.array_split(others, max(1, -(-len(others) // BLOCK))):
            scores[a, block] = scores[block, a] = _mutual_matches(unit[a], unit[block])
    return scores


def _stacked(descriptors: Sequence[Array]) -> Array:
    """Unit descriptors [C,F,128] float32; missing ones, and those of photos with fewer than two, are zero and nobody's neighbor."""
    longest = max((len(rows) for rows in descriptors), default=0)
    unit = np.zeros((len(descriptors), longest, 128), np.float32)
    for photo, rows in enumerate(descriptors):
        if len(rows) >= 2:
            unit[photo, : len(rows)] = rows[:, :128]
    return unit / np.maximum(np.linalg.norm(unit, axis=2, keepdims=True), 1e-6)


def _mutual_matches(a: Array, b: Array) -> Array:
    """Matches [B] between a [F,128] and each of b [B,F,128]."""
    cosines = (a @ b.reshape(-1, b.shape[2]).T).reshape(len(a), *b.shape[:2])
    nearest = cosines.argmax(axis=2)[..., None]
    first = np.take_along_axis(cosines, nearest, axis=2)
    mutual = first[..., 0] == np.take_along_axis(cosines.max(axis=0)[None], nearest, axis=2)[..., 0]
    np.put_along_axis(cosines, nearest, -1.0, axis=2)
    angles = np.arccos(np.clip([first[..., 0], cosines.max(axis=2)], -1.0, 1.0))
    return np.count_nonzero(mutual & (first[..., 0] > 0) & (angles[0] < RATIO * angles[1]), axis=0)


def _vlad(descriptors: Sequence[Array]) -> Array:
    """One unit vector [C,WORDS*128] float32 a photo: the sums of its RootSIFT descriptors' residuals to the nearest of `WORDS` centers.

    Jégou et al., "Aggregating local descriptors into a compact image representation", CVPR 2010, with the normalization of each center's
    residuals (Arandjelović and Zisserman, "All about VLAD", CVPR 2013, section 3).
    """
    rows = [np.sqrt(unit[:, :128].astype(np.float32) / np.maximum(unit[:, :128].sum(axis=1, keepdims=True), 1)) for unit in descriptors]
    centers = _centers(np.concatenate(rows))
    sums = np.zeros((len(rows), len(centers), 128), np.float32)
    for photo, own in enumerate(rows):
        belongs = _belongs(own, centers)
        sums[photo] = belongs.T @ own - belongs.sum(axis=0)[:, None] * centers
    sums /= np.maximum(np.linalg.norm(sums, axis=2, keepdims=True), 1e-6)
    flat = sums.reshape(len(rows), -1)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def _centers(rows: Array) -> Array:
    """Lloyd's k-means [WORDS,128] of a sample of the descriptors [N,128]."""
    random = np.random.default_rng(0)
    sample = rows[random.permutation(len(rows))[:SAMPLED]]
    centers = sample[:WORDS].copy()
    for _ in range(LLOYD_STEPS):
        belongs = _belongs(sample, centers)
        sizes = belongs.sum(axis=0)[:, None]
        centers = np.where(sizes > 0, belongs.T @ sample / np.maximum(sizes, 1), centers)
    return centers


def _belongs(rows: Array, centers: Array) -> Array:
    """1 at each row's nearest center, 0 elsewhere: [N,WORDS] float32."""
    nearest = (rows @ centers.T - 0.5 * np.square(centers).sum(axis=1)).argmax(axis=1)
    return np.eye(len(centers), dtype=np.float32)[nearest]
