"""How long a job still takes: from what its stages should take, what they took on this machine before, and how fast they move now.

Where e seconds have passed and r are left, the bar stands at e / (e + r): it fills as fast as time passes, however long single stages are.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Weight of a stage's expectation against its own rate, as a share of the stage; less follows the rate sooner.
KNOWN_PRIOR = 0.3
GUESSED_PRIOR = 0.15  # for a stage that has never run on this machine
PACE_PRIOR_S = 10.0  # weight of a pace of 1, in seconds of work; less follows a slow or busy machine sooner
COMPILING_PRIOR_S = 3.0  # the same for compiling; less gives up sooner on kernels that turn out to be compiled already
STILL_SHARE = 0.08  # floor of the rest while a stage reports nothing, as a share of the rest at its last report
SKIPPED_SHARE = 0.1  # least step, as a share of a stage, that counts as skipped where a stage is resumed
SMOOTH_S = 4.0  # time constant of the low-pass filter on the rest that is shown, in seconds; more is calmer and lags more
SMOOTH_SHARE = 0.04  # the same as a share of the rest, which counts where it is larger
LEAST_LEFT_S = 1.0  # floor of the rest that is shown, in seconds
LEAST_COMPILING_S = 0.5  # compiling below it is noise: the kernels were there
LEAST_KNOWN = 0.01  # share of a stage below which its rate says nothing
ROW_STEP = 0.002  # resolution of a recorded profile, in fractions
PROFILE_KNOTS = 16  # most knots of a kept profile
PROFILE_ERROR = 0.01  # largest error of a kept profile with fewer knots, as a share of the stage's time

Profile = tuple[tuple[float, float], ...]  # knots (reported fraction, share of the time that had passed), from (0, 0) to (1, 1)
EVEN: Profile = ((0.0, 0.0), (1.0, 1.0))


class Moment(NamedTuple):
    """A point in time of a job."""

    seconds: float  # since any moment, without pauses
    compiling: float = 0.0  # of these, the seconds in which kernels were compiled


@dataclass(frozen=True)
class Expected:
    """What a stage should take, in seconds."""

    guess: float = 0.0  # on two cores of a common laptop; what this machine took last time corrects it
    budget: float = 0.0  # what a setting gives it, on whichever machine
    compiling: float = 0.0  # to compile its kernels, where they aren't yet


@dataclass(frozen=True)
class Timing:
    """What a stage took on this machine."""

    expected: Expected  # what it should have taken, by its settings and the size of its input
    seconds: float  # that it took, without those below
    compiling: float = 0.0  # seconds for its kernels, the last time that it had to compile any
    kernels: str = ""  # version of the kernels that are compiled now
    profile: Profile = EVEN

    @property
    def factor(self) -> float:
        """How many times as long as guessed this machine takes."""
        spent = self.seconds - self.expected.budget
        return min(max(spent / self.expected.guess, 0.02), 50.0) if self.expected.guess > 0.0 else 1.0


class Forecast:
    """Follows one job."""

    def __init__(self) -> None:
        self.timings: Mapping[str, Timing] = {}
        self._kernels = ""
        self._expected: dict[str, Expected] = {}
        self._ended: set[str] = set()
        self._stage: _Stage | None = None
        self._last = ""  # title of the stage that began last
        self._work = _Pace(PACE_PRIOR_S)
        self._compiling = _Pace(COMPILING_PRIOR_S)
        self._began: float | None = None
        self._shown: tuple[float, float] | None = None  # when the rest was last shown, and what it was
        self._overall = 0.0
        self._later = _Later(0.0, 0.0, 0.0, 0.0)

    def learn(self, timings: Mapping[str, Timing], kernels: str) -> None:
        """What the same stages took before, by title, and which version of the kernels runs now."""
        self.timings, self._kernels = timings, kernels

    def expect(self, stages: Mapping[str, Expected]) -> None:
        """The stages of the whole job in their order; may be said again when more is known of its input."""
        self._expected = dict(stages)
        self._shown = None
        self._sum_up()

    def begin(self, title: str, now: Moment) -> None:
        """A stage begins; those before it that haven't won't."""
        self._began = now.seconds if self._began is None else self._began
        self._last = title
        timing, pace = self.timings.get(title), self._pace()
        profile, pace = (timing.profile, math.sqrt(pace)) if timing else (None, pace)
        self._stage = _Stage(self._planned_for(title), pace, self._compiling.value, profile, now)
        self._sum_up()

    def resume(self) -> None:
        """The running stage goes on from where an earlier, canceled run had come."""
        if self._stage is not None:
            self._stage.resumed = True

    def reach(self, fraction: float, now: Moment) -> None:
        """The running stage says how far it is, 0 to 1."""
        if self._stage is not None:
            self._stage.reach(fraction, now)

    def end(self, now: Moment, from_cache: bool = False) -> Timing | None:
        """The running stage has ended; what it took, None where it wasn't computed from its beginning."""
        stage, self._stage = self._stage, None
        assert stage is not None
        self._ended.add(self._last)
        if from_cache:
            self._shown = None  # the rest falls at once by all that needn't be computed
        seconds, compiling = stage.computing(now), stage.compiled(now)
        if from_cache or stage.resumed:
            self._sum_up()
            return None
        self._work.add(seconds - stage.expected.budget, stage.expected.guess)
        self._compiling.add(compiling, stage.expected.compiling)
        self._sum_up()
        if compiling < LEAST_COMPILING_S and self._last in self.timings:
            compiling = self.timings[self._last].compiling
        return Timing(self._expected.get(self._last, Expected()), seconds, compiling, self._kernels, stage.profile_of(now))

    def look(self, now: Moment) -> tuple[float, float | None]:
        """How much of the job is done, 0 to 1 and never less than before, and the seconds left; None where nothing tells them."""
        if self._began is None:
            return 0.0, None
        elapsed, left = now.seconds - self._began, self._left(now)
        if left == 0.0:
            self._overall = 1.0
            return 1.0, None
        shown = None if left is None else self._followed(left, now.seconds)
        if self._expected and shown is not None:
            self._overall = max(self._overall, elapsed / (elapsed + shown))
        elif self._stage is not None:  # the only measure there is
            self._overall = max(self._overall, self._stage.fraction)
        return self._overall, shown

    def _followed(self, left: float, now: float) -> float:
        if self._shown is None:
            shown = left
        else:
            then, before = self._shown
            due = before - (now - then)
            shown = due + (left - due) * (1.0 - math.exp((then - now) / max(SMOOTH_S, SMOOTH_SHARE * left)))
        self._shown = (now, max(shown, LEAST_LEFT_S))
        return self._shown[1]

    def _left(self, now: Moment) -> float | None:
        left: float | None = 0.0 if self._stage is None else self._stage.left(now)
        if left is None:
            return None
        pace, later = self._pace(), self._later
        return left + later.budgets + pace * later.guessed + math.sqrt(pace) * later.timed + self._compiling.value * later.compiling

    def _pace(self) -> float:
        """By which factor the job has taken longer than its stages should, so far."""
        return self._work.value if self._stage is None else self._work.with_more(*self._stage.progressed())

    def _sum_up(self) -> None:
        titles = list(self._expected)
        place = titles.index(self._last) + 1 if self._last in titles else 0
        rest = {title: self._planned_for(title) for title in titles[place:] if title not in self._ended}
        self._later = _Later(
            budgets=sum(planned.budget for planned in rest.values()),
            guessed=sum(planned.guess for title, planned in rest.items() if title not in self.timings),
            timed=sum(planned.guess for title, planned in rest.items() if title in self.timings),
            compiling=sum(planned.compiling for planned in rest.values()),
        )

    def _planned_for(self, title: str) -> Expected:
        """What a stage should take here: its guess as last time, compiling only where the kernels have changed since."""
        expected, timing = self._expected.get(title, Expected()), self.timings.get(title)
        if timing is None:
            return expected
        compiling = 0.0 if timing.kernels == self._kernels else timing.compiling or expected.compiling
        return Expected(timing.factor * expected.guess, expected.budget, compiling)


