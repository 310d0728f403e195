"""Real spherical harmonics and their rotation, in the order and with the signs of the 3DGS PLY format.

Function (l, m) stands at index l² + l + m, with the Condon-Shortley phase: degree 1 is proportional to (-y, z, -x).
"""

from __future__ import annotations

import math

import numpy as np

from ..values import Array


def basis(directions: Array, degree: int) -> Array:
    """Values [D,(degree+1)²] float64 of all functions up to `degree` along directions [D,3] of any length but zero."""
    unit = np.asarray(directions, np.float64)
    x, y, z = (unit / np.linalg.norm(unit, axis=1, keepdims=True)).T
    values = np.empty((len(unit), (degree + 1) ** 2))
    cosine, sine = np.ones_like(z), np.zeros_like(z)  # sin(polar)^m cos(m azimuth) and sin(polar)^m sin(m azimuth)
    first = np.ones_like(z)  # associated Legendre function (m, m) over sin(polar)^m
    for m in range(degree + 1):
        before, legendre = np.zeros_like(z), first
        for ell in range(m, degree + 1):
            factor = math.sqrt((2 * ell + 1) / (4 * math.pi) * math.factorial(ell - m) / math.factorial(ell + m) * (2 if m else 1))
            middle = ell * ell + ell
            values[:, middle - m] = factor * legendre * sine
            values[:, middle + m] = factor * legendre * cosine
            before, legendre = legendre, ((2 * ell + 1) * z * legendre - (ell + m) * before) / (ell + 1 - m)
        cosine, sine = x * cosine - y * sine, x * sine + y * cosine
        first = -(2 * m + 1) * first
    return values


def rotated(sh: Array, rotation: Array) -> Array:
    """Coefficients [N,(degree+1)²,C] of what is turned by `rotation` [3,3]: along R d it shows what it showed along d."""
    return turned(sh, rotation_matrix(rotation, math.isqrt(sh.shape[1]) - 1))


def turned(sh: Array, matrix: Array) -> Array:
    """Coefficients [N,K,C] times the matrix [K,K] of a rotation."""
    turn = np.kron(matrix.T, np.eye(sh.shape[2]))  # one product for all channels is fastest
    return (sh.reshape(len(sh), -1) @ turn.astype(sh.dtype)).reshape(sh.shape)


def rotation_matrix(rotation: Array, degree: int) -> Array:
    """What turns coefficients up to `degree` by `rotation` [3,3]: [K,K] float64, K = (degree+1)², a block for each degree.

    Each block holds the turned functions projected on the functions. Their products are polynomials of at most twice the degree,
    which the quadrature (Gauss-Legendre in z, uniform in azimuth) integrates exactly.
    """
    z, weights = np.polynomial.legendre.leggauss(degree + 1)
    count = 2 * degree + 1
    azimuth = 2 * np.pi / count * np.arange(count)
    z, azimuth = (angles.ravel() for angles in np.meshgrid(z, azimuth, indexing="ij"))
    radius = np.sqrt(1 - z * z)
    directions = np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), z], axis=1)
    after = basis(directions, degree) * np.repeat(weights * 2 * np.pi / count, count)[:, None]
    before = basis(directions @ np.asarray(rotation, np.float64), degree)
    matrix = np.zeros(((degree + 1) ** 2,) * 2)
    matrix[0, 0] = 1.0
    for ell in range(1, degree + 1):
        block = slice(ell * ell, (ell + 1) ** 2)
        matrix[block, block] = after[:, block].T @ before[:, block]
    return matrix
