"""Stored pixels of any bit depth, color space and transparency to 8-bit sRGB with straight alpha, not yet turned upright."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ReifyError
from ..values import Array
from . import color, png

if TYPE_CHECKING:
    from PIL import Image

LARGEST_MEGAPIXELS = 500
ORIENTATION_TAG, SUB_IFD, INTEROPERABILITY_IFD = 0x0112, 0x8769, 0xA005
INTEROPERABILITY_INDEX, COLOR_SPACE = 1, 0xA001  # "R03" and 2 say Adobe RGB, as cameras write it without a profile
WIDTH, LENGTH, PHOTOMETRIC, EXTRA_SAMPLES, ICC_PROFILE = 256, 257, 262, 338, 34675  # TIFF tags
MIN_IS_WHITE, SEPARATED, ASSOCIATED_ALPHA = 0, 5, 1
HEADER_BYTES = 1 << 16  # that the color space of HEIF and AVIF lies in
SHRINKABLE = ("RGB", "RGBA", "L", "LA", "CMYK")  # modes that Pillow averages; those with alpha by their alpha


@dataclass(frozen=True, eq=False)
class Stored:
    """Pixels [H,W,3 or 4] uint8 and how they stand, as EXIF orientations."""

    pixels: Array
    orientation: int  # that the file asks for
    left: int  # of it to be done: Pillow turns TIFFs by itself


def decoded(image: Image.Image, path: Path, long_side_px: int = 0) -> Stored:
    """Pillow's image, averaged to a whole fraction of its size that is at least twice `long_side_px` (0: its full size)."""
    orientation = orientation_of(image)
    header = png.read_header(path) if image.format == "PNG" else None
    profile, space = image.info.get("icc_profile"), _color_space(image, path, header)
    if long_side_px:
        image.draft("RGB", (long_side_px, long_side_px))  # JPEG: decode at 1/2, 1/4 or 1/8
    image.load()
    left = orientation_of(image)
    plain = _shrunk(_with_alpha_channel(image, header), long_side_px)
    alpha = np.asarray(plain.getchannel("A")) if plain.mode in ("RGBA", "LA") else None
    rgb = np.asarray(color.with_profile(_8_bit(plain), profile))
    if not profile and space is not None:
        rgb = color.to_srgb(rgb, *space)
    return Stored(rgb if alpha is None else np.dstack([rgb, alpha]), orientation, left)


def lowest_alpha(image: Image.Image, path: Path) -> int:
    """The least alpha of all pixels, 255 where there is no transparency."""
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        full = _with_alpha_channel(image, png.read_header(path) if image.format == "PNG" else None)
        return int(np.asarray(full.getchannel("A")).min())
    return 255


def orientation_of(image: Image.Image) -> int:
    """What EXIF says of an image, as far as it isn't turned yet; 1 where it says nothing that makes sense."""
    try:
        orientation = image.getexif().get(ORIENTATION_TAG, 1)
    except (OSError, ValueError, SyntaxError, TypeError):  # broken EXIF in a picture that is fine
        return 1
    return orientation if orientation in range(1, 9) else 1


def stored_size(image: Image.Image) -> tuple[int, int]:
    """Width and height in the file, before any turn; newer versions of Pillow give a TIFF's as it stands upright."""
    if image.format == "TIFF" and {WIDTH, LENGTH} <= image.tag_v2.keys():  # type: ignore[attr-defined]
        return image.tag_v2[WIDTH], image.tag_v2[LENGTH]  # type: ignore[attr-defined]
    return image.size


