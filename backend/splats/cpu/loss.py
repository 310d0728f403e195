"""L1 and SSIM with their gradient, on planar pictures with zero margins, row by row.

SSIM as in Wang et al. 2004 with the usual 11-tap window of sigma 1.5; outside the picture counts as zero, as in 3DGS.
The window is separable: each row is first weighed vertically into line buffers that stay in the nearest cache, then horizontally.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .intermediates import MARGIN
from .lanes import load, magnitude, spread, store, total, where_at_least

F = np.float32
_TAPS = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
WINDOW = (_TAPS / _TAPS.sum()).astype(np.float32)
C1 = F(0.01**2)
C2 = F(0.03**2)
LEAST = F(1e-12)  # differences below have no sign


@njit(nogil=True, fastmath=True, cache=True)
def similarity(first, last, width, height, image, target, maps, row_ssim):
    """SSIM summed over each row of 3 planes, and its three derivative maps (by mean, mean square, mean product) for `loss_back`.

    `image` and `target` are [3, H + margins, W + margins] flat, `maps` three times that.
    """
    stride = width + 2 * MARGIN
    plane = stride * (height + 2 * MARGIN)
    line = stride + 2 * MARGIN
    lines = np.zeros(6 * line, np.float32)
    for row in range(first, last):
        row_ssim[row] = 0.0
        for channel in range(3):
            start = channel * plane + (row + MARGIN) * stride
            for x in range(MARGIN, MARGIN + width, 8):
                mx, my, xx, yy, xy = spread(F(0)), spread(F(0)), spread(F(0)), spread(F(0)), spread(F(0))
                for tap in range(11):
                    at = start + (tap - 5) * stride + x
                    a, b = load(image, at), load(target, at)
                    wa, wb = a * WINDOW[tap], b * WINDOW[tap]
                    mx = mx + wa
                    my = my + wb
                    xx = xx + wa * a
                    yy = yy + wb * b
                    xy = xy + wa * b
                store(lines, x, mx)
                store(lines, line + x, my)
                store(lines, 2 * line + x, xx)
                store(lines, 3 * line + x, yy)
                store(lines, 4 * line + x, xy)
            for x in range(MARGIN, MARGIN + width, 8):
                mx, my, xx, yy, xy = spread(F(0)), spread(F(0)), spread(F(0)), spread(F(0)), spread(F(0))
                for tap in range(11):
                    at = x + tap - 5
                    mx = mx + load(lines, at) * WINDOW[tap]
                    my = my + load(lines, line + at) * WINDOW[tap]
                    xx = xx + load(lines, 2 * line + at) * WINDOW[tap]
                    yy = yy + load(lines, 3 * line + at) * WINDOW[tap]
                    xy = xy + load(lines, 4 * line + at) * WINDOW[tap]
                means, squares = mx * my, mx * mx + my * my
                a1, a2 = means * F(2) + C1, (xy - means) * F(2) + C2
                b1, b2 = squares + C1, xx + yy - squares + C2
                inverse = F(1) / (b1 * b2)
                d_a1, d_a2 = a2 * inverse, a1 * inverse
                s = a1 * d_a1
                d_b1, d_b2 = s * b2 * inverse, s * b1 * inverse  # up to their sign
                store(lines, 5 * line + x, s)
                store(maps, start + x, (my * (d_a1 - d_a2) - mx * (d_b1 - d_b2)) * F(2))
                store(maps, 3 * plane + start + x, d_b2 * F(-2))
                store(maps, 6 * plane + start + x, d_a2 * F(2))
            for x in range(MARGIN + width, stride):
                maps[start + x] = maps[3 * plane + start + x] = maps[6 * plane + start + x] = F(0)
            summed = 0.0
            for x in range(MARGIN, MARGIN + width):
                summed += lines[5 * line + x]
            row_ssim[row] += summed


@njit(nogil=True, fastmath=True, cache=True)
def loss_back(first, last, width, height, image, target, maps, l1_weight, ssim_weight, v_image, error, row_l1, row_square):
    """Gradient of l1_weight * sum |x - y| - ssim_weight * sum SSIM, the error of each pixel summed over channels, and sums by row."""
    stride = width + 2 * MARGIN
    plane = stride * (height + 2 * MARGIN)
    line = stride + 2 * MARGIN
    lines = np.zeros(3 * line, np.float32)
    zero, one = spread(F(0)), spread(F(1))
    for row in range(first, last):
        row_l1[row] = row_square[row] = 0.0
        for channel in range(3):
            start = channel * plane + (row + MARGIN) * stride
            l1, square = zero, zero
            for x in range(MARGIN, MARGIN + width, 8):
                p, q, r = spread(F(0)), spread(F(0)), spread(F(0))
                for tap in range(11):
                    at = start + (tap - 5) * stride + x
                    p = p + load(maps, at) * WINDOW[tap]
                    q = q + load(maps, 3 * plane + at) * WINDOW[tap]
                    r = r + load(maps, 6 * plane + at) * WINDOW[tap]
                store(lines, x, p)
                store(lines, line + x, q)
                store(lines, 2 * line + x, r)
            for x in range(MARGIN, MARGIN + width, 8):
                p, q, r = spread(F(0)), spread(F(0)), spread(F(0))
                for tap in range(11):
                    at = x + tap - 5
                    p = p + load(lines, at) * WINDOW[tap]
                    q = q + load(lines, line + at) * WINDOW[tap]
                    r = r + load(lines, 2 * line + at) * WINDOW[tap]
                a, b = load(image, start + x), load(target, start + x)
                difference = a - b
                size = magnitude(difference)
                sign = where_at_least(difference, LEAST, one) - where_at_least(zero - difference, LEAST, one)
                store(v_image, start + x, sign * l1_weight - (p + a * q + b * r) * ssim_weight)
                at = start - channel * plane + x
                store(error, at, size if channel == 0 else load(error, at) + size)
                l1 = l1 + size
                square = square + difference * difference
            for x in range(MARGIN + width, stride):
                v_image[start + x] = F(0)
            row_l1[row] += total(l1)
            row_square[row] += total(square)


@njit(nogil=True, fastmath=True, cache=True)
def fill_target(first, last, width, height, rgb, alpha, background, target):
    """A photo [H,W,3] uint8, composited over `background` where `alpha` [H,W] isn't empty, into a planar picture with margins."""
    stride = width + 2 * MARGIN
    plane = stride * (height + 2 * MARGIN)
    byte = F(1 / 255)
    for row in range(first, last):
        for channel in range(3):
            start = channel * plane + (row + MARGIN) * stride + MARGIN
            if len(alpha):
                for x in range(width):
                    opacity = F(alpha[row, x]) * byte
                    target[start + x] = F(rgb[row, x, channel]) * byte * opacity + background[channel] * (F(1) - opacity)
            else:
                for x in range(width):
                    target[start + x] = F(rgb[row, x, channel]) * byte


