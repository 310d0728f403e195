"""Objects from pictures by TRELLIS, for who has a job: each network is loaded, run and let go before the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..engine.requirements import TORCH
from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Array, Picture
from .library.catalog import DINOV2_LARGE, TRELLIS
from .library.keeping import CONVERTED
from .library.places import need
from .memory import Holding

if TYPE_CHECKING:
    from torch import nn

Value = TypeVar("Value")
FILES = {  # of the networks
    "StructureFlow": "ss_flow_img_dit_L_16l8_fp16.safetensors",
    "StructureDecoder": "ss_dec_conv3d_16l8_fp16.safetensors",
    "LatentFlow": "slat_flow_img_dit_L_64l8p2_fp16.safetensors",
    "MeshDecoder": "slat_dec_mesh_swin8_B_64l8m256c_fp16.safetensors",
}
FINENESS = 4  # cubes along the edge of a voxel


@dataclass(frozen=True)
class StructuredSettings:
    """What can be set about the flows that make the object."""

    steps: int = option(
        25, "Steps from noise to the object, of its shape and of its details; fewer are faster and rougher", low=4, high=100
    )
    guidance: float = option(5.0, "How closely the object follows the picture", low=0.0, high=15.0)


def tokens_of_picture(picture: Picture, *, job: Job) -> Array:
    """What DINOv2 sees of a picture's subject: tokens [T,C] float32; raises ReifyError where weights or torch are missing."""
    need(TRELLIS, job.environment)
    weights = need(DINOV2_LARGE, job.environment)
    job.progress(0.0, "loading DINOv2")
    running, trellis = _modules()
    from . import dinov2

    eye = running.built(dinov2.large, weights.files[CONVERTED], running.chosen_device(job.environment))
    return trellis.seen(picture, eye, lambda fraction: job.progress(0.3 + 0.7 * fraction, "looking at the picture"))


def places_of_tokens(tokens: Array, settings: StructuredSettings, seed: int, *, job: Job) -> Array:
    """Places [N,3] int32 of the voxels that the surface of an object under tokens [T,C] passes; another by each seed. Raises ReifyError."""
    _, trellis = _modules()
    side = trellis.Shape().coarse

    def told(fraction: float) -> None:
        job.progress(0.05 + 0.9 * fraction, "finding the shape")

    def sampled(flow: Any) -> Array:
        return trellis.structure_latents([tokens], flow, trellis.generator_of(seed), side, _euler(settings), told)

    latents = _used("StructureFlow", job, sampled)
    return _used("StructureDecoder", job, lambda decoder: trellis.places_of(latents, decoder))


def latents_of_tokens(tokens: Array, places: Array, settings: StructuredSettings, seed: int, *, job: Job) -> Array:
    """Latents [N,C] float32 of voxels at places [N,3], under tokens [T,C]; raises ReifyError."""
    _, trellis = _modules()

    def told(fraction: float) -> None:
        job.progress(0.05 + 0.95 * fraction, "filling in details")

    def sampled(flow: Any) -> Array:
        generator = trellis.generator_of(seed)
        trellis.noise((1, trellis.Shape().latents, *[trellis.Shape().coarse] * 3), generator, flow.enter.weight)  # what the shape came from
        return trellis.latents_at(places, [tokens], flow, generator, _euler(settings), told)

    return _used("LatentFlow", job, sampled)


def cubes_of_latents(places: Array, latents: Array, *, job: Job) -> tuple[Array, dict[str, Array], int]:
    """Places [M,3] of cubes, what they say by the fields of `surface.flexible.Cubes`, and how many there are along an edge of the whole."""
    _, trellis = _modules()
    side = FINENESS * trellis.Shape().side

    def told(fraction: float) -> None:
        job.progress(0.1 + 0.9 * fraction, "decoding the surface")

    numbers, cubes = _used("MeshDecoder", job, lambda decoder: trellis.decoded(places, latents, decoder, told))
    return cubes, trellis.cubes_of(numbers, side), side


def _used(kind: str, job: Job, use: Callable[[Any], Value]) -> Value:
    """What `use` makes of one of the networks, held as memory allows."""
    running, trellis = _modules()
    from . import holding

    make: Callable[[], nn.Module] = getattr(trellis, kind)
    weights = need(TRELLIS, job.environment).files[FILES[kind]]
    device, stage = running.chosen_device(job.environment), TRELLIS.plan[list(FILES).index(kind)]

    def held(way: Holding) -> Value:
        job.progress(0.0, "loading TRELLIS")
        return use(running.built(make, weights, device, trellis.ours, mixed=True, way=way))

    return holding.within_memory(TRELLIS.title, stage, device, job, held)


def _euler(settings: StructuredSettings) -> Any:
    from dataclasses import replace

    return replace(_modules()[1].EULER, steps=settings.steps, guidance=settings.guidance)


def _modules() -> tuple[Any, Any]:
    try:
        from . import running, trellis
    except ModuleNotFoundError as error:
        raise ReifyError("Reconstructing needs torch.", TORCH.way) from error
    return running, trellis
