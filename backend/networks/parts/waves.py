"""Numbers as sines and cosines: places for transformers, times for diffusion."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PERIOD = 10_000.0  # ratio of the longest wave to the shortest


def of_places(places: Tensor, width: int) -> Tensor:
    """Embeddings [N,width] float32 of places [N,D]: of each axis sines, then cosines; zero in channels that are left over."""
    each = width // places.shape[1] // 2
    phases = places[:, :, None].float() * _frequencies(each, places.device)
    waves = torch.cat([phases.sin(), phases.cos()], dim=-1).flatten(1)
    return F.pad(waves, (0, width - waves.shape[1]))


def of_times(times: Tensor, width: int) -> Tensor:
    """Embeddings [B,width] float32 of times [B]: cosines, then sines."""
    phases = times[:, None].float() * _frequencies(width // 2, times.device)
    return torch.cat([phases.cos(), phases.sin()], dim=-1)


class TimeEmbedding(nn.Module):
    """Features [B,width] of times [B]: cosines and sines through two layers (Nichol et al., "GLIDE", 2022)."""

    def __init__(self, width: int, waves: int = 256) -> None:
        super().__init__()
        self.waves = waves
        self.enter = nn.Linear(waves, width)
        self.leave = nn.Linear(width, width)

    def forward(self, times: Tensor) -> Tensor:
        """Times of any range; those of diffusion are commonly 0 to 1000."""
        waves = of_times(times, self.waves).to(self.enter.weight.dtype)
        return self.leave(F.silu(self.enter(waves)))


def _frequencies(count: int, device: torch.device) -> Tensor:
    return torch.exp(-math.log(PERIOD) * torch.arange(count, dtype=torch.float32, device=device) / count)
