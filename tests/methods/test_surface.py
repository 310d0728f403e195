"""To Mesh, from files as the command line has them to the mesh."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("fast_simplification")

from reify.backend.errors import ReifyError
from reify.backend.formats.points_ply import write_points_ply
from reify.backend.formats.splat_ply import write_splat_ply
from reify.backend.jobs.job import Job
from reify.backend.methods.surface import METHOD, Settings
from reify.backend.metrics import meshes
from reify.backend.values import Given, Result, Splats

from ..surface.clouds import ball_points, ball_splats

FIELDS = ("means", "quats", "log_scales", "opacity_logits", "sh")
VOLUME = 4 / 3 * np.pi * 0.8**3


def made(path: Path, job: Job | None = None, **changes) -> Result:
    settings = replace(Settings(views=24, long_side_px=160), **changes)
    given = METHOD.inputs((path,))
    return METHOD.perform(given, settings, job or Job())


@pytest.fixture
def splats(tmp_path: Path) -> Path:
    write_splat_ply(ball_splats(), tmp_path / "ball.ply")
    return tmp_path / "ball.ply"


@pytest.mark.parametrize("extraction", ["auto", "fuse", "poisson", "density"])
def test_a_file_of_splats_becomes_a_mesh_in_the_same_place(extraction: str, splats: Path) -> None:
    job = Job()
    result = made(splats, job, extraction=extraction)
    assert result.name == "ball"
    assert meshes.volume(result.mesh) == pytest.approx(VOLUME, rel=0.1 if extraction != "density" else 0.3)
    assert result.mesh.vertices.mean(axis=0) == pytest.approx([1, 2, 3], abs=0.05)
    assert result.mesh.vertex_srgb is not None
    if extraction == "auto":
        assert job.report.choices["extraction"] == "fuse, because these are splats"


@pytest.mark.parametrize("polygons", ["cubes", "sharp"])
def test_a_file_of_points_becomes_a_closed_mesh(polygons: str, tmp_path: Path) -> None:
    write_points_ply(ball_points(2000), tmp_path / "scan.ply")
    mesh = made(tmp_path / "scan.ply", polygons=polygons).mesh
    assert meshes.is_watertight(mesh)
    assert meshes.volume(mesh) == pytest.approx(VOLUME, rel=0.02)
    assert (mesh.quads > 0) == (polygons == "sharp")


def test_cameras_that_are_known_are_looked_from(splats: Path) -> None:
    from reify.backend.surface.orbit import cameras_around
    from reify.backend.surface.region import Ball

    settings = Settings(long_side_px=160, extraction="fuse")
    given = METHOD.inputs((splats,))
    everywhere = cameras_around(Ball((1, 2, 3), 1), 16, 200)
    above = everywhere.take(np.flatnonzero(everywhere.centers[:, 2] > 3))
    mesh = METHOD.perform(replace(given, cameras=above), settings, Job()).mesh
    assert mesh.vertices[:, 2].max() == pytest.approx(3.8, abs=0.05)
    assert mesh.vertices[:, 2].min() > 2.3  # its lowest point, at 2.2, nobody looked at


def test_a_radius_cuts_off_what_lies_beyond_also_where_cameras_are_known() -> None:
    from reify.backend.surface.orbit import cameras_around
    from reify.backend.surface.region import Ball

    subject, other = ball_splats(), ball_splats(1000)
    beside = replace(other, means=other.means + np.float32([2.5, 0, 0]))
    both = Splats(*(np.concatenate([getattr(s, n) for s in (subject, beside)]) for n in FIELDS))
    cameras = cameras_around(Ball((2, 2, 3), 2.2), 24, 160)
    widths = []
    for radius in (0.0, 1.3):
        settings = Settings(long_side_px=160, extraction="poisson", radius=radius, polygons="quads")
        mesh = METHOD.perform(Given(both, "two", cameras=cameras), settings, Job()).mesh
        assert mesh.quads > 0
        widths.append(np.ptp(mesh.vertices[:, 0]))
    assert widths[0] > 2.5 and widths[1] == pytest.approx(1.6, abs=0.2)


@pytest.mark.parametrize("extraction", ["mls", "rbf", "alpha"])
def test_what_works_on_points_only_says_so_for_splats(extraction: str, splats: Path) -> None:
    with pytest.raises(ReifyError, match="doesn't work on splats"):
        made(splats, extraction=extraction)


@pytest.mark.parametrize("extraction", ["fuse", "poisson", "density"])
def test_splats_without_opacity_are_a_clear_error(extraction: str) -> None:
    with pytest.raises(ReifyError, match="transparent"):
        METHOD.perform(Given(ball_splats(opacity_logit=-20.0), "fog"), Settings(extraction=extraction), Job())


def test_a_file_of_something_else_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "notes.ply").write_text("hello")
    with pytest.raises(ReifyError, match="no PLY file"):
        made(tmp_path / "notes.ply")
    with pytest.raises(ReifyError):
        made(tmp_path / "absent.ply")
