"""TRELLIS: a mesh and Gaussians from pictures of one object.

Xiang et al., "Structured 3D Latents for Scalable and Versatile 3D Generation", CVPR 2025. A flow makes a coarse grid of latents, which a
decoder turns into the voxels that the surface passes; a second flow makes a latent for each of these, and decoders turn them into what
each representation needs: distances and colors on voxels four times finer, or Gaussians. Both flows see the picture as tokens of DINOv2.
Blocks compute in half precision where their weights have it, the layers before and after them in float32, as they were trained.

Letters: N voxels, C channels, T tokens, S voxels along an edge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ReifyError
from ..values import Array, Picture, Splats
from .parts.attention import ModulatedBlock, Norm, PlainBlock
from .parts.samplers import Euler, sampled
from .parts.sparse import SparseConvolution, SparseGroupNorm, Voxels, averaged
from .parts.vision import VIT_LARGE_14, Size, VisionTransformer
from .parts.waves import TimeEmbedding, of_places

Progress = Callable[[float], None]
SOLID = 0.8  # coverage from which a pixel counts for the subject's frame
MARGIN = 1.2  # side of the picture by the larger of the subject's
TIMES = 1000.0  # of the flows' times 0 to 1, as they were trained
EULER = Euler(steps=25, guidance=5.0, interval=(0.5, 1.0), rescale=3.0)  # as published
MOST_MOVE = 0.5  # cubes, of corners
WEIGHT_RANGE = 0.99  # of weights around 1
REACH, TURN = 1.5, 0.1  # of Gaussians: voxels that offsets span, factor on rotations
FIRST_SCALE, FIRST_OPACITY, FILTER = 4e-3, 0.1, 9e-4  # of Gaussians, in edges of the cube that holds all
LATENT_MEAN = (-2.1687545776, -0.0043470464, -0.1335234940, -0.0841807276, -0.5271206498, 0.7238689065, -1.1414450407, 1.2039363384)
LATENT_SPREAD = (2.3776507378, 2.3863782883, 2.1244180202, 2.1748552322, 2.6639447212, 2.3711922169, 2.6217446327, 2.6845231056)


@dataclass(frozen=True)
class Shape:
    """Sizes of the networks; the published ones are the defaults."""

    eye: Size = VIT_LARGE_14
    latents: int = 8  # channels, of both flows
    coarse: int = 16  # latents along an edge of the first flow's grid
    width: int = 1024
    depth: int = 24
    heads: int = 16
    edge_width: int = 128  # of the residual blocks before and after the second flow's transformer
    structure_widths: tuple[int, ...] = (512, 128, 32)  # of the first flow's decoder; voxels halve between them
    decoder_width: int = 768
    decoder_depth: int = 12
    decoder_heads: int = 12
    window: int = 8  # voxels
    groups: int = 32  # of the normalizations in the mesh's decoder
    gaussians: int = 32  # in each voxel

    @property
    def picture_px(self) -> int:
        """Side of the pictures."""
        return self.eye.patch_px * self.eye.side

    @property
    def side(self) -> int:
        """Voxels along an edge."""
        return int(self.coarse * 2 ** (len(self.structure_widths) - 1))


class StructureFlow(nn.Module):
    """The velocity [1,C,S,S,S] of a grid of latents at a time under a context [1,T,C]."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.time = TimeEmbedding(shape.width)
        self.enter = nn.Linear(shape.latents, shape.width)
        self.blocks = nn.ModuleList(ModulatedBlock(shape.width, shape.heads, shape.eye.width) for _ in range(shape.depth))
        self.leave = nn.Linear(shape.width, shape.latents)

    def forward(self, state: Tensor, time: float, context: Tensor) -> Tensor:
        """`time` goes from 1, noise, to 0."""
        side, kind = state.shape[2:], _kind(self.blocks)
        places = torch.stack(torch.meshgrid(*(torch.arange(each, device=state.device) for each in side), indexing="ij"), dim=-1)
        tokens = self.enter(state.flatten(2).transpose(1, 2))
        tokens = (tokens + of_places(places.flatten(0, 2), tokens.shape[2]).to(tokens.dtype)).to(kind)
        when, context = self.time(state.new_tensor([TIMES * time])).to(kind), context.to(kind)
        for block in self.blocks:
            tokens = block(tokens, when, context)
        return self.leave(_normed(tokens.to(state.dtype))).transpose(1, 2).unflatten(2, side)


