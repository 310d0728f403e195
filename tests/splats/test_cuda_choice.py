"""What computes a training: how the choice falls, and what the user is told."""

from __future__ import annotations

import importlib.util

import pytest
from reify.backend import device
from reify.backend.device import Way
from reify.backend.errors import ReifyError


@pytest.fixture
def card(monkeypatch):
    """A machine that seems to have a graphics card."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(device, "no_card", lambda: "")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (5 << 30, 8 << 30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA Test")


def _ways(own="", gsplat=""):
    asked = []

    def problem(name, text):
        asked.append(name)
        return text

    return asked, (Way("cuda", "own kernels", lambda: problem("cuda", own)), Way("gsplat", "gsplat", lambda: problem("gsplat", gsplat)))


def test_the_cpu_is_taken_without_a_look_at_the_card(card):
    asked, ways = _ways()
    chosen = device.choose("cpu", 0, ways)
    assert (chosen.kind, chosen.warning, asked) == ("cpu", "", [])


def test_auto_takes_our_own_kernels_where_they_pass(card):
    asked, ways = _ways()
    chosen = device.choose("auto", 0, ways)
    assert (chosen.kind, chosen.name, chosen.free_bytes, asked) == ("cuda", "NVIDIA Test, own kernels", 5 << 30, ["cuda"])


def test_auto_falls_back_to_gsplat_and_then_with_a_warning_to_the_cpu(card):
    assert device.choose("auto", 0, _ways(own="wrong")[1]).kind == "gsplat"
    chosen = device.choose("auto", 0, _ways(own="loss 1 is off by 3e-01", gsplat="gsplat isn't installed")[1])
    assert chosen.kind == "cpu" and chosen.free_bytes == pytest.approx(device.free_memory(), rel=0.5)
    assert "own kernels: loss 1 is off by 3e-01; gsplat: gsplat isn't installed" in chosen.warning


def test_auto_without_a_card_takes_the_cpu_and_warns_of_nothing(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(device, "no_card", lambda: "torch finds no NVIDIA card")
    asked, ways = _ways()
    chosen = device.choose("auto", 0, ways)
    assert (chosen.kind, chosen.warning, asked) == ("cpu", "", [])
    assert "torch finds no NVIDIA card" in chosen.why


@pytest.mark.parametrize(("wanted", "other"), [("cuda", "gsplat"), ("gsplat", "cuda")])
def test_what_was_asked_for_by_name_is_used_or_refused_with_its_reason(wanted, other, card):
    asked, ways = _ways(**{"own" if other == "cuda" else "gsplat": "broken"})
    assert device.choose(wanted, 0, ways).kind == wanted and asked == [wanted]
    ways = _ways(own="broken", gsplat="broken")[1]
    with pytest.raises(ReifyError, match="broken"):
        device.choose(wanted, 0, ways)


def test_asking_for_a_card_where_there_is_none_is_an_error_that_says_so(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(device, "no_card", lambda: "torch finds no NVIDIA card")
    with pytest.raises(ReifyError, match="torch finds no NVIDIA card"):
        device.choose("cuda", 0, _ways()[1])


def test_gsplat_is_refused_exactly_where_it_cannot_run(monkeypatch):
    pytest.importorskip("torch")
    from reify.backend.splats.cuda import check

    there = {"gsplat": None, "gsplat.csrc": None}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: there[name])
    monkeypatch.setattr(check, "_has_toolkit", lambda: False)
    assert check.gsplat_missing() == "gsplat isn't installed"
    there["gsplat"] = "found"
    assert "without compiled kernels" in check.gsplat_missing()
    there["gsplat.csrc"] = "found"
    assert check.gsplat_missing() == ""
    there["gsplat.csrc"] = None
    monkeypatch.setattr(check, "_has_toolkit", lambda: True)
    assert check.gsplat_missing() == ""


def test_surfels_are_not_trained_with_gsplat():
    pytest.importorskip("torch")
    from reify.backend.splats import cuda

    assert "without it" in cuda.ways(surfels=True)[1].problem()


def test_our_own_kernels_say_in_one_line_why_they_cannot_run_here():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a card, on which they may run")
    from reify.backend.splats import cuda

    assert [way.name for way in cuda.ways()] == ["cuda", "gsplat"]
    problem = cuda.ways()[0].problem()
    assert problem and "\n" not in problem
