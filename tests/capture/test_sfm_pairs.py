from __future__ import annotations

import numpy as np
from reify.backend.capture.sfm_pairs import (
    CANDIDATES,
    SOUGHT,
    all_pairs,
    candidate_pairs,
    neighbors,
    preemptive_scores,
    rescuing_pairs,
    similar_pairs,
)
from reify.backend.values import Array


def photos_of_places(places: int, of_each: int) -> list[Array]:
    """Descriptors of photos; those of one place share most of theirs, a little disturbed and in another order."""
    random = np.random.default_rng(0)
    photos = []
    for _ in range(places):
        landmarks = random.integers(0, 256, (60, 128))
        for _ in range(of_each):
            seen = np.clip(landmarks[:40] + random.normal(scale=8, size=(40, 128)), 0, 255)
            photos.append(random.permutation(np.concatenate([seen, random.integers(0, 256, (30, 128))])).astype(np.uint8))
    return photos


def test_photos_of_the_same_place_score_high_and_others_near_zero() -> None:
    photos = photos_of_places(2, 3)
    scores = preemptive_scores(photos, candidate_pairs(photos))
    same = np.kron(np.eye(2), np.ones((3, 3))).astype(bool) & ~np.eye(6, dtype=bool)
    assert scores[same].min() >= 35
    assert scores[~same].max() <= 3
    np.testing.assert_array_equal(scores, scores.T)


def test_each_photo_is_paired_with_those_of_its_own_place_first() -> None:
    pairs = similar_pairs(photos_of_places(3, 4), partners=3)
    assert {(a, b) for a, b in all_pairs(12) if a // 4 == b // 4} == set(pairs)


def test_a_photo_without_features_has_no_pairs() -> None:
    pairs = similar_pairs([*photos_of_places(1, 3), np.zeros((0, 128), np.uint8)], partners=2)
    assert not any(3 in pair for pair in pairs)


def test_of_many_photos_only_those_that_look_alike_are_compared_and_none_of_the_same_place_is_missed() -> None:
    places, of_each = 20, 6
    candidates = candidate_pairs(photos_of_places(places, of_each))
    same = np.kron(np.eye(places), np.ones((of_each, of_each))).astype(bool) & ~np.eye(places * of_each, dtype=bool)
    assert candidates[same].all() and not candidates.diagonal().any()
    np.testing.assert_array_equal(candidates, candidates.T)
    assert candidates.sum() / 2 <= CANDIDATES * places * of_each < len(all_pairs(places * of_each))


def test_a_sequence_pairs_neighbors_and_a_few_photos_far_away() -> None:
    pairs = neighbors(20, 3)
    assert {(0, 1), (0, 2), (0, 3), (0, 4), (0, 8), (0, 16), (17, 19)} <= set(pairs)
    assert (0, 5) not in pairs and all(a < b < 20 for a, b in pairs)


def test_no_overlap_asks_for_no_neighbors() -> None:
    assert neighbors(20, 0) == []


def test_all_pairs_are_all_once() -> None:
    assert len(set(all_pairs(9))) == len(all_pairs(9)) == 36


def test_a_photo_without_a_camera_is_paired_with_its_likeliest_and_next_photos_and_these_with_one_another() -> None:
    likeness = np.zeros((20, 20), np.float32)
    for other, score in ((3, 9), (4, 8), (5, 7), (6, 6), (7, 5), (8, 4), (9, 3)):
        likeness[12, other] = likeness[other, 12] = score
    likeness[3, 4] = likeness[4, 3] = 40
    pairs = rescuing_pairs(likeness, [number for number in range(20) if number != 12])
    assert {other for pair in pairs if 12 in pair for other in pair} == {12, 3, 4, 5, 6, 7, 8, 11, 13}
    assert (3, 4) in pairs and all(one < two for one, two in pairs) and len(pairs) <= 8 + 16
    assert not any(other in pair for pair in pairs for other in (0, 1, 9, 19))


def test_a_group_without_cameras_is_paired_with_placed_photos_before_its_own() -> None:
    likeness = np.ones((40, 40), np.float32)
    likeness[30:, 30:] = 50  # they show the same
    pairs = rescuing_pairs(likeness, range(30))
    for photo in range(30, 40):
        partners = [other for pair in pairs if photo in pair for other in pair if other != photo]
        assert sum(other < 30 for other in partners) >= 4


def test_the_pairs_for_photos_without_cameras_are_bounded_whatever_their_number() -> None:
    random = np.random.default_rng(0)
    likeness = random.random((400, 400)).astype(np.float32)
    pairs = rescuing_pairs(likeness + likeness.T, range(0, 400, 2))
    sought = {photo for pair in pairs for photo in pair if photo % 2}
    assert len(pairs) <= SOUGHT * 8 * 3 and len(sought) > SOUGHT // 2
    assert rescuing_pairs(likeness, range(400)) == [] and len(rescuing_pairs(np.zeros((3, 3)), [])) == 3
