"""Splats whose rows live on a torch device, as strategies and trainer see them, and a step of Adam in plain torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ...rendering.buffers import Gradients
from ...rendering.losses import Anisotropy, OpacityDecay, ScaleDecay
from ...rendering.protocol import Step, check_same
from ...values import Splats
from .. import columns, layout, twin
from ..step import SplatStep, loss_of, weight_of
from .failures import explained

Array = Any
EPSILON = 1e-15  # added to the root of Adam's second moment


class DeviceRows:
    """What the rasterizers on a device share; `parameters`, `moments` and `stats` are current on the host only inside of `edited()`."""

    def __init__(self, splats: Splats, capacity: int, sh_degree: int, device: str, dtype: torch.dtype) -> None:
        self.bases = (sh_degree + 1) ** 2
        self.width = layout.row_width(self.bases)
        self.capacity = max(capacity, len(splats))
        self.antialiased, self.surfels = splats.antialiased, splats.surfels
        self.count = len(splats)
        self.parameters = np.zeros((self.capacity, self.width), np.float32)
        self.moments = np.zeros((self.capacity, 2, self.width), np.float32)
        self.stats = np.zeros((self.capacity, columns.STATS), np.float32)
        self.parameters[: self.count] = layout.rows_of(splats, self.bases)
        self._version = 0  # of the parameters
        self._place: dict[str, Any] = {"device": device, "dtype": dtype}
        self._tensors = self._uploaded()

    @contextmanager
    def edited(self) -> Iterator[None]:
        """Bring the arrays to the host, where they and `count` may be changed, and take them back; tapes become invalid."""
        with explained():
            for host, tensor in zip((self.parameters, self.moments, self.stats), self._tensors, strict=True):
                host[: self.count] = tensor.cpu().numpy()
        self._version += 1
        yield
        self._tensors = ()  # so that there is room for the new ones
        self._tensors = self._uploaded()

    def splats(self) -> Splats:
        """A copy of the splats as they are."""
        return layout.splats_of(self._tensors[0].float().cpu().numpy(), self.bases, self.antialiased, self.surfels)

    def named_parameters(self) -> dict[str, torch.Tensor]:
        """The parameters as they are, by their names in `Splats`; copies on the device, with quaternions of any length."""
        return {name: value.clone() for name, value in named(self._tensors[0], self.bases).items()}

    @explained()
    def assign(self, parameters: Mapping[str, torch.Tensor]) -> None:
        """Set all parameters; tapes become invalid where a value changes. Raises ValueError for other names or shapes."""
        check_same(named(self._tensors[0], self.bases), parameters)
        rows = rows_from(parameters, **self._place)
        if not torch.equal(rows, self._tensors[0]):
            self._tensors = (rows, *self._tensors[1:])
            self._version += 1

    @explained()
    def descend(self, gradients: Gradients, step: Step) -> None:
        """Take one step of Adam, with the regularizers and the noise of `step`, of the splats that have a gradient."""
        self._descend(rows_from(gradients.parameters, **self._place), step)
        if "stats" in gradients.statistics:
            self._tensors[2].add_(gradients.statistics["stats"])

    def rest(self) -> None:
        """Nothing: there are no threads."""

    def close(self) -> None:
        """Give the card's memory back; Blender draws with it."""
        self._tensors = ()
        torch.cuda.empty_cache()

    @torch.no_grad()
    def _descend(self, gradient: torch.Tensor, step: Step) -> None:
        """A step of Adam, of the splats whose gradient [N,W] isn't zero; to it those of the regularizers are added."""
        rows, moments, stats = self._tensors
        seen = (gradient != 0).any(dim=1)
        sigma = torch.sigmoid(rows[:, columns.OPACITY])
        scales = torch.exp(rows[:, columns.LOG_SCALE : columns.LOG_SCALE + 3])
        gradient[:, columns.OPACITY] += weight_of(step, OpacityDecay) * sigma * (1 - sigma)
        gradient[:, columns.LOG_SCALE : columns.LOG_SCALE + 3] += weight_of(step, ScaleDecay) * scales
        if (anisotropy := loss_of(step, Anisotropy)) is not None:
            lengths, axes = torch.topk(rows[:, columns.LOG_SCALE : columns.LOG_SCALE + 3], 2, dim=1)
            excess = anisotropy.weight * torch.clamp(lengths[:, :1] - lengths[:, 1:] - anisotropy.log_limit, min=0)
            gradient.scatter_add_(1, columns.LOG_SCALE + axes, torch.cat([excess, -excess], dim=1))
        first = moments[:, 0] * step.beta1 + gradient * (1 - step.beta1)
        second = moments[:, 1] * step.beta2 + gradient**2 * (1 - step.beta2)
        moments[:, 0] = torch.where(seen[:, None], first, moments[:, 0])
        moments[:, 1] = torch.where(seen[:, None], second, moments[:, 1])
        learning = layout.rates_row(step.rates, self.bases)
        rates = torch.as_tensor(learning, **self._place) / (1 - step.beta1**step.count)
        change = rates * first / (torch.sqrt(second / (1 - step.beta2**step.count)) + EPSILON)
        updated = rows - torch.where(seen[:, None], change, torch.zeros_like(change))
        if isinstance(step, SplatStep) and step.noise > 0:
            generator = torch.Generator(device=rows.device).manual_seed(step.seed)
            normal = torch.randn(len(rows), 3, generator=generator, **self._place)
            size = step.noise * float(learning[columns.MEAN]) * torch.sigmoid(-100 * (sigma - 0.005))
            turns = twin.rotations(rows[:, columns.QUATERNION : columns.QUATERNION + 4])
            updated[:, columns.MEAN : columns.MEAN + 3] += size[:, None] * torch.einsum("nij,nj->ni", turns, scales**2 * normal)
        self._tensors = (updated, moments, stats)
        self._version += 1

    def _uploaded(self) -> tuple[torch.Tensor, ...]:
        """Parameters, moments and statistics of the splats that there are."""
        with explained():
            return tuple(torch.tensor(array[: self.count], **self._place) for array in (self.parameters, self.moments, self.stats))


