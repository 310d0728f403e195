"""ISNet: how far each pixel belongs to the subject of a picture.

Qin, Dai, Hu, Fan, Shao, Van Gool, "Highly Accurate Dichotomous Image Segmentation", ECCV 2022, section 4: a U-Net whose blocks are
themselves U-Nets (residual U-blocks of Qin et al., "U2-Net", Pattern Recognition 2020, section 3.1). Batch normalization is folded into
the convolutions, as in the published file. Letters: B pictures, C channels, H and W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..values import Array
from .onnx import read_graph

SIDE_PX = 1024  # of the square that pictures are scaled to
MIDDLE = 0.5  # taken off the colors


class ISNet(nn.Module):
    """From colors [B,3,H,W], 0 to 1 less MIDDLE, to coverage [B,1,H,W], 0 to 1; H and W are multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, 64, 3, stride=2, padding=1)
        self.encoder = nn.ModuleList(
            [
                ResidualU(7, 64, 32, 64),
                ResidualU(6, 64, 32, 128),
                ResidualU(5, 128, 64, 256),
                ResidualU(4, 256, 128, 512),
                ResidualU(4, 512, 256, 512, dilated=True),
                ResidualU(4, 512, 256, 512, dilated=True),
            ]
        )
        self.decoder = nn.ModuleList(  # the deepest first
            [
                ResidualU(4, 1024, 256, 512, dilated=True),
                ResidualU(4, 1024, 128, 256),
                ResidualU(5, 512, 64, 128),
                ResidualU(6, 256, 32, 64),
                ResidualU(7, 128, 16, 64),
            ]
        )
        self.leave = nn.Conv2d(64, 1, 3, padding=1)

    def forward(self, colors: Tensor, progress: Callable[[float], None] = lambda fraction: None) -> Tensor:
        """`progress` hears the fraction of the blocks that are done, and may raise."""
        blocks = len(self.encoder) + len(self.decoder)
        features, levels = self.enter(colors), []
        for depth, block in enumerate(self.encoder):
            features = block(_halved(features) if depth else features)
            levels.append(features)
            progress((depth + 1) / blocks)
        features = levels.pop()
        for step, (block, skipped) in enumerate(zip(self.decoder, reversed(levels), strict=True)):
            features = block(torch.cat([_like(features, skipped), skipped], dim=1))
            progress((len(self.encoder) + step + 1) / blocks)
        return torch.sigmoid(_like(self.leave(features), colors))


class ResidualU(nn.Module):
    """A residual U-block (RSU): a U-Net of `height` levels, added to its input; a `dilated` one widens its view instead of halving."""

    def __init__(self, height: int, inputs: int, middle: int, outputs: int, dilated: bool = False) -> None:
        super().__init__()
        widths = [1 << level for level in range(height)] if dilated else [*[1] * (height - 1), 2]
        self.pools = not dilated
        self.enter = _convolution(inputs, outputs, 1)
        self.down = nn.ModuleList(_convolution(middle if level else outputs, middle, width) for level, width in enumerate(widths))
        self.up = nn.ModuleList(  # the deepest first
            _convolution(2 * middle, middle if level else outputs, widths[level] if dilated else 1) for level in reversed(range(height - 1))
        )

    def forward(self, features: Tensor) -> Tensor:
        """From features [B,inputs,H,W] to features [B,outputs,H,W]."""
        entered = inner = F.relu(self.enter(features))
        levels = []
        for level, convolution in enumerate(self.down):
            if self.pools and 0 < level < len(self.down) - 1:
                inner = _halved(inner)
            inner = F.relu(convolution(inner))
            levels.append(inner)
        levels.pop()
        for convolution, skipped in zip(self.up, reversed(levels), strict=True):
            inner = F.relu(convolution(torch.cat([_like(inner, skipped), skipped], dim=1)))
        return inner + entered


def coverage(srgb: Array, network: ISNet, progress: Callable[[float], None] = lambda fraction: None) -> Array:
    """Coverage [H,W] float32, 0 to 1, of the subject of a picture [H,W,3] uint8."""
    weight = network.enter.weight
    colors = torch.tensor(srgb).permute(2, 0, 1)[None].to(weight.device, torch.float32) / 255.0
    square = F.interpolate(colors, (SIDE_PX, SIDE_PX), mode="bilinear", antialias=True)
    with torch.inference_mode():
        found = network((square - MIDDLE).to(weight.dtype), progress)
        scaled = F.interpolate(found.float(), srgb.shape[:2], mode="bilinear", antialias=True)
    return scaled[0, 0].clamp(0.0, 1.0).cpu().numpy()


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The network's arrays out of the published ONNX file, float16; raises ValueError where it holds another network.

    The file names its folded weights by numbers: what they belong to is told by the names of the convolutions that use them.
    """
    graph = read_graph(files["isnet.onnx"])
    arrays: dict[str, Array] = {}
    for node in (node for node in graph.nodes if node.operator == "Conv"):
        name = _ours(node.name.strip("/").split("/"))
        if name:
            arrays[f"{name}.weight"], arrays[f"{name}.bias"] = (graph.constants[each] for each in node.inputs[1:3])
    with torch.device("meta"):
        wanted = {name: tuple(array.shape) for name, array in ISNet().state_dict().items()}
    if wanted != {name: array.shape for name, array in arrays.items()}:
        raise ValueError("it isn't an ISNet")
    return arrays


def _ours(path: list[str]) -> str:
    """Our name of a convolution of the published file; "" for those of the coarse outputs, which only training needs."""
    if path[0] in ("conv_in", "side1"):
        return {"conv_in": "enter", "side1": "leave"}[path[0]]
    if not path[0].startswith("stage"):
        return ""
    stage, part = path[0].removeprefix("stage"), path[1].removeprefix("rebnconv")
    number = int(stage.rstrip("d"))
    block = f"decoder.{5 - number}" if stage.endswith("d") else f"encoder.{number - 1}"
    if part == "in":
        return f"{block}.enter"
    if not part.endswith("d"):
        return f"{block}.down.{int(part) - 1}"
    heights = (7, 6, 5, 4, 4, 4)
    return f"{block}.up.{heights[number - 1] - 1 - int(part.rstrip('d'))}"


def _convolution(inputs: int, outputs: int, dilation: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)


def _halved(features: Tensor) -> Tensor:
    return F.max_pool2d(features, 2, ceil_mode=True)


def _like(features: Tensor, other: Tensor) -> Tensor:
    """Features scaled to the height and width of others."""
    size = other.shape[2:]
    return features if features.shape[2:] == size else F.interpolate(features, size, mode="bilinear")
