"""Any renderable as a differentiable function of torch: a loss on its pictures may come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..values import Cameras
from .buffers import Array, Buffers, Color
from .protocol import Renderable

PLANES = ("rgb", "alpha", "depth", "normal")


def leaves(renderable: Renderable) -> dict[str, torch.Tensor]:
    """Copies of a renderable's parameters that require gradients, in its own dtype and on its own device."""
    return {name: torch.as_tensor(value).detach().clone().requires_grad_() for name, value in renderable.named_parameters().items()}


def render(
    *,
    renderable: Renderable,
    parameters: Mapping[str, torch.Tensor],
    cameras: Cameras,
    background: Color = (0.0, 0.0, 0.0),
    geometry: bool = True,
) -> tuple[Buffers, ...]:
    """What each of C cameras sees of a renderable with these parameters, as tensors with a graph back to them.

    `parameters` has the names and shapes of `renderable.named_parameters()`, of splats `means` [N,3], `quats` [N,4] (w x y z, of any
    length), `log_scales` [N,3], `opacity_logits` [N] and `sh` [N,K,3]; any floating dtype, device and memory layout. The renderable takes
    over their values. The buffers are in its own dtype and on its own device (float32 on the CPU or the card for splats, float64 for
    their twin): for each camera `rgb` [H,W,3], `alpha` [H,W] and, with `geometry`, `depth` [H,W] and `normal` [H,W,3].

    All four buffers pass gradients on, to each parameter that requires one, in its dtype and on its device. Cameras and background
    receive none, and there are no second derivatives. Calls before the backward pass may be many, as for the views of one loss, as long
    as all have the same parameters. Jobs compute without gradients: there a loss needs `torch.enable_grad()` around it.
    Raises ValueError for other names or shapes, and in the backward pass RuntimeError where the renderable's parameters have changed since.
    """
    planes = PLANES if geometry else PLANES[:2]
    flat = _Render.apply(renderable, cameras, background, planes, tuple(parameters), *parameters.values())
    views = (dict(zip(planes, flat[i : i + len(planes)], strict=True)) for i in range(0, len(flat), len(planes)))
    return tuple(Buffers(**{"depth": None, "normal": None, **view}, background=background) for view in views)


class _Render(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        renderable: Renderable,
        cameras: Cameras,
        background: Color,
        planes: tuple[str, ...],
        names: tuple[str, ...],
        *parameters: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        ctx.set_materialize_grads(False)
        own = renderable.named_parameters()
        renderable.assign({name: _in_kind_of(own.get(name), value) for name, value in zip(names, parameters, strict=True)})
        buffers, ctx.tape = renderable.render(cameras, background, geometry=len(planes) == len(PLANES))
        ctx.renderable, ctx.names, ctx.planes = renderable, names, planes
        ctx.own = next(iter(own.values()))
        ctx.places = [(value.dtype, value.device) for value in parameters]
        return tuple(torch.as_tensor(getattr(one, plane)) for one in buffers for plane in planes)

    @staticmethod
    def backward(ctx: Any, *v_buffers: torch.Tensor | None) -> tuple[Any, ...]:
        handed = [None if v is None else _in_kind_of(ctx.own, v) for v in v_buffers]
        cotangents = {f"v_{plane}": handed[i :: len(ctx.planes)] for i, plane in enumerate(ctx.planes)}
        gradients = ctx.renderable.pull_back(ctx.tape, **cotangents).parameters
        wanted = zip(ctx.names, ctx.places, ctx.needs_input_grad[5:], strict=True)
        found = (
            torch.as_tensor(gradients[name]).to(dtype=dtype, device=device) if needed else None for name, (dtype, device), needed in wanted
        )
        return (None, None, None, None, None, *found)


def _in_kind_of(own: Array | None, value: torch.Tensor) -> Array:
    """A tensor as the kind of array, dtype and device of `own`; as it is without."""
    value = value.detach()
    if own is None:
        return value
    if isinstance(own, torch.Tensor):
        return value.to(dtype=own.dtype, device=own.device)
    return value.cpu().numpy().astype(own.dtype, copy=False)
