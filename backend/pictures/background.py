"""Plain backgrounds and paper: found along the picture's border, and removed with soft edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..values import Array
from . import outlines, paper
from .lab import lab_of
from .ruling import is_ruled, without_ruling

PLAIN_SHARE = 0.8  # of the border has to fit the background's color
NOISE_FLOOR = 3.0  # difference in CIELAB below which colors are the same
LARGEST_NOISE = 9.0
LARGEST_GRAIN = 14.0  # of paper, whose fibers are seen
HALO_PX, HALO_LIGHTNESS, VIVID = 8.0, 15.0, 12.0  # CIELAB: halos are about as light as the background, vivid subjects are not as gray
WHITE = 92.0  # lightness of white paper
SHADED = 50.0  # least lightness of paper under a lamp
COLORFUL = 40.0  # more is no paper, brown one neither
GRAINY = 0.2  # standard deviation of lightness: less is no photo
BLANK = 1e-3  # share of a sheet that a drawing has to cover at least
BRIGHTER = 6.0  # CIELAB, than paper, which is the brightest there is in a drawing
EDGELESS = 0.1  # share of an outline without a step: then the background's color runs on, only darker or lighter
SMALL = 0.03  # of the picture: what is enclosed and smaller is an eye rather than a handle


@dataclass(frozen=True, eq=False)
class _Removed:
    """A background, and what it is."""

    background: Array  # [H,W] bool
    why: str
    lab: Array  # [H,W,3] of the picture, without printed lines
    field: Array  # [H,W,3] the background's color
    filled: bool  # what it encloses belongs to the subject


def plain_background(srgb: Array, enclosed: str = "auto") -> tuple[Array | None, str]:
    """Coverage [H,W] float32 of what isn't background, and why; None and why not where the background is neither plain nor paper.

    A plain background is a smooth (quadratic) field of color, fitted to the border; where the light on paper varies more, it is followed
    inwards. What is like it and connected to the border is removed, printed lines and a table around a sheet as well; enclosed areas of
    its color are holes or not as `enclosed` says, and belong to the subject where "auto" takes the background for paper.
    """
    lab = lab_of(srgb)
    field, residual_border = _fitted(lab)
    fits = residual_border < LARGEST_NOISE
    frame = None
    found = None if fits.mean() < PLAIN_SHARE else _removed(srgb, lab, field, residual_border, fits, enclosed)
    on_paper = ""
    if found is None or not found.background.all():
        sheet = paper.sheet_in(srgb) if found is None else _sheet_that_is(found, srgb)
        on_sheet = None if sheet is None else _on_paper(srgb, lab, enclosed, sheet)
        # A rectangle with nothing on it is the subject itself.
        if on_sheet is not None and sheet is not None and (~on_sheet.background[sheet]).mean() > BLANK:
            found, frame, on_paper = on_sheet, sheet, "the table around the sheet and "
    if found is None:
        found = _on_paper(srgb, lab, enclosed, None)
    if found is None:
        return None, f"only {fits.mean():.0%} of the border has one color"
    if found.background.mean() > 0.9995:
        return np.zeros(srgb.shape[:2], np.float32), "the whole picture has the background's color"
    why = on_paper + found.why
    coverage = _soft(found.lab, found.field, found.background)
    if frame is not None:
        coverage[~frame] = 0.0
    return coverage, why + ("; areas of it inside the subject were kept" if found.filled else "")


def _removed(srgb: Array, lab: Array, field: Array, residual_border: Array, fits: Array, enclosed: str) -> _Removed:
    """The background by a field that was fitted to the border; where that doesn't follow the light, by paper's."""
    noise = max(NOISE_FLOOR, 3.0 * float(np.median(residual_border[fits])), float(np.percentile(residual_border[fits], 99)))
    background = _connected_to_the_border(np.linalg.norm(lab - field, axis=2) < noise)
    lightness, is_paper = float(np.median(field[..., 0])), _is_paper(lab, field, background)
    uneven = is_paper and lightness <= WHITE  # a photo of paper, with its grain
    if not background.all() and (uneven or outlines.without_an_edge(lab, background, noise) > EDGELESS or is_ruled(lab - field)):
        found = _on_paper(srgb, lab, enclosed, None)
        if found is not None:
            return found
    color = "white" if lightness > WHITE else "black" if lightness < 8 else "plain"
    background, filled = _with_holes(lab, field, background, noise, enclosed, is_paper, lightness > WHITE)
    why = f"the {color} background was removed, because {fits.mean():.0%} of the border has its color"
    return _Removed(background, why, lab, field, filled)


def _on_paper(srgb: Array, lab: Array, enclosed: str, frame: Array | None) -> _Removed | None:
    """The background that is paper, within `frame` [H,W] bool, as its light says; None where there is none."""
    light = paper.light_of(srgb, frame)
    if light is None:
        return None
    offset, lines = without_ruling(lab - light.field, frame)
    difference = np.linalg.norm(offset, axis=2)
    noise = float(np.clip(3.0 * np.median(difference[light.bare]), NOISE_FLOOR, LARGEST_GRAIN))
    like = outlines.without_grains(difference >= noise, difference, noise)
    background = _connected_to_the_border(~like if frame is None else ~like | ~frame)
    cleaned = light.field + offset
    sure = bool(lines) or frame is not None or float(np.median(light.field[..., 0][light.bare])) > WHITE
    background, filled = _with_holes(cleaned, light.field, background, noise, enclosed, True, sure)
    span = np.ptp(light.field[..., 0][light.bare])
    why = f"the paper was removed, whose lightness differs by {span:.0f}" + (f", with {lines} printed lines" if lines else "")
    return _Removed(background, why, cleaned, light.field, filled)


def _with_holes(
    lab: Array, field: Array, background: Array, noise: float, enclosed: str, is_paper: bool, is_sure: bool
) -> tuple[Array, bool]:
    """The background with the areas of its color that the subject encloses, as far as these are holes, and whether some were filled.

    On paper, outlines are filled, where they have small gaps too. `is_sure` says that it is paper; where it only may be, large areas
    within thick shapes are holes.
    """
    if is_paper and enclosed != "holes":
        background = outlines.closed(background)
    if enclosed == "filled" or (enclosed == "auto" and is_paper and is_sure):
        return background, True
    inside = _enclosed(np.linalg.norm(lab - field, axis=2) < noise, background)
    if enclosed == "auto" and is_paper:
        inside = outlines.thickly_enclosed(inside, background, SMALL)
    return background | inside, enclosed == "auto" and is_paper


def _is_paper(lab: Array, field: Array, background: Array) -> bool:
    """Whether a background may be paper: white, or light, with grain as photos have it, and the brightest there is."""
    lightness = float(np.median(field[..., 0]))
    if lightness > WHITE:
        return True
    if lightness < SHADED or float(np.linalg.norm(np.median(field[..., 1:], axis=(0, 1)))) > COLORFUL:
        return False
    flat = lab[..., 0][background]
    grain = float(np.std(np.diff(flat[: len(flat) // 2 * 2].reshape(-1, 2), axis=1))) / 2**0.5
    return grain > GRAINY and float((lab[..., 0] > field[..., 0] + BRIGHTER)[~background].mean()) < 0.02


def _sheet_that_is(found: _Removed, srgb: Array) -> Array | None:
    """The sheet of paper that was taken for the subject, since a plain table lies around it; None where it is none."""
    small = paper.resized(srgb)
    sheet = paper.sheet_of(paper.resampled(~found.background, small.shape), small)
    return None if sheet is None else paper.resampled(sheet, srgb.shape)


def _fitted(lab: Array) -> tuple[Array, Array]:
    """Quadratic field [H,W,3] of the border's colors, robustly, and the border's differences from it."""
    height, width = lab.shape[:2]
    y, x = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    depth = max(1, min(height, width) // 100)
    on_border = np.zeros((height, width), bool)
    on_border[:depth], on_border[-depth:], on_border[:, :depth], on_border[:, -depth:] = True, True, True, True
    rows, columns = np.nonzero(on_border)
    colors = lab[rows, columns]
    terms = _terms(x[columns], y[rows])
    center = np.median(colors, axis=0)
    near = np.linalg.norm(colors - center, axis=1) < 25.0  # the subject may touch the border
    if near.mean() < PLAIN_SHARE:
        return np.broadcast_to(center, lab.shape), np.linalg.norm(colors - center, axis=1)
    for _ in range(3):
        solution = np.linalg.lstsq(terms[near], colors[near], rcond=None)[0]
        residual = np.linalg.norm(colors - terms @ solution, axis=1)
        near = residual < max(NOISE_FLOOR, 3.0 * float(np.median(residual)))
    field = (_terms(np.broadcast_to(x, (height, width)), np.broadcast_to(y[:, None], (height, width))) @ solution).astype(np.float32)
    return field, residual


def _terms(x: Array, y: Array) -> Array:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _connected_to_the_border(like: Array) -> Array:
    from scipy.ndimage import label

    labels, count = label(like)
    touching = np.zeros(count + 1, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touching[side] = True
    touching[0] = False
    return touching[labels]


def _enclosed(like: Array, background: Array) -> Array:
    """Areas of the background's color inside the subject that are large enough to be meant."""
    from scipy.ndimage import label

    labels, _ = label(like & ~background)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (sizes > 5e-4 * (~background).sum())[labels]


