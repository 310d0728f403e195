"""Direct3D: an object's surface from a picture, by diffusion of a triplane's latents.

Wu et al., "Direct3D: Scalable Image-to-3D Generation via 3D Latent Diffusion Transformer", NeurIPS 2024. A transformer denoises three
small planes of latents side by side; CLIP's tokens of the picture are its context, and DINOv2's stand before its own tokens. A
convolutional decoder enlarges the planes, and a small network reads off them how much a point is inside.

Letters: B pictures, T tokens, C channels, S texels along a plane's edge, P points.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ReifyError
from ..values import Array, Picture
from .clip import MEAN, SPREAD, Eye
from .parts.attention import Attention, FeedForward
from .parts.samplers import Schedule, undiffused
from .parts.triplanes import features_at
from .parts.vision import VisionTransformer
from .parts.waves import of_places, of_times
from .published import mappings_of, parts_of

Progress = Callable[[float], None]
SOLID = 100  # of 255: alpha above which a pixel counts for the subject's frame
LEAST = 0.001  # share of pixels that a subject has
MARGIN = 0.04  # of the side, around the subject
GUIDANCE, LEVEL, STEPS = 4.0, -1.0, 50  # as its authors' example has them
WAVES = 256  # of the time
BLENDER_FROM_MODEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # glTF's axes, as of the objects it was trained on


@dataclass(frozen=True)
class Shape:
    """Sizes of the networks: the defaults are assumed after the paper; what the published configuration says is stored with the weights."""

    side: int = 32  # latents along the edge of a plane
    latents: int = 16  # channels
    planes: int = 32  # channels of the planes that points are looked up in
    inside: int = 768  # channels between latents and decoder
    widths: tuple[int, ...] = (128, 256, 512, 512)  # of the decoder, the last ones first; texels double between them
    attends: bool = True  # in the middle of the decoder
    field_depth: int = 5
    width: int = 1152
    depth: int = 28
    heads: int = 16
    patch: int = 2  # latents along the edge of a token
    bias: bool = False  # of queries, keys and values
    semantic: int = 1024  # channels of CLIP's tokens
    pixel: int = 1024  # channels of DINOv2's
    clip_px: int = 224
    dino_px: int = 224
    scale: float = 1.0  # latents are divided by it, and shifted, before they are decoded
    shift: float = 0.0
    schedule: Schedule = Schedule()


class Projection(nn.Module):
    """Two layers with a GELU between them, from the channels of a context to those of tokens."""

    def __init__(self, context: int, width: int) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(context, width), nn.Linear(width, width)

    def forward(self, context: Tensor) -> Tensor:
        """Context [B,T,context]."""
        return self.leave(F.gelu(self.enter(context), approximate="tanh"))


class FlowBlock(nn.Module):
    """Attention of tokens to themselves and to what stands before them, then to a context, then a feed-forward network.

    A table of its own, added to what time and picture say, shifts, scales and gates the first and the last (Chen et al., "PixArt-alpha",
    ICLR 2024, section 2.3).
    """

    def __init__(self, width: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.attend_self, self.attend_context = (Attention(width, heads, bias=bias) for _ in range(2))
        self.feed = FeedForward(width, 4 * width, "tanh")
        self.table = nn.Parameter(torch.empty(6, width))

    def forward(self, tokens: Tensor, said: Tensor, before: Tensor, context: Tensor) -> Tensor:
        """Tokens [B,T,C], from those, what time and picture say [B,6,C], tokens [B,Q,C] before them, and a context [B,R,C]."""
        shift_self, scale_self, gate_self, shift_feed, scale_feed, gate_feed = (self.table + said).chunk(6, dim=1)
        normed = self.norm(tokens) * (1 + scale_self) + shift_self
        tokens = tokens + gate_self * self.attend_self(normed, torch.cat([before, normed], dim=1))
        tokens = tokens + self.attend_context(tokens, context)
        return tokens + gate_feed * self.feed(self.norm(tokens) * (1 + scale_feed) + shift_feed)


class Denoiser(nn.Module):
    """What a noisy triplane [B,latents,S,3S] says of its noise at a time, under CLIP's and DINOv2's tokens."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape, width = shape, shape.width
        self.enter = nn.Conv2d(shape.latents, width, shape.patch, stride=shape.patch)
        self.semantic, self.pixel = Projection(shape.semantic, width), Projection(shape.pixel, width)
        self.picture = nn.Linear(shape.semantic, WAVES, bias=False)  # of CLIP's class token, added to the time
        self.time_enter, self.time_leave = nn.Linear(WAVES, width), nn.Linear(width, width)
        self.modulate = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(FlowBlock(width, shape.heads, shape.bias) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(width, eps=1e-6, elementwise_affine=False)
        self.table = nn.Parameter(torch.empty(2, width))
        self.leave = nn.Linear(width, shape.patch**2 * shape.latents)

    def forward(self, state: Tensor, time: int, semantic: Tensor, pixel: Tensor) -> Tensor:
        """The same [B,latents,S,3S]; tokens are [B,T,semantic], the class's first, and [B,T,pixel]."""
        grid = self.enter(state.to(self.table.dtype))
        tokens = grid.flatten(2).transpose(1, 2)
        tokens = tokens + _places(grid).to(tokens)
        waves = of_times(torch.tensor([time], device=state.device), WAVES).to(self.table.dtype)
        said = self.time_leave(F.silu(self.time_enter(waves + self.picture(semantic[:, 0]))))
        modulation = self.modulate(F.silu(said)).unflatten(1, (6, -1))
        context, before = self.semantic(semantic), self.pixel(pixel)
        for block in self.blocks:
            tokens = block(tokens, modulation, before, context)
        shift, scale = (self.table + said[:, None]).chunk(2, dim=1)
        made = self.leave(self.norm(tokens) * (1 + scale) + shift)
        made = made.unflatten(2, (self.shape.patch, self.shape.patch, -1)).unflatten(1, grid.shape[2:])
        return made.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3).to(state.dtype)


