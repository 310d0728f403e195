"""The training loop, whatever is trained: steps within a budget, progress, previews, checkpoints, an early end that keeps what there is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import Cancelled

if TYPE_CHECKING:
    from ..jobs.job import Job

REPORT_SECONDS = 0.1
PREVIEW_SECONDS = 4.0
CHECKPOINT_SECONDS = 60.0
LONGEST_STEP_SECONDS = 5.0  # what is beyond was a pause, or a laptop that slept, and isn't training time


@dataclass(frozen=True)
class Budget:
    """How long a training may take; it ends when either is used up."""

    steps: int
    seconds: float = 0.0  # 0 is no limit

    def fraction(self, clock: Clock) -> float:
        """How much of it is used up, 0 to 1."""
        used = clock.steps / self.steps
        return min(1.0, max(used, clock.seconds / self.seconds) if self.seconds > 0 else used)

    def expected_steps(self, fraction: float, steps: int, guess_per_second: float) -> float:
        """How many steps there will have been in the end, after `steps` in a `fraction` of the budget."""
        if self.seconds <= 0:
            return self.steps
        return min(self.steps, steps / fraction if fraction > 0.02 else self.seconds * guess_per_second)


@dataclass
class Clock:
    """What a training has used up, over all of its interruptions."""

    steps: int = 0
    seconds: float = 0.0


class Training(Protocol):
    """What is trained, as the loop sees it."""

    clock: Clock

    def step(self, fraction: float) -> Mapping[str, float]:
        """Take the next step, with this fraction of the budget used up, and count it on the clock; returns figures for the progress."""
        ...

    def preview(self) -> Any:
        """What to show of it now."""
        ...

    def mend(self) -> None:
        """Remove what has gone wrong, so that a checkpoint is sound."""
        ...

    def save(self) -> None:
        """Write a checkpoint, the clock in it."""
        ...


def run(training: Training, budget: Budget, *, job: Job) -> None:
    """Take steps until the budget is used up, or the user asked to keep what there is.

    Progress is reported ten times a second and leads to 1; previews are shown every four seconds. Checkpoints are written every minute, and
    when the job is canceled.
    """
    clock = training.clock
    last = time.monotonic()
    reported = previewed = saved = last
    try:
        while (fraction := budget.fraction(clock)) < 1 and not job.keep_requested:
            figures = training.step(fraction)
            now = time.monotonic()
            if now - reported > REPORT_SECONDS:
                job.progress(fraction, f"step {clock.steps}", **figures)
                reported = now
            if now - previewed > PREVIEW_SECONDS:
                job.preview(training.preview())
                previewed = now
            if now - saved > CHECKPOINT_SECONDS:
                training.mend()
                training.save()
                saved = now
            clock.seconds += min(time.monotonic() - last, LONGEST_STEP_SECONDS)
            last = time.monotonic()
    except Cancelled:
        training.save()
        raise
