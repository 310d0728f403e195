"""Point-E: colored points of an object, from a text or a picture, and the signed distance that surrounds them.

Nichol, Jun, Dhariwal, Mishkin, Chen, "Point-E: A System for Generating 3D Point Clouds from Complex Prompts", 2022. A transformer denoises
1,024 points under what CLIP says of the text or the picture, a second one adds 3,072 to them, and a third reads distances off the points.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..values import Array
from .parts.attention import Block, FeedForward, LookingBlock
from .parts.samplers import Heun, denoised, kept_by_cosine, kept_by_line, time_of
from .parts.waves import of_times
from .published import tensors_of

CHANNELS = 6  # x y z, and red green blue
SCALES = (2.0, 2.0, 2.0, 2 / 255, 2 / 255, 2 / 255)  # of coordinates and colors (0 to 255), before the biases are added
BIASES = (0.0, 0.0, 0.0, -1.0, -1.0, -1.0)
STEPS = 1024  # of the diffusions
BASE, UPSAMPLE = Heun(64, 120.0, churn=3.0), Heun(64, 160.0)
RADIUS = 0.51  # half the edge of the cube in which distances are asked for
BLENDER_FROM_MODEL = np.eye(3)  # Z is up


@dataclass(frozen=True)
class Shape:
    """Sizes of the networks; the published ones are those of SHAPES."""

    by_grid: bool  # what CLIP says of a picture's patches, else the one vector of a text
    width: int = 512
    depth: int = 12
    heads: int = 8
    vector: int = 768  # channels of CLIP's vectors
    grid: int = 1024  # and of its patches
    patches: int = 256
    points: int = 1024
    further: int = 3072
    upsample_width: int = 512
    upsample_depth: int = 12
    upsample_heads: int = 8
    distance_width: int = 256
    distance_depth: int = 8
    distance_looks: int = 4
    distance_heads: int = 4


SHAPES = {
    "base_40m_textvec.pt": Shape(by_grid=False),
    "base_40m.pt": Shape(by_grid=True),
    "base_300m.pt": Shape(by_grid=True, width=1024, depth=24, heads=16),
    "base_1b.pt": Shape(by_grid=True, width=2048, depth=24, heads=32),
}


class PointE(nn.Module):
    """The three networks."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        grid = shape.grid if shape.by_grid else 0
        self.base = Denoiser(shape.width, shape.depth, shape.heads, grid, shape.vector)
        self.upsample = Denoiser(shape.upsample_width, shape.upsample_depth, shape.upsample_heads, shape.grid, 0, adds=True)
        self.distance = Distance(shape.distance_width, shape.distance_depth, shape.distance_looks, shape.distance_heads)


class Denoiser(nn.Module):
    """From noisy points [B,P,6] to the noise in them, and its learned range, [B,P,12]."""

    def __init__(self, width: int, depth: int, heads: int, grid: int, vector: int, adds: bool = False) -> None:
        super().__init__()
        self.width = width
        self.time = FeedForward(width, 4 * width)
        self.enter = nn.Linear(CHANNELS, width)
        self.norm_seen = nn.LayerNorm(grid) if grid else None
        self.seen = nn.Linear(grid or vector, width)
        self.given = nn.Linear(CHANNELS, width) if adds else None
        self.norm_before, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.leave = nn.Linear(width, 2 * CHANNELS)

    def forward(self, points: Tensor, times: Tensor, seen: Tensor, given: Tensor | None = None) -> Tensor:
        """Under what CLIP says, [B,vector] or [B,T,grid], and points [B,Q,6] that are given already, in coordinates and colors."""
        time = self.time(of_times(times, self.width).to(points))[:, None]
        if self.norm_seen is None:
            context = [self.seen(math.sqrt(seen.shape[1]) * seen)[:, None], time]  # to unit variance
        else:
            context = [time, self.seen(self.norm_seen(seen))]
        if given is not None and self.given is not None:
            context.append(self.given(scaled(given)))
        tokens = self.norm_before(torch.cat([*context, self.enter(points)], dim=1))
        for block in self.blocks:
            tokens = block(tokens)
        return self.leave(self.norm(tokens)[:, -points.shape[1] :])


