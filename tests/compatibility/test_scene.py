""".blend files of earlier versions: what is in them is known, and can be made again."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.blender

ROLES = {  # of what each method has made
    "photos": {"collection", "root", "splats", "mesh", "points", "camera"},
    "image": {"collection", "root", "mesh"},
    "mesh": {"mesh", "lod"},
    "surface": {"mesh"},
}
PLACED = {"photos": "fox Splats", "image": "mug Mesh", "mesh": "Ball_LOD0", "surface": "fox Splats Mesh"}


@pytest.fixture
def opened(scene, files, tmp_path):
    """The scene of the file, whose sources are there."""
    import bpy

    bpy.ops.wm.open_mainfile(filepath=str(files / "scene.blend"))
    (tmp_path / "fox").mkdir()
    (tmp_path / "mug.png").touch()
    for made in (*bpy.data.objects, *bpy.data.collections):
        if "reify" in made:
            made["reify"] = made["reify"].replace("/captures", tmp_path.as_posix())
    return bpy.context.scene


def test_every_object_says_what_it_is_and_how_it_was_made(opened, wanted) -> None:
    import bpy
    from reify.backend import settings as settings_of
    from reify.scene import provenance

    found: dict[str, set[str]] = {}
    for made in (*bpy.data.objects, *bpy.data.collections):
        if (stored := provenance.read(made)) is not None:
            found.setdefault(stored["method"], set()).add(provenance.role(made))
            assert stored["seed"] == 3 and stored["versions"]["reify"] == "0.1.0"
            assert set(stored["settings"]) <= set(settings_of.values(wanted[stored["method"]]))
    assert found == ROLES
    assert provenance.collection_of(bpy.data.objects["fox Mesh"]).name == "fox"


def test_the_panels_settings_are_as_they_were(opened, wanted) -> None:
    from reify.backend.methods import method_called
    from reify.session import properties

    for name, settings in wanted.items():
        assert properties.read_settings(method_called(name), properties.group_of(opened, method_called(name))) == settings
    assert properties.chosen_method(opened).id == "image"
    assert (opened.reify_convert.method, opened.reify_convert.beside, opened.reify_convert.modifiers) == ("surface", True, True)
    assert [source.label for source in opened.reify.photos.sources] == ["fox"]


@pytest.mark.parametrize("method", PLACED)
def test_a_result_can_be_made_again_with_its_settings_and_seed(method: str, opened, wanted, tmp_path) -> None:
    import bpy
    from reify.backend import settings as settings_of
    from reify.scene import provenance
    from reify.session import queue, start

    made = bpy.data.objects[PLACED[method]]
    bpy.context.view_layer.objects.active = made
    assert bpy.ops.reify.regenerate.poll()
    with queue.runner().held():
        order = start.again(bpy.context).context
    stored = json.loads(made["reify"])["settings"]
    assert (order.method, order.seed) == (method, 3)
    assert order.settings == {**settings_of.values(type(wanted[method])()), **stored}, "settings of later versions have their defaults"
    if method == "mesh":  # "Repair Only" closes no holes by itself, and this one did
        assert order.settings["holes"] == settings_of.values(wanted["mesh"])["holes"] == "all"
    collection = provenance.collection_of(made)
    if collection is not None and method in ("photos", "image"):
        assert order.target.replaces == collection.name
        assert [source.parent for source in order.sources] == [tmp_path]
    else:
        assert order.target.of.name in ("Ball Original", "fox Splats")
        assert order.target.of.beside is (method == "surface") and order.target.of.again


def test_what_is_shown_of_a_result_can_be_changed(opened) -> None:
    import bpy

    bpy.context.view_layer.objects.active = bpy.data.objects["fox Splats"]
    bpy.ops.reify.show(role="mesh")
    assert bpy.data.objects["fox Splats"].hide_render and not bpy.data.objects["fox Mesh"].hide_render
