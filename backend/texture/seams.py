"""Seam leveling: a smooth correction removes color steps where neighboring texels come from different photos."""

from __future__ import annotations

from functools import partial

import numpy as np

from .. import device
from ..geometry import topology, triangles
from ..geometry.vectors import unit
from ..jobs.job import Job
from ..values import Array, Mesh
from . import seam_kernels as kernels
from .texels import Layout, Samples

REACH_PX = 32.0  # texels over which the correction of a step decays
SWEEPS = 64  # of over-relaxation; less than a tenth of the error at that distance is left


def level_seams(color: Array, samples: Samples, gains: Array, sharpness: float, layout: Layout, mesh: Mesh, *, job: Job) -> Array:
    """Blended colors [T,3] with the gradients of the photos, also across UV seams.

    Screened Poisson equation: the difference of neighboring texels is that in the photos that show both, with a weak pull to
    `color` (Lempitsky and Ivanov, "Seamless mosaicing of image-based texture maps", 2007, for every texel).
    """
    job.progress(0.0, "linking texels across seams")
    links = neighbors(layout, samples.quality[:, 0] > 0, mesh)
    excess = np.empty_like(color)

    def compare(first: int, last: int) -> None:
        kernels.excess(first, last, links, samples.quality, samples.color, samples.view, gains, np.float32(sharpness), color, excess)

    device.split(compare, layout.count, parts=8, least=4096)
    pull = REACH_PX**-2
    omega = np.float32(2.0 / (1.0 + np.sqrt(1.0 - (4.0 / (4.0 + pull)) ** 2)))
    out = np.zeros_like(color)

    def relax(black: int, first: int, last: int) -> None:
        kernels.relax(first, last, black, links, layout.rows, layout.columns, excess, np.float32(pull), omega, out)

    for sweep in range(SWEEPS):
        job.progress(0.3 + 0.7 * sweep / SWEEPS, "leveling seams")
        for black in (0, 1):
            device.split(partial(relax, black), layout.count, least=4096)
    return color + out


def neighbors(layout: Layout, usable: Array, mesh: Mesh) -> Array:
    """The up to four texels [T,4] int32 beside each usable one on the surface, -1 for none; links are mutual."""
    assert mesh.uvs is not None
    size = layout.size
    index = np.full((size, size), -1, np.int32)
    index[layout.rows[usable], layout.columns[usable]] = np.flatnonzero(usable)
    links = np.full((layout.count, 4), -1, np.int32)
    uvs = mesh.uvs.astype(np.float64) * size
    uvs[..., 1] = size - uvs[..., 1]
    footprint = np.sqrt(triangles.areas(mesh.vertices, mesh.faces) / np.maximum(np.abs(triangles.signed_areas(uvs)), 1e-12))
    device.split(
        lambda first, last: kernels.link_beside(
            first, last, index, layout.face, layout.barycentric, mesh.vertices, mesh.faces, footprint, links
        ),
        size,
        parts=8,
        least=64,
    )
    kernels.link_across(*_seams(mesh, uvs), index, layout.rows, layout.columns, links)
    return links


def _seams(mesh: Mesh, uvs: Array) -> tuple[Array, Array, Array, Array]:
    """UV seams: both sides of each edge [E,2,2] in the same direction, and their unit vectors into the faces [E,2]."""
    pairs = topology.pair_half_edges(mesh.vertices, mesh.faces)
    corners = uvs.reshape(-1, 2)
    first, second = (np.stack([corners[h], corners[topology.next_corner(h)]], axis=1) for h in (pairs.first, pairs.second))
    second = np.where(pairs.opposed[:, None, None], second[:, ::-1], second)
    seam = (np.abs(first - second) > 1e-3).any(axis=(1, 2))
    inward = [
        _inward(edge, corners[topology.next_corner(topology.next_corner(h[seam]))])
        for edge, h in ((first[seam], pairs.first), (second[seam], pairs.second))
    ]
    return first[seam], second[seam], inward[0], inward[1]


def _inward(edge: Array, third: Array) -> Array:
    along = edge[:, 1] - edge[:, 0]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    across *= np.sign(np.einsum("ei,ei->e", across, third - edge[:, 0]))[:, None]
    return unit(across)
