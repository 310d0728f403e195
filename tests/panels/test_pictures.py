from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .test_panels import Layout, draw, scene  # noqa: F401 - a fixture

pytestmark = pytest.mark.blender


@pytest.fixture
def drawn_icons(monkeypatch) -> list[int]:
    icons: list[int] = []
    monkeypatch.setattr(Layout, "template_icon", lambda self, icon_value, scale: icons.append(icon_value), raising=False)
    return icons


@pytest.fixture
def looked(scene, tmp_path: Path, drawn_icons):  # noqa: F811
    """The live preview, once it has looked at a ring on white paper."""
    import bpy
    from reify.session import live

    y, x = np.mgrid[:100, :100]
    radius = np.hypot(x - 50, y - 50)
    pixels = np.where(((radius < 40) & (radius > 15))[..., None], (200, 40, 40), 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "ring.png")
    scene.reify.method = "image"
    scene.reify.image.sources.add().path = str(tmp_path / "ring.png")
    bpy.ops.reify.live_preview()
    while live.tick():
        time.sleep(0.01)
    yield scene.reify.image
    live.stop()


def test_the_panel_offers_every_way_to_choose_a_picture_and_to_cut_it_out(scene):  # noqa: F811
    import bpy
    from reify.panels.pictures import VIEW3D_PT_reify_picture

    assert not VIEW3D_PT_reify_picture.poll(bpy.context)
    scene.reify.method = "image"
    assert VIEW3D_PT_reify_picture.poll(bpy.context)
    drawn, _ = draw(VIEW3D_PT_reify_picture)
    assert {"reify.use_active_image", "reify.use_selected_images", "reify.paste_image", "reify.live_preview"} <= set(drawn)
    assert {"cutout__by", "cutout__invert", "cutout__grow_px", "cutout__feather_px", "cutout__largest_only"} <= set(drawn)
    assert {f"reify.{name} (disabled)" for name in ("draw_box", "paint_strokes", "show_cutout")} <= set(drawn)


def test_the_panel_says_what_was_cut_out_and_which_method_fits_and_why(looked):
    from reify.panels.pictures import IMAGE_PT_reify_picture, VIEW3D_PT_reify_picture

    for panel in (VIEW3D_PT_reify_picture, IMAGE_PT_reify_picture):
        _, texts = draw(panel)
        assert "because the outline is mirror-symmetric" in texts
        assert "the white background was removed" in texts


def test_the_picture_of_the_cut_out_is_drawn(looked, drawn_icons, monkeypatch):
    from reify.panels.pictures import VIEW3D_PT_reify_picture
    from reify.scene import thumbnail

    monkeypatch.setattr(thumbnail, "icon", lambda: 7)  # without a window there are no icons
    draw(VIEW3D_PT_reify_picture)
    assert drawn_icons == [7]
    pixels = np.array(thumbnail._shown[0][thumbnail.NAME].image_pixels_float).reshape(100, 100, 4)
    assert pixels[50, 20] == pytest.approx((200 / 255, 40 / 255, 40 / 255, 1), abs=0.01)
    assert pixels[2, 2, 1] < 0.6 * pixels[2, 2, 0], "what is cut away isn't covered"


def test_what_is_wrong_with_the_picture_is_in_the_panel_before_anything_runs(looked, tmp_path):
    from reify.panels.pictures import VIEW3D_PT_reify_picture
    from reify.session import live

    looked.cutout__invert = True
    looked.cutout__grow_px = -100
    while live.tick():
        time.sleep(0.01)
    assert "Nothing is left of ring once its background is gone." in draw(VIEW3D_PT_reify_picture)[1]
