"""The miniatures: TripoSR at a small size, and a network of the same eye whose shape is a latent set."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from ...backend.networks.parts.attention import Attention
from ...backend.networks.parts.latent_sets import WAVES, SetDecoder, SetEncoder
from ...backend.networks.parts.triplanes import AXES
from ...backend.networks.parts.vision import Size, VisionTransformer
from ...backend.networks.triposr import LEVEL, RADIUS, Shape, TripoSR
from .samples import HALF_VIEW, PICTURE_PX

PATCH_PX = 8
EYE = Size(width=96, depth=2, heads=4, patch_px=PATCH_PX, side=PICTURE_PX // PATCH_PX)
TRIPOSR = Shape(
    picture_px=PICTURE_PX,
    patch_px=PATCH_PX,
    picture_width=EYE.width,
    picture_depth=EYE.depth,
    picture_heads=EYE.heads,
    picture_side=EYE.side,
    plane_px=8,
    width=96,
    depth=2,
    heads=4,
    features=20,
    field_width=64,
    field_depth=4,
)
LATENTS, SET_DEPTH, SET_HEADS = 64, 2, 4
OCTAVES = 4  # of the waves by which places are compared at first
WAVE_CHANNELS = 4 * OCTAVES
NAMES = ("triposr", "latent_set")
FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "data" / "networks"


class MiniatureTripoSR(TripoSR):
    """TripoSR at a small size, answering with logits."""

    def __init__(self) -> None:
        super().__init__(TRIPOSR)

    def seen(self, colors: Tensor) -> Tensor:
        """Planes [B,3,C,H,W] of pictures [B,3,S,S]."""
        return self(colors).float()

    def asked(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits [B,P] of points [B,P,3] in the model's space being inside, and colors [B,P,3]."""
        log_density, srgb = self.at(planes, points)
        return log_density - math.log(LEVEL), srgb


class MiniatureSet(nn.Module):
    """From a picture to a latent set, and from that to occupancy."""

    def __init__(self) -> None:
        super().__init__()
        self.eye = VisionTransformer(EYE)
        self.encoder = SetEncoder(LATENTS, EYE.width, SET_DEPTH, SET_HEADS)
        self.decoder = SetDecoder(EYE.width, SET_HEADS)

    def seen(self, colors: Tensor) -> Tensor:
        """Latents [B,L,C] of pictures [B,3,S,S]."""
        return self.encoder(self.eye(colors))

    def asked(self, latents: Tensor, points: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits [B,P] of points [B,P,3] in the model's space being inside; no colors."""
        return self.decoder(latents, points / RADIUS), None


Miniature = MiniatureTripoSR | MiniatureSet


def made(name: str) -> Miniature:
    """A network of NAMES, without weights."""
    return MiniatureTripoSR() if name == "triposr" else MiniatureSet()


def fresh(name: str) -> Miniature:
    """A network of NAMES with random weights, in which attention begins where the picture shows what a token is about.

    Patches, planes' tokens, latents and places carry the same sines and cosines of their place across the picture in their first channels,
    and the first queries and keys compare these: without that, most of a short training goes into finding out where things are.
    """
    network = made(name)
    for key, value in network.named_parameters():
        if key.rpartition(".")[2] in ("class_token", "positions", "planes", "queries"):  # that only checkpoints fill otherwise
            nn.init.normal_(value, std=0.1)
    with torch.no_grad():
        where = waves_at(*_of_patches(EYE.side))  # [T,W]
        network.eye.positions[0, 1:, :WAVE_CHANNELS] = where
        network.eye.patches.weight[:WAVE_CHANNELS] = 0
        network.eye.patches.bias[:WAVE_CHANNELS] = 0
        if isinstance(network, MiniatureTripoSR):
            _align_planes(network)
        else:
            network.encoder.queries[:, :WAVE_CHANNELS] = where
            inputs = 3 + torch.tensor([[WAVES * axis + octave for octave in range(OCTAVES)] for axis in (1, 2)])  # sines of Y and Z
            rows = torch.cat([inputs, inputs + 3 * WAVES], dim=1).flatten()
            network.decoder.embed.enter.weight[:WAVE_CHANNELS] = torch.eye(3 + 6 * WAVES)[rows]
            network.decoder.embed.enter.bias[:WAVE_CHANNELS] = 0
            _compare(network.encoder.look.attend, 0.6)
            _compare(network.decoder.look.attend, 0.9)
    return network


def waves_at(y: Tensor, z: Tensor) -> Tensor:
    """Sines and cosines [T,W] of places across the picture [T] and up in it [T], in edges of the cube, -1 to 1."""
    phases = math.pi * torch.stack([y, z], dim=1)[..., None] * 2.0 ** torch.arange(OCTAVES)
    return torch.cat([phases.sin(), phases.cos()], dim=2).flatten(1)


def _of_patches(side: int) -> tuple[Tensor, Tensor]:
    along = ((torch.arange(side) + 0.5) / side * 2 - 1) * HALF_VIEW / RADIUS
    return along.repeat(side), -along.repeat_interleave(side)


def _align_planes(network: MiniatureTripoSR) -> None:
    side = TRIPOSR.plane_px
    along = (torch.arange(side) + 0.5) / side * 2 - 1
    columns, rows = along.repeat(side), along.repeat_interleave(side)
    for plane, axes in enumerate(AXES):
        across, up = (dict(zip(axes, (columns, rows), strict=True)).get(axis) for axis in (1, 2))
        zero = torch.zeros(side * side)
        waves = waves_at(zero if across is None else across, zero if up is None else up)
        waves[:, : WAVE_CHANNELS // 2] *= across is not None
        waves[:, WAVE_CHANNELS // 2 :] *= up is not None
        network.planes[plane, :WAVE_CHANNELS] = waves.T.reshape(-1, side, side)
    network.enter.weight[:] = torch.eye(TRIPOSR.width)
    for block in network.blocks:
        _compare(block.attend_context, 1.4)


def _compare(attend: Attention, gain: float) -> None:
    """Have every head compare the waves of queries and keys."""
    chosen = gain * torch.eye(attend.query.in_features)[:WAVE_CHANNELS]
    each = attend.query.out_features // attend.heads
    for head in range(attend.heads):
        for layer in (attend.query, attend.key):
            layer.weight[head * each : head * each + WAVE_CHANNELS] = chosen


def kept(name: str) -> Path:
    """The file of a miniature's weights in this checkout."""
    return FIXTURES / f"miniature_{name}.safetensors"
