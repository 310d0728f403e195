"""Splats drawn by the graphics card: their parameters lie there, the drawing thread sorts, a shader projects and blends.

The picture is of the view of now; only the order in which splats are blended is that of a moment ago. Parameters are uploaded a texture
at a time, one each time the viewport is drawn: until the last has come, colors follow the view less finely.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import gpu
import numpy as np

from ...backend.errors import ReifyError
from ...backend.splats.texels import Order, Sorter, Texels, place_texels
from ...backend.splats.view import View
from .card_shader import make_splat_shader
from .compositing import Layer
from .pace import Pace

if TYPE_CHECKING:
    from .worker import Wish

Array = Any
STEPS = (1, 2)  # pixels of the view that one of the picture stands for while the view moves


@dataclass(eq=False)
class _Uploaded:
    """The parameters of some clouds, as far as they have come."""

    texels: Texels
    base: Any
    bands: list[Any] = field(default_factory=list)

    def is_whole(self) -> bool:
        return len(self.bands) == len(self.texels.bands)


@dataclass(eq=False)
class _Region:
    """What a region draws."""

    order: Order
    texture: Any  # of the order
    wish: Wish
    uploaded: _Uploaded
    canvas: Any = None
    picture: Any = None  # the canvas's texture
    size: tuple[int, int] = (0, 0)


class Card:
    """The shader, and what lies on the card."""

    needs_depth = False

    def __init__(self) -> None:
        self._shader, self._quad = make_splat_shader()
        self._regions: dict[int, _Region] = {}
        self._nothing = _texture(np.zeros((1, 1, 4), np.float32), "RGBA16F")
        self._unlimited = _texture(np.ones((1, 1, 1), np.float32), "R32F")

    def drawer(self) -> Sorter:
        """What sorts the splats of a view."""
        return Sorter()

    def pace(self) -> Pace:
        """Full pixels, as long as the card keeps up."""
        return Pace(steps=STEPS)

    def take(self, region: int, wish: Wish, computed: Order) -> None:
        """Upload an order, and the first part of clouds that aren't there yet."""
        texels = computed.texels
        rows = max(texture.shape[0] for texture in (texels.base, *texels.bands))
        if rows > gpu.capabilities.max_texture_size_get():
            raise ReifyError("The scene has more splats than textures of this graphics card hold.", "Let the processor draw them.")
        found = next((entry.uploaded for entry in self._regions.values() if entry.uploaded.texels is texels), None)
        uploaded = found or _Uploaded(texels, _texture(texels.base, "RGBA32F"))
        before = self._regions.get(region)
        texture = _texture(computed.packed, "RG32F")
        if before is None:
            self._regions[region] = _Region(computed, texture, wish, uploaded)
        else:
            before.order, before.texture, before.wish, before.uploaded = computed, texture, wish, uploaded

    def layer(self, region: int, view: View, places: list[Array], timed: bool) -> tuple[Layer, float] | None:
        """Draw the newest order as `view` sees it."""
        if region not in self._regions:
            return None
        entry = self._regions[region]
        self._upload_more(entry.uploaded)
        started = time.perf_counter()
        step = entry.wish.step
        self._draw(entry, view, places, step)
        if timed:  # reading one pixel waits until the card has drawn
            with entry.canvas.bind():
                entry.canvas.read_color(0, 0, 1, 1, 4, 0, "FLOAT")
        seconds = time.perf_counter() - started if timed else 0.0
        return Layer(entry.picture, False, replace(view, depth=None), step, (0, 0), -(-view.height // step)), seconds

    def pixels(self, region: int) -> Array:
        """What was drawn last, [H,W,4] float32, premultiplied sRGB and alpha, first row at the bottom."""
        entry = self._regions[region]
        width, height = entry.size
        with entry.canvas.bind():
            found = entry.canvas.read_color(0, 0, width, height, 4, 0, "FLOAT")
        return np.array(found.to_list(), np.float32).reshape(height, width, 4)

    def forget(self, region: int) -> None:
        """Let go of its order and picture, and of clouds that no other region shows."""
        self._regions.pop(region, None)

    def is_whole(self, region: int) -> bool:
        """Whether nothing of the region's clouds has yet to come to the card."""
        return region not in self._regions or self._regions[region].uploaded.is_whole()

    def _upload_more(self, uploaded: _Uploaded) -> None:
        if not uploaded.is_whole():
            uploaded.bands.append(_texture(uploaded.texels.bands[len(uploaded.bands)], "RGBA16F"))

    def _draw(self, entry: _Region, view: View, places: list[Array], step: int) -> None:
        size = -(-view.width // step), -(-view.height // step)
        if entry.size != size:
            entry.picture = gpu.types.GPUTexture(size, format="RGBA16F")
            entry.canvas, entry.size = gpu.types.GPUFrameBuffer(color_slots=entry.picture), size
        clouds = [instance.rows for instance in entry.wish.instances()]
        shader, bands = self._shader, [*entry.uploaded.bands, *[self._nothing] * 3][:3]
        # Kept until the card has drawn: the driver may read them later.
        self._places = _texture(place_texels(view, places, clouds, step), "RGBA32F")
        self._limits = self._unlimited if view.depth is None else _texture(view.depth[..., None], "R32F")
        with entry.canvas.bind():
            entry.canvas.clear(color=(0.0, 0.0, 0.0, 0.0))
            gpu.state.blend_set("ALPHA_PREMULT")
            gpu.state.depth_test_set("NONE")
            gpu.state.depth_mask_set(False)
            shader.bind()
            shader.uniform_sampler("base", entry.uploaded.base)
            for degree, band in enumerate(bands, 1):
                shader.uniform_sampler(f"band{degree}", band)
            shader.uniform_sampler("order", entry.texture)
            shader.uniform_sampler("places", self._places)
            shader.uniform_sampler("limits", self._limits)
            shader.uniform_int("degree", [len(entry.uploaded.bands)])
            if entry.order.drawn:
                self._quad.draw_instanced(shader, instance_start=0, instance_count=entry.order.drawn)
            gpu.state.depth_mask_set(True)
            gpu.state.blend_set("NONE")


def _texture(values: Array, kind: Any) -> Any:
    flat: Any = np.ascontiguousarray(values, np.float32).reshape(-1)
    height, width = values.shape[:2]
    return gpu.types.GPUTexture((width, height), format=kind, data=gpu.types.Buffer("FLOAT", len(flat), flat))