def _places(grid: Tensor) -> Tensor:
    """Embeddings [T,C] of tokens' columns, then rows."""
    rows, columns = torch.meshgrid(*(torch.arange(each, device=grid.device) for each in grid.shape[2:]), indexing="ij")
    return of_places(torch.stack([columns, rows], dim=-1).flatten(0, 1), grid.shape[1])


class Residual(nn.Module):
    """Two normalized convolutions of [B,inside,H,W], added to it."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.norm, self.norm_middle = _norm(inside), _norm(outside)
        self.first, self.second = nn.Conv2d(inside, outside, 3, padding=1), nn.Conv2d(outside, outside, 3, padding=1)
        self.bypass = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, grid: Tensor) -> Tensor:
        """Grid [B,inside,H,W]."""
        return self.bypass(grid) + self.second(F.silu(self.norm_middle(self.first(F.silu(self.norm(grid))))))


class Looking(nn.Module):
    """Attention of all texels [B,C,H,W] to all, in one head, added to them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.attend = _norm(width), Attention(width, 1, bias=True)

    def forward(self, grid: Tensor) -> Tensor:
        """Grid [B,C,H,W]."""
        tokens = self.attend(self.norm(grid).flatten(2).transpose(1, 2))
        return grid + tokens.transpose(1, 2).unflatten(2, grid.shape[2:])


