"""Pictures of every kind to upright 8-bit sRGB, and back to PNG and JPEG.

Pillow reads most (`endings.PILLOW`), HEIC with pi_heif, tifffile the TIFFs of 16 and 32 bit that Pillow doesn't know, OpenEXR the
linear EXR files. Pictures are straight (not premultiplied) and stand as EXIF orientation says.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..values import Array
from . import sniff

if TYPE_CHECKING:
    from PIL import Image

LARGEST_MEGAPIXELS = 500
ORIENTATION_TAG = 0x0112
# Quarter turns counter-clockwise that bring the stored pixels upright, by EXIF orientation; a mirrored one is mirrored first.
QUARTER_TURNS = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}
MIRRORED = (2, 4, 5, 7)


@dataclass(frozen=True)
class ImageInfo:
    """What a picture's header says."""

    width: int  # pixels, upright
    height: int
    orientation: int  # EXIF's, 1 to 8; how the stored pixels have to be turned
    has_alpha: bool  # some pixel isn't opaque


def probe(path: Path) -> ImageInfo:
    """Size and orientation of a picture, after a check that it can be read to its end; raises ReifyError with the reason.

    A file whose end looks right isn't decoded: that takes a millisecond instead of a tenth of a second.
    """
    with _explained(path):
        if path.suffix.lower() == ".exr":
            return _info_of(_read_exr(path))
        try:
            with _open(path) as image:
                orientation = _orientation(image)
                width, height = image.size if QUARTER_TURNS[orientation] % 2 == 0 else image.size[::-1]
                lowest_alpha = _lowest_alpha(image) if _has_alpha(image) else 255
                if not _looks_whole(path):
                    image.load()
        except (OSError, ValueError) as error:
            return _info_of(_read_tiff(path, error))
        return ImageInfo(width, height, orientation, bool(lowest_alpha < 255))


def read_image(path: Path, long_side_px: int = 0, turn: int | None = None) -> Array:
    """A picture as [H,W,3] or, where it has transparency, [H,W,4] uint8: sRGB, straight alpha, upright.

    It is scaled down by averaging so that its longer side is at most `long_side_px` (0: full size), without ever holding a large
    JPEG in full. `turn` is an EXIF orientation to obey instead of the file's own. Raises ReifyError where the file can't be read.
    """
    with _explained(path):
        if path.suffix.lower() == ".exr":
            return resize(_turned(_read_exr(path), turn or 1), long_side_px)
        try:
            with _open(path) as image:
                if long_side_px:
                    image.draft("RGB", (long_side_px, long_side_px))  # JPEG: decode at 1/2, 1/4 or 1/8
                orientation = turn or _orientation(image)
                pixels = np.asarray(_to_8_bit(_shrunk(image, long_side_px)))
        except (OSError, ValueError) as error:
            pixels, orientation = _read_tiff(path, error), turn or 1
    return resize(_turned(pixels, orientation), long_side_px)


def resize(pixels: Array, long_side_px: int) -> Array:
    """[H,W], [H,W,3] or [H,W,4] uint8, averaged down so that the longer side is at most `long_side_px`; 0 and smaller ones stay."""
    height, width = pixels.shape[:2]
    if not long_side_px or max(height, width) <= long_side_px:
        return pixels
    return resize_to(pixels, scaled_size(width, height, long_side_px))


def scaled_size(width: int, height: int, long_side_px: int) -> tuple[int, int]:
    """The size that a picture gets under the limit `long_side_px`; 0 is no limit."""
    if not long_side_px or max(width, height) <= long_side_px:
        return width, height
    scale = long_side_px / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def resize_to(pixels: Array, size_px: tuple[int, int]) -> Array:
    """Pixels at another size (width, height), each an average of those it covers; transparent ones give no color."""
    from PIL import Image

    if pixels.shape[1::-1] == tuple(size_px):
        return pixels
    # Hamming is as sharp as a bicubic and, like a box, doesn't ring. Pillow weights RGBA by alpha.
    return np.asarray(Image.fromarray(pixels).resize(size_px, Image.Resampling.HAMMING))


