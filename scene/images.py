"""Pictures as Blender images, and the two color spaces."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..backend.formats.encoded import png_of
from ..backend.values import Array


def packed_image(name: str, picture: Array, data: bool = False) -> bpy.types.Image:
    """A new image with `picture` [H,W,3 or 4] uint8, first row on top, packed as PNG; `data` is for what isn't color."""
    encoded = png_of(picture)
    # Blender makes pixels of the file when it first shows them: until then the image is a single one.
    image = bpy.data.images.new(name, 1, 1, alpha=picture.shape[2] == 4, is_data=data)
    image.file_format = "PNG"
    image.filepath = f"//{bpy.path.clean_name(name)}.png"  # where it is unpacked to
    image.pack(data=encoded, data_len=len(encoded))
    image.source = "FILE"
    return image


def replaced_image(name: str, picture: Array) -> bpy.types.Image:
    """The image of that name showing `picture` [H,W,3 or 4] uint8, made where there is none; not packed."""
    height, width, channels = picture.shape
    image: Any = bpy.data.images.get(name)
    if image is None:
        image = bpy.data.images.new(name, width, height, alpha=channels == 4)
    elif size_px(image) != (width, height):
        image.scale(width, height)
    _write(image, picture)
    return image


def pixels(image: bpy.types.Image) -> Array:
    """An image's pixels as stored, [H,W,4] uint8, first row on top."""
    width, height = size_px(image)
    flat = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(flat)
    return (np.clip(flat, 0, 1) * 255 + 0.5).astype(np.uint8).reshape(height, width, 4)[::-1].copy()


def srgb_pixels(image: bpy.types.Image) -> Array:
    """An image's pixels as a PNG would hold them: [H,W,4] uint8 sRGB, straight alpha, first row on top."""
    if not image.is_float:
        return pixels(image)
    width, height = size_px(image)
    stored = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(stored)
    linear = stored.reshape(height, width, image.channels)[::-1]
    rgb = linear[..., :3] if image.channels >= 3 else np.repeat(linear[..., :1], 3, axis=2)
    alpha = linear[..., 3:] if image.channels == 4 else np.ones((height, width, 1), np.float32)
    # Blender's float images are premultiplied.
    straight = np.divide(rgb, alpha, out=rgb.copy(), where=alpha > 0)
    return (np.clip(np.concatenate([srgb_from_linear(straight), alpha], axis=2), 0, 1) * 255 + 0.5).astype(np.uint8)


def size_px(image: bpy.types.Image) -> tuple[int, int]:
    """Width and height; zeros for an image that can't be loaded."""
    size: Any = image.size
    return int(size[0]), int(size[1])


def linear_from_srgb(srgb: Array) -> Array:
    """Linear values of sRGB ones, both 0 to 1 (IEC 61966-2-1)."""
    srgb = np.maximum(np.asarray(srgb, dtype=np.float32), 0)
    return np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)


def srgb_from_linear(linear: Array) -> Array:
    """Inverse of `linear_from_srgb`."""
    linear = np.maximum(np.asarray(linear, dtype=np.float32), 0)
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, linear * 12.92)


def _write(image: bpy.types.Image, picture: Array) -> None:
    height, width, channels = picture.shape
    rgba = np.ones((height, width, 4), dtype=np.float32)
    rgba[..., :channels] = picture[::-1]
    rgba[..., :channels] /= 255
    target: Any = image.pixels
    target.foreach_set(rgba.ravel())
    image.update()
