"""Shap-E: a small network that is an object, its surface and its colors, from a text or a picture.

Jun and Nichol, "Shap-E: Generating Conditional 3D Implicit Functions", 2023. A transformer denoises 1,024 rows of latents under what CLIP
says of the text or the picture; each becomes a row of the weights of a field's first four layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..values import Array
from .parts.denoisers import TokenDenoiser, guided, ours_of
from .parts.samplers import Heun, denoised, kept_by_power
from .published import tensors_of

STEPS = 1024  # of the diffusion
DECAY = 12.0  # exponent by which the diffusion's signal falls
SAMPLER = Heun(64, 160.0)
RADIUS = 1.0  # half the edge of the cube in which the field is
BLENDER_FROM_MODEL = np.eye(3)  # Z is up
PLACE_OCTAVES, DIRECTION_OCTAVES = 15, 8  # of the waves that places and directions are told in
OUTPUTS = 12  # of the field: distance, two densities, colors of the surface and of two volumes
COLORS = slice(3, 6)
LAYERS, MADE, DIRECTED = 7, 4, 4  # of the field; the first ones are made of latents; the one that is told the direction


@dataclass(frozen=True)
class Shape:
    """Sizes of the networks; the published ones are the defaults."""

    by_grid: bool  # what CLIP says of a picture's patches, else the one vector of a text
    width: int = 1024
    depth: int = 24
    heads: int = 16
    vector: int = 768  # channels of CLIP's vectors
    grid: int = 1024  # and of its patches
    latents: int = 1024  # channels of a row
    hidden: int = 256  # channels inside the field

    @property
    def rows(self) -> int:
        """Rows of latents: one for each row of the weights that are made of them."""
        return MADE * self.hidden


SHAPES = {"text_cond.pt": Shape(by_grid=False), "image_cond.pt": Shape(by_grid=True)}


class ShapE(nn.Module):
    """The denoiser, and what makes fields of latents."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        grid = shape.grid if shape.by_grid else 0
        self.latents = TokenDenoiser(shape.latents, shape.width, shape.depth, shape.heads, grid, shape.vector, placed=shape.rows)
        entered = 3 + 6 * PLACE_OCTAVES
        self.rows = nn.ModuleList(Rows(shape.latents, shape.hidden, entered if not i else shape.hidden) for i in range(MADE))
        self.field = nn.ModuleList(_layer(i, shape.hidden, entered) for i in range(LAYERS))


def _layer(number: int, hidden: int, entered: int) -> nn.Linear:
    told = 3 + 6 * DIRECTION_OCTAVES if number == DIRECTED else 0
    return nn.Linear(hidden + told if number else entered, OUTPUTS if number == LAYERS - 1 else hidden)


class Rows(nn.Module):
    """From latents [R,L] to weights [R,C], a projection of its own for each row."""

    def __init__(self, latents: int, rows: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(latents, rows * channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, latents: Tensor) -> Tensor:
        """The bias comes after the norm."""
        by_row = self.project.weight.unflatten(0, (len(latents), -1))
        return self.norm(torch.einsum("rl,rcl->rc", latents, by_row)) + self.project.bias.unflatten(0, (len(latents), -1))


def latents_of(
    seen: Tensor, network: ShapE, guidance: float, seed: int, progress: Callable[[float], None], sampler: Heun = SAMPLER
) -> Tensor:
    """Latents [rows,latents] of what CLIP says of a text or picture; `guidance` is how far that is followed."""
    random = torch.Generator().manual_seed(seed)
    shape = network.shape
    with torch.inference_mode():
        noise = sampler.noisiest * torch.randn((1, shape.rows, shape.latents), generator=random).to(seen)
        kept = kept_by_power(STEPS, DECAY)
        denoise = guided(network.latents, [seen], [torch.zeros_like(seen)], guidance, kept, says_clean=True)
        return denoised(denoise, noise, sampler, random, progress)[0]


def field_of(latents: Tensor, network: ShapE) -> list[Tensor]:
    """The weights of the field's first layers that latents [rows,latents] are."""
    with torch.inference_mode():
        return [rows(part) for rows, part in zip(network.rows, latents.split(network.shape.hidden), strict=True)]


def at(places: Tensor, made: list[Tensor], network: ShapE) -> tuple[Tensor, Tensor]:
    """Distances [P], -1 to 1 and positive inside, and sRGB colors [P,3] of a field at places [P,3]."""
    features = _waves(places, PLACE_OCTAVES)
    for number, layer in enumerate(network.field):
        if number == DIRECTED:  # surfaces look the same from everywhere: no direction is told
            features = F.pad(features, (0, layer.in_features - features.shape[1]))
        features = F.linear(features, made[number] if number < MADE else layer.weight, layer.bias)
        if number < LAYERS - 1:
            features = F.silu(features)
    return features[:, 0].tanh(), features[:, COLORS].sigmoid()


def _waves(places: Tensor, octaves: int) -> Tensor:
    """Places [P,3], and sines and cosines of their multiples [P,6 octaves]."""
    phases = (places[:, None] * 2.0 ** torch.arange(octaves, device=places.device)[:, None]).flatten(1)
    return torch.cat([places, phases.sin(), (phases + math.pi / 2).sin()], dim=1)


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The arrays of both networks out of the published checkpoints; raises ValueError where they hold others."""
    name = next((name for name in files if name in SHAPES), "")
    if not name:
        raise ValueError("there is no model of latents")
    shape = SHAPES[name]
    arrays = {
        each: array.numpy() for each, array in ours(tensors_of(files[name]), tensors_of(files["transmitter.pt"]), shape.heads).items()
    }
    with torch.device("meta"):
        wanted = {each: tuple(array.shape) for each, array in ShapE(shape).state_dict().items()}
    if wanted != {each: array.shape for each, array in arrays.items()}:
        raise ValueError("it isn't Shap-E")
    return arrays


def ours(latents: Mapping[str, Tensor], transmitter: Mapping[str, Tensor], heads: int) -> dict[str, Tensor]:
    """The published checkpoints' arrays by our names; of the transmitter those that make fields of latents."""
    named = {name.removeprefix("wrapped."): array for name, array in latents.items()}
    found = {f"latents.{name}": array for name, array in ours_of(named, heads).items()}
    return found | {mine: transmitter[theirs] for theirs, mine in names_of_fields().items() if theirs in transmitter}


def names_of_fields() -> dict[str, str]:
    """Names of the transmitter's arrays, with ours."""
    kinds = ("weight", "bias")
    made = [
        (f"encoder.params_proj.projections.nerstf__mlp__{number}__weight.{theirs}.{kind}", f"rows.{number}.{mine}.{kind}")
        for number in range(MADE)
        for theirs, mine in (("proj", "project"), ("norm", "norm"))
        for kind in kinds
    ]
    return dict(made) | {f"renderer.nerstf.mlp.{number}.{kind}": f"field.{number}.{kind}" for number in range(LAYERS) for kind in kinds}
