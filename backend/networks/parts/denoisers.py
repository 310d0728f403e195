"""Transformers that denoise sets of tokens under what CLIP says, as Point-E's and Shap-E's, and their guidance.

Nichol et al., "Point-E: A System for Generating 3D Point Clouds from Complex Prompts", 2022; Jun and Nichol, "Shap-E: Generating
Conditional 3D Implicit Functions", 2023. Guidance: Ho and Salimans, "Classifier-Free Diffusion Guidance", 2022.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ...values import Array
from .attention import Block, FeedForward
from .samplers import Denoiser, time_of
from .waves import of_times


class TokenDenoiser(nn.Module):
    """From noisy tokens [B,T,channels] to [B,T,2 channels]: the noise in them, or what they are without, and a learned range."""

    def __init__(
        self,
        channels: int,
        width: int,
        depth: int,
        heads: int,
        grid: int = 0,
        vector: int = 0,
        *,
        adds: bool = False,
        placed: int = 0,
    ) -> None:
        """What CLIP says is a vector, or a `grid` with so many channels a patch.

        `adds` takes tokens that are given already; of `placed` tokens each has a learned position.
        """
        super().__init__()
        self.width = width
        self.time = FeedForward(width, 4 * width)
        self.enter = nn.Linear(channels, width)
        self.positions = nn.Parameter(torch.empty(placed, width)) if placed else None
        self.norm_seen = nn.LayerNorm(grid) if grid else None
        self.seen = nn.Linear(grid or vector, width)
        self.given = nn.Linear(channels, width) if adds else None
        self.norm_before, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.leave = nn.Linear(width, 2 * channels)

    def forward(self, tokens: Tensor, times: Tensor, seen: Tensor, given: Tensor | None = None) -> Tensor:
        """Under what CLIP says, [B,vector] or [B,P,grid], and tokens [B,S,channels] that are given already."""
        time = self.time(of_times(times, self.width).to(tokens))[:, None]
        if self.norm_seen is None:
            context = [self.seen(math.sqrt(seen.shape[1]) * seen)[:, None], time]  # to unit variance
        else:
            context = [time, self.seen(self.norm_seen(seen))]
        if given is not None and self.given is not None:
            context.append(self.given(given))
        entered = self.enter(tokens) if self.positions is None else self.enter(tokens) + self.positions
        features = self.norm_before(torch.cat([*context, entered], dim=1))
        for block in self.blocks:
            features = block(features)
        return self.leave(self.norm(features)[:, -tokens.shape[1] :])


def guided(
    network: TokenDenoiser, conditions: Sequence[Tensor], nothing: Sequence[Tensor], guidance: float, kept: Array, says_clean: bool = False
) -> Denoiser:
    """What removes the noise of a state [1,T,channels], as the network says under conditions [1,...].

    `kept` is the diffusion's schedule; the network says the noise, or with `says_clean` the state without it. With guidance other than 0
    and 1 what it says under `nothing` is left by that many times the way to what it says under the conditions.
    """
    both = guidance not in (0.0, 1.0)
    given = [torch.cat(pair) for pair in zip(conditions, nothing, strict=True)] if both else conditions

    def denoise(state: Tensor, deviation: float) -> Tensor:
        time = time_of(deviation, kept)
        seen = state / math.sqrt(deviation**2 + 1)
        seen = torch.cat([seen, seen]) if both else seen
        said = network(seen, torch.full((len(seen),), time, device=seen.device), *given)[..., : state.shape[-1]]
        clean = said if says_clean else math.sqrt(1 / kept[time]) * seen - math.sqrt(1 / kept[time] - 1) * said
        clean = clean.clamp(-1, 1)
        return clean[1:] + guidance * (clean[:1] - clean[1:]) if both else clean

    return denoise


POSITIONS = {"pos_emb": "positions"}
NAMES = (  # of the published checkpoints, and ours
    (r"time_embed\.c_fc", "time.enter"),
    (r"time_embed\.c_proj", "time.leave"),
    (r"ln_pre", "norm_before"),
    (r"ln_post", "norm"),
    (r"(?:encoder_)?input_proj", "enter"),
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
)


def ours_of(published: Mapping[str, Tensor], heads: int, names: Sequence[tuple[str, str]] = ()) -> dict[str, Tensor]:
    """A published checkpoint's arrays by our names; queries, keys and values, which it has together for each head, are taken apart.

    `names` are patterns of the published names, and ours, besides those of the denoisers.
    """
    found: dict[str, Tensor] = {}
    for name, array in published.items():
        stem, _, kind = name.rpartition(".")
        mine = next((match.expand(new) for old, new in (*NAMES, *names) if (match := re.fullmatch(old, stem))), stem)
        owner, _, last = mine.rpartition(".")
        parts = last.split(",")
        if len(parts) == 1:
            found[f"{mine}.{kind}" if mine else POSITIONS.get(kind, kind)] = array
            continue
        split = array.unflatten(0, (heads, len(parts), -1))
        for number, part in enumerate(parts):
            found[f"{owner}.{part}.{kind}"] = split[:, number].flatten(0, 1).contiguous()
    return found
