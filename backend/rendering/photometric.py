"""L1 and SSIM of pictures in torch: what the fused steps compute, for those that have none."""

from __future__ import annotations

from typing import Any

import torch

from .buffers import Buffers
from .targets import Target


def difference(buffers: Buffers, target: Target, ssim_share: float) -> torch.Tensor:
    """(1 - ssim_share) L1 + ssim_share (1 - SSIM) of a rendering and a photo, in the mean over the photo's known pixels.

    Photos with alpha are composited over the rendering's background. Unknown pixels are black in both pictures.
    """
    picture, photo, share = compared(buffers.rgb, target, buffers.background)
    ssim = 1 - (1 - similarity(picture, photo)) / share
    return (1 - ssim_share) * (picture - photo).abs().mean() / share + ssim_share * (1 - ssim)


def compared(
    rgb: torch.Tensor, target: Target, background: torch.Tensor | tuple[float, float, float]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rendering [H,W,3] and photo [H,W,3] as they are compared, black where the photo isn't known, and the share of known pixels."""
    assert target.rgb is not None
    place: dict[str, Any] = {"dtype": rgb.dtype, "device": rgb.device}
    photo = torch.as_tensor(target.rgb, **place) / 255
    if target.alpha is not None:
        opacity = torch.as_tensor(target.alpha, **place)[..., None] / 255
        photo = photo * opacity + torch.as_tensor(background, **place) * (1 - opacity)
    known = torch.ones(*photo.shape[:2], 1, **place)
    if target.weight is not None:
        known = (torch.as_tensor(target.weight, device=rgb.device) > 127).to(rgb.dtype)[..., None]
    return rgb * known, photo * known, known.mean().clamp(min=1 / known.numel())


def similarity(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean SSIM (Wang et al. 2004) of two pictures [H,W,3] by the 11-tap window of sigma 1.5; outside of them everything is zero."""
    taps = torch.exp(-0.5 * (torch.arange(-5, 6, dtype=x.dtype, device=x.device) / 1.5) ** 2)
    taps = taps / taps.sum()

    def blurred(picture: torch.Tensor) -> torch.Tensor:
        planes = picture.permute(2, 0, 1)[:, None]
        across = torch.nn.functional.conv2d(planes, taps[None, None, None, :], padding=(0, 5))
        return torch.nn.functional.conv2d(across, taps[None, None, :, None], padding=(5, 0))

    mx, my = blurred(x), blurred(y)
    a1, a2 = 2 * mx * my + 0.01**2, 2 * (blurred(x * y) - mx * my) + 0.03**2
    b1, b2 = mx**2 + my**2 + 0.01**2, blurred(x * x) - mx**2 + blurred(y * y) - my**2 + 0.03**2
    return (a1 * a2 / (b1 * b2)).mean()
