"""Pretrained networks: what they cost on this machine at full size, and how many are proven."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.capture.read import CaptureSettings, read_photos
from ..backend.capture.solve import CameraSettings, solve_cameras
from ..backend.capture.views import load_views
from ..backend.device import available_threads, user_data_folder
from ..backend.jobs.environment import Environment
from ..backend.jobs.job import Job
from ..backend.networks.library.catalog import ENTRIES
from ..backend.splats.measure import measure
from ..backend.splats.settings import TrainingSettings
from ..backend.splats.stages import train_capture
from ..backend.values import Array, Capture, Photos, Picture
from ._proofs import proven_by_tests

DATA = Path(os.environ.get("REIFY_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
BANANA, TRAINING_S, TRAINING_PX = "banana", 60, 640
GIB = 1 << 30
CELLS = 256
GRAY = 128  # behind a cut-out picture
PROMISED = ("isnet", "aliked", "depth_anything", "triposr", "trellis", "direct3d")  # how the ids of entries begin


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
        if entries and all(proven_by_tests(entry) for entry in entries):
            found.append(name)
    emit("models_proven", len(found), "models", of=len(PROMISED), which=", ".join(found))


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


def _cutout(emit: Callable[..., None]) -> None:
    """Emit isnet_iou_min and isnet_seconds: of single pictures whose alpha is known, laid over gray, and the median for each.

    Left out where the pictures or the weights are absent.
    """
    from ..backend.formats.images import read_image
    from ..backend.networks.library.catalog import ISNET
    from ..backend.networks.library.places import find
    from ..backend.pictures.cutout import CutoutSettings, found_in

    environment = Environment(user_folder=user_data_folder())
    pictures = {path.stem: read_image(path) for path in sorted((DATA / "single_images").glob("*.png"))}
    cut = {name: pixels for name, pixels in pictures.items() if pixels.shape[2] == 4 and pixels[..., 3].min() < 255}
    if not cut or find(ISNET, environment) is None:
        print(f"isnet_iou_min is left out: {ISNET.title}, or pictures at {DATA}, aren't there.", file=sys.stderr)
        return
    found, seconds = {}, []
    for name, pixels in cut.items():
        alpha = pixels[..., 3:] / 255.0
        started = time.perf_counter()
        coverage = found_in(
            np.round(pixels[..., :3] * alpha + GRAY * (1 - alpha)).astype(np.uint8),
            None,
            name,
            CutoutSettings(by="learned"),
            None,
            Job(environment),
        )
        seconds.append(time.perf_counter() - started)
        wanted, got = alpha[..., 0] > 0.5, coverage > 0.5
        found[name] = round(float((wanted & got).sum() / max((wanted | got).sum(), 1)), 4)
    emit("isnet_iou_min", min(found.values()), "IoU", **found)
    emit("isnet_seconds", round(float(np.median(seconds)), 2), "s", pictures=len(seconds))


def _matching(emit: Callable[..., None]) -> None:
    """Emit banana_registered: photos of a sparse capture that get a camera where LightGlue matches what SIFT leaves, and how good it is.

    `added_db` is how much worse splats render the added photos than others that were held out with them; `without` counts the photos
    that SIFT places alone. Left out where the capture or the weights are absent.
    """
    from ..backend.capture.learned_matches import way

    with_weights = Environment(user_folder=user_data_folder())
    missing = way(with_weights) if (DATA / BANANA).is_dir() else f"{BANANA} isn't at {DATA}."
    if missing:
        print(f"banana_registered is left out: {missing}", file=sys.stderr)
        return
    alone, alone_s, _how = _placed(Environment())
    found, seconds, how = _placed(with_weights)
    names = {photo.name for photo in alone.photos}
    added = [index for index, photo in enumerate(found.photos) if photo.name not in names]
    figures: dict[str, float] = {"of": len(found.photos) + len(found.unregistered), "without": len(alone.photos)}
    figures |= {"seconds": round(seconds, 1), "seconds_without": round(alone_s, 1)}
    if added:
        figures["added_db"] = round(_worse_db(found, added), 2)
    emit("banana_registered", len(found.photos), "photos", **figures, checked=how)


def _placed(environment: Environment) -> tuple[Capture, float, str]:
    job = Job(environment)
    capture = read_photos(Photos((DATA / BANANA,)), CaptureSettings(), job=job)
    started = time.perf_counter()
    solved = job.stage("Finding cameras", solve_cameras, capture, CameraSettings())
    return solved, time.perf_counter() - started, job.report.choices["cameras checked"]


def _worse_db(capture: Capture, added: list[int]) -> float:
    """PSNR of some held-out photos that SIFT placed, minus that of the added ones, of splats that saw neither."""
    others = [index for index in range(len(capture.photos)) if index not in added]
    others = others[len(others) // 6 :: len(others) // 3]
    job = Job()
    settings = TrainingSettings(seconds=TRAINING_S, long_side_px=TRAINING_PX)
    held = replace(capture, test=tuple(sorted([*added, *others])))
    splats, held = job.stage("Training splats", train_capture, held, settings, 0)
    views = load_views(held, TRAINING_PX)

    def quality(photos: list[int]) -> float:
        measured = Job()
        measure(splats, views, photos, job=measured)
        return measured.report.metrics["psnr"]

    return quality(others) - quality(added)


def _miniatures(emit: Callable[..., None]) -> None:
    """Emit miniature_over_nearest: IoU of shapes of unseen families by the worse miniature, by that of the best way without a network."""
    import torch

    from ..tools.miniatures import evaluation, making
    from ..tools.miniatures.networks import NAMES

    torch.set_num_threads(available_threads())
    learned, held_out = making.samples_in(making.folder())
    wanted = held_out.grids()
    without = evaluation.baselines(learned, held_out)
    found = {name: evaluation.iou(evaluation.by_network(evaluation.loaded(name), held_out), wanted).mean() for name in NAMES}
    figures = {name: round(float(value), 3) for name, value in {**found, **without}.items()}
    ratio = min(found.values()) / max(without.values())
    emit("miniature_over_nearest", round(float(ratio), 3), "times", shapes=len(wanted), learned=len(learned.names), **figures)


PARTS = {"triposr": _triposr, "depth": _depth, "cutout": _cutout, "proven": _proven, "matching": _matching, "miniatures": _miniatures}