class Enlarge(nn.Module):
    """Twice as many texels along each axis, by repeating them, and a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, grid: Tensor) -> Tensor:
        """Grid [B,C,H,W]."""
        return self.spread(F.interpolate(grid, scale_factor=2.0, mode="nearest"))


class Decoder(nn.Module):
    """From latents [1,latents,S,3S] to planes [3,C,H,W], and from these to how much points are inside."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape = shape
        self.widen = nn.Conv2d(shape.latents, shape.inside, 1)
        widths = shape.widths[::-1]
        self.enter = nn.Conv2d(shape.inside, widths[0], 3, padding=1)
        looking = [Looking(widths[0])] * shape.attends
        self.middle = nn.ModuleList([Residual(widths[0], widths[0]), *looking, Residual(widths[0], widths[0])])
        self.blocks = nn.ModuleList()
        for number, (before, width) in enumerate(zip((widths[0], *widths), widths, strict=False)):
            self.blocks.extend([Residual(before, width), Residual(width, width), Residual(width, width)])
            self.blocks.extend([Enlarge(width)] * (number + 1 < len(widths)))
        self.norm = _norm(widths[-1])
        self.leave = nn.Conv2d(widths[-1], shape.planes, 3, padding=1)
        sizes = [3 * shape.planes, *[FIELD_WIDTH] * (shape.field_depth - 1), 1]
        self.field = nn.ModuleList(nn.Linear(*pair) for pair in zip(sizes, sizes[1:], strict=False))

    def forward(self, latents: Tensor, progress: Progress = lambda fraction: None) -> Tensor:
        """Planes [3,C,H,W]: of columns and rows x and y, x and z, z and y; `progress` hears fractions, and may raise."""
        grid = self.enter(self.widen(latents.to(self.leave.weight.dtype)))
        layers = [*self.middle, *self.blocks]
        for number, layer in enumerate(layers):
            grid = layer(grid)
            progress((number + 1) / len(layers))
        return torch.cat(self.leave(F.silu(self.norm(grid))).chunk(3, dim=3))

    def at(self, planes: Tensor, points: Tensor) -> Tensor:
        """Logits [P] of points [P,3], -1 to 1, being inside."""
        turned = torch.stack([planes[0], planes[1], planes[2].transpose(1, 2)])  # the last one's rows are y
        values = features_at(turned, points)
        for layer in self.field[:-1]:
            values = F.relu(layer(values))
        return self.field[-1](values)[:, 0]


FIELD_WIDTH = 64


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, width, eps=1e-6)


def squared(picture: Picture) -> Array:
    """The subject in the middle of a white square [S,S,3] uint8; raises ReifyError without a subject."""
    alpha = np.round(255 * picture.coverage).astype(np.uint8)
    rows, columns = np.nonzero(alpha > SOLID)
    if len(rows) < LEAST * alpha.size:
        raise ReifyError("There is no subject in the picture.", "Choose a picture of one object, cut out whole.")
    part = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    coverage = alpha[part][..., None] / 255
    colors = ((picture.srgb[part] / 255 * coverage + (1 - coverage)) * 255).astype(np.uint8)
    height, width = colors.shape[:2]
    side = max(height, width)
    margin = int(side * MARGIN)
    top, left = (margin + (side - size) // 2 for size in (height, width))
    whole = np.full((side + 2 * margin, side + 2 * margin, 3), 255, np.uint8)
    whole[top : top + height, left : left + width] = colors
    return whole


def _colors(srgb: Array, side_px: int, like: Tensor) -> Tensor:
    colors = torch.tensor(srgb).permute(2, 0, 1)[None].to(like.device, torch.float32) / 255
    return F.interpolate(colors, (side_px, side_px), mode="bilinear", antialias=True).to(like.dtype)


def seen_by_clip(picture: Picture, eye: Eye, side_px: int) -> Array:
    """CLIP's tokens [T,C] float32 of a picture's subject, the class's first."""
    colors = _colors(squared(picture), side_px, eye.class_token)
    mean, spread = (colors.new_tensor(each)[:, None, None] for each in (MEAN, SPREAD))
    with torch.inference_mode():
        return eye((colors - mean) / spread)[0].float().cpu().numpy()


def seen_by_dino(picture: Picture, eye: VisionTransformer, side_px: int, progress: Progress) -> Array:
    """DINOv2's tokens [T,C] float32 of a picture's subject, the class's first."""
    with torch.inference_mode():
        return eye(_colors(squared(picture), side_px, eye.class_token), progress)[0].float().cpu().numpy()


def latents_of(semantic: Array, pixel: Array, network: Denoiser, seed: int, steps: int, guidance: float, progress: Progress) -> Array:
    """A triplane's latents [latents,S,3S] float32 under a picture's tokens [T,C] each; another one by each seed.

    The noise is the same on every device; `progress` hears the fraction of steps that are done, and may raise.
    """
    shape, like = network.shape, network.table
    noise = torch.randn((1, shape.latents, shape.side, 3 * shape.side), generator=torch.Generator().manual_seed(seed))
    given = [torch.from_numpy(each)[None].to(like) for each in (semantic, pixel)]
    both = [torch.cat([torch.zeros_like(each), each]) for each in given]

    def said(state: Tensor, time: int) -> Tensor:
        if guidance <= 0:
            return network(state, time, *given)
        without, with_picture = network(torch.cat([state, state]), time, *both).chunk(2)
        return without + guidance * (with_picture - without)

    with torch.inference_mode():
        made = undiffused(said, noise.to(like.device), shape.schedule, steps, progress)
    return (made / shape.scale + shape.shift)[0].cpu().numpy()


def planes_of(latents: Array, network: Decoder, progress: Progress) -> Tensor:
    """Planes [3,C,H,W], on the network's device, of a triplane's latents."""
    with torch.inference_mode():
        return network(torch.from_numpy(latents)[None].to(network.leave.weight.device), progress)


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The networks' arrays and their sizes, by the published checkpoint and configuration; raises ValueError where they don't fit."""
    shape = shape_of(files["config.yaml"].read_text("utf-8"))
    parts = parts_of(files["model.ckpt"])
    if not {"vae", "dit"} <= parts.keys():
        raise ValueError("model.ckpt lacks the autoencoder or the transformer")
    arrays = {name: array.float().numpy() for name, array in renamed(parts).items()}
    with torch.device("meta"):
        networks: dict[str, nn.Module] = {"denoiser": Denoiser(shape), "decoder": Decoder(shape)}
    wanted = {f"{part}.{name}": tuple(array.shape) for part, each in networks.items() for name, array in each.state_dict().items()}
    if wanted != {name: array.shape for name, array in arrays.items()}:
        raise ValueError("its arrays aren't those of Direct3D at the sizes of its configuration")
    return {**arrays, SIZES: np.frombuffer(json.dumps(asdict(shape)).encode(), np.uint8)}


SIZES = "sizes"  # array of the converted file that holds a Shape as JSON


def shape_in(weights: Path) -> Shape:
    """The sizes of the networks in a converted file; raises ReifyError where it holds none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, "numpy") as file:
            said = json.loads(file.get_tensor(SIZES).tobytes())
        return Shape(**{**said, "widths": tuple(said["widths"]), "schedule": Schedule(**said["schedule"])})
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise ReifyError(f"{weights} is damaged: {error}.", "Remove the model and get it again.") from error


