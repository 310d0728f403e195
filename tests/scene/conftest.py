"""Each test starts in an empty scene of factory settings."""

from __future__ import annotations

import pytest


@pytest.fixture
def scene():
    bpy = pytest.importorskip("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene
