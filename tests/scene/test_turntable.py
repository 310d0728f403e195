"""Renders agree with what was trained while the camera moves, with nobody telling the splats so."""

from __future__ import annotations

import numpy as np
import pytest
from reify.tests.scene.turntable import Turntable
from reify.tests.scene.viewport.subject import bumpy_ball, surrounded

pytestmark = [pytest.mark.blender, pytest.mark.slow]
pytest.importorskip("numba")


def test_cycles_agrees_with_the_rasterizer_from_a_camera_that_moves(scene):
    turntable = Turntable(scene, surrounded(bumpy_ball(6000)), (96, 60))
    found = [turntable.psnr(frame) for frame in (1, 9, 17)]
    assert min(found) >= 30.0, found
    first, second = (turntable.rendered(frame) for frame in (1, 13))
    assert np.abs(first - second).mean() > 0.02  # it does move
