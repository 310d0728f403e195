"""Objects from what CLIP sees by Shap-E, for who has a job: its networks are looked up, loaded, run and let go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.requirements import TORCH
from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Array
from .library.catalog import SHAP_E, SHAP_E_TEXT
from .library.entry import Entry
from .library.keeping import CONVERTED
from .library.places import need

IMPLICIT_PEAK_BYTES = 4_500_000_000  # of main memory, with the weights as float32


@dataclass(frozen=True)
class ImplicitSettings:
    """What can be set about the latents that the network makes, and the surface of the field that they are."""

    steps: int = option(64, "Steps from noise to the object; fewer are faster and rougher", low=8, high=256)
    guidance: float = option(
        3.0, "How closely the object follows the sentence or the picture; more is truer and less varied", low=0.0, high=30.0
    )
    cells: int = option(128, "Cells along each axis of the space around the object; more keep finer detail", low=32, high=256)


def latents_of_seen(seen: Array, settings: ImplicitSettings, seed: int, *, job: Job) -> Array:
    """Latents [1024,1024] float32 of what CLIP sees in a sentence or a picture; other ones by each seed.

    Raises ReifyError where weights or torch are missing.
    """
    job.progress(0.0, "loading Shap-E")
    network, shap_e = _network(SHAP_E_TEXT if seen.ndim == 2 else SHAP_E, job)
    import torch

    given = torch.from_numpy(seen).to(network.latents.leave.weight.device)

    def told(fraction: float) -> None:
        job.progress(0.02 + 0.98 * fraction, "making the object")

    sampler = replace(shap_e.SAMPLER, steps=settings.steps)
    return shap_e.latents_of(given, network, settings.guidance, seed, told, sampler).float().cpu().numpy()


class ImplicitReader:
    """The field that latents [R,L] are, in the model's space; raises ReifyError where weights or torch are missing."""

    def __init__(self, latents: Array, entry: Entry, job: Job) -> None:
        self._network, self._shap_e = _network(entry, job)
        import torch

        self._torch = torch
        self._weight = self._network.field[0].weight
        self._made = self._shap_e.field_of(torch.from_numpy(latents).to(self._weight), self._network)
        self.radius, self.blender_from_model = self._shap_e.RADIUS, self._shap_e.BLENDER_FROM_MODEL

    def inside(self, places: Array) -> Array:
        """Distances [P], -1 to 1 and positive inside, at places [P,3]."""
        return self._at(places, 0)

    def colors(self, places: Array) -> Array:
        """SRGB colors [P,3], 0 to 1, at places [P,3]."""
        return self._at(places, 1)

    def _at(self, places: Array, which: int) -> Array:
        asked = self._torch.from_numpy(np.ascontiguousarray(places, np.float32)).to(self._weight)
        with self._torch.inference_mode():
            return self._shap_e.at(asked, self._made, self._network)[which].float().cpu().numpy()


def _network(entry: Entry, job: Job) -> tuple[Any, Any]:
    weights = need(entry, job.environment)
    try:
        from . import running, shap_e
    except ModuleNotFoundError as error:
        raise ReifyError("Shap-E needs torch.", TORCH.way) from error
    shape = shap_e.SHAPES[entry.files[0].name]
    device = running.chosen_device(job.environment)
    return running.built(lambda: shap_e.ShapE(shape), weights.files[CONVERTED], device, mixed=True), shap_e