def write_png(path: Path, pixels: Array) -> None:
    """Write [H,W], [H,W,3] or [H,W,4] uint8; raises ReifyError where the disk refuses."""
    from PIL import Image

    with writing(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG", compress_level=4)


def write_jpeg(path: Path, pixels: Array, quality: int = 95) -> None:
    """Write [H,W] or [H,W,3] uint8 without subsampling the colors; raises ReifyError where the disk refuses."""
    from PIL import Image

    with writing(path) as partial:
        Image.fromarray(pixels).save(partial, format="JPEG", quality=quality, subsampling=0)


def srgb_of_linear(linear: Array) -> Array:
    """Linear colors to sRGB, 0 to 1 (IEC 61966-2-1); what is brighter than 1 is clipped."""
    clipped = np.clip(linear, 0.0, 1.0)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * np.power(clipped, 1 / 2.4) - 0.055)


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """Pillow's image of a file, for its header; pictures of up to 500 megapixels are let through. Raises ReifyError."""
    with _explained(path), _open(path) as image:
        yield image


def reads_heif() -> bool:
    """True where the package is installed that reads HEIC pictures."""
    return importlib.util.find_spec("pi_heif") is not None


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    _prepare_pillow()
    from PIL import Image

    with Image.open(path) as image:
        yield image


