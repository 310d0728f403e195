"""One training step on an NVIDIA card by our own kernels: the order in which they run, and the memory between them.

Everything large stays on the card. A step waits for it twice: for the number of entries in the tiles' lists, after which the rest can be
allocated, and for the loss. Every sum has one owner and one order, so results repeat bit by bit, as on the CPU.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...device import free_memory
from ...values import Splats
from ..cpu import layout
from ..cpu.engine import control_row, rows_of, splats_of
from ..engine import Step, StepFigures, Target
from .source import BACK_WARPS, BUCKET, MOST_COLUMNS, PULL, THREADS

Array = Any
# name, grid, block, arguments
Launch = Callable[..., None]
ENTRY = layout.ABS_Y + 1  # floats of a gradient row
PIXELS = layout.TILE**2
SHARES = 4  # blocks that share a tile's list on the way back
PHOTO_SHARE = 8  # one part in so many of the free memory keeps photos


@dataclass(frozen=True, eq=False)
class View:
    """A rendered picture and what its gradients need."""

    camera: Array  # with the picture's size
    width: int
    height: int
    tiles: tuple[int, int]  # across, down
    projected: torch.Tensor  # [N,PROJECTED]
    counts: torch.Tensor  # [N] int32, tiles that a splat touches
    first_rows: torch.Tensor  # [N] int32, where a splat's gradient rows begin
    members: torch.Tensor  # [E] int32, splat by entry
    places: torch.Tensor  # [E] int64, the tiles' lists of entries
    tile_start: torch.Tensor  # [T+1] int64
    states: torch.Tensor  # light and colours of each pixel before every 32nd splat of its tile
    image: torch.Tensor  # [3,H,W]
    transmittance: torch.Tensor  # [H,W]
    used: torch.Tensor  # [H,W] int32, entries of its tile's list that a pixel took
    finished: torch.Tensor  # [T] int32, the most of these
    visible: int


@dataclass(frozen=True, eq=False)
class Photo:
    """A target on the card."""

    rgb: torch.Tensor
    alpha: torch.Tensor | None
    weight: torch.Tensor | None
    known: int  # pixels

    def bytes(self) -> int:
        """What it takes of the card's memory."""
        return sum(plane.nbytes for plane in (self.rgb, self.alpha, self.weight) if plane is not None)


