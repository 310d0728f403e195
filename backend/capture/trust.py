"""Whether solved cameras can be trusted: sure, doubtful with the reasons, or refused.

Structure from motion throws away what doesn't fit, so that a small reprojection error says nothing. What was found without any cameras
does: the matches that two photos were verified with. In a right solution nearly all of them lie on the epipolar lines of the solved
cameras; a pair of photos counts as a witness only where chance can't have verified it. Limits are the expected number of false alarms,
the errors that features have, and majorities; MISFITS and CUT_AGREEMENT lie halfway between right and wrong solutions of real captures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..formats.names import examples
from ..jobs.job import Job
from ..values import Array

EPIPOLAR_PX = 4.0  # Sampson distance at which COLMAP verifies matches, and at which solved cameras have to confirm them
STILL_PX = 4.0  # displacement of a match below which nothing moved, for COLMAP as well: tripods and focusing move pictures by a little
FALSE_ALARMS = 1e-3  # witnesses that chance may make in a whole capture
DEGREES_OF_FREEDOM = 6  # of a camera's pose, which as many matches fit in any case
FEWEST_STILL = 15  # still matches that are a motion of their own, as many as COLMAP asks for an epipolar geometry
STILL_SHARE, STILL_SPREAD = 0.1, 0.1  # of the matches; of the picture's width and height, where evenly spread ones have 0.29
TURNED_DEG = 5.0  # between two cameras: moves what is far away by a tenth of a common picture, and all but a line of what is near
STANDING_PAIRS = (3, 0.02)  # least number of pairs, and share of them, in which something stands still
MISFITS = 0.2  # of the witnesses' matches: patterns that repeat cost right solutions up to a twentieth, mixed motions a third and more
CUT_AGREEMENT = 2 / 3  # of the matches between two groups of photos: repeating patterns took fox's weakest cut to 0.79
DEPTH_ERROR = 0.1  # relative standard deviation of a point's depth above which there is no shape to speak of
INSIDE_SHARE = 2 / 3  # of the points inside a photo's mask: the hull holds all, but for masks and features that are pixels off


@dataclass(frozen=True, eq=False)
class Evidence:
    """Of P pairs of photos with verified matches, both placed, and of the R placed photos."""

    pair: Array  # [P,2] int, indices of photos among all that were sought
    matched: Array  # [P] int, matches of descriptors
    verified: Array  # [P] int, those that agree on one epipolar geometry of the two photos alone
    fitting: Array  # [P] int, verified ones within EPIPOLAR_PX of the epipolar lines of the solved cameras
    still: Array  # [P] int, matches displaced by less than STILL_PX
    still_spread: Array  # [P,2] standard deviation of where these lie, as a share of the picture's width and height
    moving: Array  # [P] int, verified matches displaced by more
    turn_deg: Array  # [P] rotation between the solved cameras
    measured_off_deg: Array  # [P] between this and the rotation that the verified matches alone give; nan where it wasn't measured
    points_seen: Array  # [R] int, sparse points that each placed photo sees
    angle_deg: Array  # [R] median over these of the largest angle between rays


@dataclass(frozen=True)
class Doubt:
    """What speaks against solved cameras, and what can be done."""

    reason: str
    fix: str


@dataclass(frozen=True)
class Verdict:
    """What the evidence says of solved cameras: sure without doubts, refused where most of it is against them."""

    doubts: tuple[Doubt, ...]
    refused: bool
    agreement: float  # share of the witnesses' matches that fit the cameras


def report(verdict: Verdict, job: Job) -> None:
    """Say in the job's report whether the cameras are sure; raises ReifyError where they are refused."""
    if verdict.refused:
        raise ReifyError(f"The cameras that were found can't be right: {verdict.doubts[0].reason}.", verdict.doubts[0].fix)
    reasons = ", ".join(doubt.reason for doubt in verdict.doubts)
    sure = f"sure: {100 * verdict.agreement:.0f} % of what two photos share agrees with them"
    job.record_choice("cameras checked", f"doubtful: {reasons}" if reasons else sure)
    job.metric("camera_agreement", verdict.agreement)
    for doubt in verdict.doubts:
        job.warn(f"The cameras are doubtful: {doubt.reason}. {doubt.fix}")


