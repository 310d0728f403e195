"""`dev.py` before anything is installed: who makes .venv, and when."""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from reify import dev

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def environment(tmp_path: Path) -> dev.Environment:
    """One in a folder of the test's own, with the same pins as .venv."""
    return replace(dev.WORKSHOP, folder=tmp_path / ".venv")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dev.Environment]:
    """The environments made; making one takes a moment, and leaves what the real one leaves."""
    made: list[dev.Environment] = []

    def install(wanted: dev.Environment) -> None:
        made.append(wanted)
        wanted.python.parent.mkdir(parents=True, exist_ok=True)
        wanted.python.touch()
        wanted.stamp.write_text(wanted.fingerprint())

    monkeypatch.setattr(dev, "LOCK", tmp_path / ".venv.lock")
    monkeypatch.setattr(dev, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(dev, "_install", install)
    return made


def test_a_second_one_waits_says_so_and_installs_nothing(
    environment: dev.Environment, installed: list[dev.Environment], capsys: pytest.CaptureFixture[str]
) -> None:
    second = threading.Thread(target=dev.prepare, args=(environment,))
    with dev._alone(".venv"):
        second.start()
        second.join(0.2)
        assert second.is_alive()
        dev._install(environment)
    second.join(10)
    assert not second.is_alive()
    assert installed == [environment]
    assert capsys.readouterr().err.count("Another dev.py is preparing .venv") == 1


def test_the_environment_that_runs_it_is_not_cleared(
    environment: dev.Environment, installed: list[dev.Environment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(environment.folder))
    with pytest.raises(SystemExit, match="another Python"):
        dev.prepare(environment)
    assert installed == []


def test_what_is_ready_is_not_made_again(environment: dev.Environment, installed: list[dev.Environment]) -> None:
    assert dev.prepare(environment) == dev.prepare(environment)
    assert installed == [environment]


def test_every_file_of_pins_counts_for_the_environment_that_it_is_installed_in() -> None:
    def named(name: str) -> list[str]:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        return [name, *(further for other in re.findall(r"^-r (\S+)", text, re.MULTILINE) for further in named(other))]

    for environment in (dev.WORKSHOP, dev.PRESS):
        assert sorted(named(environment.pins[0])) == sorted(environment.pins)
    listed = {path.name for path in (ROOT / "requirements").glob("*.txt")}
    assert listed == {*dev.WORKSHOP.pins, *dev.PRESS.pins}
