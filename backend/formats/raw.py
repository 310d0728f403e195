"""Camera RAW by LibRaw: the preview that the camera itself developed, as large as the photo, or else developed here."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ReifyError
from .decoding import require_memory

if TYPE_CHECKING:
    from PIL import Image

LARGE_ENOUGH = 0.9  # of the photo's longer side: smaller previews aren't used
DEVELOPING_BYTES = 16  # a pixel: four channels of 16 bits, and the colors twice
ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}  # EXIF's by LibRaw's `flip`


def open_raw(path: Path) -> Image.Image:
    """A RAW photo as Pillow's image, with the EXIF of its file; its pixels stand as they are stored.

    Raises ReifyError where the package rawpy is missing, and OSError where the file is damaged or of an unknown camera.
    """
    try:
        import rawpy
    except ImportError:
        what = f"{path.name} is a camera RAW file, which needs the package rawpy."
        raise ReifyError(what, "Install the engine again, or save it as JPEG.") from None
    from PIL import Image

    try:
        with rawpy.imread(str(path)) as raw:
            sizes = raw.sizes
            image = _preview(raw, max(sizes.width, sizes.height))
            if image is None:
                require_memory(path, sizes.width * sizes.height * DEVELOPING_BYTES)
                image = Image.fromarray(raw.postprocess(use_camera_wb=True, user_flip=0))
    except rawpy.LibRawError as error:
        raise OSError(str(error)) from error
    exif = image.getexif()
    if not exif:
        _fill_in(exif, path)
    exif[0x0112] = ORIENTATIONS.get(sizes.flip, 1)
    return image


def _preview(raw, long_side_px: int) -> Image.Image | None:  # type: ignore[no-untyped-def]
    import rawpy
    from PIL import Image

    try:
        found = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return None
    image = Image.open(io.BytesIO(found.data)) if found.format == rawpy.ThumbFormat.JPEG else Image.fromarray(found.data)
    return image if max(image.size) >= LARGE_ENOUGH * long_side_px else None


def _fill_in(exif: Image.Exif, path: Path) -> None:
    """What the file says of its camera, where it is a TIFF as most RAW files are."""
    with path.open("rb") as stream:
        head = stream.read(1 << 20)
    if head[:4] in (b"II*\0", b"MM\0*"):
        exif.load(b"Exif\0\0" + head)
