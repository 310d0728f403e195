"""Losses in torch: any function of render buffers, scored from outside of whatever was rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .buffers import Buffers, Score
from .losses import PHOTO
from .scoring import Function, by_autograd
from .targets import Target


@dataclass(frozen=True)
class TorchLoss:
    """Any loss on pictures, as a function in torch; it may span several views, and sees their buffers as tensors."""

    name: str
    weight: float
    function: Function
    needs: frozenset[str] = frozenset({PHOTO})

    def score(self, buffers: Sequence[Buffers], targets: Sequence[Target]) -> Score:
        """The loss of what was rendered through the targets' cameras, times its weight."""
        return by_autograd(self.function, self.weight, buffers, targets)
