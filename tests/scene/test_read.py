"""Objects and files of meshes as what a method is given."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry import triangles
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def cube(scene):
    """A cube 2 wide, scaled, mirrored, turned and moved, with a modifier that doubles its faces."""
    import bpy

    bpy.ops.mesh.primitive_cube_add(location=(5, 6, 7), rotation=(0.3, 0.2, 0.9))
    made = bpy.context.object
    made.scale = (1, 2, -3)
    made.modifiers.new("Triangulate", "SUBSURF").subdivision_type = "SIMPLE"
    bpy.context.view_layer.update()
    return made


def test_a_mesh_comes_as_it_stands_in_the_world_with_its_faces_looking_outwards(cube):
    from reify.scene.read import given_from

    given = given_from(cube, modifiers=False)
    assert given.name == "Cube" and len(given.value.faces) == 12 and given.value.uvs is not None
    assert triangles.volume(given.value.vertices, given.value.faces) == pytest.approx(8 * 6)
    np.testing.assert_allclose(given.value.vertices.mean(axis=0), 0, atol=1e-6)
    assert len(given_from(cube, modifiers=True).value.faces) == 48


def test_going_back_to_the_objects_space_gives_what_it_was(cube):
    from reify.scene.mesh import read_mesh
    from reify.scene.read import given_from, in_object_space

    before = read_mesh(cube, modifiers=False)
    after = in_object_space(given_from(cube, modifiers=False).value, cube)
    np.testing.assert_allclose(after.vertices, before.vertices, atol=1e-5)
    np.testing.assert_array_equal(np.sort(after.faces, axis=1), np.sort(before.faces, axis=1))
    assert triangles.volume(after.vertices, after.faces) == pytest.approx(8)


def test_an_object_scaled_to_nothing_is_refused(scene):
    import bpy
    from reify.backend.errors import ReifyError
    from reify.scene.read import given_from

    bpy.ops.mesh.primitive_cube_add()
    bpy.context.object.scale = (1, 1, 0)
    bpy.context.view_layer.update()
    with pytest.raises(ReifyError, match="scaled to nothing"):
        given_from(bpy.context.object)


def test_the_kind_of_an_object_is_told_by_what_it_holds(scene):
    import bpy
    from reify.backend.values import Mesh, Points, Splats
    from reify.scene.points import points_object
    from reify.scene.read import kind_of
    from reify.scene.splats import splats_object

    bpy.ops.mesh.primitive_cube_add()
    assert kind_of(bpy.context.object) is Mesh
    assert kind_of(splats_object("s", samples.splats())) is Splats
    assert kind_of(points_object("p", samples.result().points)) is Points
    assert kind_of(bpy.data.objects.new("e", None)) is None
    assert kind_of(bpy.data.objects.new("m", bpy.data.meshes.new("m"))) is None
    assert kind_of(None) is None


def test_splats_and_points_come_with_the_cameras_they_were_made_from(scene):
    import bpy
    from mathutils import Matrix
    from reify.scene.commit import commit, members
    from reify.scene.read import given_from

    collection = commit(samples.result())
    members(collection, "root")[0].matrix_world = Matrix.Translation((1, 2, 3)) @ Matrix.Rotation(0.5, 4, "X") @ Matrix.Scale(2, 4)
    bpy.context.view_layer.update()
    given = given_from(bpy.data.objects["fox Splats"])
    expected = samples.cameras()
    np.testing.assert_allclose(given.cameras.cam_from_world, expected.cam_from_world, atol=1e-5)
    np.testing.assert_allclose(given.cameras.K, expected.K, rtol=1e-5)
    np.testing.assert_allclose(given.value.means, samples.splats().means, atol=1e-6)
    assert given_from(bpy.data.objects["fox Points"]).cameras is not None


@pytest.mark.parametrize("ending", [".glb", ".obj", ".stl", ".ply", ".fbx", ".blend"])
def test_files_are_read_upright_with_their_texture_and_leave_nothing_behind(scene, tmp_path, ending):
    import bpy
    from reify.scene.export import write_mesh
    from reify.scene.mesh import mesh_object
    from reify.scene.read import given_from_file

    path = tmp_path / f"statue{ending}"
    made = mesh_object("statue", samples.mesh())
    if ending in (".glb", ".obj", ".stl"):
        write_mesh(samples.mesh(), path)
    else:
        scene.collection.objects.link(made)
        {
            ".ply": lambda: bpy.ops.wm.ply_export(filepath=str(path)),
            ".fbx": lambda: bpy.ops.export_scene.fbx(filepath=str(path)),
            ".blend": lambda: bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True),
        }[ending]()
    counts = [len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "materials", "images", "collections")]
    given = given_from_file(path)
    assert [len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "materials", "images", "collections")] == counts
    mesh = given.value
    assert given.name == "statue" and given.sources == (path,)
    expected = samples.mesh()
    places = np.unique(mesh.vertices.round(4), axis=0)
    np.testing.assert_allclose(places, np.unique(expected.vertices.round(4), axis=0), atol=1e-4)
    if ending != ".stl":
        assert mesh.uvs is not None
    if ending in (".glb", ".obj", ".blend"):
        picture = mesh.textures["base_color"]
        assert tuple(picture[2, 2, :3]) == (255, 0, 0) and tuple(picture[-3, -3, :3]) == (128, 128, 128)


def test_several_objects_with_materials_of_their_own_become_one_mesh(scene, tmp_path):
    import bpy
    from reify.scene.read import given_from_file

    for x, color in ((0, (1, 0, 0, 1)), (5, (0, 1, 0, 1))):
        bpy.ops.mesh.primitive_cube_add(location=(x, 0, 0))
        material = bpy.data.materials.new("m")
        material.use_nodes = True
        material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = color
        bpy.context.object.data.materials.append(material)
    path = tmp_path / "two.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    mesh = given_from_file(path).value
    assert len(mesh.faces) == 24
    left = mesh.vertices[:, 0] < 2
    np.testing.assert_allclose(mesh.vertex_srgb[left], np.tile([1, 0, 0], (8, 1)), atol=1e-5)
    np.testing.assert_allclose(mesh.vertex_srgb[~left], np.tile([0, 1, 0], (8, 1)), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.glb", None, "isn't there"),
        ("picture.jpg", b"x", "ending"),
        ("torn.glb", b"glTF junk", "can't be read"),
        ("empty.obj", b"# nothing\n", "holds no mesh"),
        ("lines.obj", b"v 0 0 0\nv 1 0 0\nl 1 2\n", "holds no mesh"),
        ("torn.blend", b"BLENDER junk", "can't be read"),
    ],
)
def test_files_that_hold_no_mesh_are_refused_in_a_sentence(scene, tmp_path, name, content, said):
    import bpy
    from reify.backend.errors import ReifyError
    from reify.scene.read import given_from_file

    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReifyError, match=said) as caught:
        given_from_file(path)
    assert caught.value.fix
    assert not bpy.data.objects


@pytest.mark.parametrize(
    ("names", "kind", "white"),
    [
        (("red", "green", "blue"), "uchar", 255), (("red", "green", "blue"), "ushort", 65535), (("red", "green", "blue"), "float", 255),
        (("diffuse_red", "diffuse_green", "diffuse_blue"), "uchar", 255), (("r", "g", "b"), "uchar", 255),
    ],
)  # fmt: skip
def test_a_cloud_that_blender_imported_keeps_its_colors(scene, tmp_path, names, kind, white):
    import bpy
    from reify.scene.read import given_from
    from reify.tests.formats.tables import BALL, SRGB, write

    columns = dict(zip("xyz", BALL.T, strict=True)) | dict(zip(names, white * SRGB.T, strict=True))
    bpy.ops.wm.ply_import(filepath=str(write(tmp_path / "a.ply", columns, {name: kind for name in names})))
    points = given_from(bpy.context.object).value
    assert np.abs(points.rgb / 255 - SRGB).max() < 0.01
    if bpy.context.object.data.color_attributes:
        bpy.context.object.data.color_attributes[0].name = "whatever"
        assert np.array_equal(given_from(bpy.context.object).value.rgb, points.rgb)


def test_byte_colors_of_an_artists_name_are_found(scene):
    import bpy
    from reify.scene.read import given_from

    data = bpy.data.meshes.new("points")
    data.from_pydata([(0, 0, 0), (1, 0, 0)], [], [])
    data.color_attributes.new("Tint", "BYTE_COLOR", "POINT").data.foreach_set("color_srgb", [200 / 255, 80 / 255, 60 / 255, 1] * 2)
    made = bpy.data.objects.new("points", data)
    assert np.abs(given_from(made).value.rgb.astype(int) - [200, 80, 60]).max() <= 1


def test_a_splat_file_that_blender_imported_as_vertices_is_still_splats(scene, tmp_path):
    import bpy
    from reify.backend.values import Splats
    from reify.scene.read import given_from, kind_of
    from reify.tests.formats.tables import BALL, splat_columns, write

    columns = splat_columns()
    bpy.ops.wm.ply_import(filepath=str(write(tmp_path / "a.ply", columns, {})))
    if bpy.context.object.type != "MESH":
        pytest.skip("this Blender imports splats as splats")
    bpy.context.object.data.attributes["scale_0"].data[3].value = np.nan
    assert kind_of(bpy.context.object) is Splats
    given = given_from(bpy.context.object)
    assert len(given.value) == len(BALL) - 1 and "1 of 300" in given.warnings[0]
    np.testing.assert_allclose(given.value.sh[:3, 0], np.stack([columns[f"f_dc_{i}"] for i in range(3)], axis=1)[:3], atol=1e-6)


PLACE = np.array([500123.25, 4649776.5, 312.0])


def _textured_obj(folder, offset):
    from PIL import Image

    Image.new("RGB", (8, 8), (200, 30, 30)).save(folder / "my skin.png")
    (folder / "a.mtl").write_text("newmtl skin\nmap_Kd -s 1 1 1 my skin.png\n")
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]) + offset
    faces = ["f 1/1 3/2 2/3", "f 1/1 2/2 4/3", "f 2/1 3/2 4/3", "f 1/1 4/2 3/3"]
    lines = [
        "mtllib a.mtl",
        *(f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in corners),
        "vt 0 0",
        "vt 1 0",
        "vt 0 1",
        "usemtl skin",
        *faces,
        "",
    ]
    (folder / "a.obj").write_text("\n".join(lines))
    return folder / "a.obj"


def test_an_obj_in_large_coordinates_keeps_its_shape_and_texture_and_goes_back_there(scene, tmp_path):
    from reify import api
    from reify.backend.formats import obj
    from reify.scene.read import given_from_file

    near = given_from_file(_textured_obj(tmp_path, 0.0))
    far = given_from_file(_textured_obj(tmp_path, PLACE))
    assert near.offset is None and far.offset == pytest.approx(PLACE[[0, 2, 1]] * [1, -1, 1], abs=1)
    assert "base_color" in far.value.textures
    sizes = [np.ptp(given.value.vertices, axis=0) for given in (near, far)]
    assert sizes[0] == pytest.approx(sizes[1], abs=1e-6)
    result = api.make("mesh", tmp_path / "a.obj", preset="Repair Only", keep=False)
    assert "500123" in result.report.choices["offset"]
    for ending in (".obj", ".glb"):
        api.write(result, tmp_path / f"out{ending}")
    (tmp_path / "copies").mkdir()
    _, offset = obj.near_copy(tmp_path / "out.obj", tmp_path / "copies")
    assert offset == pytest.approx(PLACE, abs=1)
    again = given_from_file(tmp_path / "out.obj")
    source = again.value.vertices + again.offset
    assert np.abs(np.sort(source, axis=0) - np.sort(far.value.vertices + far.offset, axis=0)).max() < 1e-5
    glb = given_from_file(tmp_path / "out.glb")  # whose places Blender reads with 32 bits
    assert np.abs(glb.value.vertices.mean(axis=0) + glb.offset - source.mean(axis=0)).max() < 0.5
    assert np.ptp(glb.value.vertices, axis=0) == pytest.approx(1.0, abs=1e-5)


def test_a_textured_ply_is_read_with_its_texture(scene, tmp_path):
    from PIL import Image
    from reify.scene.read import given_from_file

    Image.new("RGB", (8, 8), (200, 30, 30)).save(tmp_path / "skin.png")
    faces = "".join(f"3 {a} {b} {c} 6 0 0 1 0 0 1\n" for a, b, c in ((0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2)))
    head = "ply\nformat ascii 1.0\ncomment TextureFile skin.png\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
    head += "element face 4\nproperty list uchar int vertex_indices\nproperty list uchar float texcoord\nend_header\n"
    (tmp_path / "a.ply").write_text(head + "0 0 0\n1 0 0\n0 1 0\n0 0 1\n" + faces)
    mesh = given_from_file(tmp_path / "a.ply").value
    assert len(mesh.faces) == 4 and mesh.textures["base_color"][0, 0].tolist() == [200, 30, 30]
