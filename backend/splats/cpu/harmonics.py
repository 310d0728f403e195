"""Real spherical harmonics up to degree 3, in the order and with the signs of the 3DGS PLY format."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..columns import BASE_COLOR, CENTER, MEAN, SH
from .lanes import load, store, total

F = np.float32
C0 = F(0.28209479177387814)
C1 = F(0.4886025119029199)
C2 = (F(1.0925484305920792), F(-1.0925484305920792), F(0.31539156525252005), F(-1.0925484305920792), F(0.5462742152960396))
C3 = (
    F(-0.5900435899266435),
    F(2.890611442640554),
    F(-0.4570457994644658),
    F(0.3731763325901154),
    F(-0.4570457994644658),
    F(1.445305721320277),
    F(-0.5900435899266435),
)


@njit(nogil=True, fastmath=True, inline="never")
def color(p, o, width, bases, camera, shape, out, at):
    """The color of the splat whose parameter row of `width` starts at p[o], as `camera` sees it, into out[at : at + 3].

    `shape` [16] is room for the functions' values, zero from `bases` on.
    """
    channel = (width - SH) // 3
    for c in range(3):
        out[at + c] = F(0.5) + C0 * p[o + BASE_COLOR + c]
    if bases > 1:
        dx, dy, dz = p[o + MEAN] - camera[CENTER], p[o + MEAN + 1] - camera[CENTER + 1], p[o + MEAN + 2] - camera[CENTER + 2]
        k = F(1) / math.sqrt(dx * dx + dy * dy + dz * dz)
        basis(bases, dx * k, dy * k, dz * k, shape)
        for c in range(3):
            products = load(shape, 0) * load(p, o + SH + c * channel)
            if channel > 8:
                products = products + load(shape, 8) * load(p, o + SH + c * channel + 8)
            out[at + c] += total(products)


@njit(nogil=True, fastmath=True, inline="never")
def color_back(p, o, width, bases, camera, red, green, blue, shape, slope, g):
    """Gradients of the colors' columns of `g` from those of a splat's red, green and blue; returns the gradient by its mean (3).

    `shape` and `slope` [16] are room for the functions' values and gradients, zero from `bases` on.
    """
    channel = (width - SH) // 3
    g[BASE_COLOR], g[BASE_COLOR + 1], g[BASE_COLOR + 2] = C0 * red, C0 * green, C0 * blue
    if bases == 1:
        return F(0), F(0), F(0)
    dx, dy, dz = p[o + MEAN] - camera[CENTER], p[o + MEAN + 1] - camera[CENTER + 1], p[o + MEAN + 2] - camera[CENTER + 2]
    k = F(1) / math.sqrt(dx * dx + dy * dy + dz * dz)
    dx, dy, dz = dx * k, dy * k, dz * k
    basis(bases, dx, dy, dz, shape)
    for j in range(0, channel, 8):
        values = load(shape, j)
        store(g, SH + j, values * red)
        store(g, SH + channel + j, values * green)
        store(g, SH + 2 * channel + j, values * blue)
        store(slope, j, load(p, o + SH + j) * red + load(p, o + SH + channel + j) * green + load(p, o + SH + 2 * channel + j) * blue)
    ex, ey, ez = basis_slope(bases, dx, dy, dz, slope)
    along = ex * dx + ey * dy + ez * dz
    return k * (ex - dx * along), k * (ey - dy * along), k * (ez - dz * along)


@njit(nogil=True, fastmath=True, inline="never")
def basis(bases, x, y, z, out):
    """The first `bases` (1, 4, 9 or 16) functions but the constant one at the unit direction (x, y, z), into out[:bases - 1]."""
    if bases > 1:
        out[0] = -C1 * y
        out[1] = C1 * z
        out[2] = -C1 * x
    if bases > 4:
        out[3] = C2[0] * x * y
        out[4] = C2[1] * y * z
        out[5] = C2[2] * (F(2) * z * z - x * x - y * y)
        out[6] = C2[3] * x * z
        out[7] = C2[4] * (x * x - y * y)
    if bases > 9:
        out[8] = C3[0] * y * (F(3) * x * x - y * y)
        out[9] = C3[1] * x * y * z
        out[10] = C3[2] * y * (F(4) * z * z - x * x - y * y)
        out[11] = C3[3] * z * (F(2) * z * z - F(3) * x * x - F(3) * y * y)
        out[12] = C3[4] * x * (F(4) * z * z - x * x - y * y)
        out[13] = C3[5] * z * (x * x - y * y)
        out[14] = C3[6] * x * (x * x - F(3) * y * y)


@njit(nogil=True, fastmath=True, inline="never")
def basis_slope(bases, x, y, z, v):
    """Gradient by (x, y, z) of sum(v * basis), for v[:bases - 1]."""
    gx = gy = gz = F(0)
    if bases > 1:
        gx = -C1 * v[2]
        gy = -C1 * v[0]
        gz = C1 * v[1]
    if bases > 4:
        gx += C2[0] * y * v[3] - F(2) * C2[2] * x * v[5] + C2[3] * z * v[6] + F(2) * C2[4] * x * v[7]
        gy += C2[0] * x * v[3] + C2[1] * z * v[4] - F(2) * C2[2] * y * v[5] - F(2) * C2[4] * y * v[7]
        gz += C2[1] * y * v[4] + F(4) * C2[2] * z * v[5] + C2[3] * x * v[6]
    if bases > 9:
        xx, yy, zz = x * x, y * y, z * z
        gx += (
            C3[0] * F(6) * x * y * v[8]
            + C3[1] * y * z * v[9]
            - C3[2] * F(2) * x * y * v[10]
            - C3[3] * F(6) * x * z * v[11]
            + C3[4] * (F(4) * zz - F(3) * xx - yy) * v[12]
            + C3[5] * F(2) * x * z * v[13]
            + C3[6] * F(3) * (xx - yy) * v[14]
        )
        gy += (
            C3[0] * F(3) * (xx - yy) * v[8]
            + C3[1] * x * z * v[9]
            + C3[2] * (F(4) * zz - xx - F(3) * yy) * v[10]
            - C3[3] * F(6) * y * z * v[11]
            - C3[4] * F(2) * x * y * v[12]
            - C3[5] * F(2) * y * z * v[13]
            - C3[6] * F(6) * x * y * v[14]
        )
        gz += (
            C3[1] * x * y * v[9]
            + C3[2] * F(8) * y * z * v[10]
            + C3[3] * (F(6) * zz - F(3) * xx - F(3) * yy) * v[11]
            + C3[4] * F(8) * x * z * v[12]
            + C3[5] * (xx - yy) * v[13]
        )
    return gx, gy, gz
