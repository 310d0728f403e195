"""TripoSR: a field of density and color from one picture of an object.

Tochilkin et al., "TripoSR: Fast 3D Object Reconstruction from a Single Image", 2024, after Hong et al., "LRM: Large Reconstruction Model
for Single Image to 3D", ICLR 2024. A vision transformer makes tokens of the picture, a transformer turns learned tokens of three planes
into the object's by attending to them, and a small network reads density and color off the planes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..values import Array, Picture
from .parts.attention import CrossBlock
from .parts.triplanes import features_at
from .parts.vision import Size, VisionTransformer
from .published import tensors_of

RADIUS = 0.87  # half the edge of the cube that the field fills
LEVEL = 25.0  # density at the surface
DENSITY_BIAS = -1.0  # added to the logarithm of density
FILLED = 0.85  # share of the picture's side that the subject fills
GROUND = 0.5  # gray behind the subject
BLENDER_FROM_MODEL = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # the model's subjects look along +X


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; the published ones are the defaults."""

    picture_px: int = 512
    patch_px: int = 16
    picture_width: int = 768
    picture_depth: int = 12
    picture_heads: int = 12
    picture_side: int = 14  # patches, of the vision transformer's training
    plane_px: int = 32
    width: int = 1024
    depth: int = 16
    heads: int = 16
    features: int = 40
    field_width: int = 64
    field_depth: int = 9


class TripoSR(nn.Module):
    """From colors [B,3,S,S], 0 to 1, to three planes of features, and from these to density and color."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape = shape
        eye = Size(shape.picture_width, shape.picture_depth, shape.picture_heads, shape.patch_px, shape.picture_side)
        self.eye = VisionTransformer(eye)
        self.planes = nn.Parameter(torch.empty(3, shape.width, shape.plane_px, shape.plane_px))
        self.norm = nn.GroupNorm(32, shape.width, eps=1e-6)
        self.enter = nn.Linear(shape.width, shape.width)
        self.blocks = nn.ModuleList(CrossBlock(shape.width, shape.heads, shape.picture_width) for _ in range(shape.depth))
        self.leave = nn.Linear(shape.width, shape.width)
        self.enlarge = nn.ConvTranspose2d(shape.width, shape.features, 2, stride=2)
        widths = [3 * shape.features, *[shape.field_width] * shape.field_depth]
        self.field = nn.ModuleList(nn.Linear(*pair) for pair in zip(widths, [*widths[1:], 4], strict=True))

    def forward(self, colors: Tensor, progress: Callable[[float], None] = lambda fraction: None) -> Tensor:
        """Planes [B,3,features,2*plane_px,2*plane_px]; `progress` hears fractions, and may raise."""
        seen = self.eye(colors, lambda fraction: progress(0.1 * fraction))
        learned = self.planes.transpose(0, 1).flatten(1)[None]  # [1,C,T]
        tokens = self.enter(self.norm(learned).transpose(1, 2)).expand(len(colors), -1, -1)
        for number, block in enumerate(self.blocks):
            tokens = block(tokens, seen)
            progress(0.1 + 0.9 * (number + 1) / len(self.blocks))
        made = self.leave(tokens).transpose(1, 2) + learned
        planes = made.unflatten(2, (3, self.shape.plane_px, self.shape.plane_px)).transpose(1, 2)
        return self.enlarge(planes.flatten(0, 1)).unflatten(0, (len(colors), 3))

    def at(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """The logarithm of density [...,P] and sRGB colors [...,P,3], 0 to 1, at points [...,P,3] within RADIUS along each axis."""
        values = features_at(planes, points / RADIUS)
        for layer in self.field[:-1]:
            values = F.silu(layer(values))
        values = self.field[-1](values)
        return values[..., 0] + DENSITY_BIAS, torch.sigmoid(values[..., 1:])


def squared(picture: Picture) -> Array:
    """The subject in the middle of a gray square [S,S,3] uint8, of which it fills FILLED.

    Its last row and column are left out, as in the reference.
    """
    rows, columns = np.nonzero(picture.coverage > 0)
    part = tuple(slice(each.min(), max(each.max(), each.min() + 1)) for each in (rows, columns))
    colors, coverage = picture.srgb[part].astype(np.float32) / 255.0, picture.coverage[part][..., None].astype(np.float32)
    ground = np.float32(GROUND)
    colors = colors * coverage + (1 - coverage) * ground
    height, width = coverage.shape[:2]
    inner = max(height, width)
    side = int(inner / FILLED)
    top, left = ((side - inner) // 2 + (inner - size) // 2 for size in (height, width))
    whole = np.full((side, side, 3), ground, np.float32)
    whole[top : top + height, left : left + width] = colors
    return (whole * 255.0).astype(np.uint8)


def planes_of(picture: Picture, network: TripoSR, progress: Callable[[float], None] = lambda fraction: None) -> Array:
    """Planes [3,features,H,W] float32 of a picture's subject."""
    weight = network.enter.weight
    colors = torch.tensor(squared(picture)).permute(2, 0, 1)[None].to(weight.device, torch.float32) / 255.0
    size = (network.shape.picture_px,) * 2
    colors = F.interpolate(colors, size, mode="bilinear", antialias=True)
    with torch.inference_mode():
        return network(colors.to(weight.dtype), progress)[0].float().cpu().numpy()


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The network's arrays out of the published checkpoint, float32; raises ValueError where it holds another network."""
    published = tensors_of(files["model.ckpt"])
    arrays = {ours(name): array.numpy() for name, array in published.items() if not name.startswith(UNUSED)}
    with torch.device("meta"):
        wanted = {name: tuple(array.shape) for name, array in TripoSR().state_dict().items()}
    if wanted != {name: array.shape for name, array in arrays.items()}:
        raise ValueError("it isn't TripoSR")
    return arrays


