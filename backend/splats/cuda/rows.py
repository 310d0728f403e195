"""Splats in training whose rows live on a device, as the strategies and the loop see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ...values import Splats
from ..cpu import layout
from ..cpu.engine import rows_of, splats_of
from .failures import explained

Array = Any


class DeviceRows:
    """What the engines on a device share; `parameters`, `moments` and `stats` are current on the host only inside of `edited()`."""

    def __init__(self, splats: Splats, capacity: int, sh_degree: int, device: str, dtype: torch.dtype) -> None:
        self.bases = (sh_degree + 1) ** 2
        self.width = layout.row_width(self.bases)
        self.capacity = max(capacity, len(splats))
        self.antialiased, self.surfels = splats.antialiased, splats.surfels
        self.count = len(splats)
        self.parameters = np.zeros((self.capacity, self.width), np.float32)
        self.moments = np.zeros((self.capacity, 2, self.width), np.float32)
        self.stats = np.zeros((self.capacity, layout.STATS), np.float32)
        self.parameters[: self.count] = rows_of(splats, self.bases)
        self._place: dict[str, Any] = {"device": device, "dtype": dtype}
        self._tensors = self._uploaded()

    @contextmanager
    def edited(self) -> Iterator[None]:
        """Bring the arrays to the host, where a strategy may change them, and take them back."""
        with explained():
            for host, tensor in zip((self.parameters, self.moments, self.stats), self._tensors, strict=True):
                host[: self.count] = tensor.cpu().numpy()
        yield
        self._tensors = ()  # so that there is room for the new ones
        self._tensors = self._uploaded()

    def splats(self) -> Splats:
        """A copy of the splats as they are."""
        return splats_of(self._tensors[0].float().cpu().numpy(), self.bases, self.antialiased, self.surfels)

    def close(self) -> None:
        """Give the card's memory back; Blender draws with it."""
        self._tensors = ()
        torch.cuda.empty_cache()

    def _uploaded(self) -> tuple[torch.Tensor, ...]:
        """Parameters, moments and statistics of the splats that there are."""
        with explained():
            return tuple(torch.tensor(array[: self.count], **self._place) for array in (self.parameters, self.moments, self.stats))