class Distance(nn.Module):
    """Signed distances [B,Q], positive inside, at places [B,Q,3] around points [B,P,3]."""

    def __init__(self, width: int, depth: int, looks: int, heads: int) -> None:
        super().__init__()
        self.enter = nn.Linear(3, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.ask = nn.Linear(3, width)
        self.looks = nn.ModuleList(LookingBlock(width, heads) for _ in range(looks))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, 1)

    def encoded(self, points: Tensor) -> Tensor:
        """Features [B,P,width] of points."""
        features = self.enter(points)
        for block in self.blocks:
            features = block(features)
        return features

    def at(self, places: Tensor, features: Tensor) -> Tensor:
        """Distances [B,Q]."""
        asked = self.ask(places)
        for look in self.looks:
            asked = look(asked, features)
        return self.leave(self.norm(asked))[..., 0]


def scaled(points: Tensor) -> Tensor:
    """Points [...,6] as the networks have them, -1 to 1."""
    return points * points.new_tensor(SCALES) + points.new_tensor(BIASES)


def unscaled(points: Tensor) -> Tensor:
    """The other way round."""
    return (points - points.new_tensor(BIASES)) / points.new_tensor(SCALES)


def points_of(
    seen: Tensor,
    network: PointE,
    guidance: float,
    seed: int,
    progress: Callable[[float], None],
    base: Heun = BASE,
    upsample: Heun = UPSAMPLE,
) -> Tensor:
    """Points [P,6], coordinates within about half a meter of the origin and colors 0 to 255, of what CLIP says of a text or picture.

    `guidance` is how far what CLIP says is followed; the points that are added follow a picture, but no text, as published.
    """
    random = torch.Generator().manual_seed(seed)
    shape = network.shape
    with torch.inference_mode():
        noise = base.noisiest * torch.randn((1, shape.points, CHANNELS), generator=random).to(seen)
        first = _sampled(network.base, noise, (seen,), guidance, kept_by_cosine(STEPS), base, random, lambda part: progress(0.3 * part))
        noise = upsample.noisiest * torch.randn((1, shape.further, CHANNELS), generator=random).to(seen)
        grid = seen if shape.by_grid else seen.new_zeros(1, shape.patches, shape.grid)
        further = _sampled(
            network.upsample,
            noise,
            (grid, first),
            guidance if shape.by_grid else 0.0,
            kept_by_line(STEPS),
            upsample,
            random,
            lambda part: progress(0.3 + 0.7 * part),
        )
    return torch.cat([first, further], dim=1)[0]


