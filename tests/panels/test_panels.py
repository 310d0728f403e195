"""The wheel has no window to draw in: panels draw into a layout that checks every property and operator that they name."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
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

    row = column = box = split = grid_flow = _child

    def panel(self, name: str, default_closed: bool = False) -> tuple[Layout, Layout]:
        return self._child(), self._child()

    def label(self, text: str = "", icon: str = "NONE", translate: bool = True) -> None:
        self.texts.append(text)

    def template_icon(self, icon_value: int, scale: float = 1.0) -> None:
        self.drawn.append("picture")

    def progress(self, factor: float, text: str) -> None:
        assert 0 <= factor <= 1
        self.drawn.append("progress")
        self.texts.append(text)

    def prop(self, owner, name: str, **_options) -> None:
        assert name in owner.bl_rna.properties or name.strip('["]') in owner, f"{owner} has no {name}"
        self.drawn.append(name)

    def menu(self, name: str, text: str = "", **_options) -> None:
        import bpy

        assert hasattr(bpy.types, name)
        self.texts.append(text)

    def prop_enum(self, owner, name: str, value: str, text: str = "") -> None:
        assert value in owner.bl_rna.properties[name].enum_items or not owner.bl_rna.properties[name].enum_items
        self.drawn.append(f"{name}={value}")
        self.texts.append(text)

    def separator(self) -> None:
        pass

    def popover(self, panel: str, **_options) -> None:
        import bpy

        assert hasattr(bpy.types, panel)
        self.drawn.append(panel)

    def operator_enum(self, name: str, values: str) -> None:
        import bpy

        assert values in getattr(bpy.ops.reify, name.partition(".")[2]).get_rna_type().properties
        self.drawn.append(name)

    def operator(self, name: str, text: str = "", **_options) -> SimpleNamespace:
        import bpy

        room, _, verb = name.partition(".")
        assert verb in dir(getattr(bpy.ops, room)), f"there is no operator {name}"
        self.drawn.append(name + ("" if self.enabled else " (disabled)"))
        self.texts.append(text)
        return SimpleNamespace()


def draw(panel) -> tuple[list[str], str]:
    """What a panel draws, and all of its text as one line."""
    import bpy

    drawn, texts = [], []
    panel.draw(SimpleNamespace(layout=Layout(drawn, texts)), bpy.context)
    return drawn, " ".join(texts)


@pytest.fixture
def scene(registered, monkeypatch):
    import bpy
    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import photos
    from reify.session import queue

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, needs=Needs()))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert bpy.context.scene.reify.seed == 0  # makes the properties, which drawing may not
    yield bpy.context.scene
    queue.stop()


@pytest.fixture
def task(monkeypatch):
    """The only task that there is; tests set its state."""
    from reify.backend.jobs.job import Job
    from reify.backend.jobs.runner import Task
    from reify.backend.orders import Order, Target
    from reify.session import queue

    order = Order("photos", {}, (Path("fox"),), target=Target("Scene"))
    made = Task("From Photos", lambda job: None, lambda listener: Job(), order)
    made.job = Job()
    monkeypatch.setattr(queue, "tasks", lambda: (made,))
    return made


def test_the_first_drawing_makes_no_properties_but_has_them_made(scene, monkeypatch):
    from reify.panels.create import VIEW3D_PT_reify
    from reify.session import properties

    asked = []
    monkeypatch.setattr(properties, "ready", lambda: False)
    monkeypatch.setattr(properties, "prepare", lambda: asked.append(True))
    assert draw(VIEW3D_PT_reify) == ([], "Loading…")
    assert asked


def test_an_empty_panel_says_what_to_do_and_why_generate_is_gray(scene):
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
    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import photos
    from reify.panels.create import VIEW3D_PT_reify

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, needs=Needs(packages=("nowhere_to_be_found",))))
    drawn, texts = draw(VIEW3D_PT_reify)
    assert "engine" in texts
    assert not [name for name in drawn if name.startswith("reify.create")]


def test_settings_that_need_torch_offer_it_and_generate_waits_for_it(scene, monkeypatch, tmp_path):
    import bpy
    from reify.backend.engine.place import State
    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import photos
    from reify.panels.create import VIEW3D_PT_reify
    from reify.session import engine

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else real(name, *rest))
    monkeypatch.setattr(engine, "state", lambda part=engine.ENGINE: State.ABSENT if part == engine.TORCH else State.READY)
    needs = Needs(packages=("torch",))
    monkeypatch.setattr(
        photos,
        "METHOD",
        dataclasses.replace(photos.METHOD, needs=lambda settings: needs if "cuda" in settings.training.device else Needs()),
    )
    bpy.ops.reify.add_folder(directory=str(tmp_path))
    assert "reify.create" in draw(VIEW3D_PT_reify)[0]
    scene.reify.photos.training__device = "cuda"
    drawn, texts = draw(VIEW3D_PT_reify)
    assert "reify.create (disabled)" in drawn and "reify.install_engine_from_folder" in drawn
    assert "These settings need what isn't installed: torch" in texts
    scene.reify.photos.training__device = "auto"
    assert "reify.create" in draw(VIEW3D_PT_reify)[0]


def test_settings_that_take_too_much_memory_offer_what_fits(scene, monkeypatch, tmp_path):
    import bpy
    from reify.backend.jobs.environment import Environment
    from reify.backend.jobs.needs import Memory, Needs
    from reify.backend.methods import photos
    from reify.panels.create import VIEW3D_PT_reify
    from reify.scene import preferences

    needs = lambda settings: Needs(memory=Memory(84 * settings.texture.size_px**2, "texture.size_px"))  # noqa: E731
    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, needs=needs))
    monkeypatch.setattr(preferences, "environment", lambda: Environment(memory_bytes=1 << 30))
    bpy.ops.reify.add_folder(directory=str(tmp_path))
    assert "reify.fit_memory" not in draw(VIEW3D_PT_reify)[0]
    scene.reify.photos.texture__size_px = 8192
    drawn, texts = draw(VIEW3D_PT_reify)
    assert "reify.create (disabled)" in drawn and "reify.fit_memory" in drawn
    assert "needs about 5.2 GB of memory with these settings, and 1.0 GB are free" in texts
    with pytest.raises(RuntimeError, match="Set texture.size_px to 2048"):
        bpy.ops.reify.create()
    assert bpy.ops.reify.fit_memory(method="photos") == {"FINISHED"}
    assert scene.reify.photos.texture__size_px == 2048
    assert "reify.create" in draw(VIEW3D_PT_reify)[0]
    scene.reify.photos.property_unset("texture__size_px")


def test_a_running_job_shows_stage_percent_time_left_figures_and_its_buttons(scene, task):
    from reify.backend.jobs.job import Progress
    from reify.backend.jobs.runner import State
    from reify.panels.create import VIEW3D_PT_reify
    from reify.panels.settings import VIEW3D_PT_reify_settings

    task.state = State.RUNNING
    task.progress = Progress("Training splats", 0.5, 0.62, "step 800 of 1600", {"psnr": 24.125}, 200.0, can_keep=True)
    task.warnings = ("Two photos have no camera.",)
    drawn, texts = draw(VIEW3D_PT_reify)
    for part in ("Training splats", "62%", "step 800 of 1600", "PSNR 24.1", "3 min 20 s left", "Two photos have no camera."):
        assert part in texts
    assert {"progress", "reify.pause", "reify.keep", "reify.cancel", "reify.rename"} <= set(drawn)
    assert texts.index("fox") < texts.index("62%"), "a job is named by its capture while it runs, too"
    task.progress = dataclasses.replace(task.progress, compiling=True)
    assert "Compiling, once" in draw(VIEW3D_PT_reify)[1]
    assert "next job" in draw(VIEW3D_PT_reify_settings)[1]


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
    from reify.backend.jobs.runner import Outcome, State
    from reify.panels.results import VIEW3D_PT_reify_results
    from reify.scene.commit import commit
    from reify.session.results import TASK

    task.state, task.result = State.DONE, samples.result()
    task.outcome = Outcome("fox", 61.0, samples.result().report.metrics)
    drawn, texts = draw(VIEW3D_PT_reify_results)
    assert "Splats 81,204" in texts and "PSNR" not in texts and "In 1 min 01 s" in texts
    assert "reify.retry" in drawn, "a result that isn't in this file can be put into it"
    commit(samples.result())[TASK] = task.id
    bpy.context.view_layer.objects.active = bpy.data.objects["fox"]
    drawn, texts = draw(VIEW3D_PT_reify_results)
    assert {
        "reify.regenerate",
        "reify.mark_asset",
        "reify.find_result",
        "reify.regenerate_result",
        "reify.delete_result",
        "reify.open_folder",
    } <= set(drawn)
    assert drawn.count("reify.show") == 3


def test_the_selected_result_says_which_cameras_were_used_and_what_wasnt(scene):
    from dataclasses import replace

    import bpy
    from reify.panels.results import VIEW3D_PT_reify_results
    from reify.scene.commit import commit

    result = samples.result()
    choices = {"cameras": "the COLMAP model in sparse/1, of 8 of 8 photos", "left out": "5 depth maps, 1 previews"}
    commit(replace(result, report=replace(result.report, choices=choices)))
    bpy.context.view_layer.objects.active = bpy.data.objects["fox"]
    texts = draw(VIEW3D_PT_reify_results)[1]
    assert "Cameras: the COLMAP model in sparse/1, of 8 of 8 photos" in texts and "Not used: 5 depth maps, 1 previews" in texts


def test_an_interrupted_job_is_offered_with_how_far_it_came(scene, task):
    from reify.backend.jobs.runner import State
    from reify.panels.create import VIEW3D_PT_reify

    task.state, task.reached = State.INTERRUPTED, ("Training splats", 0.43)
    drawn, texts = draw(VIEW3D_PT_reify)
    assert "fox was interrupted at 43%." in texts
    assert {"reify.retry", "reify.forget", "reify.add_folder"} <= set(drawn)


def test_the_status_bar_shows_what_runs_and_how_to_end_it(scene, task):
    import bpy
    from reify.backend.jobs.job import Progress
    from reify.backend.jobs.runner import State
    from reify.panels.status import draw as draw_status
    from reify.session.redraw import redraw

    drawn, texts = [], []
    header = SimpleNamespace(layout=Layout(drawn, texts))
    task.state, task.progress = State.RUNNING, Progress("Training splats", 0.5, 0.43, "step 1", seconds_left=130.0)
    draw_status(header, bpy.context)
    assert (drawn, texts) == (["progress", "reify.cancel"], ["Training splats 43%, 2 min 10 s left", ""])
    task.progress = dataclasses.replace(task.progress, compiling=True)
    draw_status(header, bpy.context)
    assert texts[2].startswith("Compiling, once 43%"), "as in the panel"
    drawn.clear()
    task.state = State.DONE
    draw_status(header, bpy.context)
    assert not drawn
    redraw()


def test_the_splats_panel_shows_how_they_are_drawn_and_without_any_what_to_select(scene):
    import bpy
    from reify.panels.splats import VIEW3D_PT_reify_splats
    from reify.scene.splat_nodes import ELLIPSOIDS, INPUTS, set_look
    from reify.scene.splats import splats_object

    drawn, texts = draw(VIEW3D_PT_reify_splats)
    assert drawn == ["reify.import_splats"] and "Select splats" in texts
    made = splats_object("s", samples.splats(count=2000))
    scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    made.select_set(True)
    drawn, texts = draw(VIEW3D_PT_reify_splats)
    assert "2,000 splats" in texts and len(drawn) == 6
    assert drawn[2:] == ["reify.render_splats", "reify.render_splats", "reify.store_splats", "reify.export_splats"]
    set_look(made, ELLIPSOIDS)
    assert len(draw(VIEW3D_PT_reify_splats)[0]) == len(INPUTS) + 4


def test_the_menus_hold_what_the_search_is_to_find(scene):
    from reify.panels import menus

    drawn = [name for menu in menus.CLASSES for name in draw(menu)[0]]
    assert {"reify.create", "reify.convert", "reify.show", "reify.draw_box", "reify.self_test"} <= set(drawn)
    assert len([name for name in drawn if name != "reify.show"]) == len(set(drawn)) - 1
    words = " ".join(draw(menu)[1] for menu in menus.CLASSES)
    assert "Cancel Job" in words and "Show Mesh of Result" in words and "Regenerate Result" in words


def test_waiting_jobs_are_listed_and_only_where_there_are_any(scene, task):
    from reify.backend.jobs.runner import State
    from reify.panels.queue import VIEW3D_PT_reify_queue

    task.state = State.RUNNING
    assert not VIEW3D_PT_reify_queue.poll(None)
    task.state = State.QUEUED
    assert VIEW3D_PT_reify_queue.poll(None)
    drawn, texts = draw(VIEW3D_PT_reify_queue)
    assert "fox" in texts
    assert drawn == ["reify.rename", "reify.move (disabled)", "reify.move (disabled)", "reify.cancel"]


def test_a_running_job_shows_how_its_figure_has_developed(scene, task):
    from reify.backend.jobs.job import Progress
    from reify.backend.jobs.runner import Curve, State
    from reify.panels.create import VIEW3D_PT_reify

    task.state, task.progress = State.RUNNING, Progress("Training splats", 0.5, 0.6, "step 800", {"psnr": 24.1}, None)
    assert "picture" not in draw(VIEW3D_PT_reify)[0]
    task.curve = Curve("psnr", (18.0, 22.0, 24.1))
    assert "picture" in draw(VIEW3D_PT_reify)[0]


def test_a_curve_rises_from_the_left_bottom_to_the_right_top():
    import numpy as np
    from reify.panels.icons import plotted

    picture = plotted(tuple(float(n) for n in range(10)), 64)
    line = np.argmax(picture[..., 3] > 0.5, axis=0)
    assert line[0] > 50 and line[-1] < 12 and (np.diff(line) <= 0).all()
    assert np.isfinite(plotted((1.0, 1.0), 64)).all()


def test_text_is_wrapped_without_losing_a_letter():
    from reify.panels.parts import _lines

    content = "What you generate appears here, in /a/path/that/is/longer/than/any/line/of/the/sidebar/could/be"
    lines = _lines(content, 150, 11.0)
    assert len(lines) > 3 and max(map(len, lines)) * 6 <= 150
    assert "".join(lines).replace(" ", "") == content.replace(" ", "")


DAMAGED_NOTES = [
    "",
    "{",
    "[]",
    "7",
    "null",
    "[" * 50_000,
    *('{"role": "mesh", ' + field + "}" for field in ('"metrics": []', '"metrics": {"psnr": "high"}', '"settings": 3', '"seed": "x"')),
    *(
        '{"role": "mesh", ' + field + "}"
        for field in ('"inputs": ["a"]', '"choices": {"cameras": 1}', '"warnings": 1', '"of the future": 1')
    ),
    '{"role": 3}',
    '{"method": "photos"}',
]


@pytest.mark.parametrize("notes", [*DAMAGED_NOTES, 7, [1.0, 2.0], {"a": 1}])
def test_damaged_notes_on_an_object_are_said_in_a_sentence_wherever_they_are_read(scene, notes):
    import bpy
    from reify.panels.convert import VIEW3D_PT_reify_convert
    from reify.panels.results import VIEW3D_PT_reify_results
    from reify.scene import provenance
    from reify.scene.commit import commit, remove

    collection = commit(samples.result())
    made = bpy.data.objects["fox Mesh"]
    made[provenance.KEY] = notes
    made[provenance.SOURCE_FROM_WORLD] = notes if notes else "x"
    bpy.context.view_layer.objects.active = made
    made.select_set(True)
    assert "whose notes this one can't read" in draw(VIEW3D_PT_reify_results)[1]
    draw(VIEW3D_PT_reify_convert)
    assert not bpy.ops.reify.regenerate.poll() and not bpy.ops.reify.mark_asset.poll()
    assert provenance.source_from_world(made) is None
    remove(collection)
    assert made.name in bpy.data.objects, "nobody knows what it is"


def test_notes_of_a_version_with_fewer_fields_are_read_and_those_of_one_method_that_is_gone_are_refused_in_a_sentence(scene):
    import json

    import bpy
    from reify.panels.results import VIEW3D_PT_reify_results
    from reify.scene import provenance
    from reify.scene.commit import commit

    commit(samples.result())
    made = bpy.data.objects["fox Mesh"]
    bpy.context.view_layer.objects.active = made
    made[provenance.KEY] = json.dumps({"role": "mesh", "method": "gone", "metrics": {"psnr": 20.0}})
    assert provenance.read(made)["metrics"] == {"psnr": 20.0}
    draw(VIEW3D_PT_reify_results)
    with pytest.raises(RuntimeError, match="There is no method called 'gone'"):
        bpy.ops.reify.regenerate()
    made[provenance.KEY] = json.dumps({"role": "mesh", "method": "photos", "settings": {"texture.size_px": [1]}})
    with pytest.raises(RuntimeError, match="texture") as raised:
        bpy.ops.reify.regenerate()
    assert "Traceback" not in str(raised.value)
