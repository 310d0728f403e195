from dataclasses import replace

import numpy as np
import pytest
from reify.backend.geometry import harmonics, quaternions
from reify.backend.geometry.turning import turned
from reify.tests.formats.test_splat_ply import some_splats

TURN = quaternions.to_matrices(np.array([[0.3, -0.5, 0.7, 0.2]]))[0]


@pytest.mark.parametrize("degree", range(5))
def test_turned_splats_show_along_turned_directions_what_they_showed_before(degree):
    splats = some_splats(40, degree)
    directions = np.random.default_rng(0).normal(size=(30, 3))
    before = np.einsum("dk,nkc->ndc", harmonics.basis(directions, degree), splats.sh)
    after = np.einsum("dk,nkc->ndc", harmonics.basis(directions @ TURN.T, degree), turned(splats, TURN).sh)
    assert np.abs(before - after).max() < 1e-5


def test_axes_and_places_turn_along():
    splats = some_splats(40, 0)
    found = turned(splats, TURN)
    assert np.allclose(found.means, splats.means @ TURN.T, atol=1e-6)
    assert np.allclose(quaternions.to_matrices(found.quats), TURN @ quaternions.to_matrices(splats.quats), atol=1e-6)


def test_what_is_given_is_left_alone_unless_it_may_be_overwritten():
    splats = some_splats(40, 1)
    kept = replace(splats, means=splats.means.copy(), quats=splats.quats.copy(), sh=splats.sh.copy())
    first = turned(splats, TURN)
    assert np.array_equal(splats.sh, kept.sh) and np.array_equal(splats.means, kept.means)
    second = turned(kept, TURN, overwrite=True)
    assert second.sh is kept.sh and np.array_equal(second.sh, first.sh) and np.array_equal(second.means, first.means)
