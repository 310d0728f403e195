"""Objects from pictures by Direct3D, for who has a job: each network is loaded, run and let go before the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.requirements import TORCH
from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Array, Picture
from .library.catalog import CLIP, DINOV2_LARGE_PLAIN, DIRECT3D
from .library.keeping import CONVERTED
from .library.places import need

OCCUPANCY_PEAK_BYTES = 5_000_000_000  # of main memory, with the weights as float32


@dataclass(frozen=True)
class OccupancySettings:
    """What can be set about the diffusion that makes the object, and reading the surface off its field."""

    steps: int = option(50, "Steps from noise to the object; fewer are faster and rougher", low=4, high=250)
    guidance: float = option(4.0, "How closely the object follows the picture", low=0.0, high=20.0)
    cells: int = option(256, "Cells along each axis of the space around the object; more keep finer detail", low=32, high=512)


def semantic_of_picture(picture: Picture, *, job: Job) -> Array:
    """What CLIP sees of a picture's subject: tokens [T,C] float32; raises ReifyError where weights or torch are missing."""
    shape, weights = _shape(job), need(CLIP, job.environment)
    job.progress(0.0, "loading CLIP")
    running, direct3d = _modules()
    from . import clip

    network = running.built(clip.Clip, weights.files[CONVERTED], running.chosen_device(job.environment))
    job.progress(0.8, "looking at the picture")
    return direct3d.seen_by_clip(picture, network.eye, shape.clip_px)


def pixels_of_picture(picture: Picture, *, job: Job) -> Array:
    """What DINOv2 sees of a picture's subject: tokens [T,C] float32; raises ReifyError where weights or torch are missing."""
    shape, weights = _shape(job), need(DINOV2_LARGE_PLAIN, job.environment)
    job.progress(0.0, "loading DINOv2")
    running, direct3d = _modules()
    from . import dinov2

    eye = running.built(dinov2.large_plain, weights.files[CONVERTED], running.chosen_device(job.environment))
    return direct3d.seen_by_dino(picture, eye, shape.dino_px, lambda fraction: job.progress(0.3 + 0.7 * fraction, "looking at the picture"))


def triplane_of_seen(semantic: Array, pixels: Array, settings: OccupancySettings, seed: int, *, job: Job) -> Array:
    """Latents [C,S,3S] float32 of an object under tokens [T,C] each of CLIP and DINOv2; another one by each seed. Raises ReifyError."""
    _, direct3d = _modules()
    network = _built("denoiser", direct3d.Denoiser, job)

    def told(fraction: float) -> None:
        job.progress(0.05 + 0.95 * fraction, "finding the shape")

    return direct3d.latents_of(semantic, pixels, network, seed, settings.steps, settings.guidance, told)


class OccupancyReader:
    """How much is inside of what latents [C,S,3S] hold, in the model's space; raises ReifyError where weights or torch are missing."""

    radius = 1.0

    def __init__(self, latents: Array, job: Job) -> None:
        _, direct3d = _modules()
        import torch

        self._torch = torch
        self._network = _built("decoder", direct3d.Decoder, job)
        self._planes = direct3d.planes_of(
            latents, self._network, lambda fraction: job.progress(0.1 + 0.9 * fraction, "decoding the surface")
        )
        self._level, self.blender_from_model = direct3d.LEVEL, direct3d.BLENDER_FROM_MODEL

    def inside(self, points: Array) -> Array:
        """Logits [P] at points [P,3], above that of the surface: positive inside."""
        places = self._torch.from_numpy(np.ascontiguousarray(points)).to(self._planes)
        with self._torch.inference_mode():
            return self._network.at(self._planes, places).float().cpu().numpy() - self._level


def _shape(job: Job) -> Any:
    weights = need(DIRECT3D, job.environment)
    return _modules()[1].shape_in(weights.files[CONVERTED])


def _built(part: str, make: Callable[[Any], Any], job: Job) -> Any:
    """One of the networks in the converted file."""
    job.progress(0.0, "loading Direct3D")
    shape, (running, _) = _shape(job), _modules()
    weights = need(DIRECT3D, job.environment).files[CONVERTED]

    def own(mapped: Any) -> dict[str, Any]:
        return {name.removeprefix(f"{part}."): array for name, array in mapped.items() if name.startswith(f"{part}.")}

    return running.built(lambda: make(shape), weights, running.chosen_device(job.environment), own)


def _modules() -> tuple[Any, Any]:
    try:
        from . import direct3d, running
    except ModuleNotFoundError as error:
        raise ReifyError("Reconstructing needs torch.", TORCH.way) from error
    return running, direct3d
