"""CLIP: texts and pictures as vectors of one space.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021: two transformers, one of them for text.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..reading import DAMAGED
from ..values import Array
from .parts.attention import Block
from .parts.language import byte_pairs, merges_of
from .published import arrays_of

MEAN, SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of the colors it was trained with


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; those of ViT-L/14 are the defaults."""

    space: int = 768  # channels of the shared space
    words: int = 49_408
    longest: int = 77  # tokens of a text
    text_width: int = 768
    text_depth: int = 12
    text_heads: int = 12
    picture_px: int = 224
    patch_px: int = 14
    width: int = 1024
    depth: int = 24
    heads: int = 16
    letters: int = 524_644  # bytes of the vocabulary's pairs


class Clip(nn.Module):
    """Two transformers, of text and of pictures."""

    vocabulary: Tensor

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("vocabulary", torch.zeros(shape.letters, dtype=torch.uint8))  # UTF-8, a pair a line behind a heading
        self.text, self.eye = TextTransformer(shape), Eye(shape)
        self.scale = nn.Parameter(torch.empty(()))  # logarithm of what cosines are multiplied by


class TextTransformer(nn.Module):
    """From tokens [B,T], the last one the end, to vectors [B,space]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.words = nn.Embedding(shape.words, shape.text_width)
        self.positions = nn.Parameter(torch.empty(shape.longest, shape.text_width))
        self.blocks = nn.ModuleList(Block(shape.text_width, shape.text_heads, "sigmoid") for _ in range(shape.text_depth))
        self.norm = nn.LayerNorm(shape.text_width)
        self.project = nn.Linear(shape.text_width, shape.space, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """A token sees those before it; the end token's features are the text's."""
        count = tokens.shape[1]
        features = self.words(tokens) + self.positions[:count]
        earlier = torch.ones(count, count, dtype=torch.bool, device=tokens.device).tril()
        for block in self.blocks:
            features = block(features, earlier)
        return self.project(self.norm(features[:, -1]))


class Eye(nn.Module):
    """From colors [B,3,S,S], normalized, to tokens [B,1+T,width], and from these to vectors [B,space]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.empty(shape.width))
        self.patches = nn.Conv2d(3, shape.width, shape.patch_px, stride=shape.patch_px, bias=False)
        self.positions = nn.Parameter(torch.empty(1 + (shape.picture_px // shape.patch_px) ** 2, shape.width))
        self.norm_before = nn.LayerNorm(shape.width)
        self.blocks = nn.ModuleList(Block(shape.width, shape.heads, "sigmoid") for _ in range(shape.depth))
        self.norm = nn.LayerNorm(shape.width)
        self.project = nn.Linear(shape.width, shape.space, bias=False)

    def forward(self, colors: Tensor) -> Tensor:
        """Tokens of the last block, the class's first."""
        patches = self.patches(colors).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(patches), 1, -1), patches], dim=1) + self.positions
        tokens = self.norm_before(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


def vector_of_text(text: str, network: Clip) -> Tensor:
    """The unit vector [1,space] of a text."""
    merges = merges_of(bytes(network.vocabulary.cpu().numpy()).decode())
    tokens = torch.tensor([byte_pairs(text, merges, network.shape.longest)], device=network.scale.device)
    with torch.inference_mode():
        return F.normalize(network.text(tokens).float(), dim=1)


def grid_of_picture(srgb: Array, network: Clip) -> Tensor:
    """Features [1,T,width] of the patches of a picture [H,W,3] uint8, whose middle square is seen."""
    with torch.inference_mode():
        return network.eye(_colors(srgb, network))[:, 1:].float()


def _colors(srgb: Array, network: Clip) -> Tensor:
    """Colors [1,3,S,S]: scaled by bicubic interpolation to the shorter side, in whole steps of 255, cut to the middle."""
    from PIL import Image

    side = network.shape.picture_px
    picture = Image.fromarray(np.ascontiguousarray(srgb))
    scale = side / min(picture.size)
    width, height = (max(side, int(scale * each)) for each in picture.size)
    scaled = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - side) / 2), round((height - side) / 2)
    cut = np.asarray(scaled.crop((left, top, left + side, top + side)), np.float32) / 255.0
    normal = (cut - np.array(MEAN, np.float32)) / np.array(SPREAD, np.float32)
    return torch.from_numpy(normal).permute(2, 0, 1)[None].to(network.scale)


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The network's arrays, and its vocabulary's pairs, out of the published files; raises ValueError where they hold another network."""
    arrays = {ours(name): array for name, array in arrays_of(files["model.safetensors"]).items() if not name.endswith(UNUSED)}
    try:
        lines = gzip.decompress(files["bpe_simple_vocab_16e6.txt.gz"].read_bytes()).decode().split("\n")
    except (OSError, *DAMAGED) as error:
        raise ValueError("the vocabulary is damaged") from error
    kept = "\n".join(lines[: 1 + len(merges_of("\n".join(lines)))])
    arrays["vocabulary"] = np.frombuffer(kept.encode(), np.uint8)
    with torch.device("meta"):
        wanted = {name: tuple(array.shape) for name, array in Clip().state_dict().items()}
    if wanted != {name: array.shape for name, array in arrays.items()}:
        raise ValueError("it isn't CLIP ViT-L/14")
    return arrays


UNUSED = "position_ids"
NAMES = (  # of the published file, and ours
    (r"logit_scale", "scale"),
    (r"text_model\.embeddings\.token_embedding\.weight", "text.words.weight"),
    (r"text_model\.embeddings\.position_embedding\.weight", "text.positions"),
    (r"text_model\.final_layer_norm\.(\w+)", r"text.norm.\1"),
    (r"text_projection\.weight", "text.project.weight"),
    (r"vision_model\.embeddings\.class_embedding", "eye.class_token"),
    (r"vision_model\.embeddings\.patch_embedding\.weight", "eye.patches.weight"),
    (r"vision_model\.embeddings\.position_embedding\.weight", "eye.positions"),
    (r"vision_model\.pre_layrnorm\.(\w+)", r"eye.norm_before.\1"),
    (r"vision_model\.post_layernorm\.(\w+)", r"eye.norm.\1"),
    (r"visual_projection\.weight", "eye.project.weight"),
)
INSIDE = {"layer_norm1": "norm_self", "layer_norm2": "norm_feed", "mlp.fc1": "feed.enter", "mlp.fc2": "feed.leave"}
INSIDE |= {f"self_attn.{theirs}": f"attend_self.{mine}" for theirs, mine in (("q_proj", "query"), ("k_proj", "key"))}
INSIDE |= {f"self_attn.{theirs}": f"attend_self.{mine}" for theirs, mine in (("v_proj", "value"), ("out_proj", "out"))}


def ours(name: str) -> str:
    """Our name of an array of the published file; the name itself for one that isn't known."""
    if (found := re.fullmatch(r"(text|vision)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)) and found[3] in INSIDE:
        return f"{'text' if found[1] == 'text' else 'eye'}.blocks.{found[2]}.{INSIDE[found[3]]}.{found[4]}"
    for pattern, replacement in NAMES:
        if matched := re.fullmatch(pattern, name):
            return matched.expand(replacement)
    return name
