"""Dropped and imported files, and presets of the user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


def test_dropped_photos_and_videos_become_the_sources_of_from_photos(scene, tmp_path):
    import bpy

    scene.reify.method = "image"
    names = ["a.jpg", "b.png", "clip.mp4"]
    bpy.ops.reify.drop_files(directory=str(tmp_path), files=[{"name": name} for name in names])
    assert scene.reify.method == "photos"
    assert [source.label for source in scene.reify.photos.sources] == names


def test_a_drop_is_taken_for_what_it_holds(scene, tmp_path):
    from PIL import Image
    from reify.session.drops import choices

    def dropped(*names: str) -> list[tuple[str, int]]:
        return [(choice.method, choice.count) for choice in choices([tmp_path / name for name in names])]

    for number in range(3):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.jpg")
        Image.new("RGBA", (8, 8)).save(tmp_path / f"cut{number}.png")
    Image.new("RGBA", (8, 8)).save(tmp_path / "cut.webp", lossless=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "opaque.png")
    (tmp_path / "film.mp4").touch()
    assert dropped("0.jpg") == [("image", 0), ("photos", 8), ("photos", 0)]
    assert dropped("0.jpg", "1.jpg") == dropped("film.mp4") == dropped("film.mp4", "cut0.png") == [("photos", 0)]
    assert dropped("cut0.png", "cut1.png", "cut.webp") == [("photos", 3), ("image", 3)]
    assert dropped("cut0.png", "opaque.png") == [("photos", 0)]
    assert dropped("drawing.svg") == [("image", 0)]


def test_a_drop_starts_a_new_list_unless_it_is_asked_to_add(scene, tmp_path):
    import bpy

    def drop(*names: str, **how) -> list[str]:
        bpy.ops.reify.drop_files(directory=str(tmp_path), files=[{"name": name} for name in names], **how)
        return [source.label for source in scene.reify.photos.sources]

    assert drop("a.jpg", "b.jpg") == ["a.jpg", "b.jpg"]
    assert drop("c.jpg", "d.jpg") == ["c.jpg", "d.jpg"]
    assert drop("d.jpg", "e.jpg", add=True) == ["c.jpg", "d.jpg", "e.jpg"]


def test_what_cannot_be_used_of_a_drop_is_left_out(scene, tmp_path):
    import bpy

    bpy.ops.reify.drop_files(directory=str(tmp_path), files=[{"name": "a.jpg"}, {"name": "b.svg"}, {"name": "c.dng"}])
    assert [source.label for source in scene.reify.photos.sources] == ["a.jpg", "c.dng"]


def test_sources_that_were_taken_for_the_wrong_thing_move_to_the_other_method(scene, tmp_path):
    import bpy

    bpy.ops.reify.drop_files(directory=str(tmp_path), files=[{"name": "a.png"}, {"name": "b.png"}])
    bpy.ops.reify.use_sources_for(method="image")
    assert scene.reify.method == "image" and not scene.reify.photos.sources
    assert [source.label for source in scene.reify.image.sources] == ["a.png", "b.png"]


def test_no_operator_remembers_what_it_was_called_on_the_last_time(scene):
    import bpy

    own = {"add_preset", "add_convert_preset"}  # whose properties are Blender's
    what = {"number", "task", "index", "add", "up_axis"}  # beside all names, paths and files
    remembered = [
        f"{verb}.{found.identifier}"
        for verb in set(dir(bpy.ops.reify)) - own
        for found in getattr(bpy.ops.reify, verb).get_rna_type().properties
        if (found.type in ("STRING", "COLLECTION") or found.identifier in what) and not found.is_skip_save
    ]
    assert remembered == []


def test_a_single_dropped_picture_goes_where_the_user_says(scene, tmp_path):
    import bpy

    bpy.ops.reify.drop_files(directory=str(tmp_path), files=[{"name": "drawing.png"}], method="image")
    assert scene.reify.method == "image"
    assert [source.label for source in scene.reify.image.sources] == ["drawing.png"]
    assert not scene.reify.photos.sources


def test_file_handlers_know_their_operators(scene):
    import bpy
    from reify.operators import drop, import_splats

    for handler in (drop.REIFY_FH_pictures, import_splats.REIFY_FH_splats):
        room, _, verb = handler.bl_import_operator.partition(".")
        assert verb in dir(getattr(bpy.ops, room))
        assert all(ending.startswith(".") for ending in handler.bl_file_extensions.split(";"))


def test_splats_are_imported_from_a_file_and_other_files_say_what_they_are(scene, tmp_path):
    import bpy
    from reify.backend.formats.splat_ply import write_splat_ply

    path = tmp_path / "fox.ply"
    write_splat_ply(samples.splats(count=50), path)
    bpy.ops.reify.import_splats(filepath=str(path))
    made = bpy.context.view_layer.objects.active
    assert made.name == "fox" and len(made.data.attributes["position"].data) == 50
    (tmp_path / "mesh.ply").write_text("ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nend_header\n")
    with pytest.raises(RuntimeError, match="mesh.ply"):
        bpy.ops.reify.import_splats(filepath=str(tmp_path / "mesh.ply"))
    with pytest.raises(RuntimeError, match="gone.ply isn't there. Choose another file"):
        bpy.ops.reify.import_splats(filepath=str(tmp_path / "gone.ply"))


def test_splats_are_written_as_they_stand_in_the_world_and_come_back_the_same(scene, tmp_path):
    import bpy
    import numpy as np
    from reify.scene.splats import read_splats, splats_object

    made = splats_object("s", samples.splats(count=50))
    scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    made.location, made.rotation_euler, made.scale = (1, 2, 3), (0, 0, np.pi / 2), (2, 2, 2)
    bpy.context.view_layer.update()
    bpy.ops.reify.export_splats(filepath=str(tmp_path / "out"))
    bpy.ops.reify.import_splats(filepath=str(tmp_path / "out.ply"))
    back, before = read_splats(bpy.context.object), samples.splats(count=50)
    turned = np.column_stack((-before.means[:, 1], before.means[:, 0], before.means[:, 2]))
    np.testing.assert_allclose(back.means, 2 * turned + (1, 2, 3), atol=1e-5)
    np.testing.assert_allclose(back.log_scales, before.log_scales + np.log(2), atol=1e-5)
    bpy.context.view_layer.objects.active = made
    made.scale = (1, 2, 1)
    bpy.context.view_layer.update()
    with pytest.raises(RuntimeError, match="scaled unevenly"):
        bpy.ops.reify.export_splats(filepath=str(tmp_path / "out"))


@pytest.fixture
def presets_menu(registered):
    """The menu of presets, whose label becomes the name of the chosen one, as that of the conversions' menu does."""
    from reify.panels.presets import VIEW3D_PT_reify_convert_presets, VIEW3D_PT_reify_presets

    menus = VIEW3D_PT_reify_presets, VIEW3D_PT_reify_convert_presets
    labels = [menu.bl_label for menu in menus]
    yield VIEW3D_PT_reify_presets
    for menu, label in zip(menus, labels, strict=True):
        menu.bl_label = label