def _sampled(
    network: Denoiser,
    noise: Tensor,
    conditions: tuple[Tensor, ...],
    guidance: float,
    kept: Array,
    heun: Heun,
    random: torch.Generator,
    progress: Callable[[float], None],
) -> Tensor:
    """Points [1,P,6]; with guidance, what is denoised without conditions is left by that many times the way to what is with them."""
    guided = guidance not in (0.0, 1.0)
    given = tuple(torch.cat([each, torch.zeros_like(each)]) for each in conditions) if guided else conditions

    def denoise(state: Tensor, deviation: float) -> Tensor:
        time = time_of(deviation, kept)
        gain, loss = math.sqrt(1 / kept[time]), math.sqrt(1 / kept[time] - 1)
        seen = state / math.sqrt(deviation**2 + 1)
        both = torch.cat([seen, seen]) if guided else seen
        said = network(both, torch.full((len(both),), time, device=both.device), *given)[..., :CHANNELS]
        clean = (gain * both - loss * said).clamp(-1, 1)
        return clean[1:] + guidance * (clean[:1] - clean[1:]) if guided else clean

    return unscaled(denoised(denoise, noise, heun, random, progress))


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The arrays of the three networks out of the published checkpoints; raises ValueError where they hold others."""
    name = next((name for name in files if name in SHAPES), "")
    if not name:
        raise ValueError("there is no base model")
    shape = SHAPES[name]
    heads = {"base": shape.heads, "upsample": shape.upsample_heads, "distance": shape.distance_heads}
    arrays: dict[str, Array] = {}
    for part, file in (("base", name), ("upsample", "upsample_40m.pt"), ("distance", "sdf.pt")):
        arrays |= {f"{part}.{mine}": array.numpy() for mine, array in ours(tensors_of(files[file]), heads[part]).items()}
    with torch.device("meta"):
        wanted = {each: tuple(array.shape) for each, array in PointE(shape).state_dict().items()}
    if wanted != {each: array.shape for each, array in arrays.items()}:
        raise ValueError("it isn't Point-E")
    return arrays


UNUSED = ("channel_scales", "channel_biases")  # SCALES and BIASES
NAMES = (  # of the published checkpoints, and ours
    (r"time_embed\.c_fc", "time.enter"),
    (r"time_embed\.c_proj", "time.leave"),
    (r"ln_pre", "norm_before"),
    (r"ln_post", "norm"),
    (r"(?:encoder_)?input_proj", "enter"),
    (r"decoder_input_proj", "ask"),
    (r"output_proj", "leave"),
    (r"clip_embed\.0", "norm_seen"),
    (r"clip_embed(?:\.1)?", "seen"),
    (r"cond_point_proj", "given"),
    (r"(?:backbone|encoder)\.resblocks\.(\d+)\.ln_1", r"blocks.\1.norm_self"),
    (r"(?:backbone|encoder)\.resblocks\.(\d+)\.ln_2", r"blocks.\1.norm_feed"),
    (r"(?:backbone|encoder)\.resblocks\.(\d+)\.mlp\.c_fc", r"blocks.\1.feed.enter"),
    (r"(?:backbone|encoder)\.resblocks\.(\d+)\.mlp\.c_proj", r"blocks.\1.feed.leave"),
    (r"(?:backbone|encoder)\.resblocks\.(\d+)\.attn\.c_qkv", r"blocks.\1.attend_self.query,key,value"),
    (r"(?:backbone|encoder)\.resblocks\.(\d+)\.attn\.c_proj", r"blocks.\1.attend_self.out"),
    (r"decoder\.resblocks\.(\d+)\.ln_1", r"looks.\1.norm_self"),
    (r"decoder\.resblocks\.(\d+)\.ln_2", r"looks.\1.norm_context"),
    (r"decoder\.resblocks\.(\d+)\.ln_3", r"looks.\1.norm_feed"),
    (r"decoder\.resblocks\.(\d+)\.mlp\.c_fc", r"looks.\1.feed.enter"),
    (r"decoder\.resblocks\.(\d+)\.mlp\.c_proj", r"looks.\1.feed.leave"),
    (r"decoder\.resblocks\.(\d+)\.attn\.c_q", r"looks.\1.attend_context.query"),
    (r"decoder\.resblocks\.(\d+)\.attn\.c_kv", r"looks.\1.attend_context.key,value"),
    (r"decoder\.resblocks\.(\d+)\.attn\.c_proj", r"looks.\1.attend_context.out"),
)


def ours(published: Mapping[str, Tensor], heads: int) -> dict[str, Tensor]:
    """A published checkpoint's arrays by our names; queries, keys and values, which it has together for each head, are taken apart."""
    found: dict[str, Tensor] = {}
    for name, array in published.items():
        if name in UNUSED:
            continue
        stem, _, kind = name.rpartition(".")
        mine = next((match.expand(new) for old, new in NAMES if (match := re.fullmatch(old, stem))), stem)
        owner, _, last = mine.rpartition(".")
        parts = last.split(",")
        if len(parts) == 1:
            found[f"{mine}.{kind}"] = array
            continue
        split = array.unflatten(0, (heads, len(parts), -1))
        for number, part in enumerate(parts):
            found[f"{owner}.{part}.{kind}"] = split[:, number].flatten(0, 1).contiguous()
    return found
