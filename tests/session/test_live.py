"""The timer doesn't run without a window: the tests are the timer."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.blender


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pytest.importorskip("scipy")
    y, x = np.mgrid[:120, :160]
    inside = np.hypot((x - 80) / 70, (y - 60) / 50) < 1
    Image.fromarray(np.dstack([x, y, x + 30, 255 * inside]).astype(np.uint8)).save(tmp_path / "egg.png")
    return tmp_path / "egg.png"


@pytest.fixture
def group(scene, picture):
    import bpy
    from reify.session import live

    scene.reify.method = "image"
    scene.reify.image.sources.add().path = str(picture)
    bpy.ops.reify.live_preview()
    yield scene.reify.image
    live.stop()
    bpy.context.scene.reify.property_unset("method")


def settle() -> None:
    """Be the timer until all is shown."""
    from reify.session import live

    end = time.monotonic() + 20
    while live.tick():
        assert time.monotonic() < end
        time.sleep(0.01)


def step(verb: str, message: str = "") -> None:
    """An undo step is pushed, undone or redone."""
    import bpy

    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo_push(message=message) if verb == "push" else getattr(bpy.ops.ed, verb)()


def shown():
    import bpy
    from reify.scene import preview

    return bpy.context.scene.objects.get(preview.NAME)


def test_sliders_change_one_object_in_place_and_switching_off_leaves_nothing(group, monkeypatch):
    import bpy
    from reify.scene import thumbnail
    from reify.session import live

    monkeypatch.setitem(sys.modules, "torch", None)  # to import it would be an error now
    settle()
    first = shown()
    assert first.type == "MESH" and first.hide_render and first.hide_select
    assert first.dimensions.y == pytest.approx(first.dimensions.x, rel=0.05)
    assert "Color" in first.data.color_attributes and first.data.materials
    assert live.look().reason.startswith("Lathe, because the outline is mirror-symmetric")
    group.method = "inflate"
    for thickness in (0.5, 0.4, 0.3):
        group.inflate__thickness = thickness
        live.tick()
    settle()
    assert shown() == first and len(bpy.data.meshes) == 1
    assert first.dimensions.y == pytest.approx(0.3 * first.dimensions.z, rel=0.2)
    bpy.ops.reify.live_preview()
    assert not bpy.data.objects and not bpy.data.meshes and not thumbnail.icon()
    assert not [material for material in bpy.data.materials if "Reify" in material.name]
    assert not any(thread.name == "reify-live" for thread in threading.enumerate())


def test_a_slider_is_followed_and_the_main_thread_computes_nothing(group):
    from reify.session import live

    settle()
    group.method = "inflate"
    settle()
    spent = time.thread_time()
    for step in range(10):
        group.inflate__thickness = 0.5 + 0.05 * step
        for _ in range(10):
            live.tick()
            time.sleep(0.01)
    assert time.thread_time() - spent < 1.0  # of the processor's time for a hundred ticks


def test_undo_and_a_new_file_bring_no_old_preview_back(group, picture):
    import bpy
    from reify.session import live

    settle()
    step("push", "nothing yet")
    settle()
    step("push", "with a preview in it")
    group.method = "extrude"
    settle()
    step("push", "another")
    step("undo")
    settle()
    assert shown() is not None
    bpy.ops.reify.live_preview()
    assert shown() is None
    step("redo")
    assert shown() is None, "an undo step brought a preview back"
    bpy.ops.reify.live_preview()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    live.tick()
    assert shown() is None
    bpy.context.scene.reify.method = "image"
    bpy.context.scene.reify.image.sources.add().path = str(picture)
    settle()
    assert shown() is not None


def test_a_saved_file_holds_no_preview(group, tmp_path):
    import bpy

    settle()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    settle()
    assert shown() is not None
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "scene.blend")) as (found, _):
        assert not found.objects and not found.meshes


def test_a_result_takes_the_previews_place_until_something_changes(group, scene):
    from reify.session import live, pump, start
    from reify.session.properties import chosen_method, read_settings
    from reify.session.sources import paths_of

    settle()
    method = chosen_method(scene)
    settings = read_settings(method, group)
    (task,) = start.start_all(method, paths_of(group), settings, scene)
    live.tick()
    while not task.state.ended:
        time.sleep(0.01)
    pump.tick()
    settle()
    assert task.failure is None and shown() is None
    assert "egg Mesh" in scene.objects
    group.inflate__thickness = 0.7
    settle()
    assert shown().location.x > 0.5, "the preview stands in the result"


def test_other_methods_and_no_pictures_have_no_preview(group, scene):
    from reify.session import live

    settle()
    scene.reify.method = "photos"
    settle()
    assert shown() is None and live.look() is None
    scene.reify.method = "image"
    settle()
    assert shown() is not None
    group.sources.clear()
    settle()
    assert shown() is None


def test_an_image_of_another_file_with_the_same_name_is_another_image(group, tmp_path):
    import bpy
    from reify.session import live

    seen = []
    for share in (0.25, 0.75):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.context.scene.reify.method = "image"
        image = bpy.data.images.new("Drawn", 40, 40)
        pixels = np.ones((40, 40, 4), np.float32)
        pixels[4:36, 4 : 4 + int(32 * share), :3] = 0.2
        image.pixels.foreach_set(pixels.ravel())
        bpy.context.scene.reify.image.sources.add().image = image
        settle()
        seen.append(np.ptp(live.look().mesh.vertices[:, 0]))
    assert seen == pytest.approx([0.25, 0.75], abs=0.05)


def test_what_is_wrong_is_said(group, tmp_path):
    from reify.session import live

    (tmp_path / "broken.png").write_text("nothing")
    group.sources[0].path = str(tmp_path / "broken.png")
    settle()
    assert "broken.png" in live.look().problem and shown() is None
