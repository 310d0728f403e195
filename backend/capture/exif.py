"""What a photo's EXIF says of the camera: focal length in pixels, and which device took it. Where it was taken isn't read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ReifyError
from ..formats import images

MAKE, MODEL, EXIF_IFD = 0x010F, 0x0110, 0x8769
FOCAL_LENGTH, FOCAL_LENGTH_35MM = 0x920A, 0xA405
FOCAL_PLANE_X_RESOLUTION, FOCAL_PLANE_UNIT, PIXEL_WIDTH = 0xA20E, 0xA210, 0xA002
LENS_MODEL = 0xA434
MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
DIAGONAL_35MM = 43.266615  # of 36 x 24 mm, which the equivalent focal length refers to (CIPA DCG-001)


def read_device(path: Path) -> tuple[float | None, str]:
    """Focal length in pixels of the full-size photo, None where unknown, and a name of the device and lens, "" where unknown."""
    try:
        with images.open_image(path) as image:
            exif = image.getexif()
            details = exif.get_ifd(EXIF_IFD)
            size = image.size
    except ReifyError:  # EXR and some TIFFs, which have no EXIF; or it is broken, and the picture may still be fine
        return None, ""
    words = [_text(exif.get(MAKE)), _text(exif.get(MODEL)), _text(details.get(LENS_MODEL))]
    if focal_mm := _number(details.get(FOCAL_LENGTH)):
        words.append(f"{focal_mm:g} mm")
    device = " ".join(word for word in words if word) if words[1] else ""
    return _focal_px(details, size), device


def _focal_px(details: dict[int, Any], size: tuple[int, int]) -> float | None:
    width, height = size
    diagonal = (width**2 + height**2) ** 0.5
    focal_px = 0.0
    if equivalent_mm := _number(details.get(FOCAL_LENGTH_35MM)):
        focal_px = equivalent_mm / DIAGONAL_35MM * diagonal
    elif (focal_mm := _number(details.get(FOCAL_LENGTH))) and (resolution := _number(details.get(FOCAL_PLANE_X_RESOLUTION))):
        px_per_mm = resolution / MM_PER_UNIT.get(int(_number(details.get(FOCAL_PLANE_UNIT)) or 2), 25.4)
        # The resolution holds for the size the camera wrote, not for a copy that was scaled down. That may also stand upright.
        written = _number(details.get(PIXEL_WIDTH)) or max(size)
        focal_px = focal_mm * px_per_mm * max(size) / max(written, 1.0)
    return focal_px if 0.2 < focal_px / max(size) < 20 else None


def _text(value: Any) -> str:
    return str(value).replace("\0", "").strip() if value else ""


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if 0 < number < 1e9 else 0.0
