"""PSNR and SSIM against their definitions and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.metrics.images import psnr, ssim


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    a = rng.random((40, 57, 3))
    return a, np.clip(a + 0.1 * rng.normal(size=a.shape), 0, 1)


def test_psnr_of_a_constant_difference_of_a_tenth_is_20_db():
    assert psnr(np.full((8, 8, 3), 0.5), np.full((8, 8, 3), 0.6)) == pytest.approx(20.0)


def test_ssim_agrees_with_scikit_image(pair):
    metrics = pytest.importorskip("skimage.metrics")
    expected = metrics.structural_similarity(
        *pair, channel_axis=2, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(*pair) == pytest.approx(expected, abs=1e-6)


def test_a_picture_is_perfectly_like_itself(pair):
    assert psnr(pair[0], pair[0]) == float("inf")
    assert ssim(pair[0], pair[0]) == pytest.approx(1.0)


def test_unknown_pixels_do_not_count(pair):
    a, b = pair
    known = np.zeros(a.shape[:2], bool)
    known[:, :30] = True
    other = b.copy()
    other[:, 30:] = 0.123
    assert psnr(a, b, known) == psnr(a, other, known)
    assert ssim(a, b, known) == ssim(a, other, known)
    assert psnr(a, b) != psnr(a, other)


def test_pictures_of_different_shapes_are_refused(pair):
    with pytest.raises(ValueError, match=r"\(H, W, 3\)"):
        psnr(pair[0], pair[1][1:])
