"""ALIKED: keypoints of a picture and what they look like, by a small network with deformable convolutions.

Zhao, Wu, Chen, Chen, Xu, Li, "ALIKED: A Lighter Keypoint and Descriptor Extraction Network via Deformable Transformation", IEEE TIM 2023;
the model n16. Deformable convolution (Dai et al., ICCV 2017) samples by `grid_sample`, without a compiled operator. Modules are named as in
the published file; batch normalization is folded into the convolutions before it. Letters: B pictures, C channels, H and W pixels, K
keypoints, P sample positions of a descriptor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DIVISOR = 32  # of height and width inside the network
RADIUS_PX = 2  # keypoints are further apart than that
TEMPERATURE = 0.1  # of the soft maximum that places a keypoint between pixels
LEAST_SCORE = 0.2
LARGEST_OFFSET = 0.25  # of the longer side: how far a deformable sample may lie away
NORM_EPSILON = 1e-5  # of batch normalization


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; the model n16 by default."""

    widths: tuple[int, int, int, int] = (16, 32, 64, 128)  # channels of the four blocks
    dimension: int = 128  # of descriptors
    positions: int = 16  # places that each descriptor looks at


class Aliked(nn.Module):
    """From colors [1,3,H,W], 0 to 1, to keypoints [K,2] (x, y; the center of the first pixel is 0, 0), descriptors [K,C], scores [K]."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        shape = shape or Shape()
        first, second, third, fourth = shape.widths
        share = shape.dimension // 4
        self.block1 = Plain(3, first)
        self.block2 = Residual(first, second, nn.Conv2d(first, second, 3, padding=1), nn.Conv2d(second, second, 3, padding=1))
        self.block3 = Residual(second, third, Deformable(second, third), Deformable(third, third))
        self.block4 = Residual(third, fourth, Deformable(third, fourth), Deformable(fourth, fourth))
        self.conv1 = nn.Conv2d(first, share, 1, bias=False)
        self.conv2 = nn.Conv2d(second, share, 1, bias=False)
        self.conv3 = nn.Conv2d(third, share, 1, bias=False)
        self.conv4 = nn.Conv2d(fourth, share, 1, bias=False)
        self.score_head = nn.Sequential(
            nn.Conv2d(shape.dimension, 8, 1, bias=False),
            nn.SELU(),
            nn.Conv2d(8, 4, 3, padding=1, bias=False),
            nn.SELU(),
            nn.Conv2d(4, 4, 3, padding=1, bias=False),
            nn.SELU(),
            nn.Conv2d(4, 1, 3, padding=1, bias=False),
        )
        self.desc_head = Descriptors(shape.dimension, shape.positions)

    def forward(self, colors: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
        """`most` keypoints at most, the strongest ones."""
        features, scores = self.maps(colors)
        xy = keypoints(scores, most)
        return xy, self.desc_head(features, xy), _sampled(scores, xy)[0]

    def maps(self, colors: Tensor) -> tuple[Features, Tensor]:
        """Features and scores [1,1,H,W]."""
        height, width = colors.shape[2:]
        above, left = (-height % DIVISOR) // 2, (-width % DIVISOR) // 2
        padding = (left, -width % DIVISOR - left, above, -height % DIVISOR - above)
        level1 = self.block1(F.pad(colors, padding, mode="replicate"))
        level2 = self.block2(F.avg_pool2d(level1, 2))
        level3 = self.block3(F.avg_pool2d(level2, 4))
        level4 = self.block4(F.avg_pool2d(level3, 4))
        reduced = [
            F.selu(reduce(level))
            for reduce, level in zip((self.conv1, self.conv2, self.conv3, self.conv4), (level1, level2, level3, level4), strict=True)
        ]
        full = reduced[0].shape[2:]
        # Its first layer sees one pixel at a time, so it can be applied before the levels are enlarged: 8 channels instead of all.
        shares = self.score_head[0].weight.chunk(len(reduced), dim=1)
        seen = [
            F.interpolate(F.conv2d(level, share), full, mode="bilinear", align_corners=True)
            for level, share in zip(reduced, shares, strict=True)
        ]
        scores = torch.sigmoid(self.score_head[1:](sum(seen)))
        return Features(reduced, (left, above), (width, height)), scores[..., above : above + height, left : left + width]


@dataclass(frozen=True, eq=False)
class Features:
    """A picture's unit features where they are asked for; at full size they would take 0.5 GB a megapixel."""

    levels: list[Tensor]  # [1,C/4,.,.] each, the first as large as the padded picture
    corner: tuple[int, int]  # column and row of the picture's first pixel in that
    size: tuple[int, int]  # width and height of the picture

    def at(self, columns: Tensor, rows: Tensor) -> Tensor:
        """Features [C,N] of pixels [N]; zero outside of the picture."""
        inside = (columns >= 0) & (columns < self.size[0]) & (rows >= 0) & (rows < self.size[1])
        height, width = self.levels[0].shape[2:]
        x, y = _unit(columns + self.corner[0], width), _unit(rows + self.corner[1], height)
        grid = torch.stack([x, y], dim=1).to(self.levels[0].dtype)[None, None]
        joined = [F.grid_sample(level, grid, padding_mode="border", align_corners=True)[0, :, 0] for level in self.levels]
        return F.normalize(torch.cat(joined), dim=0) * inside

    def between(self, xy: Tensor) -> Tensor:
        """Features [C,N] at places [N,2] between pixels, bilinear."""
        corner = xy.floor()
        part = (xy - corner).T
        total = torch.zeros((), device=xy.device, dtype=xy.dtype)
        for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
            weight = (part[0] if right else 1 - part[0]) * (part[1] if down else 1 - part[1])
            total = total + weight * self.at(corner[:, 0] + right, corner[:, 1] + down)
        return total