UNUSED = "image_tokenizer.model.pooler."  # the vision transformer's head
NAMES = (  # of the published checkpoint, and ours
    (r"image_tokenizer\.model\.embeddings\.cls_token", "eye.class_token"),
    (r"image_tokenizer\.model\.embeddings\.position_embeddings", "eye.positions"),
    (r"image_tokenizer\.model\.embeddings\.patch_embeddings\.projection", "eye.patches"),
    (r"image_tokenizer\.model\.encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)", r"eye.blocks.\1.attend_self.\2"),
    (r"image_tokenizer\.model\.encoder\.layer\.(\d+)\.attention\.output\.dense", r"eye.blocks.\1.attend_self.out"),
    (r"image_tokenizer\.model\.encoder\.layer\.(\d+)\.intermediate\.dense", r"eye.blocks.\1.feed.enter"),
    (r"image_tokenizer\.model\.encoder\.layer\.(\d+)\.output\.dense", r"eye.blocks.\1.feed.leave"),
    (r"image_tokenizer\.model\.encoder\.layer\.(\d+)\.layernorm_before", r"eye.blocks.\1.norm_self"),
    (r"image_tokenizer\.model\.encoder\.layer\.(\d+)\.layernorm_after", r"eye.blocks.\1.norm_feed"),
    (r"image_tokenizer\.model\.layernorm", "eye.norm"),
    (r"tokenizer\.embeddings", "planes"),
    (r"backbone\.norm", "norm"),
    (r"backbone\.proj_in", "enter"),
    (r"backbone\.proj_out", "leave"),
    (r"backbone\.transformer_blocks\.(\d+)\.norm1", r"blocks.\1.norm_self"),
    (r"backbone\.transformer_blocks\.(\d+)\.norm2", r"blocks.\1.norm_context"),
    (r"backbone\.transformer_blocks\.(\d+)\.norm3", r"blocks.\1.norm_feed"),
    (r"backbone\.transformer_blocks\.(\d+)\.attn1\.to_out\.0", r"blocks.\1.attend_self.out"),
    (r"backbone\.transformer_blocks\.(\d+)\.attn2\.to_out\.0", r"blocks.\1.attend_context.out"),
    (r"backbone\.transformer_blocks\.(\d+)\.ff\.net\.0\.proj", r"blocks.\1.feed.enter"),
    (r"backbone\.transformer_blocks\.(\d+)\.ff\.net\.2", r"blocks.\1.feed.leave"),
    (r"post_processor\.upsample", "enlarge"),
)
LETTERS = {"q": "query", "k": "key", "v": "value"}


def ours(name: str) -> str:
    """Our name of an array of the published checkpoint; the name itself for one that isn't known."""
    if found := re.fullmatch(r"backbone\.transformer_blocks\.(\d+)\.attn([12])\.to_([qkv])\.weight", name):
        return f"blocks.{found[1]}.attend_{'self' if found[2] == '1' else 'context'}.{LETTERS[found[3]]}.weight"
    if found := re.fullmatch(r"decoder\.layers\.(\d+)\.(weight|bias)", name):
        return f"field.{int(found[1]) // 2}.{found[2]}"
    stem, dot, kind = name.rpartition(".") if name.endswith((".weight", ".bias")) else (name, "", "")
    for pattern, replacement in NAMES:
        if found := re.fullmatch(pattern, stem):
            return found.expand(replacement) + dot + kind
    return name
