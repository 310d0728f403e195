"""Relief: the picture's brightness as height over a plate, free or framed, with a normal map of the detail finer than the mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import masks
from ..geometry.vectors import unit
from ..settings import option
from ..values import Array, Picture
from .inflation import InflateSettings, heights
from .progress import Progress, silent
from .projection import bled
from .sheet import STEPS_PX, Sheet, relaxed, sheet_for, sheet_of, spacing_for
from .solid import Solid, walled

MARGIN = 0.08  # half the plate's margin around a framed subject, by the subject's longest side


@dataclass(frozen=True)
class ReliefSettings:
    """What becomes high, and on which plate."""

    source: str = option(
        "luminance",
        "What becomes height",
        choices={
            "luminance": "Bright is high",
            "dark": "Dark is high",
            "shading": "Form from shading: slopes toward the light are bright",
        },
    )
    depth: float = option(8.0, "Height of the relief, of the larger of width and height", low=0.1, high=50.0, unit="%")
    roundness: float = option(0.5, "How much the outline's roundness counts against the picture's light and dark", low=0.0, high=1.0)
    smoothness: float = option(0.4, "Detail finer than this is left to the normal map, of the larger side", low=0.0, high=10.0, unit="%")
    plate: float = option(3.0, "Thickness of the plate behind the relief, of the larger side", low=0.2, high=50.0, unit="%")
    framed: bool = option(False, "Put the subject on a rectangular plate with a raised frame")
    light: float = option(
        135.0, "Where the light comes from, for shading: 90 is above, 180 is left", low=0.0, high=360.0, unit="°", advanced=True
    )


def relief(picture: Picture, subject: Array, faces: int, settings: ReliefSettings, progress: Progress = silent) -> tuple[Solid, Array]:
    """A closed plate over what `picture` covers, with the relief of `subject` [H,W]; and its normal map [H,W,3] uint8.

    The normal map is in tangent space, x right, y up, as OpenGL and Blender have it. Raises ValueError where nothing is covered.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    progress(0.0, "reading heights")
    side = float(masks.longest_side(picture.coverage > 0.5))
    depth, plate = settings.depth / 100.0 * side, settings.plate / 100.0 * side
    fine = (1.0 - settings.roundness) * depth * height_of(picture.srgb, subject, settings)
    spacing = spacing_for(picture.coverage, faces, plate)
    coarse = gaussian_filter(fine, max(settings.smoothness / 100.0 * side, 0.5 * spacing), mode="nearest")
    progress(0.3, "laying out the mesh")
    sheet = sheet_for(picture.coverage, faces, plate)
    x, y = sheet.xy_px.T
    height = map_coordinates(coarse, [y - 0.5, x - 0.5], order=1, mode="nearest")
    progress(0.6, "rounding")
    if settings.roundness:
        height += settings.roundness * depth * _roundness(subject, sheet, settings, spacing)
    if settings.framed:
        height = np.maximum(height, 0.5 * depth * _frame(sheet.xy_px, side))
    return walled(sheet, plate + height, np.zeros(len(height))), normal_map(fine - coarse)


