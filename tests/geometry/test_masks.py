from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry import masks

MASK = np.zeros((10, 20), bool)
MASK[3, 5] = MASK[7, 18] = True  # with nothing in the rows between


def test_bounds_hold_all_that_is_true_and_nothing_more() -> None:
    assert masks.bounds(MASK) == (slice(3, 8), slice(5, 19))
    assert masks.longest_side(MASK) == 14


def test_a_margin_ends_at_the_pictures_border() -> None:
    assert masks.bounds(MASK, 4) == (slice(0, 10), slice(1, 20))


def test_an_empty_mask_has_no_bounds() -> None:
    with pytest.raises(ValueError, match="empty"):
        masks.bounds(np.zeros((3, 3), bool))