def test_a_saved_preset_brings_back_every_setting_of_its_method(scene, tmp_path, monkeypatch, presets_menu):
    import bpy
    from reify.session.properties import changed, chosen_method, group_of

    written = tmp_path / "presets"
    monkeypatch.setattr(bpy.utils, "user_resource", lambda kind, path="", create=False: str(written / Path(path).name))
    group = group_of(scene, chosen_method(scene))
    group.preset = "Preview"
    group.mesh__faces = 1234
    (written / "photos").mkdir(parents=True)
    monkeypatch.setattr(bpy.utils, "is_path_builtin", lambda path: False)
    bpy.ops.reify.add_preset(name="Mine")
    (saved,) = written.rglob("*.py")
    group.preset = "High"
    bpy.ops.script.execute_preset(filepath=str(saved), menu_idname=presets_menu.__name__)
    assert group.preset == "Preview" and group.mesh__faces == 1234
    assert [option.path for option in changed(chosen_method(scene), group)] == ["mesh.faces"]


def test_a_conversion_has_presets_of_its_own(scene, tmp_path, monkeypatch, presets_menu):
    import bpy

    assert not bpy.ops.reify.add_convert_preset.poll()
    written = tmp_path / "presets"
    monkeypatch.setattr(bpy.utils, "user_resource", lambda kind, path="", create=False: str(written / Path(path).name))
    (written / "mesh").mkdir(parents=True)
    bpy.ops.mesh.primitive_cube_add()
    scene.reify.mesh.faces = 4321
    bpy.ops.reify.add_convert_preset(name="Mine")
    (saved,) = written.rglob("*.py")
    assert saved.parent.name == "mesh" and "group.faces = 4321" in saved.read_text()


