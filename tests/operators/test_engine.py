"""The engine's operators in Blender."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytestmark = pytest.mark.blender
bpy = pytest.importorskip("bpy")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The operators, with an engine of two tiny packages, one in each part, in a folder of the test's own."""
    from reify.backend.engine import install
    from reify.backend.engine.place import Place
    from reify.backend.engine.requirements import PARTS
    from reify.operators import engine as operators
    from reify.session import engine, side_jobs
    from reify.tests.engine.test_engine import lock_of, make_part

    monkeypatch.setattr(install, "TORCH", "reify-two")

    parts = {
        part.name: make_part(part, tmp_path / f"{part.name}.txt", f"reify-{number}==1.0  # reify_{number}>=1.0: a test\n")
        for part, number in zip(PARTS, ("one", "two"), strict=True)
    }

    def place(part: str = engine.ENGINE) -> Place:
        """The part's place, with a lock of the wheels, where the test has made some by now."""
        found, locked = Place(tmp_path / "engine", parts[part]), tmp_path / f"{part}.lock"
        if not (tmp_path / "wheels").is_dir():
            return found
        locked.write_text(lock_of(found, tmp_path / "wheels"))
        return replace(found, part=replace(found.part, locked=locked))

    monkeypatch.setattr(engine, "place", place)
    engine.forget()
    operators.register()
    yield engine
    side_jobs.stop()
    engine.unregister()
    operators.unregister()


def test_without_online_access_the_button_says_what_to_do_and_nothing_starts(engine) -> None:
    from reify.session.side_jobs import INSTALLER

    if bpy.app.online_access:
        pytest.skip("this Blender was started with online access")
    with pytest.raises(RuntimeError, match="Online access is off.*folder of wheels"):
        bpy.ops.reify.install_engine()
    assert INSTALLER.task is None


def test_installing_from_wheels_and_removing_works_from_a_script(engine, tmp_path: Path) -> None:
    from reify.tests.engine.test_engine import GOOD, make_wheel

    make_wheel(tmp_path / "wheels", "reify_one", GOOD)
    assert engine.state().name == "ABSENT"
    assert bpy.ops.reify.install_engine(wheels=str(tmp_path / "wheels")) == {"FINISHED"}
    assert engine.state().name == "READY" and engine.state(engine.TORCH).name == "ABSENT"
    assert bpy.ops.reify.remove_engine() == {"FINISHED"}
    assert engine.state().name == "ABSENT"


def test_the_command_line_installs_it_too(engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from reify import cli
    from reify.tests.engine.test_engine import GOOD, make_wheel

    make_wheel(tmp_path / "wheels", "reify_one", GOOD)
    assert cli.main(["install", "--wheels", str(tmp_path / "nowhere")]) == cli.BAD_INPUT
    assert engine.state().name != "READY" and capsys.readouterr().err
    assert cli.main(["install", "--wheels", str(tmp_path / "wheels")]) == cli.DONE
    assert engine.state().name == "READY"
    if not bpy.app.online_access:
        assert cli.main(["install", "torch"]) == cli.BAD_INPUT
        assert "Online access is off" in capsys.readouterr().err


def test_torch_is_added_and_removed_by_itself_and_goes_with_the_engine(engine, tmp_path: Path) -> None:
    from reify.tests.engine.test_engine import GOOD, make_wheel

    for name in ("reify_one", "reify_two"):
        make_wheel(tmp_path / "wheels", name, GOOD)
    bpy.ops.reify.install_engine(wheels=str(tmp_path / "wheels"))
    for _ in range(2):
        assert bpy.ops.reify.install_engine(part="torch", wheels=str(tmp_path / "wheels")) == {"FINISHED"}
        assert (engine.state().name, engine.state(engine.TORCH).name) == ("READY", "READY")
        assert bpy.ops.reify.remove_engine(part="torch") == {"FINISHED"}
        assert (engine.state().name, engine.state(engine.TORCH).name) == ("READY", "ABSENT")
    bpy.ops.reify.install_engine(part="torch", wheels=str(tmp_path / "wheels"))
    assert bpy.ops.reify.remove_engine() == {"FINISHED"}
    assert (engine.state().name, engine.state(engine.TORCH).name) == ("ABSENT", "ABSENT")


def test_the_engine_is_offered_first_with_its_size_and_torch_once_it_is_there(engine, tmp_path: Path, monkeypatch) -> None:
    from reify.backend.engine import builds
    from reify.backend.engine.requirements import ENGINE, TORCH, megabytes
    from reify.operators import selftest
    from reify.panels.engine import draw_engine
    from reify.tests.engine.test_engine import GOOD, make_wheel
    from reify.tests.panels.test_panels import Layout

    def drawn() -> tuple[list[str], str]:
        operators, texts = [], []
        draw_engine(Layout(operators, texts), bpy.context)
        return operators, " ".join(texts)

    monkeypatch.setattr(builds, "fitting", lambda preference: (builds.CPU, "There is no NVIDIA driver"))
    operators, texts = drawn()
    assert operators.count("reify.install_engine_from_folder") == 1
    assert f"{megabytes(ENGINE.locked)} MB to download" in texts and ENGINE.use in texts
    assert f"later, about {builds.CPU.megabytes} MB" in texts and TORCH.use in texts
    make_wheel(tmp_path / "wheels", "reify_one", GOOD)
    bpy.ops.reify.install_engine(wheels=str(tmp_path / "wheels"))
    selftest.register()
    operators, texts = drawn()
    selftest.unregister()
    assert {"reify.remove_engine", "reify.install_engine_from_folder"} <= set(operators)
    assert f"About {builds.CPU.megabytes} MB to download" in texts
    assert "For: CPU. There is no NVIDIA driver." in texts


def test_settings_that_need_torch_say_so_with_the_button_that_brings_it(engine, tmp_path: Path, monkeypatch) -> None:
    from reify.backend.engine import builds
    from reify.panels.engine import draw_packages
    from reify.tests.engine.test_engine import GOOD, make_wheel
    from reify.tests.panels.test_panels import Layout

    monkeypatch.setattr(builds, "fitting", lambda preference: (builds.CPU_WINDOWS, "There is no NVIDIA driver"))
    make_wheel(tmp_path / "wheels", "reify_one", GOOD)
    bpy.ops.reify.install_engine(wheels=str(tmp_path / "wheels"))
    operators, texts = [], []
    draw_packages(Layout(operators, texts), bpy.context, ("torch",))
    assert operators[-1] == "reify.install_engine_from_folder" and len(operators) == 2
    assert not any("Remove" in line for line in texts)