def shape_of(configuration: str) -> Shape:
    """The sizes in a configuration as it is published; raises ValueError where it is of another network."""
    sections = mappings_of(configuration)

    def given(section: str) -> dict[str, Any]:
        return sections.get(section, {}).get("params") or {}

    try:
        vae, dit = given("vae"), given("dit")
        if vae.get("final_activation") is not None or dit.get("norm_elementwise_affine"):
            raise ValueError("it has layers that aren't known")
        return Shape(
            **_taken(
                vae, {"triplane_res": "side", "latent_dim": "latents", "triplane_dim": "planes", "num_geodecoder_layers": "field_depth"}
            ),
            **_taken(vae, {"mid_block_add_attention": "attends", "latents_scale": "scale", "latents_shift": "shift"}),
            inside=vae.get("num_attention_heads", 12) * vae.get("attention_head_dim", 64),
            widths=tuple(vae.get("block_out_channels", (128, 256, 512, 512))),
            width=dit.get("num_attention_heads", 16) * dit.get("attention_head_dim", 72),
            **_taken(dit, {"num_layers": "depth", "num_attention_heads": "heads", "patch_size": "patch", "attention_bias": "bias"}),
            **_taken(dit, {"semantic_channels": "semantic", "pixel_channels": "pixel"}),
            **_taken(given("semantic_encoder"), {"img_size": "clip_px"}),
            **_taken(given("pixel_encoder"), {"img_size": "dino_px"}),
            schedule=_schedule(sections.get("scheduler", {})),
        )
    except (TypeError, AttributeError) as error:
        raise ValueError("its configuration isn't Direct3D's") from error


