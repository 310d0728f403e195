"""From a fresh installation: the tab, the missing engine, its installation from wheels, disabling and enabling."""

from __future__ import annotations

import sys
import time

import bpy

MODULE = "bl_ext.user_default.reify"


def run(window):
    yield from window.open_sidebar("Reify")
    yield from window.shot("engine-missing")
    from bl_ext.user_default.reify.operators import engine

    window.note(state_before=engine.state().name)
    assert "torch" not in sys.modules, "torch was imported before it was needed"
    bpy.ops.reify.install_engine("INVOKE_DEFAULT", wheels="/wheels")
    fractions, deadline = set(), time.monotonic() + 200
    while not engine.task().state.ended:
        assert time.monotonic() < deadline, "the installation doesn't end"
        progress = engine.task().progress
        if progress is not None and progress.fraction not in fractions:
            fractions.add(progress.fraction)
            if 0.9 <= progress.fraction < 1.0 and "pictured" not in window.notes:
                window.note(pictured=True)
                yield from window.shot("engine-installing")
        yield 0.2
    yield 1.0
    failure = engine.task().failure
    assert failure is None, f"{failure.what} {failure.details}"
    window.note(fractions=sorted(fractions), state_after=engine.state().name, versions=engine.place().stamp()["versions"])
    yield from window.shot("ready")
    for _ in range(3):
        bpy.ops.preferences.addon_disable(module=MODULE)
        yield 0.3
        left = [name for name in dir(bpy.types) if "reify" in name.lower()]
        assert not left, f"left behind: {left}"
        assert not [entry for entry in sys.path if "/reify/engine" in entry]
        bpy.ops.preferences.addon_enable(module=MODULE)
        yield 0.3
    window.note(threads=[thread.name for thread in __import__("threading").enumerate()])
    yield from window.shot("enabled-again")