def test_broken_splats_are_left_out_and_the_rest_shows(scene, tmp_path):
    import bpy
    from reify.tests.formats.tables import BALL, splat_columns, write

    columns = splat_columns()
    columns["x"][5], columns["scale_0"][6] = np.nan, np.inf
    bpy.ops.reify.import_splats(filepath=str(write(tmp_path / "broken.ply", columns, {})))
    made = bpy.context.object
    assert len(made.data.points) == len(BALL) - 2
    drawn = [one.object.data for one in bpy.context.evaluated_depsgraph_get().object_instances if one.object.type == "MESH"]
    assert sum(len(data.polygons) for data in drawn) > 0


def test_an_empty_file_of_splats_makes_no_object(scene, tmp_path):
    import bpy
    from reify.tests.formats.tables import BALL, splat_columns, write

    with pytest.raises(RuntimeError, match="holds no splats: it is empty"):
        bpy.ops.reify.import_splats(filepath=str(write(tmp_path / "empty.ply", splat_columns(BALL[:0]), {})))
    assert not bpy.data.objects


def test_splats_in_large_coordinates_keep_their_detail_and_are_exported_where_they_were(scene, tmp_path):
    import bpy
    from reify.backend.formats.ply import read_vertices
    from reify.tests.formats.tables import BALL, splat_columns, write

    place = np.array([500123.25, 4649776.5, 312.0])
    bpy.ops.reify.import_splats(filepath=str(write(tmp_path / "utm.ply", splat_columns(BALL + place), dict.fromkeys("xyz", "double"))))
    made = bpy.context.object
    assert len({tuple(point.co) for point in made.data.points}) == len(BALL) and max(made.dimensions) < 3
    bpy.ops.reify.export_splats(filepath=str(tmp_path / "out.ply"))
    columns = read_vertices(tmp_path / "out.ply")[0].columns
    xyz = np.stack([columns[name] for name in "xyz"], axis=1)
    assert xyz.dtype == np.float64 and np.abs(xyz - (BALL + place)).max() < 1e-6


def test_a_scan_in_large_coordinates_becomes_points_that_know_where_they_were(scene, tmp_path):
    import bpy
    from reify.scene.provenance import source_from_world
    from reify.tests.formats.tables import BALL, SRGB

    place = np.array([500123.25, 4649776.5, 312.0])
    rows = np.column_stack([BALL + place, np.round(255 * SRGB)])
    np.savetxt(tmp_path / "scan.xyz", rows, fmt=["%.6f"] * 3 + ["%d"] * 3)
    bpy.ops.reify.import_points(filepath=str(tmp_path / "scan.xyz"))
    made = bpy.context.object
    assert made.type == "POINTCLOUD" and "Color" in made.data.attributes and max(made.dimensions) < 3
    back = source_from_world(made)
    xyz = np.array([point.co for point in made.data.points]) + back[:3, 3]
    assert np.abs(xyz - (BALL + place)).max() < 1e-5
    with pytest.raises(RuntimeError, match="isn't there"):
        bpy.ops.reify.import_points(filepath=str(tmp_path / "gone.laz"))


def test_many_files_of_splats_of_several_formats_become_an_object_each(scene, tmp_path):
    import bpy
    from reify.backend.formats.splat_files import write_splats

    for name in ("a.ply", "b.spz", "c.splat"):
        write_splats(samples.splats(count=20), tmp_path / name)
    files = [{"name": name} for name in ("a.ply", "b.spz", "c.splat")]
    assert bpy.ops.reify.import_splats(directory=str(tmp_path), files=files) == {"FINISHED"}
    assert {made.name for made in bpy.context.selected_objects} == {"a", "b", "c"}
    assert all(len(made.data.points) == 20 for made in bpy.context.selected_objects)