def _taken(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {mine: given[theirs] for theirs, mine in names.items() if theirs in given}


def _schedule(said: Mapping[str, Any]) -> Schedule:
    """What a configuration says of DDIM in the words of diffusers; raises ValueError for another sampler."""
    if str(said.get("target")).rpartition(".")[2] != "DDIMScheduler":
        raise ValueError(f"its sampler {said.get('target')} isn't known")
    return Schedule.named(said.get("params") or {})


NAMES = (  # of the published checkpoint, and ours
    (r"dit\.pos_embed\.proj", "denoiser.enter"),
    (r"dit\.(semantic|pixel)_projection\.linear_1", r"denoiser.\1.enter"),
    (r"dit\.(semantic|pixel)_projection\.linear_2", r"denoiser.\1.leave"),
    (r"dit\.adaln_single\.emb\.timestep_embedder\.cond_proj", "denoiser.picture"),
    (r"dit\.adaln_single\.emb\.timestep_embedder\.linear_1", "denoiser.time_enter"),
    (r"dit\.adaln_single\.emb\.timestep_embedder\.linear_2", "denoiser.time_leave"),
    (r"dit\.adaln_single\.linear", "denoiser.modulate"),
    (r"dit\.proj_out", "denoiser.leave"),
    (r"dit\.scale_shift_table", "denoiser.table"),
    (r"dit\.transformer_blocks\.(\d+)\.scale_shift_table", r"denoiser.blocks.\1.table"),
    (r"dit\.transformer_blocks\.(\d+)\.attn1\.(to_\w+(?:\.0)?)", r"denoiser.blocks.\1.attend_self.\2"),
    (r"dit\.transformer_blocks\.(\d+)\.attn2\.(to_\w+(?:\.0)?)", r"denoiser.blocks.\1.attend_context.\2"),
    (r"dit\.transformer_blocks\.(\d+)\.ff\.net\.0\.proj", r"denoiser.blocks.\1.feed.enter"),
    (r"dit\.transformer_blocks\.(\d+)\.ff\.net\.2", r"denoiser.blocks.\1.feed.leave"),
    (r"vae\.post_latent", "decoder.widen"),
    (r"vae\.decoder\.conv_in", "decoder.enter"),
    (r"vae\.decoder\.conv_norm_out", "decoder.norm"),
    (r"vae\.decoder\.conv_out", "decoder.leave"),
    (r"vae\.decoder\.mid_block\.attentions\.0\.group_norm", "decoder.middle.1.norm"),
    (r"vae\.decoder\.mid_block\.attentions\.0\.(to_\w+(?:\.0)?)", r"decoder.middle.1.attend.\1"),
)
LETTERS = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "out"}
LAYERS = {"norm1": "norm", "norm2": "norm_middle", "conv1": "first", "conv2": "second", "conv_shortcut": "bypass"}
UNUSED = ("vae.encoder.", "vae.pre_latent.")  # what encodes surfaces


def renamed(parts: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The arrays of the published checkpoint's parts by our names, without those that encode; unknown ones keep theirs."""
    named = {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
    looking = any(".mid_block.attentions." in name for name in named)
    return {ours(name, looking): array for name, array in named.items() if not name.startswith(UNUSED)}


def ours(name: str, looking: bool = True) -> str:
    """Our name of an array of the published checkpoint; `looking` says whether its decoder has attention."""
    if found := re.fullmatch(r"vae\.occ_decoder\.net\.(\d+)\.(\w+)", name):
        return f"decoder.field.{int(found[1]) // 2}.{found[2]}"
    if (found := re.fullmatch(r"vae\.decoder\.mid_block\.resnets\.(\d)\.(\w+)\.(\w+)", name)) and found[2] in LAYERS:
        return f"decoder.middle.{int(found[1]) * (1 + looking)}.{LAYERS[found[2]]}.{found[3]}"
    if (found := re.fullmatch(r"vae\.decoder\.up_blocks\.(\d)\.resnets\.(\d)\.(\w+)\.(\w+)", name)) and found[3] in LAYERS:
        return f"decoder.blocks.{4 * int(found[1]) + int(found[2])}.{LAYERS[found[3]]}.{found[4]}"
    if found := re.fullmatch(r"vae\.decoder\.up_blocks\.(\d)\.upsamplers\.0\.conv\.(\w+)", name):
        return f"decoder.blocks.{4 * int(found[1]) + 3}.spread.{found[2]}"
    stem, dot, kind = name.rpartition(".") if name.endswith((".weight", ".bias")) else (name, "", "")
    for pattern, replacement in NAMES:
        if found := re.fullmatch(pattern, stem):
            mine = found.expand(replacement)
            return re.sub(r"to_(?:[qkv]|out\.0)$", lambda letter: LETTERS[letter[0]], mine) + dot + kind
    return name
