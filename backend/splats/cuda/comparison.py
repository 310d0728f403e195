"""Comparing what a card has rendered with photos: the order in which the kernels of the losses run."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...device import free_memory
from ...rendering.losses import DepthDistortion, MultiviewGeometric, MultiviewPhotometric, NormalConsistency
from ...rendering.targets import Target
from .. import layout
from ..cpu import geometry, intermediates, multiview
from ..step import Neighbor, SplatStep, weight_of
from .source import THREADS
from .view import Launcher, View

Array = Any
PIXELS = intermediates.TILE**2
PHOTO_SHARE = 8  # one part in so many of the free memory keeps photos


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


class Photos:
    """Targets on the card, kept while there is room and their pixels on the host live."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._kept: dict[int, Photo] = {}  # by the identity of their pixels on the host
        self._room = (torch.cuda.mem_get_info()[0] if device == "cuda" else free_memory()) // PHOTO_SHARE  # bytes

    def clear(self) -> None:
        """Free them."""
        self._kept.clear()

    def of(self, target: Target) -> Photo:
        """The target on the card."""
        assert target.rgb is not None
        key = id(target.rgb)
        if key in self._kept:
            return self._kept[key]
        rgb, alpha, weight = (
            None if plane is None else torch.tensor(plane, device=self._device) for plane in (target.rgb, target.alpha, target.weight)
        )
        assert rgb is not None
        known = target.rgb.shape[0] * target.rgb.shape[1] if target.weight is None else max(1, int(np.count_nonzero(target.weight > 127)))
        photo = Photo(rgb, alpha, weight, known)
        if photo.bytes() + sum(other.bytes() for other in self._kept.values()) <= self._room:
            self._kept[key] = photo
            weakref.finalize(target.rgb, self._kept.pop, key, None)
        return photo


def exposed(view: View, background: Array, exposure: Array) -> torch.Tensor:
    """The picture with what stands before the background times a gain and plus an offset for each channel."""
    behind, gain, offset = _lighting(view, background, exposure)
    return view.image * gain + offset + view.transmittance * (behind * (1 - gain) - offset)


def exposed_back(
    view: View, background: Array, exposure: Array, v_exposed: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients by the picture, by its alpha, and by the exposure [6]."""
    behind, gain, offset = _lighting(view, background, exposure)
    v_gain = v_exposed * (view.image - view.transmittance * behind)
    v_offset = v_exposed * (1 - view.transmittance)
    v_alpha = -(v_exposed * (behind * (1 - gain) - offset)).sum(0)
    v_exposure = torch.cat([v_gain, v_offset]).sum((1, 2), dtype=torch.float64)
    return v_exposed * gain, v_alpha, v_exposure


def _lighting(view: View, background: Array, exposure: Array) -> Iterator[torch.Tensor]:
    """Background, gains and offsets as [3,1,1]."""
    numbers = torch.as_tensor(np.concatenate([background, exposure]), dtype=torch.float32, device=view.image.device)
    return iter(numbers.reshape(3, 3, 1, 1))


def compare_photo(
    launcher: Launcher, view: View, image: torch.Tensor, wanted: torch.Tensor, photo: Photo, ssim_share: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradient of the loss by the picture, error of each pixel, and the sums [3] of SSIM, absolute and squared differences."""
    width, height, (across, down) = view.width, view.height, view.tiles
    maps, ssim = launcher.new(9, height, width), launcher.new(3, down, across)
    v_image, error = launcher.new(3, height, width), launcher.new(height, width)
    l1, square = launcher.new(down, across), launcher.new(down, across)
    pictures = (width, height, image, wanted, photo.weight)
    launcher("similarity", (across, down, 3), (PIXELS, 1, 1), *pictures, maps, ssim)
    weights = ((1 - ssim_share) / (3 * photo.known), ssim_share / (3 * photo.known))
    launcher("loss_back", (across, down, 1), (PIXELS, 1, 1), *pictures, maps, *weights, v_image, error, l1, square)
    return v_image, error, torch.stack([parts.sum(dtype=torch.float64) for parts in (ssim, l1, square)])


def compare_geometry(
    launcher: Launcher, view: View, photo: Photo, step: SplatStep, v_alpha: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient of the losses on depth and normals by their planes, and their weighted sum [1]; adds to `v_alpha`."""
    pixels, size = view.width * view.height, (view.width, view.height)
    v_geometry, bends = launcher.new(intermediates.SURFACE, view.height, view.width), launcher.new(6, view.height, view.width)
    losses = launcher.new(-(-pixels // THREADS))
    weights = (weight_of(step, kind) / photo.known for kind in (DepthDistortion, NormalConsistency))
    blended = (*size, view.geometry, view.transmittance)
    launcher.each(
        pixels, "compare_geometry", *blended, photo.weight, view.camera, view.middle, *weights, v_geometry, v_alpha, bends, losses
    )
    launcher.each(pixels, "compare_geometry_back", *blended, view.camera, bends, v_geometry, v_alpha)
    return v_geometry, losses.sum(dtype=torch.float64).reshape(1)


def compare_views(
    launcher: Launcher,
    view: View,
    photo: Photo,
    other: Photo,
    step: SplatStep,
    neighbor: Neighbor,
    v_geometry: torch.Tensor,
    v_alpha: torch.Tensor,
) -> torch.Tensor:
    """The weighted losses between neighboring views [1]; adds to the gradients. Which pixels are compared is as on the CPU."""
    covered = int(torch.count_nonzero(view.transmittance < 0.5))
    spacing = max(1, round((covered / multiview.PIXELS) ** 0.5))
    offset_y, offset_x = divmod(step.seed % (spacing * spacing), spacing)
    rows, columns = (
        range(offset + -(-max(multiview.HALF - offset, 0) // spacing) * spacing, length - multiview.HALF, spacing)
        for offset, length in ((offset_y, view.height), (multiview.HALF + offset_x, view.width))
    )
    places = len(rows) * len(columns)
    losses = launcher.new(-(-places // THREADS))
    other_camera = layout.camera_row(neighbor.target.camera)
    width, height = (int(v) for v in neighbor.target.camera.size_px[0])
    other_depth = torch.as_tensor(neighbor.depth, device=view.image.device).contiguous()
    weights = (weight_of(step, kind) * spacing**2 / photo.known for kind in (MultiviewPhotometric, MultiviewGeometric))
    launcher.each(
        places,
        "compare_views",
        *(len(columns), spacing, columns.start, rows.start, view.width, view.height, view.geometry, view.transmittance, view.middle),
        *(view.camera, _gray(launcher, photo), multiview.relative_motion(view.camera, other_camera)),
        *(other_camera, width, height, _gray(launcher, other), other_depth),
        *weights,
        *(v_geometry, v_alpha, losses),
    )
    return losses.sum(dtype=torch.float64)


def _gray(launcher: Launcher, photo: Photo) -> torch.Tensor:
    gray = launcher.new(*photo.rgb.shape[:2])
    launcher.each(gray.numel(), "to_gray", photo.rgb, photo.alpha, photo.weight, gray)
    return gray


def expected_depth(view: View) -> torch.Tensor:
    """Expected depth [H,W], 0 where less than half of the light is stopped."""
    assert view.geometry is not None
    alpha = 1 - view.transmittance
    depth = view.middle + view.geometry[intermediates.DEPTHS] / alpha
    return torch.where(alpha > float(geometry.LEAST_ALPHA), depth, torch.zeros_like(depth))
