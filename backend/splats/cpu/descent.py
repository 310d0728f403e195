"""What a splat's gradient is turned into: regularizers are added, Adam takes a step, noise moves the mean."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..columns import LOG_SCALE, MEAN, OPACITY, SH
from .lanes import load, sqrt, store
from .rotation import rotation

F = np.float32

# Columns of `control`: Adam's decay rates, the inverses of its bias corrections, and epsilon; weights of the regularizers, see losses.py,
# and the log of the ratio of axes above which a splat is a needle; the noise's factor.
BETA1, BETA2, BIAS1, BIAS2, EPSILON, OPACITY_WEIGHT, SCALE_WEIGHT, NEEDLE_WEIGHT, NEEDLE_LIMIT, NOISE = range(10)
CONTROL = 10


@njit(nogil=True, fastmath=True, cache=True)
def descend(first, last, parameters, moments, gradients, learning, control, step, bases, surfels):
    """Take a step of Adam, with regularizers and noise, of the splats first to last whose row of `gradients` [N,W] isn't zero.

    `learning` [W] holds a learning rate for each column, `control` [CONTROL] the numbers named above, `step` seeds the noise.
    """
    width = parameters.shape[1]
    p = parameters.reshape(-1)
    m = moments.reshape(-1)
    g = np.zeros(width, np.float32)
    updated = width if bases > 1 else SH
    for n in range(first, last):
        seen = False
        for j in range(width):
            g[j] = gradients[n, j]
            seen = seen or g[j] != F(0)
        if not seen:
            continue
        o = n * width
        sigma = F(1) / (F(1) + math.exp(-max(min(p[o + OPACITY], F(40)), F(-40))))
        s0, s1, s2 = math.exp(p[o + LOG_SCALE]), math.exp(p[o + LOG_SCALE + 1]), math.exp(p[o + LOG_SCALE + 2])
        if surfels:
            s2 = F(0)
        r00, r01, r02, r10, r11, r12, r20, r21, r22 = rotation(p, o)
        regularize(p, o, sigma, s0, s1, s2, control, g)
        adam(p, o, m, updated, g, learning, control)
        noise = control[NOISE] / (F(1) + math.exp(F(-100) * (F(0.005) - sigma)))
        if noise > control[NOISE] * F(1e-3):
            shake(p, o, n, step, noise * learning[MEAN], s0, s1, s2, r00, r01, r02, r10, r11, r12, r20, r21, r22)


@njit(nogil=True, fastmath=True, inline="never")
def regularize(p, o, sigma, s0, s1, s2, control, g):
    """Add the regularizers' gradients, of a splat with opacity sigma and scales s0, s1, s2, to g."""
    g[OPACITY] += control[OPACITY_WEIGHT] * sigma * (F(1) - sigma)
    g[LOG_SCALE] += control[SCALE_WEIGHT] * s0
    g[LOG_SCALE + 1] += control[SCALE_WEIGHT] * s1
    g[LOG_SCALE + 2] += control[SCALE_WEIGHT] * s2
    # A needle's longest axis is pulled towards its second longest.
    longest = LOG_SCALE
    for j in range(LOG_SCALE + 1, LOG_SCALE + 3):
        if p[o + j] > p[o + longest]:
            longest = j
    second = LOG_SCALE + (longest - LOG_SCALE + 1) % 3
    third = LOG_SCALE + (longest - LOG_SCALE + 2) % 3
    if p[o + third] > p[o + second]:
        second = third
    excess = p[o + longest] - p[o + second] - control[NEEDLE_LIMIT]
    if excess > F(0):
        g[longest] += control[NEEDLE_WEIGHT] * excess
        g[second] -= control[NEEDLE_WEIGHT] * excess


@njit(nogil=True, fastmath=True, inline="never")
def adam(p, o, moments, updated, g, learning, control):
    """Adam's step (Kingma and Ba 2015) of the first `updated` columns of the parameter row at p[o]."""
    b1, b2 = control[BETA1], control[BETA2]
    first = 2 * o
    second = first + len(g)
    for j in range(0, updated, 8):
        gradient = load(g, j)
        m = load(moments, first + j) * b1 + gradient * (F(1) - b1)
        v = load(moments, second + j) * b2 + gradient * gradient * (F(1) - b2)
        store(moments, first + j, m)
        store(moments, second + j, v)
        change = load(learning, j) * control[BIAS1] * m / (sqrt(v * control[BIAS2]) + control[EPSILON])
        store(p, o + j, load(p, o + j) - change)


@njit(nogil=True, fastmath=True, inline="never")
def shake(p, o, n, step, size, s0, s1, s2, r00, r01, r02, r10, r11, r12, r20, r21, r22):
    """Move a splat's mean by noise of its own shape: 3DGS-MCMC (Kheradmand et al. 2024), eq. 9, covariance times normal noise."""
    state = _mixed(np.uint64(n) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(step))
    a = s0 * s0 * _normal(state, np.uint64(1))
    b = s1 * s1 * _normal(state, np.uint64(2))
    c = s2 * s2 * _normal(state, np.uint64(3))
    p[o + MEAN] += size * (r00 * a + r01 * b + r02 * c)
    p[o + MEAN + 1] += size * (r10 * a + r11 * b + r12 * c)
    p[o + MEAN + 2] += size * (r20 * a + r21 * b + r22 * c)


@njit(nogil=True, inline="never")
def _mixed(value):
    # SplitMix64 (Steele et al. 2014)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(nogil=True, inline="never")
def _normal(state, salt):
    # The sum of four 16-bit uniforms has variance 1/3; near enough to a normal for exploring.
    bits = _mixed(state + salt * np.uint64(0x9E3779B97F4A7C15))
    low = np.int64(bits & np.uint64(0xFFFF)) + np.int64((bits >> np.uint64(16)) & np.uint64(0xFFFF))
    high = np.int64((bits >> np.uint64(32)) & np.uint64(0xFFFF)) + np.int64(bits >> np.uint64(48))
    return F(1.7320508) * (F(low + high) * F(1 / 65536) - F(2))