class Plain(nn.Module):
    """Two convolutions at full resolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """From [B,inputs,H,W] to [B,outputs,H,W]."""
        return F.selu(self.conv2(F.selu(self.conv1(features))))


class Residual(nn.Module):
    """Two convolutions of a kind, beside a linear way around them."""

    def __init__(self, inputs: int, outputs: int, conv1: nn.Module, conv2: nn.Module) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv1, conv2
        self.downsample = nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """From [B,inputs,H,W] to [B,outputs,H,W]."""
        return F.selu(self.conv2(F.selu(self.conv1(features))) + self.downsample(features))


class Deformable(nn.Module):
    """A 3x3 convolution whose samples move by offsets that another convolution finds."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.offset_conv = nn.Conv2d(inputs, 18, 3, padding=1)
        self.regular_conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """From [B,inputs,H,W] to [B,outputs,H,W]."""
        largest = LARGEST_OFFSET * max(features.shape[2:])
        offsets = self.offset_conv(features).clamp(-largest, largest)
        return deformed(features, offsets, self.regular_conv.weight, self.regular_conv.bias)


class Descriptors(nn.Module):
    """Descriptors of keypoints out of features at places around each (section III-C, SDDH)."""

    def __init__(self, dimension: int, positions: int) -> None:
        super().__init__()
        self.offset_conv = nn.Sequential(nn.Conv2d(dimension, 2 * positions, 3), nn.SELU(), nn.Conv2d(2 * positions, 2 * positions, 1))
        self.sf_conv = nn.Conv2d(dimension, dimension, 1, bias=False)
        self.agg_weights = nn.Parameter(torch.empty(positions, dimension, dimension))

    def forward(self, features: Features, xy: Tensor) -> Tensor:
        """From features and keypoints [K,2] to unit descriptors [K,C]."""
        largest = LARGEST_OFFSET * max(features.size)
        offsets = self.offset_conv(_patches(features, xy)).clamp(-largest, largest)[..., 0, 0]  # [K,2P]
        places = xy[:, None] + offsets.reshape(len(xy), 2, self.agg_weights.shape[0]).transpose(1, 2)  # [K,P,2]
        sampled = features.between(places.reshape(-1, 2)).reshape(1, -1, *places.shape[:2])
        looks = F.selu(self.sf_conv(sampled))[0]  # [C,K,P]
        return F.normalize(torch.einsum("ckp,pcd->kd", looks, self.agg_weights), dim=1)


