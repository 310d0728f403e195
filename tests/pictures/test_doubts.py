"""Pictures that networks make little of are told before anything runs."""

from __future__ import annotations

import numpy as np
from reify.backend.pictures.doubts import doubts_about
from reify.backend.values import Picture


def picture(*discs: tuple[int, int, int], size: int = 600) -> Picture:
    """Discs by middle and radius."""
    y, x = np.mgrid[:size, :size]
    inside = np.any([x < 0, *(np.hypot(x - left, y - top) < radius for left, top, radius in discs)], axis=0)
    return Picture("bear", np.full((size, size, 3), 90, np.uint8), inside.astype(np.float32))


def test_a_large_whole_single_subject_raises_no_doubt() -> None:
    assert doubts_about(picture((300, 300, 200), (550, 550, 20))) == ()
    assert doubts_about(picture((300, 300, 200)), scale=0.8) == ()


def test_several_subjects_a_small_one_a_cut_off_one_and_none_at_all_are_told() -> None:
    assert "shows 2 things apart" in doubts_about(picture((170, 300, 140), (450, 300, 130)))[0]
    assert "only 119 px large" in doubts_about(picture((300, 300, 60)))[0]
    assert "only 200 px large" in doubts_about(picture((300, 300, 200)), scale=2.0)[0]
    assert "cut off" in doubts_about(picture((100, 300, 200)))[0]
    assert "Nothing is cut away" in doubts_about(picture((300, 300, 600)))[0]
    assert doubts_about(picture()) == ()
