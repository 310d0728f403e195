from __future__ import annotations

import importlib.util

import pytest
from reify.backend import device
from reify.backend.errors import ReifyError


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("The NVIDIA driver on your system is too old (found version 11040).", "driver is too old"),
        ("No CUDA GPUs are available", "torch finds no NVIDIA card"),
    ],
)
def test_why_there_is_no_graphics_card_is_said(said: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def init() -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", init)
    assert reason in device.choose("auto").why
    with pytest.raises(ReifyError, match=reason):
        device.choose("cuda")


def test_without_torch_auto_is_the_processor_without_a_warning_and_a_card_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    chosen = device.choose("auto")
    assert (chosen.kind, chosen.warning) == ("cpu", "")
    assert chosen.why == "The CPU computes: torch, which graphics cards need, isn't installed."
    with pytest.raises(ReifyError, match="torch isn't installed") as raised:
        device.choose("cuda")
    assert raised.value.fix.startswith("Install torch")
