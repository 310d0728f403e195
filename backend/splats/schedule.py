"""What training does when: everything follows the fraction of its budget that is used up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..device import Device, free_memory
from ..errors import ReifyError
from ..rendering.loop import Budget
from ..values import Splats, Views
from .initialize import focus_of
from .settings import TrainingSettings

Array = Any
GROW_FROM, GROW_UNTIL = 0.03, 0.75  # fractions between which the number of splats grows, linearly
DENSIFY_STEPS = 100  # between changes of the number of splats
SURFACE_FROM, SURFACE_FULL = 0.2, 0.4  # fractions between which the weights of the losses on depth and normals rise from zero
AGREE_FROM = 0.4  # neighboring views are compared from then on, at full size
# Fraction of the budget, and the share of `least_share` below which splats are removed then; the others learn to do without them.
PRUNINGS = ((0.8, 1.0), (0.9, 0.5))
USELESS = 0.2  # the share in a training that is ended early, whose splats won't learn any more: the difference can't be seen
GUESSED_STEPS_PER_SECOND = 40  # before there is anything to tell from
STAGES = ((0.0, 4), (0.15, 2), (0.4, 1))  # from this fraction on, each side of the pictures is divided by this factor
# Learning rates of Adam: of means as a share of the extent, others per step; DECAY is the last rate by the first.
MEAN_RATE, MEAN_DECAY = 8e-4, 0.01
OPACITY_RATE, QUATERNION_RATE, COLOR_RATE, VIEW_COLOR_RATE = 0.03, 2.5e-3, 5e-3, 2.5e-4
SCALE_RATE, SCALE_DECAY = 10e-3, 0.3
BYTES_OF_A_SPLAT = 2100  # three rows of 64 floats, projection, sorting, and some four entries with gradients


@dataclass(frozen=True)
class Schedule:
    """The plan of one training run."""

    budget: Budget
    start_count: int
    most: int  # splats
    picture_factor: float  # of the number of splats, by the size of the pictures; infinite where that number was set by hand
    extent: float  # world units: how far the cameras are from the subject
    factors: tuple[tuple[float, int], ...]  # from this fraction on, each side of the pictures is divided by this factor
    bases: int
    surfels: bool
    keep_bytes: int  # main memory for pictures
    depth_bytes: int  # main memory for the depths of neighboring views
    why: str

    @classmethod
    def plan(cls, views: Views, indices: tuple[int, ...], start: Splats, settings: TrainingSettings, on: Device) -> Schedule:
        """The plan for a machine; raises ReifyError where memory is too short for it."""
        pixels = float(np.median(np.prod(views.cameras.size_px[list(indices)], axis=1)))
        picture_bytes = int(pixels * 120)
        keep_bytes = min(int(pixels * 5.5 * len(indices)), on.free_bytes // 2, free_memory() // 2)
        depth_bytes = min(int(pixels * 4 * len(indices)), on.free_bytes // 8) if start.surfels else 0
        room = int((on.free_bytes * 0.8 - keep_bytes - depth_bytes - picture_bytes) / BYTES_OF_A_SPLAT)
        if room < min(len(start), 1000):
            needed = (keep_bytes + depth_bytes + picture_bytes + len(start) * BYTES_OF_A_SPLAT) >> 20
            raise ReifyError(
                f"Training needs about {needed} MB of free memory, {on.free_bytes >> 20} MB are there.",
                "Close other programs, or train on smaller photos.",
            )
        # 200 steps a second are more than any CPU takes, so that there is room for what the schedule may ask for.
        most_steps = min(settings.steps, settings.seconds * 200) if settings.seconds > 0 else settings.steps
        picture_factor = _picture_factor(pixels)
        most = settings.max_splats or max(_useful(most_steps, picture_factor), len(start))
        limit = ", limited by memory" if room < most else ""
        why = (
            f"{on.name}, up to {min(most, room)} splats{limit}"
            if settings.max_splats or limit
            else f"{on.name}, as many splats as the time is enough for"
        )
        _focus, extent = focus_of(views.cameras)
        return cls(
            budget=Budget(settings.steps, settings.seconds),
            start_count=len(start),
            most=min(most, room),
            picture_factor=picture_factor if settings.max_splats == 0 else np.inf,
            extent=extent,
            factors=_factors(float(views.cameras.size_px[list(indices)].max())),
            bases=(settings.sh_degree + 1) ** 2,
            surfels=start.surfels,
            keep_bytes=keep_bytes,
            depth_bytes=depth_bytes,
            why=why,
        )

    def factor(self, fraction: float) -> int:
        """By what each side of the pictures is divided."""
        return [factor for begin, factor in self.factors if fraction >= begin][-1]

    def wanted(self, fraction: float, step: int) -> int:
        """How many splats there should be, by the number of steps that are expected in all."""
        goal = self.most
        if np.isfinite(self.picture_factor):
            goal = min(goal, _useful(self.expected_steps(fraction, step), self.picture_factor))
        reached = np.clip((fraction - GROW_FROM) / (GROW_UNTIL - GROW_FROM), 0, 1)
        return int(self.start_count + max(goal - self.start_count, 0) * reached)

    def active_bases(self, fraction: float) -> int:
        """SH bases in use: one degree more at a time."""
        degree = sum(fraction >= begin for begin in (0.1, 0.25, 0.45))
        return min(self.bases, (degree + 1) ** 2)

    def surface_weight(self, fraction: float) -> float:
        """By what the weights of the losses on depth and normals of surfels are multiplied: 0 before the shape is roughly there."""
        return float(np.clip((fraction - SURFACE_FROM) / (SURFACE_FULL - SURFACE_FROM), 0, 1)) if self.surfels else 0.0

    def expected_steps(self, fraction: float, step: int) -> float:
        """How many steps there will have been in the end."""
        return self.budget.expected_steps(fraction, step, GUESSED_STEPS_PER_SECOND)

    def rates(self, fraction: float, step: int, factor: float = 1.0) -> dict[str, Array]:
        """Learning rate of each parameter times `factor`; the fewer steps there are, the longer each has to be."""
        sh = np.full((self.bases, 1), VIEW_COLOR_RATE, np.float32)
        sh[0], sh[self.active_bases(fraction) :] = COLOR_RATE, 0
        rates: dict[str, Array] = {
            "means": np.float32(MEAN_RATE * self.extent * MEAN_DECAY**fraction),
            "opacity_logits": np.float32(OPACITY_RATE),
            "quats": np.float32(QUATERNION_RATE),
            "log_scales": np.float32(SCALE_RATE * SCALE_DECAY**fraction),
            "sh": sh,
        }
        length = np.float32(np.clip(np.sqrt(3000 / self.expected_steps(fraction, step)), 0.5, 2.5))
        return {name: rate * length * np.float32(factor) for name, rate in rates.items()}


def useful_splats(steps: float, pixels: float) -> int:
    """How many splats a training ends with that may choose, by its steps and the pixels of a photo."""
    return _useful(steps, _picture_factor(pixels))


def _picture_factor(pixels: float) -> float:
    return float(np.clip(np.sqrt(pixels / 160_000), 0.5, 2.0))


def _useful(steps: float, picture_factor: float) -> int:
    # More splats than this were worse on lego: each needs its share of the steps.
    return int(1000 * np.sqrt(steps) * picture_factor)


def _factors(long_side: float) -> tuple[tuple[float, int], ...]:
    usable = [(begin, factor) for begin, factor in STAGES if factor == 1 or long_side / factor >= 90]
    return ((0.0, usable[0][1]), *usable[1:])