def named(rows: torch.Tensor, bases: int) -> dict[str, torch.Tensor]:
    """Parameter rows [N,W], or their gradients, by the names in `Splats`, with the first `bases` SH coefficients."""
    rest = rows[:, columns.SH :].reshape(len(rows), 3, -1)[:, :, : bases - 1].transpose(1, 2)
    return {
        "means": rows[:, columns.MEAN : columns.MEAN + 3],
        "quats": rows[:, columns.QUATERNION : columns.QUATERNION + 4],
        "log_scales": rows[:, columns.LOG_SCALE : columns.LOG_SCALE + 3],
        "opacity_logits": rows[:, columns.OPACITY],
        "sh": torch.cat([rows[:, None, columns.BASE_COLOR : columns.BASE_COLOR + 3], rest], dim=1),
    }


def rows_from(parameters: Mapping[str, torch.Tensor], *, device: str, dtype: torch.dtype) -> torch.Tensor:
    """Parameter rows [N,W] of what `named` returns."""
    count, bases, _channels = parameters["sh"].shape
    rows = torch.zeros(count, layout.row_width(bases), device=device, dtype=dtype)
    rows[:, columns.MEAN : columns.MEAN + 3], rows[:, columns.OPACITY] = parameters["means"], parameters["opacity_logits"]
    rows[:, columns.QUATERNION : columns.QUATERNION + 4] = parameters["quats"]
    rows[:, columns.LOG_SCALE : columns.LOG_SCALE + 3] = parameters["log_scales"]
    rows[:, columns.BASE_COLOR : columns.BASE_COLOR + 3] = parameters["sh"][:, 0]
    rest = rows[:, columns.SH :].view(count, 3, layout.channel_width(bases)) if bases > 1 else None
    if rest is not None:
        rest[:, :, : bases - 1] = parameters["sh"][:, 1:].transpose(1, 2)
    return rows
