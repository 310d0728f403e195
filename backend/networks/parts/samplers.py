"""From noise to samples along learned flows, and by diffusion.

Rectified flows: Liu, Gong and Liu, "Flow Straight and Fast", ICLR 2023. A sample at time 0 and noise at time 1 are joined by a line, and
a network says the velocity along it. Guidance: Ho and Salimans, "Classifier-Free Diffusion Guidance", 2022; that it helps most in a part
of the times is Kynkäänniemi et al., "Applying Guidance in a Limited Interval", NeurIPS 2024.

Diffusion: Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models", NeurIPS 2020, with the cosine schedule of Nichol and Dhariwal,
"Improved Denoising Diffusion Probabilistic Models", ICML 2021, sampled by Heun's method after Karras et al., "Elucidating the Design Space
of Diffusion-Based Generative Models", NeurIPS 2022, algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...values import Array

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


Denoiser = Callable[[Tensor, float], Tensor]  # of a noisy state [B,...] and its noise's standard deviation to the state without noise
LARGEST_BETA = 0.999


@dataclass(frozen=True)
class Heun:
    """Steps along noise that falls from `noisiest` to `quietest`, as a power of evenly spaced roots; then one to no noise."""

    steps: int
    noisiest: float
    quietest: float = 1e-3
    power: float = 7.0
    churn: float = 0.0  # new noise in each step: this many times the noise that is there, over all steps

    def deviations(self) -> list[float]:
        """The noise's standard deviation at the beginning of each step, and 0."""
        high, low = self.noisiest ** (1 / self.power), self.quietest ** (1 / self.power)
        return [*((high + (low - high) * step / (self.steps - 1)) ** self.power for step in range(self.steps)), 0.0]


def denoised(denoise: Denoiser, state: Tensor, heun: Heun, random: torch.Generator, progress: Callable[[float], None]) -> Tensor:
    """What a state [B,...] of noise becomes; `random` makes the noise that is added. `progress` hears fractions, and may raise."""
    deviations = heun.deviations()
    gamma = min(heun.churn / heun.steps, math.sqrt(2) - 1)
    found = state
    for step, (now, after) in enumerate(zip(deviations, deviations[1:], strict=False)):
        progress(step / heun.steps)
        raised = now * (1 + gamma)
        if gamma:
            noise = torch.randn(state.shape, generator=random).to(state)
            state = state + math.sqrt(raised**2 - now**2) * noise
        found = denoise(state, raised)
        slope = (state - found) / raised
        there = state + (after - raised) * slope
        if after:
            progress((step + 0.5) / heun.steps)
            slope = 0.5 * (slope + (there - denoise(there, after)) / after)
            there = state + (after - raised) * slope
        state = there
    return found


def kept_by_cosine(count: int) -> Array:
    """The share [count] float64 of a sample's variance that is left after each of a diffusion's steps, by the cosine schedule."""
    left = np.cos((np.arange(count + 1) / count + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.cumprod(1 - np.minimum(1 - left[1:] / left[:-1], LARGEST_BETA))


def kept_by_power(count: int, decay: float) -> Array:
    """The same by e to the power of -`decay` at the end, and as evenly falling a power before."""
    return np.exp(-decay * np.arange(1, count + 1) / count)


def kept_by_line(count: int) -> Array:
    """The same by the linear schedule."""
    return np.cumprod(1 - np.linspace(0.1 / count, 20 / count, count))


def time_of(deviation: float, kept: Array) -> int:
    """The step of a diffusion whose noise has this standard deviation, relative to the sample's, or the next one with less."""
    share = 1 / (deviation**2 + 1)
    return int(np.interp(-share, -kept, np.arange(len(kept))))
