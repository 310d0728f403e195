from __future__ import annotations

import json
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from reify.backend import whole
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


def test_a_folder_that_cannot_be_is_said_and_leaves_nothing(scene, tmp_path):
    from reify.backend.errors import ReifyError
    from reify.scene.export import save_blend, write_mesh

    (tmp_path / "file").touch()
    with pytest.raises(ReifyError, match="a file and a folder share a name"):
        save_blend(tmp_path / "file" / "scene.blend")
    with pytest.raises(ReifyError, match="a file and a folder share a name"):
        write_mesh(samples.mesh(), tmp_path / "file" / "statue.glb")
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_pictures_of_a_saved_scene_are_named_from_where_it_lies_and_an_older_scene_stays_as_backup(scene, tmp_path):
    import bpy
    from reify.scene.export import save_blend
    from reify.scene.images import packed_image

    packed_image("a", np.zeros((4, 4, 3), np.uint8)).save(filepath=str(tmp_path / "a.png"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.data.images.load(str(tmp_path / "a.png")).use_fake_user = True
    path = tmp_path / "scene.blend"
    path.write_bytes(b"an older one")
    save_blend(path)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.png", "scene.blend", "scene.blend1"]
    assert (tmp_path / "scene.blend1").read_bytes() == b"an older one"
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert [image.filepath for image in bpy.data.images] == ["//a.png"]


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


FULL = """
import resource, sys
from pathlib import Path
import bpy
from reify import api
from reify.backend.errors import ReifyError
from reify.backend.values import Result
from reify.backend import whole
from reify.tests.scene import samples

result = Result("statue", samples.REPORT, mesh=samples.mesh(), lods=(samples.mesh(),))
for size in (10, 200, 4_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    for kind in sys.argv[2:]:
        try:
            api.write(result, Path(sys.argv[1]) / f"statue{kind}")
        except ReifyError as error:
            print("said:", error.what)
        else:
            print("written:", kind, size)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
def test_a_disk_that_fills_up_under_blenders_exporters_leaves_no_file_and_shows_no_traceback(tmp_path):
    kinds = (".glb", ".obj", ".stl", ".blend")
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path), *kinds], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("said:", "written:"))]
    assert done.returncode == 0 and len(lines) == 3 * len(kinds), done.stdout + done.stderr
    written = {line.split()[1] for line in lines if line.startswith("written:")}
    said = [line for line in lines if line.startswith("said:")]
    assert len(said) >= 8 and not [line for line in said if "Traceback" in line or "Error" in line], said
    for path in tmp_path.iterdir():
        assert path.suffix in written or path.suffix in (".mtl", ".png"), f"{path.name} was left"
        whole.check(path)


def test_fewer_faces_in_the_file_than_in_the_mesh_are_found(scene, tmp_path, monkeypatch):
    from reify.backend.errors import ReifyError
    from reify.scene import export

    for ending, count in {".glb": 4, ".obj": 3, ".stl": 4}.items():  # .obj keeps the quad
        export.write_mesh(samples.mesh(), tmp_path / f"good{ending}")
        assert whole.faces(tmp_path / f"good{ending}") == count
    monkeypatch.setattr(whole, "faces", lambda path: 3)
    with pytest.raises(ReifyError, match="came out incomplete"):
        export.write_mesh(samples.mesh(), tmp_path / "bad.glb")
    assert not (tmp_path / "bad.glb").exists()