class _Later(NamedTuple):
    """Seconds of the stages after the one that runs, at a pace of 1."""

    budgets: float
    guessed: float  # of stages that have never run here
    timed: float
    compiling: float


class _Pace:
    """By which factor work takes longer than expected, from what was seen of it; 1 at first."""

    def __init__(self, prior_s: float) -> None:
        self._spent = self._planned = prior_s

    @property
    def value(self) -> float:
        return self._spent / self._planned

    def add(self, spent: float, planned: float) -> None:
        """Seconds that something took, and that it should have taken; nothing is learned from what nothing was expected of."""
        if planned > 0.0:
            self._spent += max(spent, 0.0)
            self._planned += planned

    def with_more(self, spent: float, planned: float) -> float:
        """The factor with what isn't over yet."""
        return (self._spent + spent) / (self._planned + planned)


class _Stage:
    """The stage that runs: what it should take, and how it moves."""

    def __init__(self, expected: Expected, pace: float, compiling_pace: float, profile: Profile | None, now: Moment) -> None:
        self.expected = expected
        self._seconds = expected.budget + pace * expected.guess
        self._compiling = compiling_pace * expected.compiling
        self.resumed = False
        self._profile = EVEN if profile is None else profile
        self._prior = 0.0 if self._seconds <= 0.0 else GUESSED_PRIOR if profile is None else KNOWN_PRIOR
        self._began = now
        self.fraction = 0.0  # as it reports
        self._done = 0.0  # share of its time by then, by the profile
        self._at = 0.0  # seconds of computing until it reported that
        self._skipped = 0.0  # share of its time that an earlier run has spent
        self._rows: list[tuple[float, float]] = [(0.0, 0.0)]  # fraction, seconds of computing until then

    def reach(self, fraction: float, now: Moment) -> None:
        if fraction <= self.fraction:
            return
        at, done = self.computing(now), _at(self._profile, fraction)
        step = done - self._done
        if self.resumed and step > SKIPPED_SHARE and at - self._at < 0.25 * step * self._seconds:  # four times as fast as it can be
            self._skipped += step
        self.fraction, self._done, self._at = fraction, done, at
        if fraction > self._rows[-1][0] + ROW_STEP:
            self._rows.append((fraction, at))

    def progressed(self) -> tuple[float, float]:
        """Seconds until its last report, beside its budget, and how many these should have been."""
        done = self._done - self._skipped
        return (max(self._at - done * self.expected.budget, 0.0), done * self.expected.guess) if self.expected.guess > 0.0 else (0.0, 0.0)

    def computing(self, now: Moment) -> float:
        """Seconds since it began, without those of compiling."""
        return now.seconds - self._began.seconds - self.compiled(now)

    def compiled(self, now: Moment) -> float:
        """Seconds of compiling since it began."""
        return now.compiling - self._began.compiling

    def left(self, now: Moment) -> float | None:
        """Seconds, by what was expected and by how it has moved; None where neither tells."""
        known = self._prior + self._done - self._skipped
        if known < LEAST_KNOWN:
            return None
        left = (1.0 - self._done) * (self._prior * self._seconds + self._at) / known
        still = max(left - (self.computing(now) - self._at), STILL_SHARE * left)
        return still + (1.0 - self._done) * max(self._compiling - self.compiled(now), 0.0)

    def profile_of(self, now: Moment) -> Profile:
        """How its fraction grew with time, in a few knots."""
        whole = max(self.computing(now), 1e-9)
        rows = [(fraction, min(seconds / whole, 1.0)) for fraction, seconds in self._rows if fraction < 1.0]
        return _simplified((*rows, (1.0, 1.0)))


def _at(profile: Profile, fraction: float) -> float:
    """The share of time at a fraction, linear between the knots."""
    place = bisect_left(profile, (fraction,))
    if place in (0, len(profile)):
        return profile[min(place, len(profile) - 1)][1]
    (low, before), (high, after) = profile[place - 1], profile[place]
    return before + (after - before) * (fraction - low) / (high - low)


def _simplified(rows: Sequence[tuple[float, float]]) -> Profile:
    """The knots of a curve whose leaving out would change it most, its ends included (Douglas and Peucker 1973)."""
    kept = [0, len(rows) - 1]
    while len(kept) < min(PROFILE_KNOTS, len(rows)):
        knots = tuple(rows[i] for i in kept)
        errors = [abs(_at(knots, fraction) - share) for fraction, share in rows]
        worst = max(range(len(rows)), key=errors.__getitem__)
        if errors[worst] < PROFILE_ERROR:
            break
        kept = sorted({*kept, worst})
    return tuple(rows[i] for i in kept)
