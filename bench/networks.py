"""Pretrained networks: what they cost on this machine at full size, and how many are proven."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.jobs.job import Job
from ..backend.networks.library.catalog import ENTRIES
from ..backend.networks.library.entry import Entry, Proof
from ..backend.values import Array, Picture

GIB = 1 << 30
CELLS = 256
TESTS = Path(__file__).resolve().parents[1] / "tests" / "networks"
PROMISED = ("isnet", "aliked", "depth_anything", "triposr", "trellis", "direct3d")  # how the ids of entries begin
PROOFS = (  # what tests of a model whose weights can't be had are called
    "test_names_and_shapes_are_those_of_the_published_checkpoint",
    "test_numbers_agree_with_the_original",
    "test_a_checkpoint_in_the_published_layout",
)


def run(emit: Callable[..., None], parts: tuple[str, ...]) -> None:
    """Emit the figures of the chosen parts, of all where none is chosen."""
    for part in parts or tuple(PARTS):
        PARTS[part](emit)


def _triposr(emit: Callable[..., None]) -> None:
    """Emit triposr_cpu_seconds and triposr_cpu_gib: from a picture to a colored surface, with random weights, in a process of its own."""
    seconds, field_seconds, peak = _measured(triposr_costs)
    emit("triposr_cpu_seconds", round(seconds, 1), "s", of_surface=round(field_seconds, 1), cells=CELLS)
    emit("triposr_cpu_gib", round(peak, 2), "GiB")


def _depth(emit: Callable[..., None]) -> None:
    """Emit depth_cpu_seconds and depth_cpu_gib: disparity of a picture of two megapixels, with random weights, in a process of its own."""
    seconds, peak = _measured(depth_costs)
    emit("depth_cpu_seconds", round(seconds, 1), "s")
    emit("depth_cpu_gib", round(peak, 2), "GiB")


def _measured(costs: Callable[[], None]) -> list[float]:
    """What a function of this module prints last, in a line, in a process of its own."""
    code = f"from {__name__} import {costs.__name__} as costs; costs()"
    spoken = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return [float(word) for word in spoken.splitlines()[-1].split()]


def _proven(emit: Callable[..., None]) -> None:
    """Emit models_proven: of how many of the promised models tests have run just now that show what their entries claim."""
    found = []
    for name in PROMISED:
        entries = [entry for entry in ENTRIES if entry.id.startswith(name)]
        if entries and all(is_proven(entry, _outcomes(TESTS / f"test_{entry.converts or entry.id}.py")) for entry in entries):
            found.append(name)
    emit("models_proven", len(found), "models", of=len(PROMISED), which=", ".join(found))


def is_proven(entry: Entry, outcomes: Mapping[str, bool]) -> bool:
    """Whether tests say so; `outcomes` tells of each by its name whether it ran and passed.

    Real weights have to have run in every test; without them keys, numbers and the loader each take a test of their own.
    """
    if not outcomes or not all(outcomes.values()) or entry.proof is Proof.PAPER:
        return False
    return entry.proof is Proof.REAL_WEIGHTS or all(any(name.startswith(proof) for name in outcomes) for proof in PROOFS)


def _outcomes(tests: Path) -> dict[str, bool]:
    """Of a file's tests, by their names; none where there is no such file."""
    if not tests.exists():
        return {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", str(tests)], capture_output=True)
        return {case.attrib["name"]: len(case) == 0 for case in ElementTree.parse(report).iter("testcase")}


def triposr_costs() -> None:
    """Print the seconds in all, those of the surface, and the peak of memory in GiB.

    Random weights make no object, so the surface is that of a ball; the network is asked all the same.
    """
    import torch

    from ..backend.networks import triposr
    from ..backend.surface.learned import colored, surface_of_field

    network = _random(triposr.TripoSR)
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
    print(ended - started, ended - seen, _peak_gib())


def depth_costs() -> None:
    """Print the seconds of Depth Anything v2 Small, and the peak of memory in GiB."""
    from ..backend.networks import depth_anything

    network = _random(depth_anything.DepthAnything)
    srgb = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    started = time.perf_counter()
    depth_anything.disparity(srgb, network)
    print(time.perf_counter() - started, _peak_gib())


def _random(make: Callable[[], Any]) -> Any:
    """A network with random weights, for inference on the processor."""
    import torch

    torch.manual_seed(0)
    with torch.device("meta"):
        network = make()
    network.to_empty(device="cpu").eval().requires_grad_(False)
    for weight in network.parameters():
        weight.normal_(std=0.02)
    return network


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


PARTS = {"triposr": _triposr, "depth": _depth, "proven": _proven}
