"""Plain backgrounds: found along the picture's border, and removed with soft edges."""

from __future__ import annotations

import numpy as np

from ..values import Array

PLAIN_SHARE = 0.8  # of the border has to fit the background's color
NOISE_FLOOR = 3.0  # difference in CIELAB below which colors are the same
LARGEST_NOISE = 9.0
HALO_PX, HALO_LIGHTNESS, VIVID = 8.0, 15.0, 12.0  # CIELAB: halos are about as light as the background, vivid subjects are not as gray
PAPER = 92.0  # lightness of white paper


def plain_background(srgb: Array, enclosed: str = "auto") -> tuple[Array | None, str]:
    """Coverage [H,W] float32 of what isn't background, and why; None and why not where the background isn't plain.

    The background is a smooth (quadratic) field of color, fitted to the border. What is like it and connected to
    the border is removed; enclosed areas of its color are holes or not as `enclosed` says.
    """
    lab = lab_of(srgb)
    field, residual_border = _fitted(lab)
    fits = residual_border < LARGEST_NOISE
    if fits.mean() < PLAIN_SHARE:
        return None, f"only {fits.mean():.0%} of the border has one color"
    difference = np.linalg.norm(lab - field, axis=2)
    noise = max(NOISE_FLOOR, 3.0 * float(np.median(residual_border[fits])), float(np.percentile(residual_border[fits], 99)))
    background = _connected_to_the_border(difference < noise)
    lightness = float(np.median(field[..., 0]))
    is_paper = lightness > PAPER
    holes = enclosed == "holes" or (enclosed == "auto" and not is_paper)
    if holes:
        background |= _enclosed(difference < noise, background)
    if background.mean() > 0.9995:
        return np.zeros(srgb.shape[:2], np.float32), "the whole picture has the background's color"
    color = "white" if is_paper else "black" if lightness < 8 else "plain"
    why = f"the {color} background was removed, because {fits.mean():.0%} of the border has its color"
    return _soft(lab, field, background), why + ("" if holes else "; areas of it inside the subject were kept")


def lab_of(srgb: Array) -> Array:
    """CIELAB (D65) of [H,W,3] uint8, float32."""
    table = np.arange(256) / 255.0
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4).astype(np.float32)[srgb]
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
    xyz = linear @ (to_xyz / np.array([[0.9505], [1.0], [1.089]], np.float32)).T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    return np.stack([116.0 * f[..., 1] - 16.0, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], axis=-1)


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
