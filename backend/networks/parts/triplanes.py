"""Triplanes: features of a point in space, looked up on three planes (Chan et al., "Efficient Geometry-aware 3D GANs", CVPR 2022)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

AXES = ((0, 1), (0, 2), (1, 2))  # of a point, along the columns and rows of each plane


def features_at(planes: Tensor, points: Tensor) -> Tensor:
    """Features [...,P,3C] of points [...,P,3], -1 to 1, interpolated bilinearly between the middles of texels of planes [...,3,C,H,W]."""
    places = torch.stack([points[..., list(pair)] for pair in AXES], dim=-3)  # [...,3,P,2]
    shape = places.shape[:-1]
    found = F.grid_sample(planes.flatten(0, -4), places.flatten(0, -3)[:, None], mode="bilinear", align_corners=False)  # [3B,C,1,P]
    return found[:, :, 0].transpose(1, 2).unflatten(0, shape[:-1]).transpose(-3, -2).flatten(-2)