def deformed(features: Tensor, offsets: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Deformable 3x3 convolution of features [B,C,H,W] with offsets [B,18,H,W] (y, x of each tap, in pixels) and a weight [O,C,3,3]."""
    batch, channels, height, width = features.shape
    ys, xs = torch.meshgrid(
        torch.arange(height, device=features.device, dtype=features.dtype),
        torch.arange(width, device=features.device, dtype=features.dtype),
        indexing="ij",
    )
    taps = torch.tensor([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)], device=features.device, dtype=features.dtype)  # [9,2]
    moved = offsets.reshape(batch, 9, 2, height, width) + taps[:, :, None, None]
    grid = torch.stack([_unit(moved[:, :, 1] + xs, width), _unit(moved[:, :, 0] + ys, height)], dim=-1)  # [B,9,H,W,2]
    sampled = F.grid_sample(features, grid.reshape(batch, 9 * height, width, 2), align_corners=True)
    sampled = sampled.reshape(batch, channels, 9, height, width)
    result = torch.einsum("bckhw,ock->bohw", sampled, weight.flatten(2))
    return result if bias is None else result + bias[:, None, None]


def keypoints(scores: Tensor, most: int) -> Tensor:
    """Local maxima [K,2] (x, y) of scores [1,1,H,W], placed between pixels by a soft maximum (section III-B, DKD)."""
    height, width = scores.shape[2:]
    peaks = _local_maxima(scores)[0, 0]
    for edge in (peaks[:RADIUS_PX], peaks[-RADIUS_PX:], peaks[:, :RADIUS_PX], peaks[:, -RADIUS_PX:]):
        edge.zero_()
    strong = peaks > LEAST_SCORE
    chosen = (strong if strong.any() else peaks > scores.mean()).flatten().nonzero()[:, 0]
    if len(chosen) > most:
        chosen = chosen[scores.flatten()[chosen].argsort(descending=True)[:most]]
    side = 2 * RADIUS_PX + 1
    around = F.unfold(scores, side, padding=RADIUS_PX)[0].T[chosen]  # [K,side²]
    weights = ((around - around.amax(dim=1, keepdim=True)) / TEMPERATURE).exp()
    steps = torch.arange(-RADIUS_PX, RADIUS_PX + 1, device=scores.device, dtype=scores.dtype)
    offsets = torch.stack([steps.repeat(side), steps.repeat_interleave(side)], dim=1)
    moved = weights @ offsets / weights.sum(dim=1, keepdim=True)
    return torch.stack([chosen % width, torch.div(chosen, width, rounding_mode="floor")], dim=1) + moved


def folded(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our arrays out of the published ones: each batch normalization scales and shifts the convolution before it."""
    arrays = {name: array.float() for name, array in published.items() if ".bn" not in name}
    for norm in sorted({name.rpartition(".")[0] for name in published if ".bn" in name}):
        convolution = norm.replace(".bn", ".conv")
        if f"{convolution}.weight" not in arrays:
            convolution += ".regular_conv"
        scale = published[f"{norm}.weight"] / (published[f"{norm}.running_var"] + NORM_EPSILON).sqrt()
        arrays[f"{convolution}.weight"] = arrays[f"{convolution}.weight"] * scale[:, None, None, None]
        arrays[f"{convolution}.bias"] = published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale
    return arrays


def _local_maxima(scores: Tensor) -> Tensor:
    """Scores [1,1,H,W] where they are maxima among their neighbors, or would be but for neighbors that a maximum suppresses; else 0."""

    def highest(values: Tensor) -> Tensor:
        return F.max_pool2d(values, 2 * RADIUS_PX + 1, stride=1, padding=RADIUS_PX)

    maxima = scores == highest(scores)
    for _ in range(2):
        suppressed = highest(maxima.to(scores.dtype)) > 0
        left = torch.where(suppressed, 0.0, scores)
        maxima = maxima | ((left == highest(left)) & ~suppressed)
    return torch.where(maxima, scores, 0.0)


def _patches(features: Features, xy: Tensor) -> Tensor:
    """Features in the 3x3 pixels around the pixels of keypoints [K,2]: [K,C,3,3]."""
    width, height = features.size
    corner = (xy.long() - 0.5).long()
    # The original's bounds, one pixel tighter than the picture's at the far sides.
    left, top = corner[:, 0].clamp(0, width - 4), corner[:, 1].clamp(0, height - 4)
    steps = torch.arange(3, device=xy.device)
    rows, columns = torch.broadcast_tensors((top[:, None] + steps)[:, :, None], (left[:, None] + steps)[:, None, :])
    return features.at(columns.reshape(-1), rows.reshape(-1)).T.reshape(len(xy), 3, 3, -1).permute(0, 3, 1, 2)


def _sampled(values: Tensor, xy: Tensor) -> Tensor:
    """Values [1,C,H,W] between pixels, at places [K,2]: [C,K], or [K] of one channel's first axis."""
    height, width = values.shape[2:]
    grid = torch.stack([_unit(xy[:, 0], width), _unit(xy[:, 1], height)], dim=1)
    return F.grid_sample(values, grid[None, None], align_corners=True)[0, :, 0]


def _unit(pixels: Tensor, size: int) -> Tensor:
    """Pixels as grid_sample wants them: -1 at the center of the first one, 1 at that of the last."""
    return 2.0 * pixels / (size - 1) - 1.0
