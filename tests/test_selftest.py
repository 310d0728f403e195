"""The self-test: it finds every kernel working here, and says which one doesn't."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import pytest
from reify import cli
from reify.backend import selftest
from reify.backend.jobs.job import Job, Progress


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "SECONDS", 0.05)
    for package in ("numba", "safetensors"):
        pytest.importorskip(package)


def test_every_kernel_works_and_the_text_says_how_fast() -> None:
    heard: list[float] = []
    result = selftest.run(Job(listener=lambda event: heard.append(event.overall) if isinstance(event, Progress) else None))
    assert result.report.warnings == ()
    text = selftest.described(result.report)
    has_torch = importlib.util.find_spec("torch") is not None
    tried = [trial for trial in selftest.TRIALS if has_torch or trial.needs != "torch"]
    assert len(tried) >= len(selftest.TRIALS) - 1
    assert text.startswith(f"Self-test: all {len(tried)} kernels work")
    for trial in tried:
        assert result.report.metrics[trial.title] > 0
        assert f"{trial.title}: " in text and trial.unit in text
    assert ("torch 2." in text) == has_torch
    assert "numba 0." in text and "GB free" in text and "CPU, " in text
    assert len(heard) > len(tried)


def test_without_torch_its_trial_is_left_out_and_the_processor_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else real(name, *rest))
    monkeypatch.setattr(selftest, "TRIALS", (selftest.TRIALS[0], selftest.TRIALS[-1]))
    result = selftest.run(Job())
    text = selftest.described(result.report)
    assert text.startswith("Self-test: all 1 kernels work") and not result.report.warnings
    assert "The CPU computes: torch, which graphics cards need, isn't installed." in text


def test_a_kernel_that_fails_or_computes_wrongly_is_named_and_the_others_are_still_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(job: Job) -> selftest.Round:
        raise ImportError("libgone.so.1")

    def wrong(job: Job) -> selftest.Round:
        def compute() -> float:
            raise ArithmeticError("2 + 2 is 5")

        return compute

    first, second, third, *_rest = selftest.TRIALS[1:]
    trials = (replace(first, prepare=missing), replace(second, prepare=wrong), replace(third, prepare=lambda job: lambda: 7.0))
    monkeypatch.setattr(selftest, "TRIALS", trials)
    assert cli.main(["self-test"]) == cli.UNEXPECTED
    shown = capsys.readouterr().out
    assert shown.startswith("Self-test: 2 of 3 kernels failed")
    assert f"{first.title} failed: ImportError: libgone.so.1" in shown
    assert f"{second.title} failed: ArithmeticError: 2 + 2 is 5" in shown
    assert f"{third.title}: " in shown
