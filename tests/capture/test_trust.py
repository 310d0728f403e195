"""Right cameras are sure; wrong ones, made in each of the ways in which structure from motion errs, are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.backend.capture.trust import (
    EPIPOLAR_PX,
    STILL_PX,
    Evidence,
    Verdict,
    judge,
    log10_false_alarms,
    report,
    sampson_distances,
    turn_angle_deg,
)
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.values import Array
from scipy.spatial.transform import Rotation

COUNT, SIZE_PX, FOCAL_PX = 24, (1200, 900), 1100.0
ERROR_PX = 0.5
NAMES = [f"{index:02d}.jpg" for index in range(COUNT)]
PLACED = np.arange(COUNT)


def ring(count: int = COUNT, arc_deg: float = 360.0) -> Array:
    """Cameras [C,4,4] on a circle of radius 4 that look at its middle."""
    angle = np.radians(np.arange(count) * arc_deg / count)
    poses = np.tile(np.eye(4), (count, 1, 1))
    forward = np.stack([np.sin(angle), np.cos(angle), np.zeros(count)], axis=1)
    poses[:, :3, :3] = np.stack([np.stack([np.cos(angle), -np.sin(angle), 0 * angle], 1), np.tile([0, 0, -1.0], (count, 1)), forward], 1)
    poses[:, 2, 3] = 4.0
    return poses


def head(random: np.random.Generator, count: int = 600) -> Array:
    directions = random.normal(size=(count, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True) * random.uniform(0.7, 1.0, (count, 1))


class Sighting:
    """What each photo of a ring sees: pixels [C,N,2] of points on a head, those on its far side hidden; and of a still background."""

    def __init__(self, poses: Array, still: int = 0, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        xyz = head(random)
        in_cam = np.einsum("cij,nj->cni", poses[:, :3, :3], xyz) + poses[:, None, :3, 3]
        self.seen = in_cam[..., 2] < 4.0
        self.px = FOCAL_PX * in_cam[..., :2] / in_cam[..., 2:] + np.array(SIZE_PX) / 2
        background = random.uniform((0, 0), SIZE_PX, (still, 2))
        self.px = np.concatenate([self.px, np.tile(background, (len(poses), 1, 1))], axis=1)
        self.seen = np.concatenate([self.seen, np.ones((len(poses), still), bool)], axis=1)
        self.px += random.normal(scale=ERROR_PX, size=self.px.shape)

    def matches(self, a: int, b: int) -> tuple[Array, Array]:
        both = self.seen[a] & self.seen[b]
        return self.px[a][both], self.px[b][both]


def evidence(solved: Array, sighting: Sighting, reach: int = 3, seed: int = 0) -> Evidence:
    """Evidence for `solved` cameras [C,4,4], of neighbors up to `reach` apart; a tenth of the matches is wrong and not verified."""
    count = len(solved)
    rows = []
    for a in range(count):
        for b in ((a + step) % count for step in range(1, reach + 1)):
            a_px, b_px = sighting.matches(a, b)
            b_from_a = solved[b] @ np.linalg.inv(solved[a])
            rays = [(px - np.array(SIZE_PX) / 2) / FOCAL_PX for px in (a_px, b_px)]
            fitting = FOCAL_PX * sampson_distances(b_from_a, *rays) <= EPIPOLAR_PX
            still = np.linalg.norm(a_px - b_px, axis=1) < STILL_PX
            spread = (a_px[still] / SIZE_PX).std(axis=0) if still.any() else np.zeros(2)
            matched = int(1.1 * len(a_px))
            rows.append(
                (a, b, matched, len(a_px), fitting.sum(), still.sum(), (~still).sum(), turn_angle_deg(b_from_a[:3, :3]), np.nan, *spread)
            )
    table = np.array(rows)
    whole = table[:, :7].astype(np.int64)
    return Evidence(
        pair=whole[:, :2],
        **dict(zip(("matched", "verified", "fitting", "still", "moving"), whole[:, 2:].T, strict=True)),
        turn_deg=table[:, 7],
        measured_off_deg=table[:, 8],
        still_spread=table[:, 9:],
        points_seen=np.full(count, 200),
        angle_deg=np.full(count, 30.0),
    )


def judged(found: Evidence, inside_masks: Array | None = None, placed: Array = PLACED) -> Verdict:
    return judge(found, NAMES, placed, SIZE_PX, FOCAL_PX, ERROR_PX, inside_masks)


def reasons(verdict: Verdict) -> str:
    return "; ".join(doubt.reason for doubt in verdict.doubts)


@pytest.mark.parametrize("seed", range(4))
def test_right_cameras_are_sure(seed: int) -> None:
    verdict = judged(evidence(ring(), Sighting(ring(), seed=seed)))
    assert not verdict.doubts and not verdict.refused and verdict.agreement > 0.99


def test_cameras_with_wrong_turns_between_them_are_refused() -> None:
    wrong = ring()
    wrong[:, :3, :3] = Rotation.random(COUNT, random_state=0).as_matrix() @ wrong[:, :3, :3]
    verdict = judged(evidence(wrong, Sighting(ring())))
    assert verdict.refused and "contradict" in reasons(verdict)
    with pytest.raises(ReifyError, match="can't be right"):
        report(verdict, Job())


def test_a_mirrored_model_is_refused() -> None:
    mirrored = ring()
    mirrored[:, :3, :3] = np.diag([-1.0, 1, 1]) @ mirrored[:, :3, :3] @ np.diag([-1.0, 1, 1])  # the scene in a mirror, proper rotations
    verdict = judged(evidence(mirrored, Sighting(ring())))
    assert verdict.refused


def test_photos_turned_with_the_rest_of_the_ring_at_one_seam_are_named() -> None:
    wrong = ring()
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", 70, degrees=True).as_matrix()
    wrong[18:] = wrong[18:] @ turn
    found = evidence(wrong, Sighting(ring()))
    verdict = judged(found)
    assert "ties 6 photos to the others (18.jpg" in reasons(verdict) and not verdict.refused


def test_groups_that_are_right_in_themselves_but_glued_by_look_alike_matches_are_told_apart() -> None:
    found = evidence(ring(), Sighting(ring()))
    second = (found.pair >= 18).any(axis=1) & (found.pair < 18).any(axis=1)
    glued = replace(
        found, fitting=np.where(second, found.fitting // 2, found.fitting)
    )  # as where both fronts of a temple are taken for one
    verdict = judged(glued)
    assert "50 % of what 6 photos share with the others agrees with their place (18.jpg" in reasons(verdict)


def test_a_turntable_with_a_still_background_is_named_with_the_way_out() -> None:
    verdict = judged(evidence(ring(), Sighting(ring(), still=250)))
    assert "turntable" in reasons(verdict) and "masks" in verdict.doubts[0].fix


def test_the_same_background_behind_a_camera_that_walks_is_no_turntable() -> None:
    sighting = Sighting(ring())
    near_the_axis = evidence(ring(), sighting)
    assert near_the_axis.still.max() > 0  # what lies on the horopter stands still in right captures, too
    assert "turntable" not in reasons(judged(near_the_axis))


def test_photos_from_one_place_leave_depths_uncertain() -> None:
    found = replace(evidence(ring(), Sighting(ring())), angle_deg=np.full(COUNT, 0.2))
    assert "nearly the same place" in reasons(judged(found))


def test_a_few_look_alike_places_make_no_doubt_but_one_photo_that_most_contradict_is_named() -> None:
    found = evidence(ring(), Sighting(ring()))
    fitting = found.fitting.copy()
    fitting[:: len(fitting) // 6] = 0
    assert not judged(replace(found, fitting=fitting)).doubts
    own = np.flatnonzero((found.pair == 7).any(axis=1))
    fitting = found.fitting.copy()
    fitting[own[:4]] = 0
    assert "of what 1 photos share with the others agrees with their place (07.jpg)" in reasons(judged(replace(found, fitting=fitting)))


def test_a_handful_of_matches_among_many_is_no_witness() -> None:
    chance = 0.011
    few, enough = log10_false_alarms(np.array([60, 60]), np.array([10, 30]), chance)
    assert few > 0 and enough < -10
    found = evidence(ring(), Sighting(ring()))
    own = (found.pair == 7).any(axis=1)
    feeble = replace(found, **{name: np.where(own, 10, getattr(found, name)) for name in ("verified", "fitting")})
    verdict = judged(replace(feeble, matched=np.where(own, 400, found.matched)))
    assert "1 photos to the others (07.jpg)" in reasons(verdict)


def test_a_photo_that_several_feeble_pairs_hold_together_is_not_loose() -> None:
    found = evidence(ring(), Sighting(ring()), reach=6)
    own = (found.pair == 7).any(axis=1)
    feeble = replace(found, **{name: np.where(own, 12, getattr(found, name)) for name in ("verified", "fitting")})
    alone = replace(feeble, matched=np.where(own, 90, found.matched))
    assert not judged(alone).doubts
    one_pair = own & (np.cumsum(own) > 1)
    assert "07.jpg" in reasons(judged(replace(alone, fitting=np.where(one_pair, 0, alone.fitting))))


def test_no_witness_at_all_is_a_doubt() -> None:
    found = evidence(ring(), Sighting(ring()))
    few = replace(found, matched=np.full(len(found.pair), 60), verified=np.full(len(found.pair), 10), fitting=np.full(len(found.pair), 10))
    assert "chance" in reasons(judged(few))


def test_masks_that_do_not_hold_the_subject_are_named() -> None:
    inside = np.where(np.arange(COUNT) == 5, 0.4, 0.99)
    found = evidence(ring(), Sighting(ring()))
    assert not judged(found, np.full(COUNT, 0.97)).doubts
    assert "masks of 1 photos" in reasons(judged(found, inside)) and "05.jpg" in reasons(judged(found, inside))


def test_the_report_says_sure_or_doubtful_once_and_warns_with_a_way_out() -> None:
    sure, doubtful = Job(), Job()
    report(judged(evidence(ring(), Sighting(ring()))), sure)
    assert sure.report.choices["cameras checked"] == "sure: 100 % of what two photos share agrees with them" and not sure.report.warnings
    report(judged(evidence(ring(), Sighting(ring(), still=250))), doubtful)
    assert doubtful.report.choices["cameras checked"].startswith("doubtful: the background stands still")
    assert doubtful.report.warnings[0].startswith("The cameras are doubtful:") and "masks" in doubtful.report.warnings[0]


def test_sampson_distances_are_pixels_off_the_epipolar_line() -> None:
    poses, sighting = ring(), Sighting(ring(), seed=3)
    a_px, b_px = sighting.matches(0, 1)
    rays = [(px - np.array(SIZE_PX) / 2) / FOCAL_PX for px in (a_px, b_px)]
    distance = FOCAL_PX * sampson_distances(poses[1] @ np.linalg.inv(poses[0]), *rays)
    assert distance.mean() == pytest.approx(ERROR_PX * np.sqrt(2 / np.pi), rel=0.1)  # of normal errors across the line, in either picture