def judge(
    evidence: Evidence,
    names: Sequence[str],  # of all photos that were sought
    placed: Array,  # [R] int, indices of those with a camera
    size_px: tuple[int, int],  # of a common photo, as it was matched
    focal_px: float,
    error_px: float,  # mean reprojection error
    inside_masks: Array | None = None,  # [R] share of the sparse points that each photo's mask holds; None without masks
) -> Verdict:
    """Weigh the evidence; a contradiction of most witnesses refuses the cameras, anything else makes them doubtful."""
    chance = 2 * EPIPOLAR_PX * float(np.hypot(*size_px)) / (size_px[0] * size_px[1])  # share of a picture within EPIPOLAR_PX of a line
    witness = log10_false_alarms(evidence.matched, evidence.verified, chance) + _log10(len(evidence.pair)) < np.log10(FALSE_ALARMS)
    against = witness & (evidence.fitting < evidence.verified / 2)
    depth_error = error_px / focal_px / np.radians(max(float(np.median(evidence.angle_deg)), 1e-6))

    def some(photos: Array) -> str:
        return examples([names[index] for index in photos])

    doubts = []
    standing = int(_standing(evidence).sum())
    if standing >= max(STANDING_PAIRS[0], STANDING_PAIRS[1] * len(evidence.pair)):
        reason = f"the background stands still while the subject turns, as on a turntable, in {standing} pairs of photos"
        doubts.append(Doubt(reason, "Add masks of the subject in a folder named masks beside the photos, so that only it is looked at."))
    agreement = float(evidence.fitting[witness].sum() / max(evidence.verified[witness].sum(), 1))
    refused = bool(2 * against.sum() > witness.sum())
    if not witness.any():
        doubts.append(Doubt("no two photos show more of the same than chance would", "Take photos from between them and the others."))
    elif refused or agreement < 1 - MISFITS:
        doubts.append(Doubt(_contradiction(evidence, against, witness), "Compare them with the photos, and take more from in between."))
    elif (cut := _weakest_cut(evidence, witness, placed))[0] < CUT_AGREEMENT:
        reason = f"only {100 * cut[0]:.0f} % of what {len(cut[1])} photos share with the others agrees with their place ({some(cut[1])})"
        doubts.append(Doubt(reason, "Leave them out, or take photos from between them and the others."))
    if len(loose := _loose(evidence, against, chance, placed)):
        reason = f"nothing beyond chance ties {len(loose)} photos to the others ({some(loose)})"
        doubts.append(Doubt(reason, "Take photos from between them and the others."))
    if depth_error > DEPTH_ERROR:
        reason = f"the photos were taken from nearly the same place, which leaves depths uncertain by {100 * depth_error:.0f} %"
        doubts.append(Doubt(reason, "Take photos from places farther apart, all around the subject."))
    if inside_masks is not None and len(outside := placed[inside_masks < INSIDE_SHARE]):
        reason = f"the masks of {len(outside)} photos don't hold what the others show of the subject ({some(outside)})"
        doubts.append(Doubt(reason, "Look at these photos and masks, and leave out those that are wrong."))
    return Verdict(tuple(doubts), refused, agreement)


