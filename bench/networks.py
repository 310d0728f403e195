"""Pretrained networks: what they cost on this machine at full size."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from ..backend.jobs.job import Job
from ..backend.values import Array, Picture

GIB = 1 << 30
CELLS = 256


def run(emit: Callable[..., None], parts: tuple[str, ...]) -> None:
    """Emit the figures of the chosen parts, of all where none is chosen."""
    for part in parts or tuple(PARTS):
        PARTS[part](emit)


def _triposr(emit: Callable[..., None]) -> None:
    """Emit triposr_cpu_seconds and triposr_cpu_gib: from a picture to a colored surface, with random weights, in a process of its own."""
    code = f"from {__name__} import triposr_costs; triposr_costs()"
    spoken = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    seconds, field_seconds, peak = map(float, spoken.split()[-3:])
    emit("triposr_cpu_seconds", round(seconds, 1), "s", of_surface=round(field_seconds, 1), cells=CELLS)
    emit("triposr_cpu_gib", round(peak, 2), "GiB")


def triposr_costs() -> None:
    """Print the seconds in all, those of the surface, and the peak of memory in GiB.

    Random weights make no object, so the surface is that of a ball; the network is asked all the same.
    """
    import torch

    from ..backend.networks import triposr
    from ..backend.surface.learned import colored, surface_of_field

    torch.manual_seed(0)
    with torch.device("meta"):
        network = triposr.TripoSR()
    network.to_empty(device="cpu").eval().requires_grad_(False)
    for weight in network.parameters():
        weight.normal_(std=0.02)
    rng = np.random.default_rng(0)
    picture = Picture("noise", rng.integers(0, 256, (640, 640, 3), np.uint8), np.ones((640, 640), np.float32))
    started = time.perf_counter()
    planes = torch.from_numpy(triposr.planes_of(picture, network))
    seen = time.perf_counter()

    def asked(points: Array, which: int) -> Array:
        with torch.inference_mode():
            return network.at(planes, torch.from_numpy(np.ascontiguousarray(points, np.float32)))[which].numpy()

    def ball(points: Array) -> Array:
        return np.log(triposr.LEVEL) + 0.5 - np.linalg.norm(points, axis=1) + 0.0 * asked(points, 0)

    mesh = surface_of_field(ball, triposr.LEVEL, triposr.RADIUS, CELLS, job=Job())
    colored(mesh, lambda points: asked(points, 1))
    ended = time.perf_counter()
    print(ended - started, ended - seen, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB)


PARTS = {"triposr": _triposr}
