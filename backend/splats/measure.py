"""How alike renderings of splats and held-out photos are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..metrics.images import psnr, ssim
from ..values import Splats, Views
from .render import rasterize

if TYPE_CHECKING:
    from ..jobs.job import Job

Array = Any


def measure(splats: Splats, views: Views, test_indices: Sequence[int], *, job: Job, device: str = "cpu") -> None:
    """Compare renderings with the held-out views, over known pixels and on white where photos are transparent; `device` renders.

    The metrics are means of psnr, ssim, and psnr_aligned: after the affine change of colors, one for each photo, that fits the rendering
    to it in the least squares, as exposure and white balance of a held-out photo can't be known.
    """
    job.metric("splats", len(splats))
    if len(test_indices) == 0:
        job.warn("No photos were held out, so the quality isn't measured.")
        return

    figures = []
    for done, index in enumerate(test_indices):
        job.progress(done / len(test_indices), f"Comparing with held-out photo {done + 1} of {len(test_indices)}")
        photo = views.rgb[index].astype(np.float64) / 255
        alpha, weight = views.alpha[index], views.weight[index]
        if alpha is not None:
            opacity = alpha[..., None] / 255
            photo = photo * opacity + (1 - opacity)
        white = (1.0, 1.0, 1.0) if alpha is not None else (0.0, 0.0, 0.0)
        picture = np.clip(rasterize(splats, views.cameras, index, background=white, geometry=False, device=device).rgb, 0, 1)
        known = None if weight is None else weight > 127
        if known is None or known.any():
            aligned = _aligned(picture, photo, known)
            figures.append((psnr(picture, photo, known), ssim(picture, photo, known), psnr(aligned, photo, known)))
    if figures:
        for name, value in zip(("psnr", "ssim", "psnr_aligned"), np.mean(figures, axis=0), strict=True):
            job.metric(name, value)


def _aligned(picture: Array, photo: Array, known: Array | None) -> Array:
    used = np.ones(picture.shape[:2], bool) if known is None else known
    colors = np.concatenate([picture, np.ones((*picture.shape[:2], 1))], axis=2)
    return np.clip(colors @ np.linalg.lstsq(colors[used], photo[used], rcond=None)[0], 0, 1)