def read_tiff(path: Path) -> Stored:
    """A TIFF of 16 or 32 bits in several channels, which Pillow doesn't know; raises OSError where it is no picture."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page: Any = max(file.pages[:64], key=lambda one: one.size)  # a first page may be a thumbnail
        if page.size > 4 * LARGEST_MEGAPIXELS * 1e6:
            raise too_large(path)
        pixels = np.asarray(page.asarray())
        tags = {tag.code: tag.value for tag in page.tags.values()}
    if pixels.ndim == 3 and pixels.shape[0] in (3, 4) and pixels.shape[2] not in (3, 4):
        pixels = np.moveaxis(pixels, 0, 2)  # planes one after another
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise OSError(f"its shape is {pixels.shape}")
    orientation = tags.get(ORIENTATION_TAG, 1)
    orientation = orientation if orientation in range(1, 9) else 1
    return Stored(_of_tiff(pixels, tags), orientation, orientation)


def read_exr(path: Path) -> Array:
    """An EXR file's colors, which are linear and premultiplied there, [H,W,3 or 4] uint8 sRGB; raises OSError where it has none."""
    with _exr(path) as file:
        found = {name: np.asarray(channel.pixels, dtype=np.float32) for name, channel in file.channels().items()}
        primaries = file.header().get("chromaticities")
    # A layer's name may stand before the channel's: "ViewLayer.Combined.R".
    by_letter = {name.rpartition(".")[2]: pixels for name, pixels in reversed(found.items())}
    letters = "RGB" if {"R", "G", "B"} <= set(by_letter) else "YYY"
    if letters[0] not in by_letter:
        raise OSError("it has no color channels")
    rgb, alpha = np.stack([by_letter[letter] for letter in letters], axis=2), by_letter.get("A")
    if primaries is not None and letters == "RGB" and len(primaries) == 8:
        said = tuple(tuple(float(value) for value in pair) for pair in np.reshape(primaries, (4, 2)))
        if all(y > 0 for _, y in said):
            rgb = rgb @ color.srgb_from(said).astype(np.float32).T  # type: ignore[arg-type]
    if alpha is None:
        return bytes_of(rgb)
    straight = np.divide(rgb, alpha[..., None], out=rgb.copy(), where=alpha[..., None] > 0)
    return _with_byte_alpha(np.concatenate([straight, alpha[..., None]], axis=2))


def bytes_of(values: Array) -> Array:
    """Values of any type as uint8; floats are linear light, integers of more than 8 bits fill 16."""
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "f":
        return np.rint(color.srgb_of_linear(np.nan_to_num(values)) * 255).astype(np.uint8)
    if values.dtype == np.uint16 or values.max(initial=0) > 255:
        return (np.clip(values, 0, 65535).astype(np.uint32) >> 8).astype(np.uint8)
    return np.clip(values, 0, 255).astype(np.uint8)


def too_large(path: Path) -> ReifyError:
    """What is said of pictures that would take all memory."""
    return ReifyError(f"{path.name} says that it has more than {LARGEST_MEGAPIXELS} megapixels.", "Scale it down.")


def _with_alpha_channel(image: Image.Image, header: png.PngHeader | None) -> Image.Image:
    """The image in a mode with an alpha channel where it has transparency of any kind."""
    from PIL import Image

    if image.mode in ("PA", "RGBa"):
        return image.convert("RGBA")
    if image.mode == "La":
        return image.convert("LA")
    if image.mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if header is None or not header.transparent:
        # Outside of PNG, Pillow's own reading of a transparent color is right.
        keyed = "transparency" in image.info and image.mode in ("L", "RGB", "1")
        return image.convert("RGBA") if keyed else image
    base = _8_bit(image)
    alpha = np.where(_is_color(np.asarray(image), header), 0, 255).astype(np.uint8)
    base.putalpha(Image.fromarray(alpha))
    return base


