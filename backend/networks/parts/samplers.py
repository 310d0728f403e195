"""From noise to samples along learned flows.

Rectified flows: Liu, Gong and Liu, "Flow Straight and Fast", ICLR 2023. A sample at time 0 and noise at time 1 are joined by a line, and
a network says the velocity along it. Guidance: Ho and Salimans, "Classifier-Free Diffusion Guidance", 2022; that it helps most in a part
of the times is Kynkäänniemi et al., "Applying Guidance in a Limited Interval", NeurIPS 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

Velocity = Callable[[Tensor, float, Tensor], Tensor]  # of a state [...] at a time 0 to 1 under a condition [...]


@dataclass(frozen=True)
class Euler:
    """Steps of one size each from time 1 to 0, and how far the condition is followed beyond what the network says."""

    steps: int
    guidance: float  # 0 takes the conditional velocity as it is
    interval: tuple[float, float] = (0.0, 1.0)  # times in which there is guidance
    rescale: float = 1.0  # of time; more than 1 spends more of the steps near the noise

    def times(self) -> list[float]:
        """The times of all steps, and the last one's end."""
        even = [1.0 - step / self.steps for step in range(self.steps + 1)]
        return [self.rescale * time / (1 + (self.rescale - 1) * time) for time in even]


def sampled(
    velocity: Velocity, noise: Tensor, conditions: Sequence[Tensor], empty: Tensor, euler: Euler, progress: Callable[[float], None]
) -> Tensor:
    """What noise [...] becomes under conditions that take turns; `empty` is the one without any.

    Several conditions, as pictures of one object from several sides, are each seen in every so-manyth step. `progress` hears the
    fraction of steps that are done, before each network's run, and may raise.
    """
    state, times = noise, euler.times()
    for step, (time, after) in enumerate(zip(times, times[1:], strict=False)):
        progress(step / euler.steps)
        moved = velocity(state, time, conditions[step % len(conditions)])
        if euler.interval[0] <= time <= euler.interval[1]:
            progress((step + 0.5) / euler.steps)
            moved = (1 + euler.guidance) * moved - euler.guidance * velocity(state, time, empty)
        state = state - (time - after) * moved
    return state
