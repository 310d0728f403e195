"""What the kernels of a card leave of a rendering, and how they are launched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from .source import THREADS

Array = Any
Shape = tuple[int, int, int]
Launch = Callable[..., None]  # name, grid, block, arguments


class Launcher:
    """Launches kernels, and makes what they write to."""

    def __init__(self, launch: Launch, device: str) -> None:
        self.device, self._launch = device, launch

    def __call__(self, name: str, grid: Shape, block: Shape, *arguments: Any) -> None:
        """Launch a kernel on a grid of blocks of threads."""
        self._launch(name, grid, block, *arguments)

    def each(self, count: int, name: str, *arguments: Any) -> None:
        """Launch a kernel with a thread for each of `count` things."""
        self._launch(name, (-(-count // THREADS), 1, 1), (THREADS, 1, 1), count, *arguments)

    def new(self, *shape: int, kind: torch.dtype = torch.float32) -> torch.Tensor:
        """A tensor with whatever is in memory."""
        return torch.empty(shape, dtype=kind, device=self.device)


@dataclass(frozen=True, eq=False)
class View:
    """A rendered picture and what its gradients need."""

    camera: Array  # row, see layout.py
    width: int
    height: int
    bases: int
    tiles: tuple[int, int]  # across, down
    projected: torch.Tensor  # [N,PROJECTED]
    shapes: torch.Tensor | None  # [N,DISC], of surfels, and of other splats where depth and normals were blended
    middle: float  # a depth amid the scene
    counts: torch.Tensor  # [N] int32, tiles that a splat touches
    first_rows: torch.Tensor  # [N] int32, where a splat's gradient rows begin
    members: torch.Tensor  # [E] int32, splat by entry
    places: torch.Tensor  # [E] int64, the tiles' lists of entries
    tile_start: torch.Tensor  # [T+1] int64
    states: torch.Tensor  # light and colors of each pixel before every 32nd splat of its tile
    geometry: torch.Tensor | None  # [GEOMETRY,H,W], see intermediates.py, where depth and normals were asked for
    geometry_states: torch.Tensor | None  # the planes with gradients of each pixel before every 32nd splat
    image: torch.Tensor  # [3,H,W]
    transmittance: torch.Tensor  # [H,W]
    used: torch.Tensor  # [H,W] int32, entries of its tile's list that a pixel took
    finished: torch.Tensor  # [T] int32, the most of these
    visible: int
