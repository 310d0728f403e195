"""Cutting the subject out of its picture: by alpha, by a plain background, or by GrabCut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..formats.images import resize
from ..jobs.job import Job
from ..settings import option
from ..values import Array, Picture
from .background import plain_background
from .box import box_of, sides_of
from .evidence import evidence_of
from .read import read_parts, read_picture
from .transparency import solid_alpha

MANY_PARTS = 200
READ, FOUND = 0.3, 0.9  # fractions of cutting out, once the picture is read and the subject is found


@dataclass(frozen=True)
class CutoutSettings:
    """How the subject is separated from the rest of its picture."""

    by: str = option(
        "auto",
        "How the subject is found in the picture",
        choices={
            "auto": "Transparency first, else a plain background, else GrabCut",
            "alpha": "What isn't transparent",
            "plain": "What differs from the color along the picture's border",
            "grabcut": "What looks different from its surroundings, from a box or strokes where they are given",
            "learned": "What a pretrained network takes for the subject, whatever is behind it; needs torch and the weights of ISNet",
            "whole": "All of the picture",
            "opaque": "What isn't transparent; all of a picture without transparency",
        },
        label="Found By",
    )
    invert: bool = option(False, "Take what would be cut away instead")
    grow_px: float = option(0.0, "Grow the subject by this much, or shrink it by a negative amount", low=-100.0, high=100.0, unit="px")
    feather_px: float = option(0.0, "Smooth the outline of the subject over this distance", low=0.0, high=100.0, unit="px")
    largest_only: bool = option(False, "Keep only the largest connected part of the subject")
    specks: float = option(
        0.02, "Drop parts and close holes that are smaller than this share of the subject", low=0.0, high=50.0, unit="%", advanced=True
    )
    enclosed: str = option(
        "auto",
        "What happens to areas of background color that the subject encloses",
        choices={
            "auto": "They become holes, except on white paper",
            "holes": "They become holes",
            "filled": "They belong to the subject",
        },
        advanced=True,
    )
    box: str = option("", "Box around the subject for GrabCut: left, top, right, bottom in pixels", advanced=True)
    strokes: str = option("", "Picture of strokes for GrabCut: white on the subject, black on the background, the rest gray", advanced=True)


def cut_out(path: Path, settings: CutoutSettings, strokes: Path | None = None, *, job: Job) -> Picture:
    """The picture in a file with its subject's coverage; raises ReifyError where there is no subject to be found.

    `strokes` is the picture that `settings.strokes` names, for GrabCut.
    """
    with job.span(READ, f"reading {path.name}"):
        srgb, alpha = read_picture(path, job)
    with job.span(FOUND, "finding the subject"):
        coverage = found_in(srgb, alpha, path.name, settings, strokes, job)
    return finished(Picture(path.stem, np.ascontiguousarray(srgb), coverage, read_parts(path, srgb.shape)), settings, job)


def found_in(srgb: Array, alpha: Array | None, name: str, settings: CutoutSettings, strokes: Path | None, job: Job) -> Array:
    """Coverage [H,W] float32 of the subject as it was found, before it is refined; raises ReifyError where a way doesn't fit.

    `srgb` [H,W,3] and `alpha` [H,W] (None where there is none) are uint8; `name` is the picture's, for messages.
    """
    by = settings.by
    if by == "whole" or (by == "opaque" and alpha is None):
        return np.ones(srgb.shape[:2], np.float32)
    if by in ("alpha", "opaque") or (by == "auto" and alpha is not None):
        if alpha is None:
            raise ReifyError(f"{name} has no transparency.", "Choose another way to cut it out.")
        solid = solid_alpha(srgb, alpha)
        if not solid:
            raise ReifyError(f"{name} is transparent everywhere.", "Choose a picture that shows something.")
        half = f"; half transparent areas belong to the subject, from {solid / 255:.0%} opacity on" if solid < 128 else ""
        job.record_choice("cut-out", "by transparency, because the picture has it" + half)
        return np.minimum(alpha.astype(np.float32) / solid, 1.0)
    if by == "learned":
        return _learned(srgb, name, job)
    if by in ("auto", "plain") and not (settings.box or strokes):
        coverage, why = plain_background(srgb, settings.enclosed)
        if coverage is not None:
            job.record_choice("cut-out", why)
            if doubt := evidence_of(srgb, coverage).doubt(name):
                job.warn(doubt)
            return coverage
        if by == "plain":
            raise ReifyError(f"The background of {name} isn't plain: {why}.", "Choose GrabCut, or save the picture with transparency.")
    return _by_grabcut(srgb, name, settings, strokes, job)


def finished(found: Picture, settings: CutoutSettings, job: Job) -> Picture:
    """The picture with its coverage refined and freed from specks; raises ReifyError where nothing is left."""
    coverage = refined(found.coverage, settings)
    if not (coverage > 0.5).any():
        what = f"Nothing is left of {found.name} once its background is gone."
        raise ReifyError(what, "Choose another way to cut it out, or invert the mask.")
    coverage, parts, dropped = without_specks(coverage, settings.specks / 100.0, settings.largest_only)
    if dropped:
        job.record_choice("parts", f"{parts} kept, {dropped} specks and pinholes dropped, because they are smaller than the limit")
    if parts > MANY_PARTS:
        job.warn(f"The subject of {found.name} falls into {parts} parts; raise the limit for specks or keep the largest only.")
    return replace(found, coverage=coverage)


def scaled(settings: CutoutSettings, factor: float) -> CutoutSettings:
    """The settings for a copy of the picture that is `factor` times as large: what is in pixels is scaled."""
    box = " ".join(f"{factor * side:.1f}" for side in sides_of(settings.box)) if settings.box.strip() else ""
    return replace(settings, grow_px=factor * settings.grow_px, feather_px=factor * settings.feather_px, box=box)


def refined(coverage: Array, settings: CutoutSettings) -> Array:
    """Coverage [H,W] inverted, grown or shrunk and feathered as the settings say."""
    if settings.invert:
        coverage = 1.0 - coverage
    if settings.grow_px:
        coverage = _moved_outline(coverage, settings.grow_px)
    if settings.feather_px:
        from scipy.ndimage import gaussian_filter

        coverage = gaussian_filter(coverage, settings.feather_px / 2.0, mode="nearest")
    return coverage.astype(np.float32)


def without_specks(coverage: Array, share: float, largest_only: bool) -> tuple[Array, int, int]:
    """Coverage without the parts and holes that are smaller than `share` of the subject; how many parts it has, what was dropped."""
    from scipy.ndimage import label

    eight = np.ones((3, 3), int)
    inside = coverage > 0.5
    labels, count = label(inside, eight)
    sizes = np.bincount(labels.ravel())[1:]
    smallest = max(1.0, share * float(np.sort(sizes)[-1]))
    kept = sizes >= (sizes.max() if largest_only else smallest)
    if largest_only:
        kept &= np.arange(count) == sizes.argmax()
    result = coverage.copy()
    # The soft edge around a dropped part goes with it; what is left stays below one half.
    result[inside & ~np.concatenate([[True], kept])[labels]] = 0.0
    outside, holes = label(result <= 0.5)
    hole_sizes = np.bincount(outside.ravel())[1:]
    border = np.unique(np.concatenate([outside[0], outside[-1], outside[:, 0], outside[:, -1]]))
    pinhole = hole_sizes < smallest
    pinhole[border[border > 0] - 1] = False
    result[np.concatenate([[False], pinhole])[outside]] = 1.0
    return result, int(kept.sum()), int((~kept).sum() + pinhole.sum())


def smaller(picture: Picture, long_side_px: int) -> Picture:
    """The picture scaled down so that its longer side is at most `long_side_px`."""
    if max(picture.coverage.shape) <= long_side_px:
        return picture
    coverage = resize(np.round(picture.coverage * 255).astype(np.uint8), long_side_px)
    parts = None if picture.parts is None else _nearest(picture.parts, coverage.shape)
    return replace(picture, srgb=resize(picture.srgb, long_side_px), coverage=coverage.astype(np.float32) / 255.0, parts=parts)


def _nearest(labels: Array, shape: tuple[int, ...]) -> Array:
    rows, columns = (np.arange(size) * have // size for size, have in zip(shape, labels.shape, strict=True))
    return labels[rows[:, None], columns]


def _learned(srgb: Array, name: str, job: Job) -> Array:
    from ..networks.subjects import Finder

    coverage = Finder(job).coverage(srgb, job.progress)
    job.record_choice("cut-out", "by ISNet")
    if not (coverage > 0.5).any():
        raise ReifyError(f"ISNet sees no subject in {name}.", "Choose another way to cut it out.")
    return coverage


def _by_grabcut(srgb: Array, name: str, settings: CutoutSettings, strokes: Path | None, job: Job) -> Array:
    from .grabcut import grab_cut, strokes_of

    marks = strokes_of(strokes, srgb.shape[:2]) if strokes else None
    box = box_of(settings.box, srgb.shape[:2])
    if marks is None and not settings.box:
        job.warn(f"The background of {name} is busy: the subject was guessed. Draw a box or strokes, or save it with transparency.")
    job.record_choice("cut-out", "by GrabCut, because the background isn't plain" if settings.by == "auto" else "by GrabCut")
    return grab_cut(srgb, box, marks, job)


def _moved_outline(coverage: Array, distance_px: float) -> Array:
    from scipy.ndimage import distance_transform_edt

    inside = coverage > 0.5
    # Signed distance to the outline, from pixel centers; half a pixel off on either side.
    signed = np.where(inside, distance_transform_edt(inside) - 0.5, 0.5 - distance_transform_edt(~inside))
    return np.clip(signed + distance_px + 0.5, 0.0, 1.0)