@functools.cache
def _prepare_pillow() -> None:
    """Let large pictures through (Pillow refuses twice its limit of 89 megapixels, and telephones reach 200), and HEIC where it can be."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, LARGEST_MEGAPIXELS * 1_000_000 // 2)
    if reads_heif():
        import pi_heif

        pi_heif.register_heif_opener()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    from PIL import UnidentifiedImageError
    from PIL.Image import DecompressionBombError

    try:
        yield
    except FileNotFoundError:
        raise ReifyError(f"{path} doesn't exist.", "Check the path.") from None
    except PermissionError:
        raise ReifyError(f"There is no permission to read {path}.", "Change the file's permissions.") from None
    except UnidentifiedImageError:
        raise _unidentified(path) from None
    except DecompressionBombError:
        raise _too_large(path) from None
    except (ReifyError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files: SyntaxError, struct.error, KeyError …
        raise ReifyError(f"{path.name} is damaged or cut off ({error}).", "Copy it again or remove it.") from error


def _unidentified(path: Path) -> ReifyError:
    kind = sniff.kind_of(path)
    if kind == "HEIC" and not reads_heif():
        return ReifyError(
            f"{path.name} is a HEIC picture, which needs the package pi_heif.", "Install the engine again, or save it as JPEG."
        )
    if kind:
        return ReifyError(f"{path.name} can't be read as a picture: it is a {kind}.", "Remove it or save it as JPEG or PNG.")
    return ReifyError(f"{path.name} isn't a picture, whatever its name says.", "Remove it or save it as JPEG or PNG.")


def _too_large(path: Path) -> ReifyError:
    return ReifyError(f"{path.name} says that it has more than {LARGEST_MEGAPIXELS} megapixels.", "Scale it down.")


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ORIENTATION_TAG, 1)
    except (OSError, ValueError, SyntaxError, TypeError):  # broken EXIF in a picture that is fine
        return 1
    return orientation if orientation in QUARTER_TURNS else 1


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _lowest_alpha(image: Image.Image) -> int:
    alpha = (image if image.mode in ("RGBA", "LA") else image.convert("RGBA")).getchannel("A")
    return int(np.asarray(alpha).min())


def _shrunk(image: Image.Image, long_side_px: int) -> Image.Image:
    """The image averaged to a whole fraction of its size, at least twice `long_side_px`: what comes after needs less memory."""
    factor = max(image.size) // (2 * long_side_px) if long_side_px else 1
    return image.reduce(factor) if factor > 1 and image.mode in ("RGB", "L", "RGBA") else image


def _to_8_bit(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image, dtype=np.uint16) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        return Image.fromarray(_bytes_of(np.asarray(image))).convert("RGB")
    return image.convert("RGBA" if _has_alpha(image) else "RGB")  # CMYK, palettes, gray, YCbCr, LAB


def _bytes_of(values: Array) -> Array:
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "f":  # floating-point pictures are linear
        return np.rint(srgb_of_linear(np.nan_to_num(values)) * 255).astype(np.uint8)
    if values.dtype == np.uint16 or values.max(initial=0) > 255:
        return (np.clip(values, 0, 65535).astype(np.uint32) >> 8).astype(np.uint8)
    return np.clip(values, 0, 255).astype(np.uint8)


def _turned(pixels: Array, orientation: int) -> Array:
    if orientation in MIRRORED:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(np.rot90(pixels, QUARTER_TURNS[orientation]))


def _looks_whole(path: Path) -> bool:
    check = {b"\xff\xd8": _ends_as_jpeg, b"\x89P": _ends_as_png}
    with path.open("rb") as stream:
        first = stream.read(2)
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - 12))
        return check.get(first, lambda tail: False)(stream.read())


def _ends_as_jpeg(tail: bytes) -> bool:
    return tail.rstrip(b"\0").endswith(b"\xff\xd9")


def _ends_as_png(tail: bytes) -> bool:
    return b"IEND" in tail


def _info_of(pixels: Array) -> ImageInfo:
    height, width, channels = pixels.shape
    return ImageInfo(width, height, 1, bool(channels == 4 and pixels[..., 3].min() < 255))


def _read_tiff(path: Path, error: Exception) -> Array:
    """Second try for what Pillow has refused with `error`; it knows no TIFF of three 32-bit channels, for one."""
    if path.suffix.lower() not in (".tif", ".tiff") or isinstance(error, FileNotFoundError | PermissionError):
        raise error
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        if page.size > 4 * LARGEST_MEGAPIXELS * 1e6:
            raise _too_large(path)
        pixels = np.asarray(page.asarray())
    if pixels.ndim == 3 and pixels.shape[0] in (3, 4) and pixels.shape[2] not in (3, 4):
        pixels = np.moveaxis(pixels, 0, 2)  # planes one after another
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise OSError(f"its shape is {pixels.shape}")
    return _with_byte_alpha(pixels)


def _with_byte_alpha(pixels: Array) -> Array:
    rgb = _bytes_of(pixels[..., :3])
    if pixels.shape[2] == 3:
        return rgb
    alpha = pixels[..., 3:]
    alpha = np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8) if alpha.dtype.kind == "f" else _bytes_of(alpha)
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
        raise _too_large(path)
    return OpenEXR.File(str(path), separate_channels=True)


def _read_exr(path: Path) -> Array:
    with _exr(path) as file:
        found = {name: np.asarray(channel.pixels, dtype=np.float32) for name, channel in file.channels().items()}
    # A layer's name may stand before the channel's: "ViewLayer.Combined.R".
    by_letter = {name.rpartition(".")[2]: pixels for name, pixels in reversed(found.items())}
    letters = "RGB" if {"R", "G", "B"} <= set(by_letter) else "YYY"
    if letters[0] not in by_letter:
        raise OSError("it has no color channels")
    rgb, alpha = np.stack([by_letter[letter] for letter in letters], axis=2), by_letter.get("A")
    if alpha is None:
        return _bytes_of(rgb)
    # EXR holds premultiplied colors.
    straight = np.divide(rgb, alpha[..., None], out=rgb.copy(), where=alpha[..., None] > 0)
    return _with_byte_alpha(np.concatenate([straight, alpha[..., None]], axis=2))
