"""The engine's operators in Blender."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.blender
bpy = pytest.importorskip("bpy")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The operators, with an engine of one tiny package in a folder of the test's own."""
    from reify.backend.engine.place import Place
    from reify.operators import engine

    listed = tmp_path / "engine.txt"
    listed.write_text("reify-one==1.0  # reify_one>=1.0: a test\n")
    monkeypatch.setattr(engine, "place", lambda: Place(tmp_path / "engine", listed))
    engine.forget()
    engine.register()
    yield engine
    engine.unregister()


def test_without_online_access_the_button_says_what_to_do_and_nothing_starts(engine) -> None:
    if bpy.app.online_access:
        pytest.skip("this Blender was started with online access")
    with pytest.raises(RuntimeError, match="Online access is off.*folder of wheels"):
        bpy.ops.reify.install_engine()
    assert engine.task() is None


def test_installing_from_wheels_and_removing_works_from_a_script(engine, tmp_path: Path) -> None:
    from .test_engine import GOOD, make_wheel

    make_wheel(tmp_path / "wheels", "reify_one", GOOD)
    assert engine.state().name == "ABSENT"
    assert bpy.ops.reify.install_engine(wheels=str(tmp_path / "wheels")) == {"FINISHED"}
    assert engine.state().name == "READY"
    assert bpy.ops.reify.remove_engine() == {"FINISHED"}
    assert engine.state().name == "ABSENT"