class CudaEngine:
    """Splats in training on a card; `parameters`, `moments` and `stats` are current on the host only inside of `edited()`."""

    def __init__(self, splats: Splats, capacity: int, sh_degree: int, launch: Launch, *, device: str = "cuda") -> None:
        """`launch` runs kernels: `driver.Kernels` on a card, what stands in for it in tests."""
        self.bases = (sh_degree + 1) ** 2
        self.width = layout.row_width(self.bases)
        assert self.width <= MOST_COLUMNS
        self.capacity = max(capacity, len(splats))
        self.antialiased = splats.antialiased
        self.count = len(splats)
        self.parameters = np.zeros((self.capacity, self.width), np.float32)
        self.moments = np.zeros((self.capacity, 2, self.width), np.float32)
        self.stats = np.zeros((self.capacity, layout.STATS), np.float32)
        self.parameters[: self.count] = rows_of(splats, self.bases)
        self._launch, self._device = launch, device
        self._rows, self._moments, self._stats = (self._new(*host.shape) for host in (self.parameters, self.moments, self.stats))
        self._photos: weakref.WeakKeyDictionary[Target, Photo] = weakref.WeakKeyDictionary()
        self._photo_bytes = (torch.cuda.mem_get_info()[0] if device == "cuda" else free_memory()) // PHOTO_SHARE
        self._upload()

    @contextmanager
    def edited(self) -> Iterator[None]:
        """Bring the arrays to the host, where a strategy may change them, and take them back."""
        for host, tensor in zip((self.parameters, self.moments, self.stats), (self._rows, self._moments, self._stats), strict=True):
            host[: self.count] = tensor[: self.count].cpu().numpy()
        yield
        self._upload()

    def splats(self) -> Splats:
        """A copy of the splats as they are."""
        return splats_of(self._rows[: self.count].cpu().numpy(), self.bases, self.antialiased)

    def step(self, target: Target, step: Step) -> StepFigures:
        """Render one view, compare it with its photo, and take one Adam step."""
        height, width = target.rgb.shape[:2]
        photo = self._photo(target)
        background = np.asarray(step.background, np.float32)
        wanted = self._new(3, height, width)
        pixels = height * width
        self._each(pixels, "fill_target", photo.rgb, photo.alpha, photo.weight, background, wanted)
        view = self.render(target.camera, width, height, background, step.bases)
        v_image, error, ssim, l1, square = self._compare(view, wanted, photo, step)
        entry_gradients = self._entry_gradients(view, v_image, None, error, step.absolute)
        self._pull_back(view, step, entry_gradients, None)
        ssim, l1, square = (float(v) / (3 * photo.known) for v in torch.stack([ssim, l1, square]).tolist())
        ssim -= pixels / photo.known - 1  # pixels that aren't known agree perfectly in both pictures
        loss = (1 - step.ssim_weight) * l1 + step.ssim_weight * (1 - ssim)
        return StepFigures(loss, square, view.visible, len(view.members))

    def render(self, camera: Array, width: int, height: int, background: Array, bases: int) -> View:
        """Project, sort and blend: picture [3,H,W] and what `gradients` needs."""
        n, across, down = self.count, -(-width // layout.TILE), -(-height // layout.TILE)
        camera = camera.copy()
        camera[layout.SIZE : layout.SIZE + 2] = width, height
        projected, boxes = self._new(n, layout.PROJECTED), self._new(n, 4, kind=torch.int16)
        counts, first_rows, depths = self._new(n, kind=torch.int32), self._new(n, kind=torch.int32), self._new(n)
        splats = (self._rows, self.width, bases, camera, across, down, self.antialiased)
        self._each(n, "project", *splats, projected, boxes, counts, depths)
        order = torch.sort(depths, stable=True).indices
        ends = torch.cumsum(counts[order], 0)
        entries, visible = torch.stack([counts.sum(), torch.count_nonzero(counts)]).tolist()
        entry_tiles, members = self._new(entries, kind=torch.int32), self._new(entries, kind=torch.int32)
        self._each(n, "list_tiles", order, ends, counts, projected, boxes, across, first_rows, entry_tiles, members)
        if across * down < 1 << 15:
            entry_tiles = entry_tiles.to(torch.int16)  # half the passes of the radix sort
        tiles, places = torch.sort(entry_tiles, stable=True)
        tile_start = torch.searchsorted(tiles, torch.arange(across * down + 1, dtype=tiles.dtype, device=self._device))
        view = View(
            camera=camera,
            width=width,
            height=height,
            tiles=(across, down),
            projected=projected,
            counts=counts,
            first_rows=first_rows,
            members=members,
            places=places,
            tile_start=tile_start,
            states=self._new(entries // BUCKET + across * down, PIXELS, 4),
            image=self._new(3, height, width),
            transmittance=self._new(height, width),
            used=self._new(height, width, kind=torch.int32),
            finished=self._new(across * down, kind=torch.int32),
            visible=visible,
        )
        results = (view.image, view.transmittance, view.used, view.finished, view.states)
        self._launch("blend", (across * down, 1, 1), (PIXELS, 1, 1), *self._lists(view), background, *results)
        return view

    def gradients(self, view: View, bases: int, v_image: torch.Tensor, v_alpha: torch.Tensor | None = None) -> torch.Tensor:
        """Gradients [N, row width] of the parameters, from those of the picture [3,H,W] and of its alpha [H,W]."""
        out = torch.zeros(self.count, self.width, device=self._device)
        rates = np.zeros(self.width, np.float32)
        error = torch.zeros(view.height, view.width, device=self._device)
        self._pull_back(view, Step(bases, rates), self._entry_gradients(view, v_image, v_alpha, error, False), out)
        return out

    def close(self) -> None:
        """Nothing to end here."""

    def _compare(self, view: View, wanted: torch.Tensor, photo: Photo, step: Step) -> tuple[torch.Tensor, ...]:
        """Gradient of the loss by the picture, error of each pixel, and the sums of SSIM, absolute and squared differences."""
        width, height, (across, down) = view.width, view.height, view.tiles
        maps, ssim = self._new(9, height, width), self._new(3, down, across)
        v_image, error = self._new(3, height, width), self._new(height, width)
        l1, square = self._new(down, across), self._new(down, across)
        pictures = (width, height, view.image, wanted, photo.weight)
        self._launch("similarity", (across, down, 3), (PIXELS, 1, 1), *pictures, maps, ssim)
        weights = ((1 - step.ssim_weight) / (3 * photo.known), step.ssim_weight / (3 * photo.known))
        self._launch("loss_back", (across, down, 1), (PIXELS, 1, 1), *pictures, maps, *weights, v_image, error, l1, square)
        return v_image, error, *(sums.sum(dtype=torch.float64) for sums in (ssim, l1, square))

    def _entry_gradients(
        self, view: View, v_image: torch.Tensor, v_alpha: torch.Tensor | None, error: torch.Tensor, absolute: bool
    ) -> torch.Tensor:
        out = self._new(len(view.members), ENTRY)
        rendered = (view.image, view.transmittance, view.used, view.finished, view.states)
        grid, block = (view.tiles[0] * view.tiles[1], SHARES, 1), (BACK_WARPS * BUCKET, 1, 1)
        self._launch("blend_back", grid, block, *self._lists(view), *rendered, v_image, v_alpha, error, absolute, out)
        return out

    def _pull_back(self, view: View, step: Step, entry_gradients: torch.Tensor, out: torch.Tensor | None) -> None:
        learning = np.zeros(MOST_COLUMNS, np.float32)
        learning[: self.width] = step.learning
        self._launch(
            "pull_back",
            (-(-self.count // PULL), 1, 1),
            (PULL, 1, 1),
            self.count,
            self._rows,
            self._moments,
            self.width,
            step.bases,
            view.camera,
            self.antialiased,
            view.projected,
            view.counts,
            view.first_rows,
            entry_gradients,
            learning,
            control_row(step),
            step.seed >> 32,
            step.seed & 0xFFFFFFFF,
            out,
            self._stats,
        )

    def _lists(self, view: View) -> tuple[Any, ...]:
        return view.tiles[0], view.width, view.height, view.tile_start, view.places, view.members, view.projected

    def _each(self, count: int, name: str, *arguments: Any) -> None:
        """Launch a kernel with a thread for each of `count` things."""
        self._launch(name, (-(-count // THREADS), 1, 1), (THREADS, 1, 1), count, *arguments)

    def _photo(self, target: Target) -> Photo:
        """The target on the card, kept there while there is room."""
        if (kept := self._photos.get(target)) is not None:
            return kept
        rgb, alpha, weight = (
            None if plane is None else torch.as_tensor(plane).contiguous().to(self._device) for plane in (target.rgb, target.alpha, target.weight)
        )
        assert rgb is not None
        known = target.rgb.shape[0] * target.rgb.shape[1] if target.weight is None else max(1, int(np.count_nonzero(target.weight > 127)))
        photo = Photo(rgb, alpha, weight, known)
        if photo.bytes() + sum(other.bytes() for other in self._photos.values()) <= self._photo_bytes:
            self._photos[target] = photo
        return photo

    def _upload(self) -> None:
        for host, tensor in zip((self.parameters, self.moments, self.stats), (self._rows, self._moments, self._stats), strict=True):
            tensor[: self.count] = torch.from_numpy(host[: self.count]).to(self._device)

    def _new(self, *shape: int, kind: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.empty(shape, dtype=kind, device=self._device)
