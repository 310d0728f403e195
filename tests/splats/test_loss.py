"""L1 + SSIM and their gradient against torch in float64."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")


def _expected(image, target, ssim_weight):
    x = torch.tensor(image, dtype=torch.float64, requires_grad=True)
    y = torch.tensor(target, dtype=torch.float64)
    taps = torch.exp(-0.5 * (torch.arange(-5, 6, dtype=torch.float64) / 1.5) ** 2)
    taps = taps / taps.sum()
    window = (taps[:, None] * taps[None, :])[None, None]

    def blurred(picture):
        return torch.nn.functional.conv2d(picture.permute(2, 0, 1)[:, None], window, padding=5)

    mx, my = blurred(x), blurred(y)
    a1, a2 = 2 * mx * my + 0.01**2, 2 * (blurred(x * y) - mx * my) + 0.03**2
    b1, b2 = mx**2 + my**2 + 0.01**2, blurred(x * x) - mx**2 + blurred(y * y) - my**2 + 0.03**2
    value = (1 - ssim_weight) * (x - y).abs().mean() + ssim_weight * (1 - (a1 * a2 / (b1 * b2)).mean())
    value.backward()
    return float(value), x.grad.numpy()


@pytest.mark.parametrize("size", [(37, 29), (16, 48)])
def test_the_fused_loss_has_the_value_and_gradient_of_its_definition(size):
    from reify.backend.splats.cpu import loss
    from reify.backend.splats.cpu.comparison import Comparison
    from reify.backend.splats.cpu.frame import Frame
    from reify.backend.splats.cpu.intermediates import MARGIN

    width, height = size
    rng = np.random.default_rng(1)
    image, target = rng.random((height, width, 3)), (rng.random((height, width, 3)) * 255).astype(np.uint8)
    frame = Frame(width, height)
    buffers = Comparison(frame)
    planes = frame.image.reshape(3, height + 2 * MARGIN, width + 2 * MARGIN)
    planes[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = image.transpose(2, 0, 1)
    loss.fill_target(0, height, width, height, target, np.zeros((0, 0), np.uint8), np.zeros(3, np.float32), buffers.target)
    count = 3 * width * height
    loss.similarity(0, height, width, height, frame.image, buffers.target, buffers.maps, buffers.sums[0])
    weights = (np.float32(0.8 / count), np.float32(0.2 / count))
    loss.loss_back(
        0,
        height,
        width,
        height,
        frame.image,
        buffers.target,
        buffers.maps,
        *weights,
        buffers.v_image,
        buffers.error,
        buffers.sums[1],
        buffers.sums[2],
    )
    ssim, l1, square = buffers.sums.sum(axis=1) / count
    value, gradient = _expected(image, target / 255, 0.2)
    assert 0.8 * l1 + 0.2 * (1 - ssim) == pytest.approx(value, rel=1e-5)
    assert square == pytest.approx(np.mean((image - target / 255) ** 2), rel=1e-5)
    assert np.abs(frame.picture(buffers.v_image) - gradient).max() < 1e-4 * np.abs(gradient).max()
    assert frame.single(buffers.error) == pytest.approx(np.abs(image - target / 255).sum(axis=2), abs=1e-5)
