"""How torch is set in threads that compute, and what is left of a canceled job."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import weakref
from typing import Any

import numpy as np
import pytest
from reify.backend.jobs.job import Job
from reify.backend.jobs.meanwhile import apart, meanwhile
from reify.backend.jobs.runner import Runner, State, Task
from reify.backend.values import Report, Result

# Each stage says what holds in its thread; torch is loaded by a stage, or by a thread beside it, or was there before.
SCRIPT = """
import sys
from reify.backend.jobs.job import Job
from reify.backend.jobs.meanwhile import apart, meanwhile

def state():
    import torch
    return torch.is_grad_enabled(), str(torch.zeros(1).device), torch.are_deterministic_algorithms_enabled()

def alone(*, job):
    assert "torch" not in sys.modules or BEFORE
    return state()

def beside(*, job):
    return meanwhile(state, job), state()

if BEFORE:
    import torch
    torch.set_default_device("meta")
SAID = (False, "cpu", True)
assert Job().stage("x", STAGE) in (SAID, (SAID, SAID))
import torch
assert torch.is_grad_enabled() and not torch.are_deterministic_algorithms_enabled(), "the caller's own thread is left as it was"
assert str(torch.zeros(1).device) == ("meta" if BEFORE else "cpu")
assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("reify")]
"""


@pytest.mark.parametrize(("stage", "before"), [("alone", False), ("beside", False), ("apart(beside)", True)])
def test_gradients_are_off_and_results_repeatable_in_every_thread_that_computes_whoever_loads_torch(stage: str, before: bool) -> None:
    pytest.importorskip("torch")
    script = SCRIPT.replace("STAGE", stage).replace("BEFORE", str(before))
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ.copy(), timeout=120)


def test_a_job_that_needs_no_torch_loads_none() -> None:
    script = "import sys; from reify.backend.jobs.job import Job; Job().stage('x', lambda job: None); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ.copy(), timeout=60)


def test_what_a_canceled_job_held_is_gone_before_the_next_one_begins() -> None:
    held: list[Any] = []
    holding, ended = threading.Event(), threading.Event()

    def hold(*, job: Job) -> None:
        large = _held()
        held.append(weakref.ref(large))
        holding.set()
        while not job.cancelled:
            time.sleep(0.01)
        time.sleep(0.3)  # a call that no cancel reaches
        ended.set()
        job.progress(1.0)

    def next_one(job: Job) -> Result:
        assert ended.is_set() and held[0]() is None
        return Result("next", Report())

    runner = Runner()
    first = runner.submit(Task("First", lambda job: job.stage("Holding", apart(hold)), lambda listener: Job(listener=listener)))
    second = runner.submit(Task("Second", next_one, lambda listener: Job(listener=listener)))
    assert holding.wait(60)
    first.cancel()
    _until(lambda: first.state.ended)
    assert first.state is State.CANCELLED and not ended.is_set(), "a cancel waits for nothing"
    _until(lambda: second.state.ended)
    runner.stop()
    assert second.state is State.DONE, second.failure


def _held() -> Any:
    """What takes much memory: a tensor that is part of a cycle where torch is installed, else an array."""
    try:
        import torch
    except ImportError:
        return np.zeros(1000)
    tensor = torch.zeros(1000)
    tensor.itself = tensor
    return tensor


def test_waiting_for_work_that_says_nothing_still_lets_time_pass() -> None:
    heard: list[float | None] = []
    job = Job(listener=lambda event: heard.append(getattr(event, "seconds_left", None)))
    job.stage("Waiting", lambda job: meanwhile(lambda: time.sleep(1.6), job))
    assert len(heard) >= 4


def _until(condition: Any, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
