"""Pictures of every kind to upright 8-bit sRGB, and back to PNG and JPEG.

Pillow reads most (`endings.PILLOW`), HEIC with pi_heif, tifffile the TIFFs of 16 and 32 bit that Pillow doesn't know, OpenEXR the
linear EXR files, LibRaw camera RAW, resvg SVG drawings. Pictures are straight (not premultiplied) and stand as EXIF orientation says;
`decoding` has what becomes of their bit depths, color spaces and transparency.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..reading import Within
from ..values import Array
from . import decoding, endings, raw, sniff, svg

if TYPE_CHECKING:
    from PIL import Image

# Quarter turns counter-clockwise that bring the stored pixels upright, by EXIF orientation; a mirrored one is mirrored first.
QUARTER_TURNS = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}
MIRRORED = (2, 4, 5, 7)
EXR_MAGIC = b"v/1\x01"


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
        if _is_exr(path):
            return _info_of(decoding.Stored(decoding.read_exr(path), 1, 1))
        try:
            with _open(path) as image:
                orientation = decoding.orientation_of(image)
                width, height = decoding.stored_size(image)
                if QUARTER_TURNS[orientation] % 2:
                    width, height = height, width
                has_alpha = decoding.lowest_alpha(image, path) < 255
                if not _looks_whole(path):
                    decoding.load(image, path)
        except (OSError, ValueError) as error:
            return _info_of(_read_tiff(path, error))
        return ImageInfo(width, height, orientation, has_alpha)


def read_image(path: Path, long_side_px: int = 0, turn: int | None = None) -> Array:
    """A picture, scaled down by averaging so that its longer side is at most `long_side_px` (0: full size); see `read_at_least`."""
    return resize(read_at_least(path, long_side_px, turn), long_side_px)


def read_at_least(path: Path, long_side_px: int = 0, turn: int | None = None) -> Array:
    """A picture as [H,W,3] or, where it has transparency, [H,W,4] uint8: sRGB, straight alpha, upright.

    A large one comes at a whole fraction of its size with at least `long_side_px` on its longer side (0: full size), and a large JPEG is
    never held in full. `turn` is an EXIF orientation to obey instead of the file's own. Raises ReifyError where the file can't be read.
    """
    with _explained(path):
        if _is_exr(path):
            stored = decoding.Stored(decoding.read_exr(path), 1, 1)
        else:
            try:
                with _open(path) as image:
                    stored = decoding.decoded(image, path, long_side_px)
            except (OSError, ValueError) as error:
                stored = _read_tiff(path, error)
    return _upright(stored, turn)


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

    if endings.has(path, endings.VECTORS):
        yield svg.open_svg(path)
        return
    if endings.has(path, endings.RAW):
        with raw.open_raw(path) as image:
            yield image
        return
    with Within(path) as stream, Image.open(stream) as image:
        if image.format == "PNG":  # whose EXIF may stand behind its pixels: asking for it decodes these
            decoding.require_memory(path, decoding.stored_bytes(image))
        yield image


@functools.cache
def _prepare_pillow() -> None:
    """Let large pictures through (Pillow refuses twice its limit of 89 megapixels, and telephones reach 200), and HEIC where it can be."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, decoding.LARGEST_MEGAPIXELS * 1_000_000 // 2)
    if reads_heif():
        import pi_heif

        pi_heif.register_heif_opener()


def reads_raw() -> bool:
    """True where the package is installed that reads camera RAW."""
    return importlib.util.find_spec("rawpy") is not None


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
        raise decoding.too_large(path) from None
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
    if kind in sniff.READ:
        return ReifyError(f"{path.name} is damaged or cut off (a {kind} file that can't be opened).", "Copy it again or remove it.")
    if kind:
        return ReifyError(f"{path.name} can't be read as a picture: it is a {kind}.", "Remove it or save it as JPEG or PNG.")
    return ReifyError(f"{path.name} isn't a picture, whatever its name says.", "Remove it or save it as JPEG or PNG.")


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


def _upright(stored: decoding.Stored, turn: int | None) -> Array:
    """Pixels turned as the file asks for, or by the orientation `turn` from how they are stored."""
    found = stored.pixels
    if turn is None:
        return _turned(found, stored.left)
    if stored.left != stored.orientation:  # Pillow has turned them already
        found = np.rot90(found, -QUARTER_TURNS[stored.orientation])
        found = found[:, ::-1] if stored.orientation in MIRRORED else found
    return _turned(found, turn)


def _turned(found: Array, orientation: int) -> Array:
    if orientation in MIRRORED:
        found = found[:, ::-1]
    return np.ascontiguousarray(np.rot90(found, QUARTER_TURNS[orientation]))


def _info_of(stored: decoding.Stored) -> ImageInfo:
    height, width, channels = stored.pixels.shape
    if QUARTER_TURNS[stored.left] % 2:
        width, height = height, width
    return ImageInfo(width, height, stored.orientation, bool(channels == 4 and stored.pixels[..., 3].min() < 255))


def _read_tiff(path: Path, error: Exception) -> decoding.Stored:
    """Second try for what Pillow has refused with `error`; it knows no TIFF of three 32-bit channels, for one."""
    if path.suffix.lower() not in (".tif", ".tiff") or isinstance(error, FileNotFoundError | PermissionError):
        raise error
    return decoding.read_tiff(path)


def _is_exr(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == EXR_MAGIC or path.suffix.lower() == ".exr"
