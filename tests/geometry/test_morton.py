from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry import morton


@pytest.mark.parametrize("bits", [10, 21])
def test_codes_take_the_axes_bits_in_turn(bits: int) -> None:
    points = np.random.default_rng(0).random((100, 3))
    cells = (points * (2**bits - 1)).astype(int)
    expected = [sum((int(cell[axis]) >> bit & 1) << 3 * bit + axis for bit in range(bits) for axis in range(3)) for cell in cells]
    assert morton.codes(points, bits).tolist() == expected


def test_points_outside_the_unit_box_count_as_on_its_sides() -> None:
    assert np.array_equal(morton.codes(np.array([[-1.0, 2, 0.5]])), morton.codes(np.array([[0.0, 1, 0.5]])))
