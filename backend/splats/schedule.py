"""What training does when: everything follows the fraction of its time or steps that is used up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..device import Device, free_memory
from ..errors import ReifyError
from ..values import Splats, Views
from .cpu.layout import BASE_COLOR, LOG_SCALE, MEAN, OPACITY, QUATERNION, SH, row_width
from .initialize import focus_of
from .train import TrainingSettings

Array = Any
GROW_FROM, GROW_UNTIL = 0.03, 0.75
DENSIFY_STEPS = 100
SURFACE_FROM, SURFACE_FULL = 0.2, 0.4
AGREE_FROM = 0.4  # neighboring views are compared, at full size
# When splats go, and by how much of `least_share`; what is left learns to do without them.
PRUNINGS = ((0.8, 1.0), (0.9, 0.5))
USELESS = 0.2  # of it: nobody sees a difference without any training after it
GUESSED_STEPS_A_SECOND = 40
STAGES = ((0.0, 4), (0.15, 2), (0.4, 1))  # from this fraction on, pictures are shrunk by this factor
MEAN_RATE, MEAN_DECAY = 8e-4, 0.01  # of the extent; what is left of the rate in the end
OPACITY_RATE, QUATERNION_RATE, COLOR_RATE, VIEW_COLOR_RATE = 0.03, 2.5e-3, 5e-3, 2.5e-4
SCALE_RATE, SCALE_DECAY = 10e-3, 0.3
BYTES_OF_A_SPLAT = 2100  # three rows of 64 floats, projection, sorting, and some four entries with gradients


@dataclass(frozen=True)
class Schedule:
    """The plan of one training run."""

    steps: int
    seconds: float
    start_count: int
    most: int  # splats
    detail: float  # what the size of the pictures makes of the number of splats; infinite where that was set by hand
    extent: float  # world units: how far the cameras are from the subject
    factors: tuple[tuple[float, int], ...]  # from this fraction on, pictures are shrunk by this factor
    bases: int
    surfels: bool
    keep_bytes: int  # for pictures, in main memory whatever computes
    depth_bytes: int  # for what neighboring views saw as depth
    why: str

    @classmethod
    def plan(cls, views: Views, indices: tuple[int, ...], start: Splats, settings: TrainingSettings, chosen: Device) -> Schedule:
        """The plan for a machine; raises ReifyError where memory is too short for it."""
        pixels = float(np.median(np.prod(views.cameras.size_px[list(indices)], axis=1)))
        picture_bytes = int(pixels * 120)
        keep_bytes = min(int(pixels * 5.5 * len(indices)), chosen.free_bytes // 2, free_memory() // 2)
        depth_bytes = min(int(pixels * 4 * len(indices)), chosen.free_bytes // 8) if start.surfels else 0
        room = int((chosen.free_bytes * 0.8 - keep_bytes - depth_bytes - picture_bytes) / BYTES_OF_A_SPLAT)
        if room < min(len(start), 1000):
            needed = (keep_bytes + depth_bytes + picture_bytes + len(start) * BYTES_OF_A_SPLAT) >> 20
            raise ReifyError(
                f"Training needs about {needed} MB of free memory, {chosen.free_bytes >> 20} MB are there.",
                "Close other programs, or train on smaller photos.",
            )
        # Faster than a step can be on any CPU, so that there is room for what the schedule may ask for.
        most_steps = min(settings.steps, settings.seconds * 200) if settings.seconds > 0 else settings.steps
        detail = float(np.clip(np.sqrt(pixels / 160_000), 0.5, 2.0))
        most = settings.max_splats or max(_useful(most_steps, detail), len(start))
        limit = ", limited by memory" if room < most else ""
        why = (
            f"{chosen.name}, up to {min(most, room)} splats{limit}"
            if settings.max_splats or limit
            else f"{chosen.name}, as many splats as the time is enough for"
        )
        _focus, extent = focus_of(views.cameras)
        return cls(
            steps=settings.steps,
            seconds=settings.seconds,
            start_count=len(start),
            most=min(most, room),
            detail=detail if settings.max_splats == 0 else np.inf,
            extent=extent,
            factors=_factors(float(views.cameras.size_px[list(indices)].max())),
            bases=(settings.sh_degree + 1) ** 2,
            surfels=start.surfels,
            keep_bytes=keep_bytes,
            depth_bytes=depth_bytes,
            why=why,
        )

    def fraction(self, step: int, elapsed: float) -> float:
        """How much of training is over, 0 to 1."""
        used = step / self.steps
        return min(1.0, max(used, elapsed / self.seconds) if self.seconds > 0 else used)

    def factor(self, fraction: float) -> int:
        """By how much pictures are shrunk."""
        return [factor for begin, factor in self.factors if fraction >= begin][-1]

    def wanted(self, fraction: float, step: int) -> int:
        """How many splats there should be, by the number of steps that are to be expected in all."""
        goal = self.most
        if np.isfinite(self.detail):
            goal = min(goal, _useful(self.expected_steps(fraction, step), self.detail))
        reached = np.clip((fraction - GROW_FROM) / (GROW_UNTIL - GROW_FROM), 0, 1)
        return int(self.start_count + max(goal - self.start_count, 0) * reached)

    def active_bases(self, fraction: float) -> int:
        """SH bases in use: one degree more at a time."""
        degree = sum(fraction >= begin for begin in (0.1, 0.25, 0.45))
        return min(self.bases, (degree + 1) ** 2)

    def surface_weight(self, fraction: float) -> float:
        """How much of their weights the losses on depth and normals of surfels have: none before the shape is roughly there."""
        return float(np.clip((fraction - SURFACE_FROM) / (SURFACE_FULL - SURFACE_FROM), 0, 1)) if self.surfels else 0.0

    def expected_steps(self, fraction: float, step: int) -> float:
        """How many steps there will have been in the end."""
        if self.seconds <= 0:
            return self.steps
        return min(self.steps, step / fraction if fraction > 0.02 else self.seconds * GUESSED_STEPS_A_SECOND)

    def learning(self, fraction: float, step: int) -> Array:
        """Learning rate of each column of a parameter row; the fewer steps there are, the longer each has to be."""
        rates = np.zeros(row_width(self.bases), np.float32)
        rates[MEAN : MEAN + 3] = MEAN_RATE * self.extent * MEAN_DECAY**fraction
        rates[OPACITY] = OPACITY_RATE
        rates[QUATERNION : QUATERNION + 4] = QUATERNION_RATE
        rates[LOG_SCALE : LOG_SCALE + 3] = SCALE_RATE * SCALE_DECAY**fraction
        rates[BASE_COLOR : BASE_COLOR + 3] = COLOR_RATE
        rates[SH:] = VIEW_COLOR_RATE
        return rates * np.float32(np.clip(np.sqrt(3000 / self.expected_steps(fraction, step)), 0.5, 2.5))


def _useful(steps: float, detail: float) -> int:
    # Each splat needs its share of the steps: found on lego, where more splats than this were worse.
    return int(1000 * np.sqrt(steps) * detail)


def _factors(long_side: float) -> tuple[tuple[float, int], ...]:
    usable = [(begin, factor) for begin, factor in STAGES if factor == 1 or long_side / factor >= 90]
    return ((0.0, usable[0][1]), *usable[1:])