def _is_color(pixels: Array, header: png.PngHeader) -> Array:
    """Which pixels [H,W] of a PNG, as Pillow has decoded them, have the color that is transparent."""
    samples, depth = np.array(header.transparent), header.depth
    if pixels.dtype == bool:
        return pixels == bool(samples[0])
    if header.color_type == png.GRAY:
        # Pillow spreads 2 and 4 bits over 8, and keeps 16.
        return pixels == (samples[0] if depth == 16 else samples[0] * 255 // (2**depth - 1))
    return (pixels == (samples >> 8 if depth == 16 else samples)).all(axis=2)  # of 16-bit colors it keeps the upper half


def _8_bit(image: Image.Image) -> Image.Image:
    """An image in one of the modes L, RGB, CMYK and LAB, without its alpha."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image, dtype=np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(bytes_of(np.asarray(image)))
    if image.mode in ("LA", "1"):
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("RGB")


def _shrunk(image: Image.Image, long_side_px: int) -> Image.Image:
    """The image averaged to a whole fraction of its size, at least twice `long_side_px`: what comes after needs less memory."""
    factor = max(image.size) // (2 * long_side_px) if long_side_px else 1
    return image.reduce(factor) if factor > 1 and image.mode in SHRINKABLE else image


def _color_space(image: Image.Image, path: Path, header: png.PngHeader | None) -> tuple[Any, Any] | None:
    """Primaries and transfer function where something but an ICC profile says that they aren't sRGB's."""
    if header is not None:
        return header.color_space
    if image.format in ("HEIF", "AVIF"):
        return _nclx(path)
    try:
        exif = image.getexif()
        adobe = exif.get_ifd(INTEROPERABILITY_IFD).get(INTEROPERABILITY_INDEX) == "R03" or exif.get_ifd(SUB_IFD).get(COLOR_SPACE) == 2
    except (OSError, ValueError, SyntaxError, TypeError, KeyError):
        return None
    return (color.ADOBE_RGB, color.ADOBE_RGB) if adobe else None


def _nclx(path: Path) -> tuple[int, int] | None:
    with path.open("rb") as stream:
        head = stream.read(HEADER_BYTES)
    at = head.find(b"colrnclx")
    if at < 0 or len(head) < at + 12:
        return None
    primaries, transfer = int.from_bytes(head[at + 8 : at + 10], "big"), int.from_bytes(head[at + 10 : at + 12], "big")
    return None if color.is_srgb(primaries, transfer) else (primaries, transfer)


def _of_tiff(pixels: Array, tags: dict[int, Any]) -> Array:
    """Pixels of a TIFF as bytes, with what its tags say about them obeyed."""
    from PIL import Image

    profile, photometric = tags.get(ICC_PROFILE), tags.get(PHOTOMETRIC)
    if photometric == SEPARATED and pixels.shape[2] == 4:
        return np.asarray(color.with_profile(Image.fromarray(bytes_of(pixels), "CMYK"), profile))
    extra = tags.get(EXTRA_SAMPLES, ())
    extra = extra if isinstance(extra, tuple) else (extra,)
    if pixels.shape[2] == 4 and pixels.dtype.kind == "u" and ASSOCIATED_ALPHA in extra:
        largest, alpha = np.iinfo(pixels.dtype).max, pixels[..., 3:].astype(np.float64)
        straight = np.divide(pixels[..., :3] * float(largest), alpha, out=np.zeros(pixels[..., :3].shape), where=alpha > 0)
        pixels = np.concatenate([np.clip(straight, 0, largest).astype(pixels.dtype), pixels[..., 3:]], axis=2)
    out = _with_byte_alpha(pixels)
    if photometric == MIN_IS_WHITE:
        out[..., :3] = 255 - out[..., :3]
    if profile and pixels.dtype.kind != "f":
        out[..., :3] = np.asarray(color.with_profile(Image.fromarray(np.ascontiguousarray(out[..., :3])), profile))
    return out


def _with_byte_alpha(pixels: Array) -> Array:
    rgb = bytes_of(pixels[..., :3])
    if pixels.shape[2] == 3:
        return rgb
    alpha = pixels[..., 3:]
    alpha = np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8) if alpha.dtype.kind == "f" else bytes_of(alpha)
    return np.concatenate([rgb, alpha], axis=2)


def _exr(path: Path) -> Any:
    try:
        import OpenEXR
    except ImportError:
        raise ReifyError(f"{path.name} needs the package OpenEXR, which isn't installed.", "Install the engine again.") from None
    with path.open("rb"):  # OpenEXR doesn't tell a missing file from a broken one
        pass
    with OpenEXR.File(str(path), header_only=True) as file:
        low, high = file.header()["dataWindow"]
    if np.prod(high.astype(np.float64) - low + 1) > LARGEST_MEGAPIXELS * 1e6:  # before a damaged header takes all memory
        raise too_large(path)
    return OpenEXR.File(str(path), separate_channels=True)
