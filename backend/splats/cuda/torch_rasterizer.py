"""Splats rasterized by torch functions: gsplat on CUDA, everything else of a step in plain torch with autograd.

The same class runs on the CPU with the float64 twin as its function: slow, and what `check` holds rasterizers on a card against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from ...rendering.buffers import Buffers, Color, Cotangents, Gradients
from ...rendering.photometric import compared, similarity
from ...rendering.protocol import Step, check_current
from ...rendering.targets import Target
from ...values import Cameras, Splats
from .. import columns, twin
from ..step import FUSED, SplatStep, StepFigures, fuses, photometric_of
from .failures import explained
from .rows import DeviceRows, named

Array = Any
# parameters by name, probe, cam_from_world, K, width, height, background, antialiased -> picture [H,W,4] with the probe's channel,
# alpha [H,W], and a function that returns the absolute gradients of the positions on the picture once the backward pass is done
Forward = Callable[..., tuple[torch.Tensor, torch.Tensor, Callable[[], torch.Tensor | None]]]


@dataclass(frozen=True, eq=False)
class Tape:
    """Pictures [H,W,3] and alphas [H,W] with their graphs, the rows [N,W] at their leaves, and the version of these."""

    rows: torch.Tensor
    planes: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    version: int


class TorchRasterizer(DeviceRows):
    """Splats in training on a torch device."""

    def __init__(
        self, splats: Splats, capacity: int, sh_degree: int, forward: Forward, *, device: str, dtype: torch.dtype = torch.float32
    ) -> None:
        """Raises ReifyError where the card fails."""
        super().__init__(splats, capacity, sh_degree, device, dtype)
        self._forward = forward

    @explained()
    def render(self, cameras: Cameras, background: Color = (0.0, 0.0, 0.0), *, geometry: bool = True) -> tuple[tuple[Buffers, ...], Tape]:
        """Color and alpha that each of the cameras sees, and the tape; see `protocol.Renderable`."""
        if geometry or not cameras.is_pinhole:
            raise ValueError("gsplat renders color and alpha here, without geometry, and through pinhole cameras")
        rows = self._tensors[0].detach().clone().requires_grad_()
        behind, probe = torch.tensor(background, **self._place), torch.zeros(self.count, **self._place)
        planes = []
        with torch.enable_grad():
            for i, (width, height) in enumerate(cameras.size_px.tolist()):
                pose, k = (torch.as_tensor(m[i], **self._place) for m in (cameras.cam_from_world, cameras.K))
                drawn = self._forward(named(rows, self.bases), probe, pose, k, width, height, behind, self.antialiased)
                planes.append((drawn[0][..., :3], drawn[1]))
        shown = tuple(Buffers(rgb.detach(), alpha.detach(), None, None, background) for rgb, alpha in planes)
        return shown, Tape(rows, tuple(planes), self._version)

    @explained()
    def pull_back(
        self,
        tape: Tape,
        v_rgb: Cotangents | None = None,
        v_alpha: Cotangents | None = None,
        v_depth: Cotangents | None = None,
        v_normal: Cotangents | None = None,
    ) -> Gradients:
        """Gradients of the parameters, summed over the tape's cameras; see `protocol.Renderable`."""
        check_current(tape.version, self._version)
        given = [
            (plane, cotangents[i])
            for i, planes in enumerate(tape.planes)
            for plane, cotangents in zip(planes, (v_rgb, v_alpha), strict=True)
            if cotangents is not None and cotangents[i] is not None
        ]
        rows = torch.zeros_like(tape.rows)
        if given:
            outputs, cotangents = zip(*given, strict=True)
            (rows,) = torch.autograd.grad(outputs, [tape.rows], cotangents, retain_graph=True)
        return Gradients(named(rows, self.bases))

    def fuses(self, step: Step) -> bool:
        """Whether `step` computes exactly what `step.losses` ask for."""
        return fuses(step, FUSED)

    @explained()
    @torch.enable_grad()
    def step(self, target: Target, step: SplatStep) -> StepFigures:
        """Render one view, compare it with its photo, and take one Adam step.

        Raises ValueError for losses that it doesn't fuse, ReifyError where the card fails.
        """
        ssim_share = photometric_of(step, FUSED).ssim_share
        rows, _moments, stats = self._tensors
        rows = rows.detach().requires_grad_()
        probe = torch.zeros(self.count, **self._place).requires_grad_()
        width, height = (int(v) for v in target.camera.size_px[0])
        background = torch.tensor(step.background, **self._place)
        motion = torch.zeros(6, **self._place).requires_grad_()
        pose, k = (torch.as_tensor(m[0], **self._place) for m in (target.camera.cam_from_world, target.camera.K))
        drawn = self._forward(named(rows, step.bases), probe, _moved(pose, motion), k, width, height, background, self.antialiased)
        channels, coverage, absolute = drawn
        image, exposure = channels[..., :3], None
        if step.exposure is not None:
            exposure = torch.as_tensor(step.exposure, **self._place).requires_grad_()
            through = (1 - coverage)[..., None]
            image = (image - through * background) * exposure[:3] + (1 - through) * exposure[3:] + through * background
        picture, photo, share = compared(image, target, background)
        ssim = 1 - (1 - similarity(picture, photo)) / share
        loss = (1 - ssim_share) * (picture - photo).abs().mean() / share + ssim_share * (1 - ssim)
        error = (picture - photo).detach().abs().sum(dim=2)
        # The probe is a fourth color that is zero everywhere: its gradient is each splat's blending weight times the error.
        (loss + (channels[..., 3] * error).sum()).backward()
        assert probe.grad is not None and rows.grad is not None
        self._descend(rows.grad, step)
        with torch.no_grad():
            seen = (probe.grad > 0).to(stats.dtype)
            signal = absolute() if step.absolute else None
            stats[:, columns.STAT_SIGNAL] += probe.grad if signal is None else signal
            stats[:, columns.STAT_SEEN] += seen
        square = float(((picture - photo) ** 2).mean().detach() / share)
        v_exposure = None if exposure is None else _host(exposure.grad)
        v_camera = _host(motion.grad) if step.camera_gradient else None
        return StepFigures(float(loss.detach()), square, int(seen.sum()), 0, v_exposure, v_camera)


def by_twin(parameters, probe, pose, k, width, height, background, antialiased):
    """The `Forward` of the twin, on any device: every splat at every pixel."""
    camera = SimpleNamespace(cam_from_world=[pose], K=[k], size_px=[(width, height)])
    place = tuple(float(v) for v in background)
    picture, alpha = twin.render({**parameters, "probe": probe}, camera, 0, background=place, antialiased=antialiased)
    return picture, alpha, lambda: None


def by_gsplat(parameters, probe, pose, k, width, height, background, antialiased):
    """The `Forward` of gsplat (Apache 2.0), on CUDA."""
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
        signal = torch.zeros_like(probe)
        return signal.index_add_(0, info["gaussian_ids"], info["means2d"].absgrad.norm(dim=1))

    return pictures[0], alphas[0, ..., 0], absolute


def _moved(pose: torch.Tensor, motion: torch.Tensor) -> torch.Tensor:
    """A pose after a small motion of the world in the camera's axes: rotation in radians, then translation."""
    x, y, z, *shift = motion.unbind()
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = [one, -z, y, shift[0], z, one, -x, shift[1], -y, x, one, shift[2], zero, zero, zero, one]
    return torch.stack(rows).reshape(4, 4) @ pose


def _host(gradient: torch.Tensor | None) -> Array:
    assert gradient is not None
    return gradient.cpu().numpy().astype(np.float64)
