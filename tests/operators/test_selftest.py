"""The self-test as a script and the preferences run it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.blender


def test_a_script_gets_the_report_and_can_copy_it(monkeypatch) -> None:
    pytest.importorskip("numba")
    import bpy
    import reify
    from reify.backend import selftest
    from reify.panels.side_jobs import draw_self_test
    from reify.session import self_test
    from reify.session.side_jobs import SELF_TEST
    from reify.tests.panels.test_panels import Layout

    monkeypatch.setattr(selftest, "TRIALS", selftest.TRIALS[-2:])
    monkeypatch.setattr(selftest, "SECONDS", 0.01)
    reify.register()
    try:
        assert not bpy.ops.reify.copy_self_test.poll() and self_test.report() == ""
        assert bpy.ops.reify.self_test() == {"FINISHED"}
        assert self_test.report().startswith(f"Blender {bpy.app.version_string}\nSelf-test: all 2 kernels work")
        assert "Measuring distances: " in self_test.report()
        drawn, texts = [], []
        draw_self_test(Layout(drawn, texts), bpy.context)
        assert {"reify.self_test", "reify.copy_self_test"} <= set(drawn)
        assert any("Measuring distances: " in line for line in texts)
        assert bpy.ops.reify.copy_self_test.poll() and bpy.ops.reify.copy_self_test() == {"FINISHED"}
    finally:
        reify.unregister()
    assert SELF_TEST.task is None
