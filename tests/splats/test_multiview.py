"""Losses between neighboring views, on two pictures of a patterned ball whose depth and normals are known."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.splats.view_selection import DepthMemory, neighbors_of

torch = pytest.importorskip("torch")

SIZE = WIDTH, HEIGHT = 75, 53
RADIUS = 0.6
MIDDLE = np.float32(2.2)


@pytest.fixture
def cameras(make_cameras):
    """Two cameras 24 degrees apart."""
    return make_cameras(*SIZE, 15).take((0, 1))


def _seen(cameras, index):
    """Depth [H,W] (0 beside the ball), normals [H,W,3] in the camera's axes, and a photo [H,W] in gray (-1 beside it)."""
    k, pose = cameras.K[index], cameras.cam_from_world[index]
    x, y = np.meshgrid((np.arange(WIDTH) + 0.5 - k[0, 2]) / k[0, 0], (np.arange(HEIGHT) + 0.5 - k[1, 2]) / k[1, 1])
    rays = np.stack([x, y, np.ones_like(x)], axis=-1)
    center = pose[:3, 3]
    a, b, c = (rays**2).sum(axis=-1), rays @ center, center @ center - RADIUS**2
    hit = b * b > a * c
    depth = (b - np.sqrt(np.maximum(b * b - a * c, 0))) / a
    normal = (depth[..., None] * rays - center) / RADIUS
    world = (depth[..., None] * rays - center) @ pose[:3, :3]
    gray = 0.5 + 0.2 * np.sin(world @ [20, 9, 4]) + 0.2 * np.sin(world @ [-5, 17, 12])
    return np.where(hit, depth, 0), normal, np.where(hit, gray, -1)


def _blended(cameras, *, factor=1.0, noise=0.0):
    """Alpha [H,W] and sums [6,H,W] as surfels on the ball would leave them, their depths times `factor`."""
    rng = np.random.default_rng(0)
    depth, normal, _gray = _seen(cameras, 0)
    alpha = np.where(depth > 0, rng.uniform(0.8, 1, depth.shape), rng.uniform(0, 0.4, depth.shape))
    depth = depth * factor * (1 + 0.03 * noise * rng.normal(size=depth.shape))
    sums = np.zeros((6, HEIGHT, WIDTH))
    sums[0] = np.where(depth > 0, depth - MIDDLE, 0) * alpha
    sums[2:5] = ((normal + noise * rng.normal(size=normal.shape)) * alpha[..., None]).transpose(2, 0, 1)
    return alpha.astype(np.float32), sums.astype(np.float32)


