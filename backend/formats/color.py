"""Color spaces to sRGB: ICC profiles, primaries and transfer functions by the code points of ISO/IEC 23091-2, HDR tone-mapped to SDR.

HDR is display-referred here: HLG is seen on a display of 1000 cd/m² (ITU-R BT.2100), and diffuse white, which lies at 203 cd/m²
(BT.2408), becomes sRGB's white. What is brighter keeps its hue and is clipped.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

import numpy as np

from ..values import Array

if TYPE_CHECKING:
    from PIL import Image

BT709, BT2020, DCI_P3, DISPLAY_P3, ADOBE_RGB = 1, 9, 11, 12, -1
D65 = (0.3127, 0.3290)
PRIMARIES = {  # x, y of red, green, blue and white
    BT709: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65),
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    DCI_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    DISPLAY_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    ADOBE_RGB: ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65),
}
LINEAR, PQ, HLG = 8, 16, 18
GAMMAS = {4: 2.2, 5: 2.8, ADOBE_RGB: 563 / 256}  # transfer functions that are powers
WHITE_NITS, HLG_PEAK_NITS, PQ_PEAK_NITS = 203.0, 1000.0, 10_000.0
HLG_SYSTEM_GAMMA = 1.2
LUMA_2020 = (0.2627, 0.6780, 0.0593)
STEPS = 65_535  # of linear light that sRGB is looked up from: in the dark, a twentieth of a level each
ROWS = 256  # at once, so that large pictures need little memory
Chromaticities = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


def srgb_of_linear(linear: Array) -> Array:
    """Linear colors to sRGB, 0 to 1 (IEC 61966-2-1); what is brighter than 1 is clipped."""
    clipped = np.clip(linear, 0.0, 1.0)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * np.power(clipped, 1 / 2.4) - 0.055)


def linear_of_srgb(srgb: Array) -> Array:
    """Inverse of `srgb_of_linear`."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.0) + 0.055) / 1.055) ** 2.4)


def is_srgb(primaries: int, transfer: int) -> bool:
    """Whether code points mean what sRGB pictures and SDR video are shown as: BT.709's primaries, or none or nearly these, without HDR."""
    return primaries not in PRIMARIES.keys() - {BT709} and transfer not in (LINEAR, PQ, HLG, *GAMMAS)


def to_srgb(codes: Array, primaries: int | Chromaticities, transfer: int | float) -> Array:
    """Color values [H,W,3], uint8 or uint16 over their full range, to sRGB [H,W,3] uint8.

    `primaries` and `transfer` are code points (unknown ones count as sRGB's), or chromaticities and an exponent.
    """
    largest = np.iinfo(codes.dtype).max
    decode = _decoding(transfer, largest)
    matrix = srgb_from(primaries).astype(np.float32)
    hlg_matrix = np.array(LUMA_2020, np.float32) if transfer == HLG else None
    out = np.empty(codes.shape, np.uint8)
    for top in range(0, len(codes), ROWS):
        linear = decode[codes[top : top + ROWS]]
        if hlg_matrix is not None:
            linear *= np.maximum(linear @ hlg_matrix, 1e-9)[..., None] ** (HLG_SYSTEM_GAMMA - 1.0) * np.float32(HLG_PEAK_NITS / WHITE_NITS)
        linear = linear @ matrix.T
        linear /= np.maximum(linear.max(axis=-1, keepdims=True), 1.0)
        out[top : top + ROWS] = _encoding()[np.clip(linear * STEPS + 0.5, 0, STEPS).astype(np.uint16)]
    return out


@functools.lru_cache(maxsize=64)
def srgb_from(primaries: int | Chromaticities) -> Array:
    """Matrix [3,3] from linear colors of these primaries to linear sRGB, white to white (Bradford)."""
    source = PRIMARIES.get(primaries, PRIMARIES[BT709]) if isinstance(primaries, int) else primaries
    if source == PRIMARIES[BT709]:
        return np.eye(3)
    return np.linalg.inv(_xyz_from(PRIMARIES[BT709])) @ _adapted(source[3], D65) @ _xyz_from(source)


def with_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An image without alpha, of a mode that ImageCms knows, as RGB in sRGB; a profile that is damaged or doesn't fit counts as none."""
    from PIL import ImageCms

    if image.mode == "LAB":
        changed = ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), _srgb_profile(), outputMode="RGB")
    else:
        transform = _transform(profile, image.mode) if profile else None
        changed = image.convert("RGB") if transform is None else ImageCms.applyTransform(image, transform)
    assert changed is not None  # which only changes in place are
    return changed


@functools.lru_cache(maxsize=8)  # the photos of a capture share one
def _transform(profile: bytes, mode: str):  # type: ignore[no-untyped-def]
    """What takes images of `mode` to sRGB; None where that changes nothing, or the profile isn't for them."""
    from PIL import Image, ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, _srgb_profile(), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if mode not in ("RGB", "L"):
        return transform
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 16, 3) if mode == "RGB" else levels[None]
    sample = Image.fromarray(cube)
    changed = np.asarray(ImageCms.applyTransform(sample, transform)).astype(int) - np.asarray(sample.convert("RGB"))
    return transform if np.abs(changed).max() > 1 else None


@functools.cache
def _srgb_profile():  # type: ignore[no-untyped-def]
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@functools.lru_cache(maxsize=8)
def _decoding(transfer: int | float, largest: int) -> Array:
    """Linear light [largest + 1] float32 of each code value, 1 is diffuse white; HLG's is the scene's, before its system gamma."""
    value = np.arange(largest + 1) / largest
    if transfer == PQ:  # SMPTE ST 2084
        root = value ** (1 / 78.84375)
        linear = (np.maximum(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125) * PQ_PEAK_NITS / WHITE_NITS
    elif transfer == HLG:  # BT.2100, inverse OETF
        linear = np.where(value <= 0.5, value**2 / 3.0, (np.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12.0)
    elif transfer == LINEAR:
        linear = value
    elif isinstance(transfer, float) or transfer in GAMMAS:
        linear = value ** (transfer if isinstance(transfer, float) else GAMMAS[transfer])
    else:
        linear = linear_of_srgb(value)
    return linear.astype(np.float32)


@functools.cache
def _encoding() -> Array:
    return np.rint(255 * srgb_of_linear(np.arange(STEPS + 1) / STEPS)).astype(np.uint8)


def _xyz_from(chromaticities: Chromaticities) -> Array:
    """Matrix [3,3] to CIE XYZ in which white has a luminance of 1."""
    columns = np.array([[x / y, 1.0, (1.0 - x - y) / y] for x, y in chromaticities[:3]]).T
    x, y = chromaticities[3]
    return columns * np.linalg.solve(columns, [x / y, 1.0, (1.0 - x - y) / y])


def _adapted(source: tuple[float, float], target: tuple[float, float]) -> Array:
    """XYZ seen under one white to what looks the same under another (Bradford, as ICC has it)."""
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    before, after = (cones @ [x / y, 1.0, (1.0 - x - y) / y] for x, y in (source, target))
    return np.linalg.inv(cones) @ np.diag(after / before) @ cones
