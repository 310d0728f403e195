"""Comparing what was drawn with photos: the order in which the kernels of the losses run."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ...rendering.losses import DepthDistortion, MultiviewGeometric, MultiviewPhotometric, NormalConsistency
from ...rendering.targets import Target
from .. import layout
from ..step import Neighbor, SplatStep, weight_of
from . import geometry, loss, multiview
from .frame import Drawing, Frame, PlanarCotangents
from .intermediates import DEPTHS
from .team import Team

Array = Any
NO_MASK = np.zeros((0, 0), np.uint8)
ROWS = 16  # of a picture that a thread takes at a time, or several times as many


class Comparison(PlanarCotangents):
    """What comparing a frame with a photo needs beside its gradients."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        plane, height = len(frame.transmittance), frame.height
        self.target, self.exposed = np.zeros(3 * plane, np.float32), np.zeros(3 * plane, np.float32)
        self.maps = np.zeros(9 * plane, np.float32)  # derivatives of SSIM, see loss.py
        self.sums = np.zeros((3, height))  # SSIM, absolute and squared differences of each row
        self.exposure_sums = np.zeros((height, 6))

    @cached_property
    def bends(self) -> Array:
        """What `geometry.compare` leaves for `geometry.compare_back`."""
        return np.zeros((6, *self._shape), np.float32)


def compare_photo(
    team: Team, comparison: Comparison, picture: Array, frame: Frame, ssim_share: float, known: int
) -> tuple[float, float, float]:
    """SSIM, absolute and squared differences in the mean over `known` pixels; writes v_image and error."""
    size = (frame.width, frame.height)
    weights = (np.float32((1 - ssim_share) / (3 * known)), np.float32(ssim_share / (3 * known)))
    ssim, l1, square = comparison.sums
    team.run(loss.similarity, frame.height, ROWS, *size, picture, comparison.target, comparison.maps, ssim)
    back = (picture, comparison.target, comparison.maps, *weights, comparison.v_image, comparison.error, l1, square)
    team.run(loss.loss_back, frame.height, ROWS, *size, *back)
    return tuple(comparison.sums.sum(axis=1) / (3 * known))


def compare_geometry(team: Team, drawing: Drawing, comparison: Comparison, step: SplatStep, known: Array | None, pixels: int) -> float:
    """The weighted losses on depth and normals in the mean over `pixels`; writes v_geometry and adds to v_alpha."""
    frame = drawing.frame
    size = (frame.width, frame.height)
    weights = (np.float32(weight_of(step, DepthDistortion) / pixels), np.float32(weight_of(step, NormalConsistency) / pixels))
    sums = np.zeros((2, frame.height))
    blended = (frame.geometry, frame.transmittance)
    back = (comparison.v_geometry, comparison.v_alpha)
    of = (known if known is not None else NO_MASK, drawing.camera, drawing.lists.middle, *weights)
    team.run(geometry.compare, frame.height, ROWS, *size, *blended, *of, *back, comparison.bends, sums)
    team.run(geometry.compare_back, frame.height, ROWS, *size, *blended, drawing.camera, comparison.bends, *back)
    return float(sums.sum())


def compare_views(
    team: Team, drawing: Drawing, comparison: Comparison, target: Target, step: SplatStep, neighbor: Neighbor, known: int
) -> float:
    """The weighted multi-view losses, from every n-th pixel of every n-th row so that a step compares about as many; adds gradients."""
    frame = drawing.frame
    covered = int(np.count_nonzero(frame.single(frame.transmittance) < 0.5))
    spacing = max(1, round((covered / multiview.PIXELS) ** 0.5))
    offset_y, offset_x = divmod(step.seed % (spacing * spacing), spacing)
    kinds = (MultiviewPhotometric, MultiviewGeometric)
    weights = (np.float32(weight_of(step, kind) * spacing**2 / known) for kind in kinds)
    other_camera = layout.camera_row(neighbor.target.camera)
    other = (other_camera, _gray(team, neighbor.target), neighbor.depth)
    of = (drawing.camera, _gray(team, target), multiview.relative_motion(drawing.camera, other_camera))
    lines = -(-frame.height // spacing)
    sums = np.zeros((2, lines))
    grid = (spacing, offset_x, offset_y, frame.geometry, frame.transmittance, drawing.lists.middle)
    back = (comparison.v_geometry, comparison.v_alpha)
    team.run(multiview.compare, lines, ROWS // 4, *grid, *of, *other, *weights, *back, sums)
    return float(sums.sum())


def _gray(team: Team, target: Target) -> Array:
    assert target.rgb is not None
    gray = np.empty(target.rgb.shape[:2], np.float32)
    known = [NO_MASK if plane is None else plane for plane in (target.alpha, target.weight)]
    team.run(multiview.to_gray, len(gray), ROWS, target.rgb, *known, gray)
    return gray


def expected_depth(drawing: Drawing) -> Array:
    """Expected depth [H,W], 0 where less than half of the light is stopped."""
    alpha = drawing.frame.alpha
    solid = alpha > geometry.LEAST_ALPHA
    return np.where(solid, drawing.lists.middle + drawing.frame.geometry[DEPTHS] / np.where(solid, alpha, 1), 0).astype(np.float32)
