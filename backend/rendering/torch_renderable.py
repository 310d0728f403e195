"""Anything that plain torch can draw, as a renderable: gradients by autograd, steps by Adam."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from ..values import Cameras
from .buffers import Buffers, Color, Cotangents, Gradients
from .protocol import Step, check_current, check_same

# Parameters by name, cameras, index of one of them, background, geometry -> its buffers
Draw = Callable[[Mapping[str, torch.Tensor], Cameras, int, Color, bool], Buffers]
EPSILON = 1e-15  # added to the root of Adam's second moment


@dataclass(frozen=True, eq=False)
class Tape:
    """Buffers with their graphs, and the parameters at their leaves."""

    parameters: Mapping[str, torch.Tensor]
    buffers: tuple[Buffers, ...]
    version: int


class TorchRenderable:
    """Parameters, and a function in torch that draws them."""

    def __init__(self, parameters: Mapping[str, torch.Tensor], draw: Draw) -> None:
        """`draw` gets all parameters by name; its buffers' background is set for it."""
        self._parameters = {name: value.detach().clone() for name, value in parameters.items()}
        self._moments = {name: torch.zeros(2, *value.shape, dtype=value.dtype) for name, value in self._parameters.items()}
        self._draw, self._version = draw, 0

    def named_parameters(self) -> dict[str, torch.Tensor]:
        """The parameters as they are; a copy."""
        return {name: value.clone() for name, value in self._parameters.items()}

    def assign(self, parameters: Mapping[str, torch.Tensor]) -> None:
        """Set all parameters; tapes become invalid where a value changes. Raises ValueError for other names or shapes."""
        check_same(self._parameters, parameters)
        if any(not torch.equal(value, parameters[name]) for name, value in self._parameters.items()):
            self._parameters = {name: parameters[name].detach().clone() for name in self._parameters}
            self._version += 1

    def render(self, cameras: Cameras, background: Color = (0.0, 0.0, 0.0), *, geometry: bool = True) -> tuple[tuple[Buffers, ...], Tape]:
        """What each of the pinhole cameras sees, and the tape; see `protocol.Renderable`."""
        if not cameras.is_pinhole:
            raise ValueError("only pinhole cameras are rendered; undistort the views first")
        with torch.enable_grad():
            leaves = {name: value.clone().requires_grad_() for name, value in self._parameters.items()}
            drawn = tuple(self._draw(leaves, cameras, i, background, geometry) for i in range(len(cameras)))
        return tuple(_detached(one, background) for one in drawn), Tape(leaves, drawn, self._version)

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
        outputs, cotangents = [], []
        for i, one in enumerate(tape.buffers):
            for plane, given in zip(_planes(one), (v_rgb, v_alpha, v_depth, v_normal), strict=True):
                if given is not None and given[i] is not None and plane is not None and plane.requires_grad:
                    outputs.append(plane)
                    cotangents.append(given[i])
        leaves = list(tape.parameters.values())
        found: Sequence[torch.Tensor | None] = [None] * len(leaves)
        if outputs:
            found = torch.autograd.grad(outputs, leaves, cotangents, retain_graph=True, allow_unused=True)
        named = zip(tape.parameters.items(), found, strict=True)
        return Gradients({name: torch.zeros_like(leaf) if gradient is None else gradient for (name, leaf), gradient in named})

    @torch.no_grad()
    def descend(self, gradients: Gradients, step: Step) -> None:
        """Take one step of Adam."""
        for name, value in self._parameters.items():
            gradient, moments = gradients.parameters[name], self._moments[name]
            moments[0] += (1 - step.beta1) * (gradient - moments[0])
            moments[1] += (1 - step.beta2) * (gradient**2 - moments[1])
            first, second = moments[0] / (1 - step.beta1**step.count), moments[1] / (1 - step.beta2**step.count)
            value -= torch.as_tensor(step.rates.get(name, 0.0)) * first / (torch.sqrt(second) + EPSILON)
        self._version += 1


def _detached(buffers: Buffers, background: Color) -> Buffers:
    rgb, alpha, depth, normal = (None if plane is None else plane.detach() for plane in _planes(buffers))
    return Buffers(rgb, alpha, depth, normal, background)


def _planes(buffers: Buffers) -> tuple[torch.Tensor | None, ...]:
    return buffers.rgb, buffers.alpha, buffers.depth, buffers.normal
