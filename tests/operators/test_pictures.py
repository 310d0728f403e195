from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageGrab

pytestmark = pytest.mark.blender

SIZE = 120


@pytest.fixture
def group(scene):
    import bpy

    bpy.context.scene.reify.method = "image"
    yield bpy.context.scene.reify.image
    bpy.context.scene.reify.property_unset("method")


@pytest.fixture
def editor():
    """One of the window's areas as an Image Editor, for the test."""
    import bpy

    area = bpy.context.window_manager.windows[0].screen.areas[0]
    before, area.ui_type = area.ui_type, "IMAGE_EDITOR"
    yield area.spaces.active
    area.ui_type = before


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """A yellow disc, right of the middle, on a mottled ground."""
    rng = np.random.default_rng(1)
    ground = np.where(rng.random((SIZE // 6, SIZE // 6, 1)) > 0.5, (60, 120, 70), (50, 70, 150)).repeat(6, 0).repeat(6, 1)
    y, x = np.mgrid[:SIZE, :SIZE]
    inside = np.hypot(x - 75, y - 60) < 30
    Image.fromarray(np.where(inside[..., None], (200, 190, 50), ground).astype(np.uint8)).save(tmp_path / "busy.png")
    return tmp_path / "busy.png"


def test_the_image_editors_image_is_taken_in_one_click(group, editor):
    import bpy

    assert not bpy.ops.reify.use_active_image.poll()
    editor.image = bpy.data.images.new("Drawn", 8, 8)
    bpy.ops.reify.use_active_image()
    bpy.ops.reify.use_active_image()
    assert [source.image.name for source in group.sources] == ["Drawn"]


def test_selected_image_empties_are_taken_from_left_to_right(group):
    import bpy

    assert not bpy.ops.reify.use_selected_images.poll()
    for name, x in (("right", 3.0), ("left", -1.0)):
        bpy.ops.object.empty_add(type="IMAGE", location=(x, 0, 0))
        bpy.context.object.data = bpy.data.images.new(name, 8, 8)
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.reify.use_selected_images()
    assert [source.image.name for source in group.sources] == ["left", "right"]


def test_a_picture_on_the_clipboard_is_kept_in_the_file(group, monkeypatch):
    import bpy

    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: Image.new("RGBA", (9, 5), (200, 10, 10, 255)))
    bpy.ops.reify.paste_image()
    image = group.sources[0].image
    assert tuple(image.size) == (9, 5) and image.packed_file


def test_files_on_the_clipboard_are_taken_as_files(group, monkeypatch, tmp_path):
    import bpy

    Image.new("RGB", (9, 5)).save(tmp_path / "a b.png")
    monkeypatch.setattr(ImageGrab, "grabclipboard", lambda: [str(tmp_path / "a b.png")])
    bpy.ops.reify.paste_image()
    assert [source.path for source in group.sources] == [str(tmp_path / "a b.png")]


def test_addresses_of_files_on_the_clipboard_are_taken_as_files(group, tmp_path):
    from reify.operators.pictures import _on_clipboard

    Image.new("RGB", (9, 5)).save(tmp_path / "a b.png")
    too_long_for_a_path = "x" * 5000 + ".png"
    assert _on_clipboard(f"{(tmp_path / 'a b.png').as_uri()}\n{too_long_for_a_path}") == [tmp_path / "a b.png"]


@pytest.mark.parametrize(
    ("clipboard", "said"), [(None, "no picture on the clipboard"), (NotImplementedError("wl-paste or xclip is required"), "wl-clipboard")]
)
def test_a_clipboard_without_a_picture_is_said(group, monkeypatch, clipboard, said):
    import bpy

    def grab():
        if isinstance(clipboard, Exception):
            raise clipboard

    monkeypatch.setattr(ImageGrab, "grabclipboard", grab)
    with pytest.raises(RuntimeError, match=said):
        bpy.ops.reify.paste_image()
    assert not group.sources


def test_a_box_and_strokes_say_what_the_subject_is(group, editor, busy):
    import bpy
    from reify.session.image_editor import STROKES

    group.sources.add().path = str(busy)
    bpy.ops.reify.draw_box("EXEC_DEFAULT", left=40, top=20, right=115, bottom=100)
    assert (group.cutout__box, group.cutout__by) == ("40 20 115 100", "grabcut")
    bpy.ops.reify.show_cutout()
    assert red_cover(editor.image) == pytest.approx(1 - np.pi * 30**2 / SIZE**2, abs=0.04)

    assert not bpy.ops.reify.use_strokes.poll()
    bpy.ops.reify.paint_strokes()
    painted = bpy.data.images[STROKES]
    assert editor.image == painted and editor.mode == "PAINT"
    with pytest.raises(RuntimeError, match="lacks strokes"):
        bpy.ops.reify.use_strokes()
    paint(painted, np.s_[50:70, 60:90], 1.0)
    paint(painted, np.s_[:8, :], 0.0)
    paint(painted, np.s_[:, :8], 0.0)
    bpy.ops.reify.use_strokes()
    assert Path(group.cutout__strokes).is_file()
    group.cutout__box = ""
    bpy.ops.reify.show_cutout()
    assert red_cover(editor.image) == pytest.approx(1 - np.pi * 30**2 / SIZE**2, abs=0.04)

    bpy.ops.reify.clear_marks()
    assert (group.cutout__box, group.cutout__strokes, group.cutout__by) == ("", "", "auto")
    with pytest.raises(RuntimeError, match="empty"):
        bpy.ops.reify.draw_box("EXEC_DEFAULT", left=40, top=20, right=41, bottom=20)


def test_a_dragged_box_is_in_the_pictures_pixels(group, editor, busy):
    import bpy
    from reify.session.image_editor import BoxDrag

    drag = BoxDrag(bpy.context, bpy.data.images.new("small", 60, 60), (SIZE, 2 * SIZE))
    drag._start, drag._end = (0.75, 0.25), (0.25, 1.5)
    assert drag.box_px == (30, 0, 90, 180)
    drag.end()


def test_without_pictures_or_an_editor_that_is_said(group, busy):
    import bpy

    with pytest.raises(RuntimeError, match="no picture yet"):
        bpy.ops.reify.show_cutout()
    group.sources.add().path = str(busy)
    with pytest.raises(RuntimeError, match="no Image Editor"):
        bpy.ops.reify.paint_strokes()


def test_several_pictures_become_objects_side_by_side_in_one_go(group, data):
    import bpy

    group.faces = 500
    for name in ("robot", "teapot", "horse"):
        group.sources.add().path = str(data / "single_images" / f"{name}.png")
    bpy.ops.reify.create()
    bpy.context.view_layer.update()
    made = [bpy.data.objects[f"{name} Mesh"] for name in ("robot", "teapot", "horse")]
    spans = [sorted((one.matrix_world @ vertex.co).x for vertex in one.data.vertices) for one in made]
    assert spans[0][0] == pytest.approx(-spans[0][-1], abs=0.02)
    assert spans[0][-1] < spans[1][0] and spans[1][-1] < spans[2][0]
    assert all(one.location.y == 0 for one in made)


def test_a_picture_that_fails_does_not_keep_those_behind_it_back(group, busy, tmp_path):
    import bpy

    (tmp_path / "empty.png").touch()
    for name in ("empty", "busy"):
        group.sources.add().path = str(tmp_path / f"{name}.png")
    with pytest.raises(RuntimeError, match="empty.png"):
        bpy.ops.reify.create()
    assert "busy Mesh" in bpy.data.objects


def red_cover(image) -> float:
    """The share of an overlay that is under the cover."""
    from reify.scene import images

    pixels = images.pixels(image).astype(int)
    return float((pixels[..., 1] < 0.75 * pixels[..., 0]).mean()) if pixels.size else 0.0


def paint(image, where, value: float) -> None:
    width, height = image.size
    pixels = np.array(image.pixels[:], np.float32).reshape(height, width, 4)
    pixels[where] = (value, value, value, 1.0)
    image.pixels.foreach_set(pixels.ravel())