@njit(nogil=True, fastmath=True, cache=True)
def keep_known(first, last, width, height, weight, picture):
    """Set a planar picture with margins to zero where `weight` [H,W] uint8 is below 128."""
    stride = width + 2 * MARGIN
    plane = stride * (height + 2 * MARGIN)
    for row in range(first, last):
        for channel in range(3):
            start = channel * plane + (row + MARGIN) * stride + MARGIN
            for x in range(width):
                if weight[row, x] < 128:
                    picture[start + x] = F(0)


@njit(nogil=True, fastmath=True, cache=True)
def expose(first, last, width, height, image, transmittance, background, exposure, out):
    """What stands before the background, times a gain and plus an offset for each channel: `exposure` is (3 gains, 3 offsets)."""
    stride = width + 2 * MARGIN
    plane = stride * (height + 2 * MARGIN)
    for row in range(first, last):
        at = (row + MARGIN) * stride + MARGIN
        for channel in range(3):
            gain, offset = exposure[channel], exposure[3 + channel]
            behind = background[channel] * (F(1) - gain) - offset
            start = channel * plane + at
            for x in range(width):
                out[start + x] = image[start + x] * gain + offset + transmittance[at + x] * behind


@njit(nogil=True, fastmath=True, cache=True)
def expose_back(first, last, width, height, image, transmittance, background, exposure, v_image, v_alpha, row_exposure):
    """Turn the gradient of the exposed picture into that of the picture and of its alpha, and sum that of `exposure` by row [H,6]."""
    stride = width + 2 * MARGIN
    plane = stride * (height + 2 * MARGIN)
    for row in range(first, last):
        at = (row + MARGIN) * stride + MARGIN
        for x in range(width):
            v_alpha[at + x] = F(0)
        for channel in range(3):
            gain, offset = exposure[channel], exposure[3 + channel]
            behind = background[channel] * (F(1) - gain) - offset
            start = channel * plane + at
            v_gain, v_offset = F(0), F(0)
            for x in range(width):
                v, through = v_image[start + x], transmittance[at + x]
                v_gain += v * (image[start + x] - through * background[channel])
                v_offset += v * (F(1) - through)
                v_alpha[at + x] -= v * behind
                v_image[start + x] = v * gain
            row_exposure[row, channel] = v_gain
            row_exposure[row, 3 + channel] = v_offset
