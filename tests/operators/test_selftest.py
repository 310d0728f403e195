"""The self-test as a script and the preferences run it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.blender


def test_a_script_gets_the_report_and_can_copy_it(monkeypatch) -> None:
    pytest.importorskip("numba")
    import bpy
    import reify
    from reify.backend import selftest
    from reify.operators import selftest as operator
    from reify.panels.engine import draw_engine
    from reify.tests.panels.test_panels import Layout

    monkeypatch.setattr(selftest, "TRIALS", selftest.TRIALS[-2:])
    monkeypatch.setattr(selftest, "SECONDS", 0.01)
    reify.register()
    try:
        assert not bpy.ops.reify.copy_self_test.poll() and operator.report() == ""
        assert bpy.ops.reify.self_test() == {"FINISHED"}
        assert operator.report().startswith(f"Blender {bpy.app.version_string}\nSelf-test: all 2 kernels work")
        assert "Measuring distances: " in operator.report()
        drawn, texts = [], []
        draw_engine(Layout(drawn, texts), bpy.context)
        assert {"reify.self_test", "reify.copy_self_test"} <= set(drawn)
        assert any("Measuring distances: " in line for line in texts)
        assert bpy.ops.reify.copy_self_test.poll() and bpy.ops.reify.copy_self_test() == {"FINISHED"}
    finally:
        reify.unregister()
    assert operator.task() is None
