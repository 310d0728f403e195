"""The samples that miniatures learn from and those that they are measured on, made once and kept in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ...backend.device import cache_folder
from ...backend.shapes import catalogue
from ...backend.shapes.icons import drawn
from ...backend.values import Array
from .samples import MOST_TURN, Samples, sample_of
from .shapes import FURNITURE, Shape, furniture, generated, is_held_out

FIRST_SEED = 1000  # of things made to learn from and to measure on: the catalogue's own use begins at 0
SEEDS, ICON_SEEDS = 4, 1  # of each noun
LEAST_STRETCH, MOST_STRETCH = 0.8, 1.25  # along each axis, of what is learned from
MOST_OF_A_FAMILY = 6  # shapes that are measured on


def folder() -> Path:
    """Where samples and checkpoints are kept."""
    return cache_folder() / "miniatures"


def samples_in(folder: Path, processes: int = 2) -> tuple[Samples, Samples]:
    """What is learned from, and what is held out; made where the folder hasn't got them."""
    files = [folder / f"{name}.npz" for name in ("learned", "held_out")]
    if not all(file.exists() for file in files):
        if not FURNITURE.is_dir():
            print(f"Without {FURNITURE}: sweethome3d-furniture isn't installed, so only generated shapes are learned from.", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)
        of_furniture = list(furniture())
        for file, shapes in zip(files, (_to_learn(of_furniture, rng), _to_measure(of_furniture)), strict=True):
            _made(shapes, rng, processes).save(file)
    learned, held_out = map(Samples.load, files)
    return learned, held_out


def _to_learn(of_furniture: list[Shape], rng: np.random.Generator) -> Iterator[Shape]:
    for shape in [*of_furniture, *_generated(FIRST_SEED, SEEDS, ICON_SEEDS)]:
        if not is_held_out(shape.family):
            stretch = rng.uniform(LEAST_STRETCH, MOST_STRETCH, 3)
            yield Shape(shape.name, shape.family, shape.corners * stretch, shape.srgb)


def _to_measure(of_furniture: list[Shape]) -> Iterator[Shape]:
    seen: Counter[str] = Counter()
    for shape in [*of_furniture, *_generated(FIRST_SEED, 1, 1)]:
        if is_held_out(shape.family) and seen[shape.family] < MOST_OF_A_FAMILY:
            seen[shape.family] += 1
            yield shape


def _generated(first: int, seeds: int, icon_seeds: int) -> Iterator[Shape]:
    for noun, thing in catalogue.THINGS.items():
        for seed in range(first, first + (icon_seeds if thing.make is drawn else seeds)):
            yield generated(noun, seed)


def _made(shapes: Iterable[Shape], rng: np.random.Generator, processes: int) -> Samples:
    kept: list[tuple[Shape, tuple[Array, ...]]] = []
    with get_context("spawn").Pool(processes) as pool:
        tasks = ((shape, float(rng.uniform(-MOST_TURN, MOST_TURN))) for shape in shapes)
        for number, (shape, found) in enumerate(pool.imap(_sampled, tasks, chunksize=4)):
            if number % 100 == 0:
                print(f"{number} shapes, {len(kept)} samples", flush=True)
            if found is not None:
                kept.append((shape, found))
    columns = zip(*(arrays for _, arrays in kept), strict=True)
    names, families = ([getattr(shape, field) for shape, _ in kept] for field in ("name", "family"))
    return Samples(np.array(names), np.array(families), *map(np.stack, columns))


def _sampled(task: tuple[Shape, float]) -> tuple[Shape, tuple[Array, ...] | None]:
    shape, turn = task
    return replace(shape, corners=shape.corners[:0], srgb=shape.srgb[:0]), sample_of(shape, turn)
