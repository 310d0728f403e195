"""The self-test: it finds every kernel working here, and says which one doesn't."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reify import cli
from reify.backend import selftest
from reify.backend.jobs.job import Job, Progress


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "SECONDS", 0.05)
    for package in ("torch", "numba", "safetensors"):
        pytest.importorskip(package)


def test_every_kernel_works_and_the_text_says_how_fast() -> None:
    heard: list[float] = []
    result = selftest.run(Job(listener=lambda event: heard.append(event.overall) if isinstance(event, Progress) else None))
    assert result.report.warnings == ()
    text = selftest.described(result.report)
    assert text.startswith(f"Self-test: all {len(selftest.TRIALS)} kernels work")
    for trial in selftest.TRIALS:
        assert result.report.metrics[trial.title] > 0
        assert f"{trial.title}: " in text and trial.unit in text
    assert "torch 2." in text and "GB free" in text and "CPU, " in text
    assert len(heard) > len(selftest.TRIALS)


def test_a_kernel_that_fails_or_computes_wrongly_is_named_and_the_others_are_still_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(job: Job) -> selftest.Round:
        raise ImportError("libgone.so.1")

    def wrong(job: Job) -> selftest.Round:
        def compute() -> float:
            raise ArithmeticError("2 + 2 is 5")

        return compute

    first, second, third, *_rest = selftest.TRIALS
    trials = (replace(first, prepare=missing), replace(second, prepare=wrong), replace(third, prepare=lambda job: lambda: 7.0))
    monkeypatch.setattr(selftest, "TRIALS", trials)
    assert cli.main(["self-test"]) == cli.UNEXPECTED
    shown = capsys.readouterr().out
    assert shown.startswith("Self-test: 2 of 3 kernels failed")
    assert f"{first.title} failed: ImportError: libgone.so.1" in shown
    assert f"{second.title} failed: ArithmeticError: 2 + 2 is 5" in shown
    assert f"{third.title}: " in shown