def _compared(cameras, alpha, sums, other_depth, other_gray, photo_weight, depth_weight, spacing=1):
    """Gradients of the sums [5,H,W] and of alpha [H,W], and both weighted losses."""
    from reify.backend.splats.cpu import multiview
    from reify.backend.splats.cpu.intermediates import MARGIN
    from reify.backend.splats.layout import camera_row

    transmittance = np.pad(1 - alpha, MARGIN).ravel()
    v_sums, v_alpha, losses = np.zeros((5, HEIGHT, WIDTH), np.float32), np.zeros_like(transmittance), np.zeros((2, HEIGHT))
    here, there = camera_row(cameras, 0), camera_row(cameras, 1)
    gray = _seen(cameras, 0)[2].astype(np.float32)
    multiview.compare(
        0,
        -(-HEIGHT // spacing),
        spacing,
        0,
        0,
        sums,
        transmittance,
        MIDDLE,
        here,
        gray,
        multiview.relative_motion(here, there),
        there,
        other_gray.astype(np.float32),
        other_depth.astype(np.float32),
        np.float32(photo_weight),
        np.float32(depth_weight),
        v_sums,
        v_alpha,
        losses,
    )
    return v_sums, v_alpha.reshape(HEIGHT + 2 * MARGIN, -1)[MARGIN:-MARGIN, MARGIN:-MARGIN], losses.sum(axis=1)


def test_losses_and_gradients_agree_with_the_float64_twin(cameras):
    from reify.backend.splats import twin_losses

    other_depth, _normal, other_gray = _seen(cameras, 1)
    other_depth *= 1 + 0.004 * np.random.default_rng(1).normal(size=other_depth.shape)
    alpha, sums = _blended(cameras, noise=0.15)
    v_sums, v_alpha, losses = _compared(cameras, alpha, sums, other_depth, other_gray, 0.7, 0.3)
    exact_alpha, exact_sums = (torch.tensor(a.astype(np.float64), requires_grad=True) for a in (alpha, sums))
    grays = torch.tensor(_seen(cameras, 0)[2]), torch.tensor(other_gray)
    exact_depth = torch.tensor(other_depth)
    photometric, geometric = twin_losses.agreement_losses(exact_alpha, exact_sums[:5], grays, exact_depth, cameras, float(MIDDLE))
    (0.7 * photometric + 0.3 * geometric).backward()
    assert photometric.item() > 5 and geometric.item() > 50
    assert losses == pytest.approx([0.7 * photometric.item(), 0.3 * geometric.item()], rel=1e-4)
    for got, expected in ((v_sums, exact_sums.grad[:5]), (v_alpha, exact_alpha.grad)):
        assert np.linalg.norm(got - expected.numpy()) < 1e-3 * np.linalg.norm(expected.numpy())


@pytest.mark.parametrize("weights", [(1, 0), (0, 1)], ids=["photos", "depths"])
@pytest.mark.parametrize("factor", [0.994, 1.006])
def test_either_loss_moves_the_surface_back_to_where_it_is(weights, factor, cameras):
    other_depth, _normal, other_gray = _seen(cameras, 1)
    downhill = -_compared(cameras, *_blended(cameras, factor=factor), other_depth, other_gray, *weights)[0][0]
    moved = downhill != 0
    assert moved.sum() > 500
    assert (np.sign(downhill[moved]) == np.sign(1 - factor)).mean() > 0.9


def test_brightness_and_contrast_of_a_photo_make_no_difference(cameras):
    other_depth, _normal, other_gray = _seen(cameras, 1)
    blended = _blended(cameras, factor=1.003)
    same = _compared(cameras, *blended, other_depth, other_gray, 1, 0)
    darker = _compared(cameras, *blended, other_depth, np.where(other_gray < 0, -1, 0.05 + 0.7 * other_gray), 1, 0)
    assert np.linalg.norm(same[0] - darker[0]) < 0.1 * np.linalg.norm(same[0])


def test_what_something_hides_from_the_neighbor_has_no_say(cameras):
    other_depth, _normal, other_gray = _seen(cameras, 1)
    other_depth[:, : WIDTH // 2] *= 0.7
    v_sums, _v_alpha, _losses = _compared(cameras, *_blended(cameras, factor=1.003), other_depth, other_gray, 1, 1)
    everywhere = _compared(cameras, *_blended(cameras, factor=1.003), _seen(cameras, 1)[0], other_gray, 1, 1)[0]
    assert 0.1 < np.count_nonzero(v_sums[0]) / np.count_nonzero(everywhere[0]) < 0.8
    assert np.allclose(v_sums[0][v_sums[0] != 0], everywhere[0][v_sums[0] != 0])


def test_of_photos_with_masks_only_what_is_known_becomes_gray():
    from reify.backend.splats.cpu.multiview import UNKNOWN, to_gray

    rgb = np.full((4, 5, 3), 255, np.uint8)
    alpha, weight = np.full((4, 5), 255, np.uint8), np.full((4, 5), 255, np.uint8)
    alpha[0], weight[:, 0] = 127, 0
    gray = np.empty((4, 5), np.float32)
    to_gray(0, 4, rgb, alpha, weight, gray)
    assert (gray[0] == UNKNOWN).all() and (gray[:, 0] == UNKNOWN).all()
    assert np.allclose(gray[1:, 1:], 1)


def test_neighbors_look_at_the_same_from_a_moderate_angle(make_cameras):
    cameras = make_cameras(*SIZE, 24)
    found = neighbors_of(cameras, tuple(range(24)))
    for place, neighbors in enumerate(found):
        steps = [min((n - place) % 24, (place - n) % 24) for n in neighbors]
        assert sorted(steps) == [1, 1, 2, 2]
    # Of those in use, by their places: neither itself, nor the camera right beside it.
    twice = tuple(i for i in range(0, 24, 2) for _ in (0, 1))
    for place, neighbors in enumerate(neighbors_of(cameras, twice)):
        assert neighbors and all(twice[n] != twice[place] for n in neighbors)


def test_cameras_back_to_back_or_alone_have_no_neighbors(make_cameras):
    opposite = make_cameras(*SIZE, 2)
    assert neighbors_of(opposite, (0, 1)) == [[], []]
    assert neighbors_of(opposite, (1,)) == [[]]


def test_a_view_whose_depth_is_not_known_or_did_not_fit_is_nobodys_neighbor():
    rng = np.random.default_rng(0)
    depth = np.ones((4, 5), np.float32)
    memory = DepthMemory([[1, 2], [0], [1]], room_bytes=depth.nbytes)
    assert memory.neighbor(0, rng) is None
    memory.keep(2, depth)
    memory.keep(1, depth)
    memory.keep(2, 2 * depth)
    place, found = memory.neighbor(0, rng)
    assert place == 2 and (found == 2).all()
    assert memory.neighbor(2, rng) is None
