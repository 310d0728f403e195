"""Splats whose harmonics lie beside the .blend: saved, loaded, linked, appended, moved, lost and packed."""

from __future__ import annotations

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender
COUNT = 5000


@pytest.fixture
def made(scene):
    import bpy
    from reify.scene.splats import splats_object

    made = splats_object("Fox", samples.splats(COUNT, degree=3))
    made.data.attributes["radiance:sh_4"].data[7].vector = (np.nan, 1.0, 2.0)
    scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    return made


def arrays(name="Fox"):
    import bpy
    from reify.scene.splats import read_arrays

    return read_arrays(bpy.data.objects[name].data)


def save(path):
    import bpy

    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)


def load(path):
    import bpy

    bpy.ops.wm.open_mainfile(filepath=str(path))
    bpy.context.view_layer.objects.active = bpy.data.objects.get("Fox")


def same(found, wanted):
    assert sorted(found) == sorted(wanted)
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_saved_beside_the_blend_they_come_back_bit_by_bit_and_the_blend_is_smaller(made, tmp_path):
    import bpy

    before = arrays()
    save(tmp_path / "whole.blend")
    assert bpy.ops.reify.store_splats() == {"FINISHED"}
    save(tmp_path / "fox.blend")
    same(arrays(), before)  # while one works on nothing has changed
    whole, light = ((tmp_path / name).stat().st_size for name in ("whole.blend", "fox.blend"))
    assert whole - light > 0.95 * 15 * 12 * COUNT
    (ply,) = (tmp_path / "fox_splats").iterdir()
    load(tmp_path / "fox.blend")
    same(arrays(), before)
    assert bpy.data.objects["Fox"].data["reify_harmonics"] == f"//fox_splats/{ply.name}"


def test_the_file_beside_is_a_whole_one_that_other_programs_read(made, tmp_path):
    import bpy
    from reify.backend.formats.given import read_splats as read_file
    from reify.scene.splats import read_splats

    made.data.attributes["radiance:sh_4"].data[7].vector = (0, 1, 2)
    bpy.ops.reify.store_splats()
    save(tmp_path / "fox.blend")
    (ply,) = (tmp_path / "fox_splats").iterdir()
    np.testing.assert_allclose(read_file(ply).value.sh, read_splats(made).sh)


def test_a_second_save_writes_only_what_changed_and_an_older_blend_still_finds_its_own(made, tmp_path):
    import bpy

    bpy.ops.reify.store_splats()
    save(tmp_path / "fox.blend")
    (ply,) = (tmp_path / "fox_splats").iterdir()
    written = ply.stat().st_mtime_ns
    before = arrays()
    save(tmp_path / "fox.blend")
    assert [entry.stat().st_mtime_ns for entry in (tmp_path / "fox_splats").iterdir()] == [written]
    made.data.attributes["radiance:sh_0"].data[0].vector = (1, 2, 3)
    bpy.ops.wm.save_mainfile()
    assert len(list((tmp_path / "fox_splats").iterdir())) == 2
    changed = arrays()
    load(tmp_path / "fox.blend")
    same(arrays(), changed)
    (tmp_path / "fox.blend1").rename(tmp_path / "back.blend")
    load(tmp_path / "back.blend")
    same(arrays(), before)


def test_save_as_elsewhere_takes_them_along(made, tmp_path):
    import bpy

    bpy.ops.reify.store_splats()
    save(tmp_path / "fox.blend")
    before = arrays()
    (tmp_path / "other").mkdir()
    save(tmp_path / "other/new.blend")
    for entry in (tmp_path / "fox_splats").iterdir():
        entry.unlink()
    load(tmp_path / "other/new.blend")
    same(arrays(), before)


@pytest.mark.parametrize("link", [False, True])
def test_linked_and_appended_they_are_whole(made, tmp_path, link):
    import bpy

    bpy.ops.reify.store_splats()
    save(tmp_path / "fox.blend")
    before = arrays()
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "fox.blend"), link=link) as (_there, here):
        here.objects = ["Fox"]
    same(arrays(), before)
    bpy.context.scene.collection.objects.link(bpy.data.objects["Fox"])
    (tmp_path / "far").mkdir()
    save(tmp_path / "far/away.blend")
    load(tmp_path / "far/away.blend")
    same(arrays(), before)


def test_a_missing_file_is_said_kept_in_mind_and_found_again(made, tmp_path):
    import bpy
    from reify.scene import splat_storage
    from reify.scene.splats import holds_splats

    bpy.ops.reify.store_splats()
    save(tmp_path / "fox.blend")
    before = arrays()
    (ply,) = (tmp_path / "fox_splats").iterdir()
    ply.rename(tmp_path / "moved.ply")
    load(tmp_path / "fox.blend")
    cloud = bpy.data.objects["Fox"].data
    assert splat_storage.is_missing(cloud) and holds_splats(cloud)
    save(tmp_path / "fox.blend")  # without them nothing is forgotten
    load(tmp_path / "fox.blend")
    (problem,) = splat_storage.restore_all()
    assert ply.name in problem
    with pytest.raises(RuntimeError, match="is missing"):
        bpy.ops.reify.store_splats(pack=True)
    assert bpy.ops.reify.find_splats(filepath=str(tmp_path / "moved.ply")) == {"FINISHED"}
    same(arrays(), before)
    assert bpy.ops.reify.store_splats(pack=True) == {"FINISHED"}
    save(tmp_path / "packed.blend")
    assert not (tmp_path / "packed_splats").exists()
    (tmp_path / "moved.ply").unlink()
    load(tmp_path / "packed.blend")
    same(arrays(), before)


def test_a_folder_that_cannot_be_written_keeps_them_in_the_blend(made, tmp_path):
    import bpy

    bpy.ops.reify.store_splats()
    (tmp_path / "fox_splats").write_text("in the way")
    before = arrays()
    save(tmp_path / "fox.blend")
    load(tmp_path / "fox.blend")
    same(arrays(), before)
