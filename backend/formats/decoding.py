"""Stored pixels of any bit depth, color space and transparency to 8-bit sRGB with straight alpha, not yet turned upright."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import device
from ..errors import ReifyError
from ..reading import Within
from ..values import Array
from . import color, png

if TYPE_CHECKING:
    from PIL import Image

LARGEST_MEGAPIXELS = 500
MEMORY_SHARE = 0.5  # of the free memory that reading one picture may take
STRIP_PIXELS = 1 << 22  # that are converted at once
BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}  # of Pillow's modes; the others have 4
COPIES = {"WEBP": 3, "AVIF": 3, "HEIF": 3, "JPEG2000": 4, "TIFF": 2, "GIF": 2}  # that decoders hold at once, in Pillow's size
PROGRESSIVE_BYTES = 6  # a pixel, of the coefficients of a JPEG in several scans, whatever size it is decoded at
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
    load(image, path, long_side_px)
    left = orientation_of(image)
    factor = max(1, max(image.size) // (2 * long_side_px)) if long_side_px else 1
    largest = int(np.max(image.getextrema())) if image.mode == "I" else 0

    def converted(strip: Image.Image) -> Array:
        plain = _with_alpha_channel(strip, header)
        plain = plain.reduce(factor) if factor > 1 and plain.mode in SHRINKABLE else plain
        alpha = np.asarray(plain.getchannel("A")) if plain.mode in ("RGBA", "LA") else None
        rgb = np.asarray(color.with_profile(_8_bit(plain, largest), profile))
        if not profile and space is not None:
            rgb = color.to_srgb(rgb, *space)
        return rgb if alpha is None else np.dstack([rgb, alpha])

    width, height = image.size
    if width * height <= STRIP_PIXELS:
        return Stored(converted(image), orientation, left)
    step = max(1, STRIP_PIXELS // (width * factor)) * factor  # whole blocks of those that are averaged
    return Stored(_in_strips(lambda top, bottom: converted(image.crop((0, top, width, bottom))), height, step), orientation, left)


def load(image: Image.Image, path: Path, long_side_px: int = 0) -> None:
    """Decode Pillow's image, a JPEG at 1/2, 1/4 or 1/8 where `long_side_px` allows; raises ReifyError where that takes too much memory."""
    in_full = image.width * image.height
    if long_side_px:
        image.draft("RGB", (long_side_px, long_side_px))
    pixels = image.width * image.height
    need = stored_bytes(image) + (in_full * PROGRESSIVE_BYTES if image.info.get("progressive") else 0)
    factor = max(1, max(image.size) // (2 * long_side_px)) if long_side_px else 1
    require_memory(path, need + 2 * 4 * pixels // factor**2)
    image.load()


def stored_bytes(image: Image.Image) -> int:
    """Bytes that Pillow and its decoder hold of an image once it is decoded."""
    return image.width * image.height * BYTES_A_PIXEL.get(image.mode, 4) * COPIES.get(image.format or "", 1)


def require_memory(path: Path, needed: int) -> None:
    """Raise ReifyError where reading a picture would take more than its share of the memory: before a small file fills it all."""
    room = int(MEMORY_SHARE * device.free_memory())
    if needed > room:
        what = f"{path.name} would take {needed / 2**30:.1f} GB of memory, and {room / 2**30:.1f} GB can be given to a picture."
        raise ReifyError(what, "Scale it down, or close other programs.")


def _in_strips(converted: Callable[[int, int], Array], height: int, step: int) -> Array:
    """The rows that `converted(top, bottom)` gives for strips of `step` rows, one below the other."""
    first = converted(0, min(step, height))
    rows = len(first) * (height // step) + (len(first) * (height % step) + step - 1) // step if height > step else len(first)
    out = np.empty((rows, *first.shape[1:]), first.dtype)
    out[: len(first)] = first
    at = len(first)
    for top in range(step, height, step):
        strip = converted(top, min(top + step, height))
        out[at : at + len(strip)] = strip
        at += len(strip)
    return out


def lowest_alpha(image: Image.Image, path: Path) -> int:
    """The least alpha of all pixels, 255 where there is no transparency."""
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        header = png.read_header(path) if image.format == "PNG" else None
        load(image, path)
        step = max(1, STRIP_PIXELS // image.width)
        strips = (image.crop((0, top, image.width, min(top + step, image.height))) for top in range(0, image.height, step))
        return min(int(np.min(_with_alpha_channel(strip, header).getchannel("A").getextrema())) for strip in strips)
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

    with Within(path) as stream, tifffile.TiffFile(stream) as file:
        page: Any = max(file.pages[:64], key=lambda one: one.size)  # a first page may be a thumbnail
        if page.size > 4 * LARGEST_MEGAPIXELS * 1e6:
            raise too_large(path)
        require_memory(path, int(page.size) * (2 * page.dtype.itemsize + 4))
        pixels = np.asarray(page.asarray())
        tags = {tag.code: tag.value for tag in page.tags.values()}
    if pixels.ndim == 3 and pixels.shape[0] in (3, 4) and pixels.shape[2] not in (3, 4):
        pixels = np.moveaxis(pixels, 0, 2)  # planes one after another
    if pixels.ndim == 2:
        pixels = np.broadcast_to(pixels[..., None], (*pixels.shape, 3))
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise OSError(f"its shape is {pixels.shape}")
    orientation = tags.get(ORIENTATION_TAG, 1)
    orientation = orientation if orientation in range(1, 9) else 1
    largest = int(pixels.max(initial=0)) if pixels.dtype.kind in "iu" else 0
    step = max(1, STRIP_PIXELS // pixels.shape[1])
    return Stored(_in_strips(lambda top, bottom: _of_tiff(pixels[top:bottom], tags, largest), len(pixels), step), orientation, orientation)


def read_exr(path: Path) -> Array:
    """An EXR file's colors, which are linear and premultiplied there, [H,W,3 or 4] uint8 sRGB; raises OSError where it has none."""
    with open_exr(path) as file:
        found = {name: np.asarray(channel.pixels) for name, channel in file.channels().items()}
        primaries = file.header().get("chromaticities")
    # A layer's name may stand before the channel's: "ViewLayer.Combined.R".
    by_letter = {name.rpartition(".")[2]: pixels for name, pixels in reversed(found.items())}
    letters = "RGB" if {"R", "G", "B"} <= set(by_letter) else "YYY"
    if letters[0] not in by_letter:
        raise OSError("it has no color channels")
    planes = [by_letter[letter] for letter in (*letters, *(["A"] if "A" in by_letter else []))]
    if len({plane.shape for plane in planes}) > 1:  # sampled at other places
        raise OSError("its channels differ in size")
    turn = None
    if primaries is not None and letters == "RGB" and len(primaries) == 8:
        said = tuple(tuple(float(value) for value in pair) for pair in np.reshape(primaries, (4, 2)))
        turn = color.srgb_from(said).astype(np.float32).T if all(y > 0 for _, y in said) else None  # type: ignore[arg-type]

    def converted(top: int, bottom: int) -> Array:
        values = np.stack([plane[top:bottom] for plane in planes], axis=2).astype(np.float32)
        rgb, alpha = values[..., :3] if turn is None else values[..., :3] @ turn, values[..., 3:]
        if alpha.shape[2] == 0:
            return bytes_of(rgb)
        straight = np.divide(rgb, alpha, out=rgb.copy(), where=alpha > 0)
        return _with_byte_alpha(np.concatenate([straight, alpha], axis=2))

    height, width = planes[0].shape
    return _in_strips(converted, height, max(1, STRIP_PIXELS // width))


def bytes_of(values: Array, largest: int = 0) -> Array:
    """Values of any type as uint8; floats are linear light, integers of more than 8 bits fill 16.

    `largest` is the largest of all pixels where these are only some of them.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "f":
        return np.rint(color.srgb_of_linear(np.nan_to_num(values)) * 255).astype(np.uint8)
    if values.dtype == np.uint16 or values.max(initial=largest) > 255:
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


def _8_bit(image: Image.Image, largest: int = 0) -> Image.Image:
    """An image in one of the modes L, RGB, CMYK and LAB, without its alpha; `largest` as in `bytes_of`."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image, dtype=np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(bytes_of(np.asarray(image), largest))
    if image.mode in ("LA", "1"):
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("RGB")


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


def _of_tiff(pixels: Array, tags: dict[int, Any], largest: int) -> Array:
    """Pixels of a TIFF as bytes, with what its tags say about them obeyed; `largest` as in `bytes_of`."""
    from PIL import Image

    profile, photometric = tags.get(ICC_PROFILE), tags.get(PHOTOMETRIC)
    if photometric == SEPARATED and pixels.shape[2] == 4:
        return np.asarray(color.with_profile(Image.fromarray(bytes_of(pixels, largest), "CMYK"), profile))
    extra = tags.get(EXTRA_SAMPLES, ())
    extra = extra if isinstance(extra, tuple) else (extra,)
    if pixels.shape[2] == 4 and pixels.dtype.kind == "u" and ASSOCIATED_ALPHA in extra:
        largest, alpha = np.iinfo(pixels.dtype).max, pixels[..., 3:].astype(np.float64)
        straight = np.divide(pixels[..., :3] * float(largest), alpha, out=np.zeros(pixels[..., :3].shape), where=alpha > 0)
        pixels = np.concatenate([np.clip(straight, 0, largest).astype(pixels.dtype), pixels[..., 3:]], axis=2)
    out = _with_byte_alpha(pixels, largest)
    if photometric == MIN_IS_WHITE:
        out[..., :3] = 255 - out[..., :3]
    if profile and pixels.dtype.kind != "f":
        out[..., :3] = np.asarray(color.with_profile(Image.fromarray(np.ascontiguousarray(out[..., :3])), profile))
    return out


def _with_byte_alpha(pixels: Array, largest: int = 0) -> Array:
    rgb = bytes_of(pixels[..., :3], largest)
    if pixels.shape[2] == 3:
        return rgb
    alpha = pixels[..., 3:]
    alpha = np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8) if alpha.dtype.kind == "f" else bytes_of(alpha, largest)
    return np.concatenate([rgb, alpha], axis=2)


def exr_library(path: Path) -> Any:
    """The package that reads and writes EXR files; raises ReifyError where it isn't installed."""
    try:
        import OpenEXR
    except ImportError:
        raise ReifyError(f"{path.name} needs the package OpenEXR, which isn't installed.", "Install the engine again.") from None
    return OpenEXR


def open_exr(path: Path) -> Any:
    """An EXR file, decoded; raises ReifyError where it would take too much memory, and whatever OpenEXR raises."""
    OpenEXR = exr_library(path)
    with path.open("rb"):  # OpenEXR doesn't tell a missing file from a broken one
        pass
    with OpenEXR.File(str(path), header_only=True) as file:
        low, high = file.header()["dataWindow"]
        channels = len(file.header()["channels"])
    sides = high.astype(np.float64) - low + 1
    if (sides < 1).any():
        raise OSError("it has no proper size")
    if sides.prod() > LARGEST_MEGAPIXELS * 1e6:  # before a damaged header takes all memory
        raise too_large(path)
    require_memory(path, int(sides.prod()) * 4 * (channels + 2))
    return OpenEXR.File(str(path), separate_channels=True)
