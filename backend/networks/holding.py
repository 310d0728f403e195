"""Weights held in less memory than they compute in: halved, or as 8-bit integers with a factor for each row.

A layer's weights become what it computes with when it is asked, and are let go afterwards. The integers are those of Dettmers et al.,
"LLM.int8()", NeurIPS 2022, section 2, by row of the weights alone: activations stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..errors import ReifyError
from ..jobs.environment import Environment
from ..jobs.job import Job
from .library.entry import Stage
from .memory import ON_CARD, ON_PROCESSOR, Holding, fitting

Value = TypeVar("Value")
LEAST = 1 << 12  # numbers of an array that is worth it
STEPS = 127  # of an integer on either side of zero
SHORT = ("not enough memory", "can't allocate memory", "out of memory")  # what torch says, processor and cards


def held(
    module: nn.Module, mapped: Mapping[str, Tensor], kinds: Mapping[str, torch.dtype], way: Holding, device: torch.device
) -> dict[str, Tensor]:
    """Arrays on a device for a module whose matrices are held in a `way`: for each of these a stand-in without memory.

    `mapped` are those of a file, `kinds` the types that layers compute in.
    """
    taken = {}
    for path, layer in module.named_modules():
        name = f"{path}.weight" if path else "weight"
        if name not in mapped or mapped[name].dim() < 2 or mapped[name].numel() < LEAST:
            continue
        _Held(layer, mapped[name], kinds[name], way, device)
        taken[name] = torch.empty(1, dtype=kinds[name], device=device).expand(mapped[name].shape)
    return {**{name: array.to(device, kinds[name]) for name, array in mapped.items() if name not in taken}, **taken}


class _Held:
    """The weight of a layer, which is there while the layer computes."""

    def __init__(self, layer: nn.Module, weight: Tensor, kind: torch.dtype, way: Holding, device: torch.device) -> None:
        self.kind, self.shape, self.scale = kind, weight.shape, None
        if way.name == "int8":
            rows = weight.flatten(1).float()
            self.scale = (rows.abs().amax(dim=1, keepdim=True) / STEPS).clamp_min(1e-12).to(device)
            self.small = (rows.to(device) / self.scale).round_().to(torch.int8)
        else:
            self.small = weight.to(device, torch.float16)
        layer.register_forward_pre_hook(self._bring)
        layer.register_forward_hook(self._let_go)

    def _bring(self, layer: nn.Module, _inputs: object) -> None:
        self.stand_in = layer.weight
        full = self.small.to(self.kind) if self.scale is None else (self.small.float() * self.scale).to(self.kind)
        layer.weight = nn.Parameter(full.view(self.shape), requires_grad=False)

    def _let_go(self, layer: nn.Module, _inputs: object, _made: object) -> None:
        layer.weight = self.stand_in


def within_memory(title: str, stage: Stage, device: torch.device, job: Job, use: Callable[[Holding], Value]) -> Value:
    """What `use` makes of a stage's network whose weights are held in the largest way that fits, a smaller one where memory fails.

    The report says which, where it isn't the usual one. Raises ReifyError where not even the smallest fits.
    """
    usual = (ON_PROCESSOR if device.type == "cpu" else ON_CARD)[0]
    free = free_memory(device, job.environment)
    why = f"because {free / 1e9:.1f} GB of memory were free"
    for way in fitting(stage, ON_PROCESSOR if device.type == "cpu" else ON_CARD, free):
        try:
            made = use(way)
        except (MemoryError, RuntimeError) as error:
            if not is_short(error):
                raise
            why = "because memory ran out before"
        else:
            if way is not usual:
                job.record_choice(f"weights of {title}, {stage.title}", f"held as {way.name}, {way.cost}, {why}")
            return made
        if device.type == "cuda":
            torch.cuda.empty_cache()
    what = f"{title} needs about {way.of(stage) / 1e9:.1f} GB of memory at the least, and {free / 1e9:.1f} GB are free."
    raise ReifyError(what, "Close other programs.")


def is_short(error: BaseException) -> bool:
    """True where an error says that memory ran out."""
    return isinstance(error, MemoryError) or any(each in str(error).lower() for each in SHORT)


def free_memory(device: torch.device, environment: Environment) -> int:
    """Bytes that a network may take on a device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return environment.free_memory()