class ChannelNorm(Norm):
    """Layer normalization over the channels of [B,C,S,S,S]."""

    def forward(self, grid: Tensor) -> Tensor:
        """Grid [B,C,S,S,S]."""
        return super().forward(grid.movedim(1, -1)).movedim(-1, 1)


class Residual(nn.Module):
    """Two convolutions of a grid [B,C,S,S,S], added to it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.norm_middle = ChannelNorm(width), ChannelNorm(width)
        self.first, self.second = (nn.Conv3d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, grid: Tensor) -> Tensor:
        """Grid [B,C,S,S,S]."""
        return grid + self.second(F.silu(self.norm_middle(self.first(F.silu(self.norm(grid))))))


class Enlarge(nn.Module):
    """A convolution whose channels become the eight halves of each voxel: [B,inside,S,S,S] to [B,outside,2S,2S,2S]."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.spread = nn.Conv3d(inside, 8 * outside, 3, padding=1)

    def forward(self, grid: Tensor) -> Tensor:
        """Grid [B,inside,S,S,S]."""
        parts = self.spread(grid).unflatten(1, (-1, 2, 2, 2))  # [B,outside,2,2,2,S,S,S]
        return parts.permute(0, 1, 5, 2, 6, 3, 7, 4).flatten(6, 7).flatten(4, 5).flatten(2, 3)


class StructureDecoder(nn.Module):
    """From latents [1,C,S,S,S] to the logits [1,1,4S,4S,4S] of the surface passing a voxel."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        widths = shape.structure_widths
        self.enter = nn.Conv3d(shape.latents, widths[0], 3, padding=1)
        self.middle = nn.ModuleList(Residual(widths[0]) for _ in range(2))
        self.blocks = nn.ModuleList()
        for width, after in zip(widths, (*widths[1:], 0), strict=True):
            self.blocks.extend([Residual(width), Residual(width), *[Enlarge(width, after)] * (after > 0)])
        self.norm = ChannelNorm(widths[-1])
        self.leave = nn.Conv3d(widths[-1], 1, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents [1,C,S,S,S]."""
        grid = self.enter(latents).to(_kind(self.middle))
        for block in (*self.middle, *self.blocks):
            grid = block(grid)
        return self.leave(F.silu(self.norm(grid.to(latents.dtype))))


class SparseResidual(nn.Module):
    """Two sparse convolutions between which the time scales and shifts, added to their input."""

    def __init__(self, inside: int, outside: int, time: int) -> None:
        super().__init__()
        self.norm = Norm(inside, eps=1e-6)
        self.norm_middle = Norm(outside, eps=1e-6, elementwise_affine=False)
        self.first, self.second = SparseConvolution(inside, outside), SparseConvolution(outside, outside)
        self.modulate = nn.Linear(time, 2 * outside)
        self.bypass = nn.Linear(inside, outside) if inside != outside else nn.Identity()

    def forward(self, features: Tensor, voxels: Voxels, time: Tensor) -> Tensor:
        """Features [N,outside], from those [N,inside] and the time's [1,C]."""
        scale, shift = self.modulate(F.silu(time)).chunk(2, dim=1)
        made = self.first(F.silu(self.norm(features)), voxels)
        made = self.second(F.silu(self.norm_middle(made) * (1 + scale) + shift), voxels)
        return made + self.bypass(features)


