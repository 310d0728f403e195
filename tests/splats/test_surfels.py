"""Surfels: pictures, depth, normals and all their gradients against the float64 twin, and what training makes of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.splats.render import rasterize
from reify.backend.values import SH_C0, Cameras, Splats

from .agreement import as_facing_surfels, assert_geometry, by_name, drawn

torch = pytest.importorskip("torch")
SIZE = (75, 53)


@pytest.mark.parametrize(("degree", "antialiased"), [(0, True), (3, False)])
def test_pictures_depth_normals_and_gradients_agree_with_the_float64_twin(degree, antialiased, make_splats, make_cameras):
    from reify.backend.splats import twin

    cameras = make_cameras(*SIZE)
    splats = make_splats(300, degree=degree, antialiased=antialiased, size=0.04 if antialiased else 0.08)
    assert_geometry(as_facing_surfels(splats, cameras), cameras, twin.render_surfels)


def test_the_losses_on_depth_and_normals_and_their_gradients_agree_with_the_float64_twin(make_splats, make_cameras):
    from reify.backend.rendering.losses import DepthDistortion, NormalConsistency, Photometric
    from reify.backend.splats import twin_losses
    from reify.backend.splats.cpu.comparison import compare_geometry
    from reify.backend.splats.step import SplatStep

    cameras = make_cameras(*SIZE)
    splats = as_facing_surfels(make_splats(300, degree=0, size=0.15), cameras)
    rasterizer, drawing, comparison = drawn(splats, cameras, (0, 0, 0))
    frame, middle = drawing.frame, float(drawing.lists.middle)
    step = SplatStep(rates={}, losses=(Photometric(), DepthDistortion(0.7), NormalConsistency(0.3)), bases=1)
    loss = compare_geometry(rasterizer.team, drawing, comparison, step, None, 1)
    rasterizer.close()
    alpha = torch.tensor(1 - frame.single(frame.transmittance).astype(np.float64), requires_grad=True)
    sums = torch.tensor(frame.geometry[:5].astype(np.float64), requires_grad=True)
    distortion, consistency = twin_losses.geometry_losses(alpha, sums, cameras.K[0], middle)
    (0.7 * distortion + 0.3 * consistency).backward()
    assert distortion.item() > 1 and consistency.item() > 1
    assert loss == pytest.approx(0.7 * distortion.item() + 0.3 * consistency.item(), rel=1e-4)
    for got, expected in ((frame.single(comparison.v_alpha), alpha.grad), (comparison.v_geometry, sums.grad)):
        assert np.linalg.norm(got - expected.numpy()) < 1e-3 * np.linalg.norm(expected.numpy())


def test_the_gradients_of_the_losses_are_the_slopes_of_finite_differences(make_splats, make_cameras):
    from reify.backend.rendering.losses import DepthDistortion, NormalConsistency, Photometric
    from reify.backend.splats import twin, twin_losses
    from reify.backend.splats.cpu.comparison import compare_geometry
    from reify.backend.splats.step import SplatStep

    cameras = make_cameras(40, 32)
    splats = as_facing_surfels(make_splats(60, degree=0, size=0.12), cameras)
    step = SplatStep(rates={}, losses=(Photometric(), DepthDistortion(0.7), NormalConsistency(0.3)), bases=1)
    rasterizer, drawing, comparison = drawn(splats, cameras, (0, 0, 0))
    middle = float(drawing.lists.middle)
    compare_geometry(rasterizer.team, drawing, comparison, step, None, 1)
    v_alpha = drawing.frame.single(comparison.v_alpha)
    found = by_name(rasterizer.gradients(drawing, None, v_alpha, comparison.v_geometry), 1)
    rasterizer.close()
    parameters = twin.parameters_of(splats)

    def loss(moved):
        _picture, alpha, sums = twin.render_surfels(moved, cameras, 0, middle=middle)
        distortion, consistency = twin_losses.geometry_losses(alpha, sums, cameras.K[0], middle)
        return (0.7 * distortion + 0.3 * consistency).item()

    rng = np.random.default_rng(1)
    for name in ("means", "quats", "log_scales", "opacity_logits"):
        direction = rng.normal(size=found[name].shape)
        slope = float((found[name] * direction).sum())
        whole = np.zeros(parameters[name].shape)
        whole.reshape(len(splats), -1)[:, : direction.size // len(splats)] = direction.reshape(len(splats), -1)
        ahead, behind = (loss({**parameters, name: parameters[name].detach() + sign * 1e-7 * torch.tensor(whole)}) for sign in (1, -1))
        # The loss jumps where pixels begin or cease to count; steps this small mostly cross no such edge.
        assert slope == pytest.approx((ahead - behind) / 2e-7, rel=0.02), name


@pytest.fixture
def camera():
    k = np.array([[[100.0, 0, 40.0], [0, 100.0, 30.0], [0, 0, 1]]])
    return Cameras(np.eye(4)[None], k, np.array([[80, 60]]), np.zeros((1, 8)))


def _disc(position, angle, scales=(0.3, 0.3), logit=8.0):
    """One disc, turned about the vertical axis out of facing the camera."""
    return Splats(
        means=np.array([position], np.float32),
        quats=np.array([[np.cos(angle / 2), 0, np.sin(angle / 2), 0]], np.float32),
        log_scales=np.log(np.array([[*scales, 1e-4]], np.float32)),
        opacity_logits=np.array([logit], np.float32),
        sh=np.full((1, 1, 3), 0.4 / SH_C0, np.float32),
        surfels=True,
    )


def test_a_tilted_disc_has_the_depth_and_normal_of_its_plane_however_near_it_is(camera):
    angle = 0.8
    picture = rasterize(_disc((0.05, 0, 1.2), angle), camera, 0)
    assert picture.normal[30, 45] == pytest.approx([-np.sin(angle), 0, -np.cos(angle)], abs=1e-4)
    for column in (30, 40, 45, 50):
        across = (column + 0.5 - 40) / 100
        truth = (0.05 * np.sin(angle) + 1.2 * np.cos(angle)) / (across * np.sin(angle) + np.cos(angle))
        assert picture.depth[30, column] == pytest.approx(truth, abs=1e-4)
        assert picture.info["expected_depth"][30, column] == pytest.approx(truth, abs=1e-4)


def test_a_disc_looks_the_same_from_behind(camera):
    front, back = rasterize(_disc((0, 0, 2), 0.3), camera, 0), rasterize(_disc((0, 0, 2), 0.3 + np.pi), camera, 0)
    assert np.abs(front.rgb - back.rgb).max() < 1e-5
    assert np.abs(front.normal - back.normal).max() < 1e-5


def test_a_disc_too_small_for_a_pixel_still_shows(camera):
    picture = rasterize(_disc((0.01, 0.01, 2), 0.0, scales=(1e-5, 1e-5)), camera, 0)
    assert 0.3 < picture.alpha[30, 40] < 0.999
    assert picture.depth[30, 40] == pytest.approx(2, abs=1e-4)


def test_an_antialiased_disc_too_small_for_a_pixel_covers_as_much_as_it_is_large(camera):
    radius = 0.2  # pixels
    disc = dataclasses.replace(_disc((0.0, 0.0, 2), 0.0, scales=(radius * 2 / 100,) * 2), antialiased=True)
    covered = rasterize(disc, camera, 0).alpha.sum()
    assert covered == pytest.approx(2 * np.pi * radius**2, rel=0.1)
    assert rasterize(dataclasses.replace(disc, antialiased=False), camera, 0).alpha.sum() > 4 * covered


@pytest.mark.parametrize("surfels", [False, True])
def test_the_classic_strategys_signal_is_the_pull_of_each_pixel_whatever_its_direction(surfels, camera):
    from reify.backend.rendering.losses import Photometric
    from reify.backend.rendering.targets import Target
    from reify.backend.splats import twin
    from reify.backend.splats.columns import STAT_SIGNAL
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer
    from reify.backend.splats.step import SplatStep

    # A disc that faces the camera keeps its shape where it is moved, so only its center's gradients are left.
    disc = dataclasses.replace(_disc((0.1, 0.05, 2), 0.0, scales=(0.1, 0.15)), surfels=surfels)
    photo = np.random.default_rng(0).integers(0, 2, (60, 80, 1), dtype=np.uint8).repeat(3, axis=2) * 255
    rasterizer = CpuRasterizer(disc, 1, 0, 2)
    rasterizer.step(Target(camera, photo), SplatStep(rates={}, losses=(Photometric(ssim_share=0.0),), bases=1, absolute=True))
    found = rasterizer.stats[0, STAT_SIGNAL]
    rasterizer.close()
    parameters = twin.parameters_of(disc)
    render = twin.render_surfels if surfels else twin.render

    def losses(means):
        picture = render({**parameters, "means": means}, camera, 0)[0]
        return (picture - torch.tensor(photo / 255)).abs().sum(dim=2).flatten() / photo.size

    # 100 pixels are a unit at depth 1.
    along = torch.eye(3, dtype=torch.float64)[:2, None] * 2 / 100
    pulls = torch.stack([torch.autograd.functional.jvp(losses, parameters["means"], way)[1] for way in along], dim=1)
    assert found == pytest.approx(torch.linalg.norm(pulls, dim=1).sum().item(), rel=1e-3)
    assert found > 3 * torch.linalg.norm(pulls.sum(dim=0)).item()


def test_a_disc_seen_from_its_very_edge_or_around_the_camera_or_not_finite_spoils_nothing(camera):
    edge = rasterize(_disc((0, 0, 2), np.pi / 2), camera, 0)
    around = rasterize(_disc((0, 0, 0.5), 1.5, scales=(4.0, 4.0)), camera, 0)
    broken = rasterize(_disc((0, np.nan, 2), 0.2), camera, 0)
    for picture in (edge, around, broken):
        assert np.isfinite(picture.rgb).all() and np.isfinite(picture.depth).all() and np.isfinite(picture.normal).all()
    assert broken.alpha.max() == 0


@pytest.mark.parametrize("shortest", [0, 1, 2])
def test_splats_become_discs_across_their_shortest_axis(shortest, make_splats):
    from reify.backend.splats import twin
    from reify.backend.splats.surfels import as_surfels

    splats = make_splats(50)
    log_scales = splats.log_scales.copy()
    log_scales[:, shortest] = log_scales.min(axis=1) - 1
    splats = dataclasses.replace(splats, log_scales=log_scales)
    discs = as_surfels(splats, seed=0)
    assert discs.surfels and (discs.log_scales[:, 2] < discs.log_scales[:, :2].min(axis=1) - 6).all()

    def covariance(splats, scales):
        axes = twin.rotations(torch.tensor(splats.quats, dtype=torch.float64)).numpy() * scales[:, None, :]
        return axes @ axes.transpose(0, 2, 1)

    without = np.exp(splats.log_scales)
    without[:, shortest] = 0
    assert np.allclose(covariance(discs, np.exp(discs.log_scales) * (1, 1, 0)), covariance(splats, without), atol=1e-6)


def test_round_splats_become_discs_that_face_all_ways(make_splats):
    from reify.backend.splats import twin
    from reify.backend.splats.surfels import as_surfels

    splats = make_splats(1000)
    splats = dataclasses.replace(splats, log_scales=np.full((1000, 3), -3, np.float32), quats=np.tile(np.float32([1, 0, 0, 0]), (1000, 1)))
    normals = twin.rotations(torch.tensor(as_surfels(splats, seed=1).quats)).numpy()[:, :, 2]
    assert np.abs(np.linalg.eigvalsh(normals.T @ normals / 1000) - 1 / 3).max() < 0.05
    assert np.array_equal(as_surfels(splats, seed=1).quats, as_surfels(splats, seed=1).quats)
