"""A surface built anew is watertight and where it was, whatever state the mesh is in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend import device
from reify.backend.errors import Cancelled
from reify.backend.jobs.job import Job, Progress
from reify.backend.mesh.analyze import analyze
from reify.backend.mesh.cleaning import MeshSettings, clean
from reify.backend.mesh.rebuild import rebuild
from reify.backend.metrics import meshes
from reify.tests.mesh.solids import ball, grid, joined


def test_holes_close_crossings_join_and_inner_shells_go() -> None:
    open_ball = ball(n=64)
    open_ball = replace(open_ball, faces=open_ball.faces[open_ball.vertices[open_ball.faces].mean(axis=1)[:, 2] < 0.8])
    broken = joined(open_ball, ball(0.7, (1.0, 0, 0)), ball(0.3, (-0.2, 0, 0)))
    made = clean(broken, MeshSettings(faces=0, smoothing=0, holes="rebuild", rebuild_cells=64), job=Job())
    found = analyze(made)
    assert (found.parts, found.watertight, found.genus, found.crossing_faces) == (1, 1, 0, 0)
    whole = joined(ball(n=64), ball(0.7, (1.0, 0, 0)))
    away, _ = meshes.nearest_on_surface(*_sampled(made, whole))
    assert np.quantile(away, 0.9) < 0.01
    assert np.abs(made.vertex_srgb).max() <= 1.0


def test_a_sheet_has_no_inside_and_stays_as_it_is() -> None:
    job = Job()
    sheet = replace(grid(6), uvs=None, textures={})
    made = rebuild(sheet, 16, job=job)
    assert made is sheet and "Nothing is inside" in job.report.warnings[0]


def test_where_memory_is_short_the_cells_are_larger_and_a_warning_says_so(monkeypatch) -> None:
    monkeypatch.setattr(device, "free_memory", lambda: 2_000_000)
    job = Job()
    made = rebuild(ball(), 128, job=job)
    assert meshes.is_watertight(made) and "instead of 128" in job.report.warnings[0]
    sizes = [int(word) for word in job.report.choices["mesh.rebuilt"].split() if word.isdigit()]
    assert max(sizes) > 16 and np.prod(sizes) * 24 < 1_000_000


@pytest.mark.parametrize("work", ["winding", "measuring"])
def test_a_rebuild_ends_where_it_is_canceled(work: str) -> None:
    texts: list[str] = []

    def listen(event: Progress) -> None:
        texts.append(event.text)
        if event.text.startswith(work):
            job.cancel()

    job = Job(listener=listen)
    with pytest.raises(Cancelled):
        rebuild(ball(), 48, job=job)
    assert [text.startswith(work) for text in texts].count(True) == 1


def _sampled(made, whole):
    points, _ = meshes.sample_surface(made, 2000)
    samples, faces = meshes.sample_surface(whole, 20000)
    return points, whole, samples, faces
