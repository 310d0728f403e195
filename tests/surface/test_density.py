"""The level set of splats' density."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import ReifyError
from reify.backend.geometry import triangles
from reify.backend.jobs.job import Job
from reify.backend.metrics import meshes
from reify.backend.surface.density import DensitySettings, subject_of, surface_of_density
from reify.backend.values import Mesh, Splats

from .clouds import ball_splats


def made(splats: Splats, polygons: str = "cubes", voxel_size: float = 0.0, level: float = 0.5) -> Mesh:
    return surface_of_density(splats, subject_of(splats), polygons, DensitySettings(level), voxel_size, 6_000_000, job=Job())


def joined(a: Splats, b: Splats) -> Splats:
    return Splats(*(np.concatenate([getattr(a, n), getattr(b, n)]) for n in ("means", "quats", "log_scales", "opacity_logits", "sh")))


def test_one_round_splat_has_its_surface_where_its_density_is_the_level() -> None:
    one = Splats(*(np.array(v, np.float32) for v in ([[1, 2, 3]], [[1, 0, 0, 0]], np.log([[0.5, 0.5, 0.5]]), [20.0])), np.zeros((1, 1, 3)))
    mesh = surface_of_density(one, replace(subject_of(one), radius=5.0), "cubes", DensitySettings(0.5), 0.05, 6_000_000, job=Job())
    radius = np.hypot(0.5, 0.6 * 0.05) * np.sqrt(2 * np.log(2))
    assert np.linalg.norm(mesh.vertices - [1, 2, 3], axis=1) == pytest.approx(radius, rel=0.005)
    assert meshes.is_watertight(mesh)


def test_a_hollow_ball_of_flat_splats_becomes_one_solid_one() -> None:
    mesh = made(ball_splats())
    assert meshes.genus(mesh) == 0 and meshes.parts(mesh) == 1
    assert 1.0 < meshes.volume(mesh) / (4 / 3 * np.pi * 0.8**3) < 1.3  # the surface lies around the splats
    right = mesh.vertices[:, 0] > 1.1
    assert mesh.vertex_srgb is not None and (mesh.vertex_srgb[right][:, 0] > 0.9).all()


def test_a_small_leak_leaves_the_body_solid() -> None:
    ball = ball_splats()
    leaky = ball.take(np.argsort(np.linalg.norm(ball.means - [1, 2, 3.8], axis=1))[20:])
    leaking, whole = (triangles.areas(mesh.vertices, mesh.faces).sum() for mesh in (made(leaky), made(ball)))
    assert leaking == pytest.approx(whole, rel=0.05)


def test_holes_in_a_thin_skin_make_no_tunnels() -> None:
    skin = ball_splats(opacity_logit=-1.4)
    holes = [np.argsort(np.linalg.norm(skin.means - [1 + x, 2, 3.74], axis=1))[:10] for x in (-0.3, 0.3)]
    mesh = made(skin.take(np.setdiff1d(np.arange(len(skin)), holes)))
    assert meshes.is_watertight(mesh) and meshes.genus(mesh) == 0
    assert meshes.volume(mesh) > 4 / 3 * np.pi * 0.8**3


def test_a_narrow_gap_between_two_bodies_stays_open() -> None:
    left = ball_splats()
    right = replace(left, means=left.means + np.float32([1.8, 0, 0]))
    assert meshes.parts(made(joined(left, right))) == 2


def test_quads_stay_quads_without_the_inside() -> None:
    mesh = made(ball_splats(), "quads")
    assert 2 * mesh.quads == len(mesh.faces) > 0
    assert meshes.parts(mesh) == 1


def test_a_wall_far_behind_is_no_part_of_the_subject() -> None:
    ball = ball_splats()
    wall = replace(ball.take(np.arange(100)), means=(ball.means[:100] + np.float32(30)))
    assert made(joined(ball, wall)).vertices.max() < 10


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.take(np.zeros(0, int)),
        lambda s: replace(s, opacity_logits=np.full(len(s), -20, np.float32)),
        lambda s: replace(s, means=np.full_like(s.means, np.nan)),
        lambda s: replace(s, opacity_logits=np.full(len(s), np.nan, np.float32)),
    ],
    ids=["none", "transparent", "without positions", "opacity is no number"],
)
def test_splats_that_show_nothing_are_a_clear_error(spoil) -> None:
    with pytest.raises(ReifyError) as raised:
        made(spoil(ball_splats()))
    assert raised.value.fix


def test_splats_without_positions_beside_sound_ones_are_left_out() -> None:
    ball = ball_splats()
    means = ball.means.copy()
    means[::10] = np.nan
    mesh = made(replace(ball, means=means))
    assert np.isfinite(mesh.vertices).all() and mesh.vertex_srgb is not None


def test_voxels_are_no_smaller_than_memory_allows() -> None:
    fine = made(ball_splats(400), voxel_size=1e-5)
    assert len(fine.faces) > 10_000


def test_a_density_that_is_never_reached_is_a_clear_error() -> None:
    with pytest.raises(ReifyError, match="dense"):
        made(ball_splats(400, opacity_logit=-2.0), level=10.0)