def _soft(lab: Array, field: Array, background: Array) -> Array:
    """Coverage with soft edges: the share of the subject's color in each pixel of a thin band around the outline."""
    from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt

    band = binary_dilation(background, iterations=2) & binary_dilation(~background, iterations=1)
    sure = binary_erosion(~background, iterations=3, border_value=1)
    coverage = (~background).astype(np.float32)
    if not sure.any():
        return coverage
    rows, columns = distance_transform_edt(~sure, return_distances=False, return_indices=True)
    rows, columns = rows[band], columns[band]
    subject = lab[rows, columns] - field[band]
    share = ((lab[band] - field[band]) * subject).sum(axis=1) / np.maximum((subject**2).sum(axis=1), 1.0)
    # Thin parts have no sure pixel near: there the nearest color says nothing.
    y, x = np.nonzero(band)
    near = np.hypot(y - rows, x - columns) < 8
    values = coverage[band]
    values[near] = np.clip(share, 0.0, 1.0)[near]
    coverage[band] = values
    return np.minimum(coverage, _without_halo(lab, field, background))


def _without_halo(lab: Array, field: Array, background: Array) -> Array:
    """Coverage by hue alone, along edges where the background has a shadow or a halo: it is as colorless as the background there."""
    from scipy.ndimage import distance_transform_edt

    depth, (rows, columns) = distance_transform_edt(~background, return_indices=True)
    band = (depth > 0) & (depth <= HALO_PX) & (np.abs(lab[..., 0] - field[..., 0]) < HALO_LIGHTNESS)
    coverage = np.ones(background.shape, np.float32)
    y, x = np.nonzero(band)
    # The subject's own hue: as far inside again, straight away from the background.
    toward = np.stack([y - rows[band], x - columns[band]]) / np.maximum(depth[band], 1e-9)
    inside = np.round(np.stack([rows[band], columns[band]]) + (HALO_PX + 2.0) * toward).astype(int)
    inside = np.clip(inside, 0, np.array(background.shape)[:, None] - 1)
    hue = lab[inside[0], inside[1], 1:] - field[band][:, 1:]
    vivid = (np.linalg.norm(hue, axis=1) > VIVID) & ~background[inside[0], inside[1]]
    share = ((lab[band][:, 1:] - field[band][:, 1:]) * hue).sum(axis=1) / np.maximum((hue**2).sum(axis=1), 1.0)
    coverage[y[vivid], x[vivid]] = np.clip(1.5 * share[vivid], 0.0, 1.0)
    return coverage
