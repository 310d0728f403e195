"""Losses as values: what they are worth, from outside and fused."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.rendering import losses
from reify.backend.rendering.buffers import Buffers
from reify.backend.rendering.losses import Photometric
from reify.backend.rendering.targets import Target

torch = pytest.importorskip("torch")


@pytest.fixture
def scored(make_cameras):
    """Random buffers of two views, and targets with masks."""
    rng, cameras = np.random.default_rng(0), make_cameras(40, 32, (0.0, 0.5))
    planes = [[rng.random(shape).astype(np.float32) for shape in ((32, 40, 3), (32, 40), (32, 40), (32, 40, 3))] for _ in range(2)]
    buffers = [Buffers(*view, background=(0.2, 0.4, 0.6)) for view in planes]
    masks = rng.integers(0, 2, (2, 32, 40), dtype=np.uint8) * 255
    targets = [Target(cameras.take([i]), rng.integers(0, 256, (32, 40, 3), dtype=np.uint8), masks[0], masks[1]) for i in range(2)]
    return buffers, targets


def test_the_photometric_loss_is_its_definition_over_known_pixels(scored):
    buffers, targets = scored
    score = Photometric(weight=0.7, ssim_share=0.0).score(buffers, targets)
    expected = []
    for view, target in zip(buffers, targets, strict=True):
        opacity = target.alpha[..., None] / 255
        photo = target.rgb / 255 * opacity + (1 - opacity) * view.background
        expected.append(np.abs(view.rgb - photo)[target.weight > 127].mean())
    assert score.value == pytest.approx(0.7 * np.mean(expected), rel=1e-5)
    unknown = targets[0].weight <= 127
    assert not np.asarray(score.v_rgb[0])[unknown].any() and np.asarray(score.v_rgb[0])[~unknown].all()
    assert score.v_alpha == [None, None]


def test_scores_add_up_plane_by_plane(scored):
    from reify.backend.rendering.torch_loss import TorchLoss

    buffers, targets = scored
    one = Photometric().score(buffers, targets)
    other = TorchLoss("depth", 2.0, lambda views, _targets: views[1].depth.square().mean()).score(buffers, targets)
    both = one + other
    assert both.value == pytest.approx(one.value + other.value)
    assert both.v_depth[0] is None and both.v_depth[1] == pytest.approx(4 * buffers[1].depth / buffers[1].depth.size, rel=1e-5)
    assert np.array_equal(both.v_rgb[0], one.v_rgb[0])
    assert (one + one).v_rgb[1] == pytest.approx(2 * one.v_rgb[1])


def test_gradients_come_back_in_the_kind_of_array_that_was_scored(scored):
    buffers, targets = scored
    assert isinstance(Photometric().score(buffers, targets).v_rgb[0], np.ndarray)
    as_tensors = [Buffers(torch.tensor(view.rgb), torch.tensor(view.alpha), None, None) for view in buffers]
    assert isinstance(Photometric().score(as_tensors, targets).v_rgb[0], torch.Tensor)


def test_losses_are_values_that_say_what_they_need():
    kinds = [
        value
        for value in vars(losses).values()
        if isinstance(value, type) and hasattr(value, "needs") and value.__module__ == losses.__name__
    ]
    concrete = [kind for kind in kinds if kind is not losses.Loss]
    assert len(concrete) == 8
    for kind in concrete:
        loss = kind(weight=0.5)
        assert loss == kind(weight=0.5) and hash(loss) == hash(kind(weight=0.5)) and loss.name
        assert loss.needs and loss.needs <= {losses.PHOTO, losses.GEOMETRY, losses.NEIGHBOR, losses.PARAMETERS}


def test_ssim_of_a_picture_with_itself_is_one_and_of_its_negative_less():
    from reify.backend.rendering.photometric import similarity

    picture = torch.rand(24, 30, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert similarity(picture, picture).item() == pytest.approx(1)
    assert similarity(picture, 1 - picture).item() < 0.1