def framed(picture: Picture) -> tuple[Picture, Array]:
    """The picture on a rectangular plate of a pale color of its own, and the coverage of the subject on it."""
    cut = masks.bounds(picture.coverage > 0.5)
    margin = max(3, round(2 * MARGIN * max(picture.coverage[cut].shape)))
    subject = np.pad(picture.coverage[cut], margin)
    mean = np.average(picture.srgb[cut].reshape(-1, 3), axis=0, weights=picture.coverage[cut].ravel() + 1e-9)
    pale = 0.35 * mean + 0.65 * 235.0
    srgb = np.pad(bled(picture.srgb[cut], picture.coverage[cut]), ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    mixed = pale + subject[..., None] * (srgb - pale)
    plate = np.zeros(subject.shape, np.float32)
    plate[1:-1, 1:-1] = 1.0
    return Picture(picture.name, np.clip(mixed + 0.5, 0, 255).astype(np.uint8), plate), subject


def height_of(srgb: Array, subject: Array, settings: ReliefSettings) -> Array:
    """Heights [H,W] from 0 to 1 by the picture's luminance or shading inside the subject; zero outside."""
    from scipy.ndimage import gaussian_filter

    weights = np.array([0.2126, 0.7152, 0.0722], np.float32)
    light = bled(srgb, subject).astype(np.float32) @ weights / 255.0
    inside = subject > 0.5
    if settings.source == "shading":
        light = from_shading(gaussian_filter(light, 1.0), np.radians(settings.light))
    elif settings.source == "dark":
        light = 1.0 - light
    low, high = np.percentile(light[inside], (1, 99)) if inside.any() else (0.0, 1.0)
    # Least range: the noise of an even picture isn't stretched to the full height.
    return np.clip((light - low) / max(float(high - low), 0.02), 0.0, 1.0) * subject


def from_shading(light: Array, toward_light: float) -> Array:
    """Height [H,W] whose slope toward the light is the brightness: linear shape from shading in the frequency domain (Pentland 1990).

    `light` [H,W] is mirrored at its borders; frequencies perpendicular to the light, which shading doesn't determine, are damped.
    """
    height, width = light.shape
    tiled = np.pad(light - light.mean(), ((height // 2, height // 2), (width // 2, width // 2)), mode="symmetric")
    fy, fx = np.fft.fftfreq(tiled.shape[0])[:, None], np.fft.rfftfreq(tiled.shape[1])[None, :]
    # Brightness is minus the derivative toward the light; the picture's y points down.
    derivative = -2j * np.pi * (fx * np.cos(toward_light) - fy * np.sin(toward_light))
    frequency = np.hypot(fx, fy)
    floor = (2.0 * np.pi * 0.35 * np.maximum(frequency, 1.0 / max(tiled.shape))) ** 2
    solved = np.fft.irfft2(np.fft.rfft2(tiled) * np.conj(derivative) / (np.abs(derivative) ** 2 + floor), s=tiled.shape)
    return solved[height // 2 : height // 2 + height, width // 2 : width // 2 + width]


def normal_map(height_px: Array) -> Array:
    """Tangent-space normals [H,W,3] uint8 of heights [H,W] in pixels."""
    down, right = np.gradient(height_px)
    normal = unit(np.stack([-right, down, np.ones_like(right)], axis=-1))
    return np.clip(np.round((normal * 0.5 + 0.5) * 255.0), 0, 255).astype(np.uint8)


def _roundness(subject: Array, sheet: Sheet, settings: ReliefSettings, spacing: float) -> Array:
    """The inflated subject's height at the vertices of the plate, 0 to 1."""
    from scipy.spatial import cKDTree

    if not settings.framed:
        round_height = heights(sheet, InflateSettings())
        return round_height / max(float(round_height.max()), 1e-9)
    inflated = relaxed(sheet_of(subject, 1.5 * spacing), contour_px=STEPS_PX)
    squared = heights(inflated, InflateSettings()) ** 2  # unlike the height itself nearly linear at the rim
    distance, nearest = cKDTree(inflated.xy_px).query(sheet.xy_px, k=min(4, len(inflated.xy_px)))
    weight = 1.0 / (distance + 1e-6 * spacing) ** 2
    mean = (weight * squared[nearest]).sum(axis=1) / weight.sum(axis=1)
    column, row = (np.clip(sheet.xy_px[:, i].astype(int), 0, subject.shape[1 - i] - 1) for i in (0, 1))
    return np.where(subject[row, column] > 0.5, np.sqrt(mean / max(float(squared.max()), 1e-9)), 0.0)


def _frame(xy_px: Array, side: float) -> Array:
    """Profile [V] of a raised frame along the plate's edge: 1 on it, 0 inside, with a slope between."""
    low, high = xy_px.min(axis=0), xy_px.max(axis=0)
    from_edge = np.minimum(xy_px - low, high - xy_px).min(axis=1)
    return np.clip(3.0 - from_edge / (0.02 * side), 0.0, 1.0)
