"""Ctrl-C and termination at any moment: exit code 130, children ended, nothing half-written, and never a crash."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")

CANCELED = 130
SLEEPS = """
import time
from reify.backend import interrupts
with interrupts.ending():
    print("ready", flush=True)
    time.sleep(60)
"""
WAITS = """
import sys, time
from reify.backend import interrupts
from reify.backend.jobs.job import Job
from reify.backend.jobs.runner import Runner, State, Task
from reify.backend.jobs.terminal import drain

def work(job):
    job.stage("Working", stage)

def stage(*, job):
    print("ready", flush=True)
    for step in range(6000):
        job.progress(step / 6000) if STUBBORN == 0 else None
        time.sleep(0.01)

STUBBORN = int(sys.argv[1])
interrupts.PATIENCE_S = float(sys.argv[2]) if len(sys.argv) > 2 else interrupts.PATIENCE_S
with interrupts.ending():
    runner = Runner()
    task = drain(runner.submit(Task("Test", work, lambda listener: Job(listener=listener))))
    sys.exit(7 if task.state is State.CANCELLED else 1)
"""
WRITES = """
import sys, time
from pathlib import Path
from reify.backend import interrupts
from reify.backend.files import writing
with interrupts.ending(), writing(Path(sys.argv[1])) as partial, partial.open("w") as stream:
    print("ready", flush=True)
    while True:
        stream.write("half")
"""
EXITS = """
import sys, time
from reify.backend import interrupts
interrupts.end_from_now()
import atexit

def say_and_wait():
    print("ready", flush=True)
    time.sleep(float(sys.argv[2]))

class Late:  # goes when the modules go, after all that atexit has
    def __del__(self, wait=say_and_wait):
        wait()

if sys.argv[1] == "atexit":
    atexit.register(say_and_wait)
else:
    late = Late()
with interrupts.ending():  # as cli.main has it
    pass
"""
PASSES_ON = f"""
import sys
from pathlib import Path
from reify import dev
sys.exit(dev._call(Path(sys.executable), "-c", {SLEEPS!r}))
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ready(child: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_at_anything_ends_at_once(number: int) -> None:
    child = ready(start(SLEEPS))
    child.send_signal(number)
    assert child.wait(10) == CANCELED and child.stderr.read() == "\nInterrupted.\n"


@pytest.mark.blender
def test_a_command_that_loads_blender_ends_whenever_it_is_interrupted_and_never_crashes() -> None:
    rng = random.Random(0)
    loading = (
        'from reify.backend import interrupts\nwith interrupts.ending():\n    print("ready", flush=True)\n    import bpy\n    import time\n'
    )
    for _ in range(5):
        child = ready(start(f"{loading}    bpy.ops.wm.read_factory_settings(use_empty=True)\n    time.sleep(60)"))
        time.sleep(rng.uniform(0.0, 1.5))
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == CANCELED, child.stderr.read()


def test_a_job_is_canceled_in_order() -> None:
    child = ready(start(WAITS, 0))
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)  # as where a terminal and dev.py both send it
    assert child.wait(20) == 7, child.stderr.read()
    assert "Canceling; what is finished is kept." in child.stderr.read()


def test_a_job_that_does_not_heed_it_is_left_at_the_second_time() -> None:
    child = ready(start(WAITS, 1))
    child.send_signal(signal.SIGINT)
    time.sleep(1.0)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    assert child.wait(10) == CANCELED


def test_a_job_that_does_not_heed_it_for_long_is_left_at_the_first() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        child = ready(start(WAITS, 1, 0.5))
        child.send_signal(number)
        assert child.wait(10) == CANCELED


def test_a_finished_command_that_is_interrupted_on_its_way_out_ends_with_its_own_code_or_that_of_a_canceled_one() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        leaving = ready(start(EXITS, "atexit", 60))
        leaving.send_signal(number)
        gone = ready(start(EXITS, "modules", 0.3))
        gone.send_signal(number)
        assert (leaving.wait(10), gone.wait(10)) == (CANCELED, 0), gone.stderr.read()


def test_what_is_being_written_has_no_name_and_is_swept_at_the_next_start(tmp_path: Path) -> None:
    child = ready(start(WRITES, tmp_path / "a.txt"))
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == CANCELED
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".reify-")
    os.utime(left, (time.time() - 60,) * 2)
    script = "import sys; from pathlib import Path; from reify.backend.files import write_text; write_text(Path(sys.argv[1]), 'whole')"
    assert start(script, tmp_path / "a.txt").wait(20) == 0
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "whole")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_passes_signals_on_and_has_the_exit_code_of_its_child(number: int) -> None:
    child = ready(start(PASSES_ON))
    child.send_signal(number)
    assert child.wait(10) == CANCELED


def test_what_dev_has_started_ends_when_dev_is_killed() -> None:
    child = ready(start(PASSES_ON))
    child.kill()
    child.wait()
    assert child.stderr is not None and child.stderr.read() == "\nInterrupted.\n"  # whose end is the end of all that hold it
