"""The engine on torch: gsplat's rasterizer on CUDA, everything else of a step in plain torch with autograd.

The same class runs on the CPU with the float64 twin as its rasterizer: slow, and what `check` holds every engine on a card against.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from ...values import Splats
from .. import twin
from ..cpu import layout
from ..engine import Step, StepFigures, Target
from .failures import explained
from .rows import DeviceRows

Array = Any
# parameters by name, probe, cam_from_world, K, width, height, background, antialiased -> picture [H,W,4] with the probe's channel,
# alpha [H,W], and a function that returns the absolute gradients of the positions on the picture once the backward pass is done
Rasterizer = Callable[..., tuple[torch.Tensor, torch.Tensor, Callable[[], torch.Tensor | None]]]


class TorchEngine(DeviceRows):
    """Splats in training on a torch device."""

    def __init__(
        self, splats: Splats, capacity: int, sh_degree: int, rasterize: Rasterizer, *, device: str, dtype: torch.dtype = torch.float32
    ) -> None:
        """Raises ReifyError where the card fails."""
        super().__init__(splats, capacity, sh_degree, device, dtype)
        self._rasterize = rasterize

    @explained()
    def step(self, target: Target, step: Step) -> StepFigures:
        """Render one view, compare it with its photo, and take one Adam step; raises ReifyError where the card fails."""
        rows, moments, stats = self._tensors
        rows = rows.detach().requires_grad_()
        probe = torch.zeros(self.count, **self._place).requires_grad_()
        height, width = target.rgb.shape[:2]
        background = torch.tensor(step.background, **self._place)
        motion = torch.zeros(6, **self._place).requires_grad_()
        pose, k = (torch.as_tensor(m, **self._place) for m in _matrices(target.camera))
        rasterized = self._rasterize(named(rows, step.bases), probe, _moved(pose, motion), k, width, height, background, self.antialiased)
        channels, coverage, absolute = rasterized
        image, exposure = channels[..., :3], None
        if step.exposure is not None:
            exposure = torch.as_tensor(step.exposure, **self._place).requires_grad_()
            through = (1 - coverage)[..., None]
            image = (image - through * background) * exposure[:3] + (1 - through) * exposure[3:] + through * background
        photo = torch.as_tensor(target.rgb, **self._place) / 255
        if target.alpha is not None:
            opacity = torch.as_tensor(target.alpha, **self._place)[..., None] / 255
            photo = photo * opacity + background * (1 - opacity)
        known = torch.ones(height, width, 1, **self._place)
        if target.weight is not None:
            known = (torch.as_tensor(target.weight, device=known.device) > 127).to(known.dtype)[..., None]
        picture, photo = image * known, photo * known
        share = known.mean().clamp(min=1 / known.numel())
        ssim = 1 - (1 - similarity(picture, photo)) / share
        loss = (1 - step.ssim_weight) * (picture - photo).abs().mean() / share + step.ssim_weight * (1 - ssim)
        error = (picture - photo).detach().abs().sum(dim=2)
        # The probe is a fourth color that is zero everywhere: its gradient is each splat's blending weight times the error.
        (loss + (channels[..., 3] * error).sum()).backward()
        with torch.no_grad():
            self._descend(rows, moments, step)
            assert probe.grad is not None
            seen = (probe.grad > 0).to(stats.dtype)
            pull = absolute() if step.absolute else None
            stats[:, layout.STAT_SIGNAL] += probe.grad if pull is None else pull
            stats[:, layout.STAT_SEEN] += seen
        square = float(((picture - photo) ** 2).mean().detach() / share)
        v_exposure = None if exposure is None else _host(exposure.grad)
        v_camera = _host(motion.grad) if step.camera_gradient else None
        return StepFigures(float(loss.detach()), square, int(seen.sum()), 0, v_exposure, v_camera)

    def _descend(self, rows: torch.Tensor, moments: torch.Tensor, step: Step) -> None:
        gradient = rows.grad
        assert gradient is not None
        seen = (gradient != 0).any(dim=1)
        sigma = torch.sigmoid(rows[:, layout.OPACITY])
        scales = torch.exp(rows[:, layout.LOG_SCALE : layout.LOG_SCALE + 3])
        gradient[:, layout.OPACITY] += step.opacity_weight * sigma * (1 - sigma)
        gradient[:, layout.LOG_SCALE : layout.LOG_SCALE + 3] += step.scale_weight * scales
        lengths, axes = torch.topk(rows.detach()[:, layout.LOG_SCALE : layout.LOG_SCALE + 3], 2, dim=1)
        excess = step.needle_weight * torch.clamp(lengths[:, :1] - lengths[:, 1:] - step.needle_limit, min=0)
        gradient.scatter_add_(1, layout.LOG_SCALE + axes, torch.cat([excess, -excess], dim=1))
        first = moments[:, 0] * step.beta1 + gradient * (1 - step.beta1)
        second = moments[:, 1] * step.beta2 + gradient**2 * (1 - step.beta2)
        moments[:, 0] = torch.where(seen[:, None], first, moments[:, 0])
        moments[:, 1] = torch.where(seen[:, None], second, moments[:, 1])
        rates = torch.as_tensor(step.learning, **self._place) / (1 - step.beta1**step.count)
        change = rates * first / (torch.sqrt(second / (1 - step.beta2**step.count)) + 1e-15)
        updated = rows.detach() - torch.where(seen[:, None], change, torch.zeros_like(change))
        if step.noise > 0:
            generator = torch.Generator(device=rows.device).manual_seed(step.seed)
            normal = torch.randn(len(rows), 3, generator=generator, **self._place)
            size = step.noise * float(step.learning[layout.MEAN]) * torch.sigmoid(-100 * (sigma - 0.005))
            turns = twin.rotations(rows.detach()[:, layout.QUATERNION : layout.QUATERNION + 4])
            updated[:, layout.MEAN : layout.MEAN + 3] += size[:, None] * torch.einsum("nij,nj->ni", turns, scales**2 * normal)
        self._tensors = (updated, moments, self._tensors[2])


def named(rows: torch.Tensor, bases: int) -> dict[str, torch.Tensor]:
    """Parameter rows [N, width] as the arrays of `Splats`, with the first `bases` SH coefficients."""
    rest = rows[:, layout.SH :].reshape(len(rows), 3, -1)[:, :, : bases - 1].transpose(1, 2)
    return {
        "means": rows[:, layout.MEAN : layout.MEAN + 3],
        "quats": rows[:, layout.QUATERNION : layout.QUATERNION + 4],
        "log_scales": rows[:, layout.LOG_SCALE : layout.LOG_SCALE + 3],
        "opacity_logits": rows[:, layout.OPACITY],
        "sh": torch.cat([rows[:, None, layout.BASE_COLOR : layout.BASE_COLOR + 3], rest], dim=1),
    }


def by_twin(parameters, probe, pose, k, width, height, background, antialiased):
    """The rasterizer of `TorchEngine` on any device: every splat at every pixel."""
    camera = SimpleNamespace(cam_from_world=[pose], K=[k], size_px=[(width, height)])
    place = tuple(float(v) for v in background)
    picture, alpha = twin.render({**parameters, "probe": probe}, camera, 0, background=place, antialiased=antialiased)
    return picture, alpha, lambda: None


def by_gsplat(parameters, probe, pose, k, width, height, background, antialiased):
    """The rasterizer of `TorchEngine` on CUDA, by gsplat (Apache 2.0)."""
    from gsplat import rasterization

    center = -pose[:3, :3].T @ pose[:3, 3]
    colors = torch.cat([twin.colors(parameters["sh"], parameters["means"] - center), probe[:, None]], dim=1)
    pictures, alphas, info = rasterization(
        parameters["means"],
        parameters["quats"],
        torch.exp(parameters["log_scales"]),
        torch.sigmoid(parameters["opacity_logits"]),
        colors,
        pose[None],
        k[None],
        width,
        height,
        near_plane=twin.NEAR,
        eps2d=twin.BLUR,
        packed=True,
        absgrad=True,
        backgrounds=torch.cat([background, background.new_zeros(1)])[None],
        rasterize_mode="antialiased" if antialiased else "classic",
    )

    def absolute() -> torch.Tensor | None:
        pull = torch.zeros_like(probe)
        return pull.index_add_(0, info["gaussian_ids"], info["means2d"].absgrad.norm(dim=1))

    return pictures[0], alphas[0, ..., 0], absolute


def similarity(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean SSIM of two pictures [H,W,3], outside of which everything is zero, as in the CPU's loss."""
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


def _moved(pose: torch.Tensor, motion: torch.Tensor) -> torch.Tensor:
    """A pose after a small motion of the world in the camera's axes: rotation in radians, then translation."""
    x, y, z, *shift = motion.unbind()
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = [one, -z, y, shift[0], z, one, -x, shift[1], -y, x, one, shift[2], zero, zero, zero, one]
    return torch.stack(rows).reshape(4, 4) @ pose


def _host(gradient: torch.Tensor | None) -> Array:
    assert gradient is not None
    return gradient.cpu().numpy().astype(np.float64)


def _matrices(camera: Array) -> tuple[Array, Array]:
    """World-to-camera [4,4] and intrinsics [3,3] of a camera row."""
    pose, k = np.eye(4), np.eye(3)
    pose[:3, :3] = camera[layout.ROTATION : layout.TRANSLATION].reshape(3, 3)
    pose[:3, 3] = camera[layout.TRANSLATION : layout.FOCAL]
    k[0, 0], k[1, 1], k[0, 2], k[1, 2] = camera[layout.FOCAL : layout.CENTER]
    return pose, k
