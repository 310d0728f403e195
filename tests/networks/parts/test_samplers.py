"""Samplers on a Gaussian whose velocity is known."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

MEAN, SPREAD = 3.0, 0.5


def _velocity(state, time: float, condition):
    """The exact one for samples from N(condition, SPREAD^2): E[noise - sample | state]."""
    variance = (1 - time) ** 2 * SPREAD**2 + time**2
    off = state - (1 - time) * condition
    return (time - (1 - time) * SPREAD**2) / variance * off - condition


def _quiet(fraction: float) -> None:
    pass


def test_noise_becomes_the_gaussian_that_the_velocity_leads_to() -> None:
    from reify.backend.networks.parts.samplers import Euler, sampled

    torch.manual_seed(0)
    noise = torch.randn(20_000, dtype=torch.float64)
    mean, empty = torch.tensor(MEAN), torch.tensor(0.0)
    for rescale in (1.0, 3.0):
        samples = sampled(_velocity, noise, [mean], empty, Euler(200, 0.0, rescale=rescale), _quiet)
        assert abs(samples.mean() - MEAN) < 0.02 and abs(samples.std() - SPREAD) < 0.02
        assert torch.corrcoef(torch.stack([noise, samples]))[0, 1] > 0.9999, "the map from noise is monotone"


def test_guidance_leads_beyond_the_condition_within_its_interval_only() -> None:
    from reify.backend.networks.parts.samplers import Euler, sampled

    noise, mean, empty = torch.randn(2000, dtype=torch.float64), torch.tensor(MEAN), torch.tensor(0.0)
    plain, always, late = (
        sampled(_velocity, noise, [mean], empty, Euler(100, 2.0, interval), _quiet).mean()
        for interval in ((2.0, 3.0), (0.0, 1.0), (0.5, 1.0))
    )
    assert abs(plain - MEAN) < 0.1 and abs(always - 3 * MEAN) < 0.3
    assert plain + 0.5 < late < always - 0.5


def test_times_are_those_of_the_rescaled_schedule() -> None:
    from reify.backend.networks.parts.samplers import Euler

    assert Euler(4, 0.0, rescale=3.0).times() == pytest.approx([1.0, 0.9, 0.75, 0.5, 0.0])


def test_conditions_take_turns_and_progress_may_stop_the_run() -> None:
    from reify.backend.networks.parts.samplers import Euler, sampled

    seen, heard = [], []

    def velocity(state, time: float, condition):
        seen.append(float(condition))
        return state

    sampled(velocity, torch.zeros(1), [torch.tensor(1.0), torch.tensor(2.0)], torch.tensor(0.0), Euler(4, 1.0, (2.0, 3.0)), heard.append)
    assert seen == [1.0, 2.0, 1.0, 2.0] and heard == [0.0, 0.25, 0.5, 0.75]

    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sampled(velocity, torch.zeros(1), [torch.tensor(1.0)], torch.tensor(0.0), Euler(4, 1.0), stop)