def test_the_axis_that_is_up_can_be_chosen_in_and_out(scene, tmp_path):
    import bpy
    from reify.backend.formats.splat_files import read_file, write_splats
    from reify.scene.splats import read_splats

    splats = samples.splats(count=20)
    write_splats(splats, tmp_path / "a.splat", "y")
    bpy.ops.reify.import_splats(filepath=str(tmp_path / "a.splat"), up_axis="y")
    assert np.allclose(read_splats(bpy.context.object).means, splats.means, atol=1e-6)
    bpy.ops.reify.export_splats(filepath=str(tmp_path / "b.splat"), up_axis="-y")
    assert np.allclose(-read_file(tmp_path / "b.splat")[0].means[:, 1], splats.means[:, 2], atol=1e-5)


def test_exported_splats_get_the_ending_of_their_format_and_levels_beside_them(scene, tmp_path):
    import bpy
    from reify.backend.formats.given import read_splats
    from reify.scene.splats import splats_object

    made = splats_object("s", samples.splats(count=50))
    scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    bpy.ops.reify.export_splats(filepath=str(tmp_path / "out"), file_format="compressed_ply", levels=3, share=0.2)
    assert {path.name for path in tmp_path.iterdir()} == {"out.compressed.ply", "out_LOD1.compressed.ply", "out_LOD2.compressed.ply"}
    assert len(read_splats(tmp_path / "out_LOD1.compressed.ply").value) == 10
    bpy.ops.reify.export_splats(filepath=str(tmp_path / "small.spz"))  # the ending counts more than the format
    assert len(read_splats(tmp_path / "small.spz").value) == 50


def test_what_a_format_can_t_hold_of_large_coordinates_is_said(scene, tmp_path):
    import bpy
    from reify.backend.formats.given import read_splats
    from reify.tests.formats.tables import BALL, splat_columns, write

    place = np.array([500123.25, 4649776.5, 312.0])
    bpy.ops.reify.import_splats(filepath=str(write(tmp_path / "utm.ply", splat_columns(BALL + place), dict.fromkeys("xyz", "double"))))
    assert bpy.ops.reify.export_splats(filepath=str(tmp_path / "out.spz")) == {"FINISHED"}
    assert np.abs(read_splats(tmp_path / "out.spz").value.means).max() < 100


def test_dropping_takes_the_endings_of_the_table_that_mean_splats_alone(scene):
    from reify.backend.formats.splat_files import FORMATS
    from reify.operators.import_splats import REIFY_FH_splats

    dropped = set(REIFY_FH_splats.bl_file_extensions.split(";"))
    for one in FORMATS:
        assert one.is_shared == dropped.isdisjoint({Path(f"a{ending}").suffix for ending in one.endings if ending[0] == "."}), one.id


def test_settings_kept_for_a_kind_of_files_come_with_the_next_such_files_and_no_others(scene, tmp_path, monkeypatch):
    import bpy
    from reify.scene import preferences

    monkeypatch.setattr(preferences, "user_folder", lambda name: tmp_path / name)
    photos = scene.reify.photos
    first = photos.preset

    def drop(name: str, **how) -> tuple[str, int]:
        bpy.ops.reify.drop_files(directory=str(tmp_path), files=[{"name": name}], method="photos", **how)
        return photos.preset, photos.mesh__faces

    def restart() -> None:
        photos.preset = first
        photos.property_unset("mesh__faces")

    usual = drop("clip.mp4")
    photos.preset = "Draft" if "Draft" in photos.bl_rna.properties["preset"].enum_items else first
    photos.mesh__faces = 4321
    assert bpy.ops.reify.keep_default() == {"FINISHED"}
    kept = photos.preset, 4321
    restart()
    assert drop("a.jpg") == usual
    assert drop("other.MOV") == kept
    restart()
    drop("b.jpg")
    assert drop("third.mp4", add=True) == usual, "files that are added change nothing"
    drop("fourth.mp4")
    assert bpy.ops.reify.forget_default() == {"FINISHED"}
    restart()
    assert drop("fifth.mp4") == usual
