"""What users of earlier versions have; `tests/data/compatibility/README.md` says what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FILES = Path(__file__).resolve().parents[1] / "data" / "compatibility"
SECOND = {"photos": "Preview", "image": "Preview", "mesh": "Repair Only", "surface": "Preview"}  # the preset that all of it was made with


@pytest.fixture(scope="session")
def files() -> Path:
    """The folder of them."""
    return FILES


@pytest.fixture(scope="session")
def wanted() -> dict[str, Any]:
    """The settings of each method that all of it was made with."""
    from reify.backend import settings as settings_of
    from reify.backend.methods import method_called

    changes = json.loads((FILES / "settings.json").read_text(encoding="utf-8"))
    return {name: settings_of.with_values(method_called(name).preset(SECOND[name]), changes[name]) for name in changes}


@pytest.fixture
def scene(registered, tmp_path, monkeypatch):
    """The open scene, with folders of the test's own in the place of the user's."""
    import bpy
    from reify.scene import preferences
    from reify.session import pump, queue

    monkeypatch.setattr(preferences, "user_folder", lambda name: tmp_path / "user" / name)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield bpy.context.scene
    pump.reset()
    queue.stop()