def _weakest_cut(evidence: Evidence, witness: Array, placed: Array) -> tuple[float, Array]:
    """The share of matches that fit across the cut of the photos where it is least, and the photos [S] on the cut's smaller side.

    Groups of photos that are right in themselves and stand wrongly beside each other show nowhere else. The cuts are those of the spanning
    tree of the most fitting matches.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    ends = np.searchsorted(placed, evidence.pair[witness])
    verified, fitting = evidence.verified[witness], evidence.fitting[witness]

    def graph(a: Array, b: Array, weight: Array) -> Any:
        return coo_array((weight, (a, b)), shape=(len(placed), len(placed))).tocsr()

    tree = minimum_spanning_tree(graph(ends[:, 0], ends[:, 1], -(fitting + 1.0))).tocoo()
    weakest, photos = 1.0, placed[:0]
    for edge in range(len(tree.data)):
        kept = np.arange(len(tree.data)) != edge
        group = connected_components(graph(tree.row[kept], tree.col[kept], tree.data[kept]), directed=False)[1]
        side = group == group[tree.row[edge]]
        across = side[ends[:, 0]] != side[ends[:, 1]]
        share = float(fitting[across].sum() / verified[across].sum())
        if share < weakest:
            weakest, photos = share, placed[side if 2 * side.sum() <= len(side) else ~side]
    return weakest, photos


def _standing(evidence: Evidence) -> Array:
    """Pairs [P] in which a part of the picture stands still although the solved cameras turn: no rigid scene looks like that."""
    still = (evidence.still >= FEWEST_STILL) & (evidence.still >= STILL_SHARE * evidence.matched)
    return still & (evidence.still_spread.min(axis=1, initial=1.0) >= STILL_SPREAD) & (evidence.turn_deg >= TURNED_DEG)


def _contradiction(evidence: Evidence, against: Array, witness: Array) -> str:
    off_deg = evidence.measured_off_deg[against]
    measured = off_deg[np.isfinite(off_deg)]
    by_deg = float(np.median(measured)) if len(measured) else 0.0
    return f"{against.sum()} of {witness.sum()} pairs of photos contradict them, by a turn of {by_deg:.0f} degrees on average"


def _loose(evidence: Evidence, against: Array, chance: float, placed: Array) -> Array:
    """Placed photos that aren't connected with most others by pairs whose agreement with the solved cameras can't be chance."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    def tied(matched: Array, fitting: Array, tests: int) -> Array:
        held = np.maximum(fitting - DEGREES_OF_FREEDOM, 0)
        return _log10_binomial(matched, fitting) + held * np.log10(chance) + _log10(tests) < np.log10(FALSE_ALARMS)

    ends = np.searchsorted(placed, evidence.pair)
    ties = ends[tied(evidence.matched, evidence.fitting, len(ends)) & ~against]
    graph = coo_array((np.ones(len(ties)), (ties[:, 0], ties[:, 1])), shape=(len(placed), len(placed)))
    _count, group = connected_components(graph, directed=False)
    held = group == np.bincount(group).argmax()
    while True:  # what no pair of a photo tells alone, several may tell together
        matched, fitting = np.zeros((2, len(placed)))
        for end, other in (ends.T, ends.T[::-1]):
            into = ~against & held[other]
            matched += np.bincount(end[into], evidence.matched[into], len(placed))
            fitting += np.bincount(end[into], evidence.fitting[into], len(placed))
        more = ~held & tied(matched, fitting, len(placed))
        if not more.any():
            return placed[~held]
        held |= np.isin(group, group[more])


def sampson_distances(b_from_a: Array, rays_a: Array, rays_b: Array) -> Array:
    """Sampson's first-order distances [M] of matched image points [M,2] (x/z, y/z) to the epipolar geometry of `b_from_a` [3,4] or [4,4].

    Hartley and Zisserman, "Multiple View Geometry", equation 11.9; in units of the focal length.
    """
    x, y, z = b_from_a[:3, 3] / max(float(np.linalg.norm(b_from_a[:3, 3])), 1e-12)
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ b_from_a[:3, :3]
    a, b = (np.column_stack([rays, np.ones(len(rays))]) for rays in (rays_a, rays_b))
    lines_b, lines_a = a @ essential.T, b @ essential
    slope = np.square(lines_b[:, :2]).sum(axis=1) + np.square(lines_a[:, :2]).sum(axis=1)
    return np.abs((b * lines_b).sum(axis=1)) / np.sqrt(np.maximum(slope, 1e-300))


def turn_angle_deg(rotation: Array) -> float:
    """The angle of a rotation [3,3]."""
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0))))


def log10_false_alarms(matched: Array, verified: Array, chance: float) -> Array:
    """Logarithm of how many epipolar geometries chance alone would verify this well, for pairs [P].

    A match agrees with a random geometry with the probability `chance`, and seven of them choose the geometry: Moisan and Stival, "A
    probabilistic criterion to detect rigid point matches between two images", IJCV 2004, equation 6.
    """
    seven = np.minimum(verified, 7)
    choices = _log10_binomial(matched, verified) + _log10_binomial(verified, seven)
    return choices + np.log10(np.maximum(matched - 7, 1)) + (verified - seven) * np.log10(chance)


def _log10_binomial(n: Array, k: Array) -> Array:
    from scipy.special import gammaln

    return (gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)) / np.log(10.0)


def _log10(count: int) -> float:
    return float(np.log10(max(count, 1)))
