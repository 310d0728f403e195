"""The wheel has no window to draw in: panels draw into a layout that checks every property and operator that they name."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


class Layout:
    """Takes what a panel draws; a property or operator that isn't there raises."""

    def __init__(self, drawn: list[str], texts: list[str]) -> None:
        self.drawn, self.texts = drawn, texts
        self.enabled = True

    def _child(self, *_arguments, **_options) -> Layout:
        return Layout(self.drawn, self.texts)

    row = column = box = _child

    def panel(self, name: str, default_closed: bool = False) -> tuple[Layout, Layout]:
        return self._child(), self._child()

    def label(self, text: str = "", icon: str = "NONE") -> None:
        self.texts.append(text)

    def progress(self, factor: float, text: str) -> None:
        assert 0 <= factor <= 1
        self.drawn.append("progress")
        self.texts.append(text)

    def prop(self, owner, name: str, **_options) -> None:
        assert name in owner.bl_rna.properties, f"{owner} has no {name}"
        self.drawn.append(name)

    def operator(self, name: str, **_options) -> SimpleNamespace:
        import bpy

        room, _, verb = name.partition(".")
        assert verb in dir(getattr(bpy.ops, room)), f"there is no operator {name}"
        self.drawn.append(name + ("" if self.enabled else " (disabled)"))
        return SimpleNamespace()


def draw(panel) -> tuple[list[str], str]:
    """What a panel draws, and all of its text as one line."""
    import bpy

    drawn, texts = [], []
    panel.draw(SimpleNamespace(layout=Layout(drawn, texts)), bpy.context)
    return drawn, " ".join(texts)


@pytest.fixture(scope="module")
def registered():
    pytest.importorskip("bpy")
    import reify

    reify.register()
    yield
    reify.unregister()


@pytest.fixture
def scene(registered, monkeypatch):
    import bpy
    from reify.backend.methods import photos
    from reify.operators import session

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, packages=()))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert bpy.context.scene.reify.seed == 0  # makes the properties, which drawing may not
    yield bpy.context.scene
    session.stop()


@pytest.fixture
def task(monkeypatch):
    """The only task that there is; tests set its state."""
    from reify.backend.jobs.job import Job
    from reify.backend.jobs.runner import Task
    from reify.operators import session

    made = Task("From Photos", lambda job: None, lambda listener: Job())
    made.job = Job()
    monkeypatch.setattr(session, "tasks", lambda: (made,))
    return made


def test_the_first_drawing_makes_no_properties_but_has_them_made(scene, monkeypatch):
    from reify.operators import properties
    from reify.panels.create import VIEW3D_PT_reify

    asked = []
    monkeypatch.setattr(properties, "ready", lambda: False)
    monkeypatch.setattr(properties, "prepare", lambda: asked.append(True))
    assert draw(VIEW3D_PT_reify) == ([], "Loading…")
    assert asked


def test_an_empty_panel_says_what_to_do_and_why_generate_is_grey(scene):
    from reify.panels.create import VIEW3D_PT_reify

    drawn, texts = draw(VIEW3D_PT_reify)
    assert "reify.create (disabled)" in drawn
    assert "Generate needs a folder or files first" in texts
    assert {"reify.add_folder", "reify.add_files"} <= set(drawn)


def test_with_sources_generate_can_be_pressed(scene, tmp_path):
    import bpy
    from reify.panels.create import VIEW3D_PT_reify

    bpy.ops.reify.add_folder(directory=str(tmp_path))
    drawn, texts = draw(VIEW3D_PT_reify)
    assert "reify.create" in drawn
    assert tmp_path.name in texts


def test_changed_settings_are_named(scene):
    from reify.panels.create import VIEW3D_PT_reify

    scene.reify.photos.mesh__faces = 999
    assert "Changed: Faces" in draw(VIEW3D_PT_reify)[1]


def test_every_setting_of_every_method_is_drawn(scene):
    from reify.backend import settings as settings_of
    from reify.backend.methods import all_methods
    from reify.panels.settings import VIEW3D_PT_reify_settings

    for method in (method for method in all_methods().values() if not method.changes_things):
        scene.reify.method = method.id
        drawn, _texts = draw(VIEW3D_PT_reify_settings)
        assert {option.path.replace(".", "__") for option in settings_of.options(method.settings)} <= set(drawn)


def test_without_the_engine_there_is_no_button_that_cannot_work(scene, monkeypatch):
    from reify.backend.methods import photos
    from reify.panels.create import VIEW3D_PT_reify

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, packages=("nowhere_to_be_found",)))
    drawn, texts = draw(VIEW3D_PT_reify)
    assert "engine" in texts
    assert not [name for name in drawn if name.startswith("reify.create")]


def test_a_running_job_shows_stage_percent_time_left_figures_and_its_buttons(scene, task):
    from reify.backend.jobs.job import Progress
    from reify.backend.jobs.runner import State
    from reify.panels.create import VIEW3D_PT_reify
    from reify.panels.settings import VIEW3D_PT_reify_settings

    task.state = State.RUNNING
    task.progress = Progress("Training splats", 0.5, 0.62, "step 800 of 1600", {"psnr": 24.125}, 200.0)
    task.warnings = ("Two photos have no camera.",)
    drawn, texts = draw(VIEW3D_PT_reify)
    for part in ("Training splats", "62%", "step 800 of 1600", "PSNR 24.1", "3 min 20 s left", "Two photos have no camera."):
        assert part in texts
    assert {"progress", "reify.pause", "reify.keep", "reify.cancel"} <= set(drawn)
    assert not VIEW3D_PT_reify_settings.poll(SimpleNamespace(scene=scene))


def test_a_long_error_is_shown_to_its_last_word_with_its_way_out(scene, task):
    from reify.backend.jobs.runner import Failure, State
    from reify.panels.results import VIEW3D_PT_reify_results

    what = "The photos show " + "a white wall and " * 20 + "nothing else."
    task.state, task.failure = State.FAILED, Failure(what, "Photograph a subject with texture.", "Traceback …")
    drawn, texts = draw(VIEW3D_PT_reify_results)
    assert what in texts and "Photograph a subject with texture." in texts
    assert "reify.show_details" in drawn


def test_a_result_shows_its_figures_and_what_to_do_with_it(scene, task):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.panels.results import VIEW3D_PT_reify_results
    from reify.scene.commit import commit

    task.state, task.result = State.DONE, samples.result()
    commit(samples.result())
    bpy.context.view_layer.objects.active = bpy.data.objects["fox"]
    drawn, texts = draw(VIEW3D_PT_reify_results)
    assert "In 1 min 01 s. PSNR 27.3, Splats 81,204" in texts
    assert "reify.regenerate" in drawn and drawn.count("reify.show") == 3