class LatentFlow(nn.Module):
    """The velocity [N,C] of voxels' latents at a time under a context [1,T,C]; its transformer sees voxels of twice the edge."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        edge, width = shape.edge_width, shape.width
        self.time = TimeEmbedding(width)
        self.enter = nn.Linear(shape.latents, edge)
        self.inward = nn.ModuleList([SparseResidual(edge, edge, width), SparseResidual(edge, width, width)])
        self.blocks = nn.ModuleList(ModulatedBlock(width, shape.heads, shape.eye.width) for _ in range(shape.depth))
        self.outward = nn.ModuleList([SparseResidual(2 * width, edge, width), SparseResidual(2 * edge, edge, width)])
        self.leave = nn.Linear(edge, shape.latents)

    def forward(self, state: Tensor, voxels: Voxels, time: float, context: Tensor) -> Tensor:
        """`time` goes from 1, noise, to 0."""
        kind = _kind(self.blocks)
        when, context = self.time(state.new_tensor([TIMES * time])).to(kind), context.to(kind)
        coarse, owner = voxels.coarser
        fine = self.inward[0](self.enter(state).to(kind), voxels, when)
        middle = self.inward[1](averaged(fine, owner, len(coarse), zeros=1), coarse, when)  # the zero is there in training
        tokens = (middle + of_places(coarse.places, middle.shape[1]).to(kind))[None]
        for block in self.blocks:
            tokens = block(tokens, when, context)
        made = self.outward[0](torch.cat([tokens[0], middle], dim=1)[owner], voxels, when)
        made = self.outward[1](torch.cat([made, fine], dim=1), voxels, when)
        return self.leave(_normed(made).to(state.dtype))


class Decoder(nn.Module):
    """What the decoders of latents share: a transformer whose windows move by half their size in every second block."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.window = shape.window
        self.enter = nn.Linear(shape.latents, shape.decoder_width)
        self.blocks = nn.ModuleList(PlainBlock(shape.decoder_width, shape.decoder_heads) for _ in range(shape.decoder_depth))

    def trunk(self, latents: Tensor, voxels: Voxels, progress: Progress) -> Tensor:
        """Features [N,C] of voxels' latents [N,C]; `progress` hears the fraction of the blocks that are done, and may raise."""
        tokens = self.enter(latents)
        tokens = tokens + of_places(voxels.places, tokens.shape[1]).to(tokens.dtype)
        tokens = tokens.to(_kind(self.blocks))[None]
        for number, block in enumerate(self.blocks):
            tokens = block(tokens, voxels.windows(self.window, self.window // 2 * (number % 2)))
            progress((number + 1) / len(self.blocks))
        return tokens[0]


class GaussianDecoder(Decoder):
    """Numbers [N,14G] of G Gaussians in each voxel: offsets, colors, scales, rotations, opacities, each of all Gaussians."""

    perturbation: Tensor  # [G,3], added to offsets before they are bounded

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__(shape)
        self.leave = nn.Linear(shape.decoder_width, 14 * shape.gaussians)
        self.register_buffer("perturbation", torch.empty(shape.gaussians, 3))

    def forward(self, latents: Tensor, voxels: Voxels, progress: Progress) -> Tensor:
        """Latents [N,C]."""
        return self.leave(_normed(self.trunk(latents, voxels, progress).to(latents.dtype)))


class Subdivide(nn.Module):
    """Voxels become their eight halves between two sparse convolutions: features [N,inside] to [8N,outside]."""

    def __init__(self, inside: int, outside: int, groups: int) -> None:
        super().__init__()
        self.norm, self.norm_middle = SparseGroupNorm(groups, inside), SparseGroupNorm(groups, outside)
        self.first, self.second = SparseConvolution(inside, outside), SparseConvolution(outside, outside)
        self.bypass = SparseConvolution(inside, outside, kernel=1)

    def forward(self, features: Tensor, finer: Voxels) -> Tensor:
        """`finer` are those of the voxels of features [N,inside]."""
        made = self.first(F.silu(self.norm(features)).repeat_interleave(8, dim=0), finer)
        made = self.second(F.silu(self.norm_middle(made)), finer)
        return made + self.bypass(features, finer).repeat_interleave(8, dim=0)  # a kernel of 1 sees no neighbors


class MeshDecoder(Decoder):
    """Numbers [64N,CUBE] at voxels of a quarter the edge: what their corners and edges say about the surface."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__(shape)
        widths = (shape.decoder_width, shape.decoder_width // 4, shape.decoder_width // 8)
        self.enlarge = nn.ModuleList(Subdivide(*pair, shape.groups) for pair in zip(widths, widths[1:], strict=False))
        self.leave = nn.Linear(widths[-1], CUBE)

    def forward(self, latents: Tensor, voxels: Voxels, progress: Progress) -> tuple[Tensor, Tensor]:
        """The numbers, and the places [64N,3] of their voxels; latents [N,C]."""
        made = self.trunk(latents, voxels, lambda fraction: progress(0.3 * fraction))
        for number, each in enumerate(self.enlarge):
            voxels = voxels.finer
            made = each(made, voxels)
            progress((0.5, 1.0)[number])
        return self.leave(made.to(latents.dtype)), voxels.places


CUBE = 8 + 8 * 3 + 21 + 8 * 6  # distances, moves, weights, and colors and normals, each of all eight corners
CUBE_EDGES = (0, 8, 3, 9, 1, 4, 7, 5, 2, 11, 10, 6)  # numbers that the 12 edges of surface/marching.py have among the published ones


def squared(picture: Picture, side_px: int) -> Array:
    """The subject in the middle of a black square [side_px,side_px,3] uint8, with a margin; raises ReifyError without a subject."""
    from PIL import Image

    alpha = np.round(255 * picture.coverage).astype(np.uint8)
    rows, columns = np.nonzero(alpha > SOLID * 255)
    if not len(rows):
        raise ReifyError("There is no subject in the picture.", "Choose a picture of one object, cut out whole.")
    middle = np.array([columns.min() + columns.max(), rows.min() + rows.max()]) / 2
    half = int(MARGIN * max(np.ptp(columns), np.ptp(rows))) // 2
    cut = Image.fromarray(np.dstack([picture.srgb, alpha])).crop((*(middle - half), *(middle + half)))
    rgba = np.asarray(cut.resize((side_px, side_px), Image.Resampling.LANCZOS)).astype(np.float32) / 255
    return (255 * (rgba[..., :3] * rgba[..., 3:])).astype(np.uint8)


def seen(picture: Picture, eye: VisionTransformer, progress: Progress) -> Array:
    """Tokens [T,C] float32 of a picture's subject."""
    weight = eye.class_token
    colors = torch.tensor(squared(picture, eye.size.patch_px * eye.size.side)).permute(2, 0, 1)[None].to(weight.device)
    with torch.inference_mode():
        tokens = eye.after(colors.to(weight.dtype) / 255, [len(eye.blocks) - 1], progress)[0]
        return _normed(tokens.float())[0].cpu().numpy()


def generator_of(seed: int) -> torch.Generator:
    """What noise comes from."""
    return torch.Generator().manual_seed(seed)


def noise(shape: Sequence[int], generator: torch.Generator, like: Tensor) -> Tensor:
    """Normal numbers that are the same on every device."""
    return torch.randn(*shape, generator=generator).to(like)


def structure_latents(
    tokens: Sequence[Array], flow: StructureFlow, generator: torch.Generator, side: int, euler: Euler, progress: Progress
) -> Array:
    """Latents [C,side,side,side] float32 under one or several pictures' tokens [T,C]."""
    like = flow.enter.weight
    conditions = [torch.from_numpy(each)[None].to(like) for each in tokens]
    start = noise((1, like.shape[1], side, side, side), generator, like)
    with torch.inference_mode():
        return sampled(flow, start, conditions, torch.zeros_like(conditions[0]), euler, progress)[0].float().cpu().numpy()


def places_of(latents: Array, decoder: StructureDecoder) -> Array:
    """Places [N,3] int32 of the voxels that the surface passes; raises ReifyError where there are none."""
    like = decoder.enter.weight
    with torch.inference_mode():
        found = (decoder(torch.from_numpy(latents)[None].to(like))[0, 0] > 0).nonzero()
    if not len(found):
        raise ReifyError("The network sees no solid object in the picture.", "Choose a picture of one object, cut out whole.")
    return found.int().cpu().numpy()


def latents_at(
    places: Array, tokens: Sequence[Array], flow: LatentFlow, generator: torch.Generator, euler: Euler, progress: Progress
) -> Array:
    """Latents [N,C] float32 of voxels at places [N,3], under one or several pictures' tokens [T,C]."""
    like = flow.enter.weight
    conditions = [torch.from_numpy(each)[None].to(like) for each in tokens]
    voxels = voxels_at(places, like.device)
    start = noise((len(places), like.shape[1]), generator, like)

    def velocity(state: Tensor, time: float, context: Tensor) -> Tensor:
        return flow(state, voxels, time, context)

    with torch.inference_mode():
        latents = sampled(velocity, start, conditions, torch.zeros_like(conditions[0]), euler, progress)
        mean, spread = (latents.new_tensor(each[: latents.shape[1]]) for each in (LATENT_MEAN, LATENT_SPREAD))
        return (latents * spread + mean).float().cpu().numpy()


def decoded(places: Array, latents: Array, decoder: MeshDecoder, progress: Progress) -> tuple[Array, Array]:
    """Numbers [64N,CUBE] float32 and places [64N,3] of cubes, of voxels at places [N,3] with latents [N,C]."""
    like = decoder.enter.weight
    with torch.inference_mode():
        numbers, cubes = decoder(torch.from_numpy(latents).to(like), voxels_at(places, like.device), progress)
        return numbers.float().cpu().numpy(), cubes.int().cpu().numpy()


def cubes_of(numbers: Array, side: int) -> dict[str, Array]:
    """What a mesh decoder's numbers [M,CUBE] say, by the fields of `surface.flexible.Cubes`; `side` cubes are along an edge of the whole.

    As they were trained: distances are in edges of the whole, and silence makes a cube solid by its own edge; corners move up to half a
    cube, and weights are bounded as in FlexiCubes. Corners are in the order of `Cubes`. What the numbers mean, and their order, can't be
    checked without the published weights.
    """
    distances, moves, edges, corners, fold, shades = np.split(numbers, np.cumsum([8, 24, 12, 8, 1]), axis=1)
    return {
        "distances": distances - 1 / side,
        "moves": MOST_MOVE * np.tanh(moves).reshape(-1, 8, 3),
        "corner_weights": 1 + WEIGHT_RANGE * np.tanh(corners),
        "edge_weights": (1 + WEIGHT_RANGE * np.tanh(edges))[:, CUBE_EDGES],
        "fold_weights": WEIGHT_RANGE * _sigmoid(fold[:, 0]) + (1 - WEIGHT_RANGE) / 2,
        "colors": _sigmoid(shades.reshape(-1, 8, 6)[..., :3]),
    }


def _sigmoid(values: Array) -> Array:
    return 0.5 + 0.5 * np.tanh(0.5 * values)


def splats_of(numbers: Array, places: Array, perturbation: Array, side: int) -> Splats:
    """Gaussians in the cube from -0.5 to 0.5 that a decoder's numbers [N,14G] say, of voxels at places [N,3] of `side` along an edge.

    As the published configuration says: offsets reach 0.75 voxels beyond the middle, starting from `perturbation` [G,3]; scales start
    from 0.004 and are widened by a 3D filter of 0.0009, opacities start from 0.1 (Yu et al., "Mip-Splatting", CVPR 2024).
    """
    each = len(perturbation)
    offsets, colors, scales, quats, opacities = (
        part.reshape(len(places), each, -1) for part in np.split(numbers.astype(np.float64), np.cumsum([3, 3, 3, 4])[:4] * each, axis=1)
    )
    middles = (places[:, None] + 0.5 + 0.5 * REACH * np.tanh(offsets + perturbation)) / side - 0.5
    widths = np.hypot(np.logaddexp(0, scales + np.log(np.expm1(FIRST_SCALE))), FILTER)
    quats = TURN * quats + np.array([1.0, 0.0, 0.0, 0.0])
    quats /= np.linalg.norm(quats, axis=2, keepdims=True)
    logits = opacities + np.log(FIRST_OPACITY / (1 - FIRST_OPACITY))
    flat = (array.reshape(-1, array.shape[2]).astype(np.float32) for array in (middles, quats, np.log(widths), logits, colors))
    means, turned, log_scales, opacity_logits, sh = flat
    return Splats(means, turned, log_scales, opacity_logits[:, 0], sh[:, None], antialiased=True)


def voxels_at(places: Array, device: torch.device) -> Voxels:
    """Voxels at places [N,3] on a device."""
    return Voxels(torch.from_numpy(places).long().to(device))


def _kind(blocks: nn.ModuleList) -> torch.dtype:
    """The type of blocks' matrices."""
    return next(weight.dtype for weight in blocks.parameters() if weight.dim() > 1)


def _normed(tokens: Tensor) -> Tensor:
    return F.layer_norm(tokens.float(), tokens.shape[-1:]).to(tokens.dtype)


def ours(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Arrays of one of the published files by our names; unknown ones keep theirs."""
    arrays = {}
    second = "norm_context" if any(".cross_attn." in name for name in published) else "norm_middle"  # of transformers or of convolutions
    for name, array in published.items():
        if name == "pos_emb":  # what parts/waves.py makes
            continue
        stem, dot, kind = name.rpartition(".") if name.endswith((".weight", ".bias", ".gamma")) else (name, "", "")
        for pattern, replacement in NAMES:
            stem = re.sub(pattern, replacement, stem)
        stem = re.sub(r"\.norm2$", f".{second}", stem)
        parts = FUSED.get(stem.rpartition(".")[2], ())
        for part, letter in zip(array.chunk(max(1, len(parts))), parts or ("",), strict=True):
            whole = f"{stem.rpartition('.')[0]}.{letter}" if letter else stem
            arrays[whole + dot + ("weight" if kind == "gamma" else kind)] = part
    return arrays


FUSED = {"to_qkv": ("query", "key", "value"), "to_kv": ("key", "value")}  # layers that are several of ours
NAMES = (  # of the published files, and ours
    (r"^t_embedder\.mlp\.0$", "time.enter"),
    (r"^t_embedder\.mlp\.2$", "time.leave"),
    (r"^input_layer$", "enter"),
    (r"^out_layer\.0$", "norm"),
    (r"^out_layer(\.2)?$", "leave"),
    (r"^input_blocks\.", "inward."),
    (r"^out_blocks\.", "outward."),
    (r"^middle_block\.", "middle."),
    (r"^upsample\.", "enlarge."),
    (r"^offset_perturbation$", "perturbation"),
    (r"\.(self_)?attn\.", ".attend_self."),
    (r"\.cross_attn\.", ".attend_context."),
    (r"\.q_rms_norm$", ".query_norm"),
    (r"\.k_rms_norm$", ".key_norm"),
    (r"\.to_q$", ".query"),
    (r"\.to_out$", ".out"),
    (r"\.mlp\.mlp\.0$", ".feed.enter"),
    (r"\.mlp\.mlp\.2$", ".feed.leave"),
    (r"\.(adaLN_modulation|emb_layers)\.1$", ".modulate"),
    (r"\.act_layers\.0$", ".norm"),
    (r"\.out_layers\.0\.conv$", ".first"),
    (r"\.out_layers\.1$", ".norm_middle"),
    (r"\.out_layers\.3\.conv$", ".second"),
    (r"\.skip_connection(\.conv)?$", ".bypass"),
    (r"\.conv1(\.conv)?$", ".first"),
    (r"\.conv2(\.conv)?$", ".second"),
    (r"\.norm1$", ".norm"),
    (r"\.conv$", ".spread"),
)
