from __future__ import annotations

import json
import os
import struct

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


def test_a_glb_holds_the_mesh_its_uvs_and_its_texture_with_y_up(scene, tmp_path):
    from reify.scene.export import write_mesh

    write_mesh(samples.mesh(), tmp_path / "statue.glb")
    content = (tmp_path / "statue.glb").read_bytes()
    described = json.loads(content[20 : 20 + struct.unpack_from("<I", content, 12)[0]])
    primitive = described["meshes"][0]["primitives"][0]
    assert {"POSITION", "TEXCOORD_0"} <= set(primitive["attributes"])
    assert described["images"][0]["mimeType"] == "image/png"
    # The sample is 1 high along z, which glTF calls y.
    assert described["accessors"][primitive["attributes"]["POSITION"]]["max"] == pytest.approx([1, 1, 0], abs=1e-6)


def test_an_obj_names_files_that_are_there(scene, tmp_path):
    from reify.scene.export import write_mesh

    write_mesh(samples.mesh(), tmp_path / "statue.obj")
    assert "mtllib statue.mtl" in (tmp_path / "statue.obj").read_text()
    assert (tmp_path / "statue.mtl").is_file()
    named = [line.split(maxsplit=1)[1] for line in (tmp_path / "statue.mtl").read_text().splitlines() if line.startswith("map_Kd")]
    assert named and all((tmp_path / name).is_file() for name in named)


def test_exporting_leaves_the_open_scene_as_it_was(scene, tmp_path):
    import bpy
    from reify.scene.export import write_mesh

    write_mesh(samples.mesh(), tmp_path / "statue.stl")
    assert (tmp_path / "statue.stl").stat().st_size == 84 + 50 * 4
    assert [len(kind) for kind in (bpy.data.objects, bpy.data.meshes, bpy.data.materials, bpy.data.images)] == [0, 0, 0, 0]
    assert len(bpy.data.scenes) == 1


def test_a_folder_that_is_not_there_is_an_os_error_and_leaves_nothing(scene, tmp_path):
    from reify.scene.export import save_blend, write_mesh

    with pytest.raises(OSError):
        save_blend(tmp_path / "nowhere" / "scene.blend")
    with pytest.raises(OSError):
        write_mesh(samples.mesh(), tmp_path / "nowhere" / "statue.glb")
    assert not list(tmp_path.iterdir())


def test_an_unchanged_image_is_used_where_it_lies_and_a_painted_one_is_written(scene, tmp_path):
    import bpy
    from reify.scene.images import packed_image, pixels
    from reify.scene.photos import photo_files

    picture = np.random.default_rng(0).integers(0, 256, size=(8, 12, 3), dtype=np.uint8)
    packed = packed_image("Näme with / slash", picture)
    packed.save(filepath=str(tmp_path / "on disk.png"))
    loaded = bpy.data.images.load(str(tmp_path / "on disk.png"))
    used, written = photo_files([loaded, packed], tmp_path / "written")
    assert used == tmp_path / "on disk.png"
    assert written.is_relative_to(tmp_path / "written")
    assert photo_files([packed], tmp_path / "written") == (written,)
    np.testing.assert_array_equal(pixels(bpy.data.images.load(str(written)))[..., :3], picture)


@pytest.mark.parametrize("is_float", [False, True])
def test_an_image_that_was_only_painted_is_written_with_its_colors(scene, tmp_path, is_float):
    import bpy
    from reify.backend.formats.images import read_image
    from reify.scene.images import linear_from_srgb
    from reify.scene.photos import photo_files

    painted = bpy.data.images.new("Painted", 6, 4, alpha=True, float_buffer=is_float)
    stored = np.zeros((4, 6, 4), np.float32)
    straight = np.array([0.8, 0.4, 0.2])
    stored[2:, :3] = (*(linear_from_srgb(straight) * 0.5 if is_float else straight), 0.5)  # floats are linear and premultiplied
    painted.pixels.foreach_set(stored.ravel())
    found = read_image(photo_files([painted], tmp_path)[0])
    assert found[1, 1] == pytest.approx((204, 102, 51, 128), abs=1)
    assert found[3, 5, 3] == 0


def test_of_written_images_those_used_longest_ago_go(scene, tmp_path, monkeypatch):
    import bpy
    from reify.scene import photos

    def painted(name: str, level: float):
        image = bpy.data.images.new(name, 8, 8)
        image.pixels.foreach_set([level, level, level, 1.0] * 64)
        return image

    first = photos.photo_files([painted("first", 0.2)], tmp_path)[0]
    os.utime(first.parent, (0, 0))
    monkeypatch.setattr(photos, "KEPT_BYTES", sum(path.stat().st_size for path in first.parent.iterdir()) + 20)
    second = photos.photo_files([painted("second", 0.8)], tmp_path)[0]
    assert second.is_file() and not first.exists()
