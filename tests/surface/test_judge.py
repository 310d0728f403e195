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


def test_tunnels_of_a_few_voxels_are_specks_and_larger_ones_are_not(make_orbit) -> None:
    from reify.backend.geometry.surface_nets import surface_nets

    step = 0.01
    x, y, z = np.meshgrid(*(np.arange(-reach, reach, step) for reach in (1.2, 1.2, 0.1)), indexing="ij")
    plate = np.minimum(np.minimum(1.0 - np.abs(x), 1.0 - np.abs(y)), 0.012 - np.abs(z))
    near = [(axis + 1.05) % 0.3 - 0.15 for axis in (x, y)]  # to the nearest of 49 tunnels
    for radius, few in ((0.01, True), (0.09, False)):
        pierced = np.minimum(plate, np.hypot(*near) - radius)
        points, quads = surface_nets(pierced)
        mesh = Mesh((step * points - [1.2, 1.2, 0.1]).astype(np.float32), quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32))
        found, warnings = judged(mesh, make_orbit(8, 64))
        assert found.handles == 49, found
        assert found.specks > 25 if few else found.specks < 10, found
        assert any("large holes and handles" in warning for warning in warnings) != few


def test_a_rings_own_handle_is_no_speck() -> None:
    from reify.backend.geometry.surface_nets import surface_nets
    from reify.backend.surface.judge import tiny_holes

    x, y, z = np.meshgrid(*(np.arange(-1.2, 1.2, 0.05),) * 3, indexing="ij")
    points, quads = surface_nets(0.25 - np.hypot(np.hypot(x, y) - 0.75, z))
    assert tiny_holes(Mesh(points.astype(np.float32), quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32))) == 0


def test_shards_and_sieves_are_named_with_what_to_do(make_orbit) -> None:
    shards = joined(*(ball(0.2, (x, y, 0)) for x in (-0.7, 0, 0.7) for y in (-0.7, 0, 0.7)))
    _, warnings = judged(shards, make_orbit(20, 128))
    assert any("9 pieces" in warning and "overlap" in warning for warning in warnings)
    whole = ball()
    sieve = Mesh(whole.vertices, whole.faces[np.random.default_rng(0).random(len(whole.faces)) > 0.03])
    found, warnings = judged(sieve, make_orbit(20, 128))
    assert found.holes > 30
    assert any("holes and handles" in warning and "preset Surface" in warning for warning in warnings)
