"""`dev.py` before anything is installed: who makes .venv, and when."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from reify import dev


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The environments made, in a folder of the test's own; making one takes a moment, and leaves what the real one leaves."""
    made: list[Path] = []

    def install(python: Path) -> None:
        made.append(python)
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        dev.STAMP.write_text(dev._fingerprint())

    monkeypatch.setattr(dev, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(dev, "STAMP", tmp_path / ".venv" / "requirements.sha256")
    monkeypatch.setattr(dev, "LOCK", tmp_path / ".venv.lock")
    monkeypatch.setattr(dev, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(dev, "_install", install)
    return made


def test_a_second_one_waits_says_so_and_installs_nothing(installed: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    second = threading.Thread(target=dev.prepare)
    with dev._alone():
        second.start()
        second.join(0.2)
        assert second.is_alive()
        dev._install(dev.VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    second.join(10)
    assert not second.is_alive()
    assert len(installed) == 1
    assert capsys.readouterr().err.count("Another dev.py is preparing .venv") == 1


def test_the_environment_that_runs_it_is_not_cleared(installed: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(dev.VENV))
    with pytest.raises(SystemExit, match="another Python"):
        dev.prepare()
    assert installed == []


def test_what_is_ready_is_not_made_again(installed: list[Path]) -> None:
    assert dev.prepare() == dev.prepare()
    assert len(installed) == 1
