"""A finished mesh is judged by its pieces, its holes and what photos see of it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.jobs.job import Job
from reify.backend.surface.judge import judge
from reify.backend.values import Mesh
from reify.tests.mesh.solids import ball, joined


def judged(mesh: Mesh, cameras) -> tuple:
    job = Job()
    return judge(mesh, cameras, job=job), job.report.warnings


def test_a_whole_body_seen_from_all_around_gets_no_warning(make_orbit) -> None:
    found, warnings = judged(ball(), make_orbit(20, 128))
    assert (found.components, found.holes, found.handles) == (1, 0, 0)
    assert found.seen > 0.98
    assert not warnings


def test_what_photos_see_from_one_side_only_is_guesswork(make_orbit) -> None:
    cameras = make_orbit(40, 128)
    found, warnings = judged(ball(), cameras.take(np.flatnonzero(cameras.centers[:, 0] > 2.0)))
    assert 0.2 < found.seen < 0.6
    assert "guesswork" in warnings[0]


def test_a_wall_hides_what_is_behind_it(make_orbit) -> None:
    inner, outer = ball(0.5), ball(1.0)
    found, _ = judged(joined(inner, outer), make_orbit(20, 128))
    assert found.seen == pytest.approx(0.8, abs=0.03)  # the inner one has a fifth of the area


def test_shards_and_sieves_are_named_with_what_to_do(make_orbit) -> None:
    shards = joined(*(ball(0.2, (x, y, 0)) for x in (-0.7, 0, 0.7) for y in (-0.7, 0, 0.7)))
    _, warnings = judged(shards, make_orbit(20, 128))
    assert any("9 pieces" in warning and "overlap" in warning for warning in warnings)
    whole = ball()
    sieve = Mesh(whole.vertices, whole.faces[np.random.default_rng(0).random(len(whole.faces)) > 0.03])
    found, warnings = judged(sieve, make_orbit(20, 128))
    assert found.holes > 30
    assert any("holes and handles" in warning and "preset Surface" in warning for warning in warnings)
