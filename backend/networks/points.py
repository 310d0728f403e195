"""Objects from what CLIP sees by Point-E, for who has a job: its networks are looked up, loaded, run and let go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.requirements import TORCH
from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Array
from .library.catalog import POINT_E, POINT_E_TEXT
from .library.entry import Entry
from .library.keeping import CONVERTED
from .library.places import need

POINTS_PEAK_BYTES = 3_000_000_000  # of main memory, while CLIP's weights are read
AT_ONCE = 1 << 14  # places that distances are asked for together


@dataclass(frozen=True)
class PointSettings:
    """What can be set about the points that the networks make, and the surface around them."""

    steps: int = option(64, "Steps from noise to points; fewer are faster and rougher", low=8, high=256)
    guidance: float = option(
        3.0, "How closely the points follow the sentence or the picture; more is truer and less varied", low=0.0, high=20.0
    )
    cells: int = option(64, "Cells along each axis of the space around the points; more keep finer detail", low=16, high=256)


def points_of_seen(seen: Array, settings: PointSettings, seed: int, *, job: Job) -> Array:
    """Points [4096,6] float32, coordinates and colors 0 to 255, of what CLIP sees in a sentence or a picture; other ones by each seed.

    Raises ReifyError where weights or torch are missing.
    """
    job.progress(0.0, "loading Point-E")
    network, point_e = _network(entry_of(seen), job)
    import torch

    given = torch.from_numpy(seen).to(network.distance.leave.weight.device)
    base, upsample = (replace(heun, steps=settings.steps) for heun in (point_e.BASE, point_e.UPSAMPLE))

    def told(fraction: float) -> None:
        job.progress(0.02 + 0.98 * fraction, "making points")

    return point_e.points_of(given, network, settings.guidance, seed, told, base, upsample).float().cpu().numpy()


def entry_of(seen: Array) -> Entry:
    """The weights for what CLIP sees: a vector of a sentence, features of a picture."""
    return POINT_E_TEXT if seen.ndim == 2 else POINT_E


class DistanceReader:
    """The signed distance that surrounds points [P,6], in their space; raises ReifyError where weights or torch are missing."""

    def __init__(self, points: Array, entry: Entry, job: Job) -> None:
        network, point_e = _network(entry, job)
        import torch

        self._torch, self._network = torch, network.distance
        self._weight = self._network.leave.weight
        given = torch.from_numpy(np.ascontiguousarray(points[None, :, :3])).to(self._weight)
        with torch.inference_mode():
            self._features = self._network.encoded(given)
        self.radius, self.blender_from_model = point_e.RADIUS, point_e.BLENDER_FROM_MODEL

    def inside(self, places: Array) -> Array:
        """Distances [Q] at places [Q,3], positive inside."""
        asked = self._torch.from_numpy(np.ascontiguousarray(places, np.float32)).to(self._weight)
        with self._torch.inference_mode():
            parts = [self._network.at(part[None], self._features)[0] for part in asked.split(AT_ONCE)]
        return self._torch.cat(parts).float().cpu().numpy()


def _network(entry: Entry, job: Job) -> tuple[Any, Any]:
    weights = need(entry, job.environment)
    try:
        from . import point_e, running
    except ModuleNotFoundError as error:
        raise ReifyError("Point-E needs torch.", TORCH.way) from error
    shape = point_e.SHAPES[entry.files[0].name]
    device = running.chosen_device(job.environment)
    return running.built(lambda: point_e.PointE(shape), weights.files[CONVERTED], device, mixed=True), point_e
