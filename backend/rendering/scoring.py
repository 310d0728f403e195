"""The value of any function in torch of render buffers, and its gradients by these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from .buffers import Buffers, Score
from .targets import Target

Array = Any
PLANES = ("rgb", "alpha", "depth", "normal")
# Buffers of each view as tensors, and the targets -> a scalar
Function = Callable[[Sequence[Buffers], Sequence[Target]], torch.Tensor]


def by_autograd(function: Function, weight: float, buffers: Sequence[Buffers], targets: Sequence[Target]) -> Score:
    """The value of `weight * function(buffers, targets)`, and its gradients by the buffers in their own kind of array.

    `function` gets the buffers as tensors of their dtype and on their device, numpy arrays on the CPU.
    """
    with torch.enable_grad():
        leaves = [{name: _leaf(getattr(one, name)) for name in PLANES} for one in buffers]
        as_tensors = [Buffers(**planes, background=one.background) for planes, one in zip(leaves, buffers, strict=True)]
        loss = weight * function(as_tensors, targets)
        flat = [leaf for planes in leaves for leaf in planes.values() if leaf is not None]
        found = iter(torch.autograd.grad(loss, flat, allow_unused=True))
    cotangents: dict[str, list[Array | None]] = {name: [] for name in PLANES}
    for planes, one in zip(leaves, buffers, strict=True):
        for name, leaf in planes.items():
            gradient = None if leaf is None else next(found)
            cotangents[name].append(gradient if gradient is None or isinstance(one.rgb, torch.Tensor) else gradient.numpy())
    return Score(float(loss.detach()), *cotangents.values())


def _leaf(plane: Array | None) -> torch.Tensor | None:
    return None if plane is None else torch.as_tensor(plane).detach().requires_grad_()
