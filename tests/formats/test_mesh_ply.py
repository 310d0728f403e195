"""Meshes in PLY files of other programs: textures by corner or vertex, polygons, strips, colors."""

import numpy as np
import pytest
from PIL import Image
from reify.backend.errors import ReifyError
from reify.backend.formats.mesh_ply import read_mesh_ply

TETRAHEDRON = ((0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2))
PLACES = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
XYZ = ["double x", "double y", "double z"]
LIST = "list uchar int vertex_indices"


def write(path, vertex, face, rows, comments=(), element="face"):
    head = ["ply", "format ascii 1.0", *(f"comment {comment}" for comment in comments), f"element vertex {len(rows[0])}"]
    head += [f"property {line}" for line in vertex]
    head += [f"element {element} {len(rows[1])}", *(f"property {line}" for line in face), "end_header"]
    path.write_text("\n".join([*head, *(" ".join(map(str, row)) for part in rows for row in part), ""]))
    return path


def test_a_texture_by_corners_comes_with_its_picture(tmp_path):
    Image.new("RGB", (8, 8), (200, 30, 30)).save(tmp_path / "scene 1.png")
    faces = [(3, *corners, 6, 0, 0, 1, 0, 0, 1) for corners in TETRAHEDRON]
    path = write(tmp_path / "a.ply", XYZ, [LIST, "list uchar float texcoord"], (PLACES, faces), ["TextureFile scene 1.png"])
    (mesh,), warnings = read_mesh_ply(path)
    assert not warnings and np.array_equal(mesh.faces, TETRAHEDRON) and mesh.uvs[2].tolist() == [[0, 0], [1, 0], [0, 1]]
    assert mesh.textures["base_color"][0, 0].tolist() == [200, 30, 30]


def test_several_pictures_make_a_piece_each(tmp_path):
    for name, color in (("a.png", (250, 0, 0)), ("b.png", (0, 250, 0))):
        Image.new("RGB", (4, 4), color).save(tmp_path / name)
    faces = [(3, *corners, 6, 0, 0, 1, 0, 0, 1, number % 2) for number, corners in enumerate(TETRAHEDRON)]
    properties = [LIST, "list uchar float texcoord", "int texnumber"]
    path = write(tmp_path / "a.ply", XYZ, properties, (PLACES, faces), ["TextureFile a.png", "TextureFile C:\\scans\\b.png"])
    pieces, _ = read_mesh_ply(path)
    assert [piece.textures["base_color"][0, 0].tolist() for piece in pieces] == [[250, 0, 0], [0, 250, 0]]
    places = np.concatenate([piece.vertices[piece.faces] for piece in pieces])
    assert np.array_equal(places, np.array(PLACES)[np.array(TETRAHEDRON)[[0, 2, 1, 3]]])


@pytest.mark.parametrize("names", [("s", "t"), ("u", "v"), ("texture_u", "texture_v")])
def test_a_texture_by_vertices_comes_too(tmp_path, names):
    Image.new("RGB", (8, 8), (200, 30, 30)).save(tmp_path / "scene.png")
    rows = [(*place, 0.1 * number, 0.5) for number, place in enumerate(PLACES)]
    vertex, faces = [*XYZ, *(f"float {name}" for name in names)], [(3, *corners) for corners in TETRAHEDRON]
    (mesh,), _ = read_mesh_ply(write(tmp_path / "a.ply", vertex, [LIST], (rows, faces), ["TextureFile scene.png"]))
    assert np.allclose(mesh.uvs[0], [[0, 0.5], [0.2, 0.5], [0.1, 0.5]]) and "base_color" in mesh.textures


def test_a_picture_that_is_missing_is_named(tmp_path):
    faces = [(3, *corners, 6, 0, 0, 1, 0, 0, 1) for corners in TETRAHEDRON]
    path = write(tmp_path / "a.ply", XYZ, [LIST, "list uchar float texcoord"], (PLACES, faces), ["TextureFile gone.png"])
    (mesh,), warnings = read_mesh_ply(path)
    assert not mesh.textures and "gone.png" in warnings[0]


def test_polygons_become_fans_in_the_files_order(tmp_path):
    square = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0.5, 2, 0))
    path = write(tmp_path / "a.ply", XYZ, [LIST], (square, [(4, 0, 1, 2, 3), (3, 3, 2, 4), (5, 0, 1, 2, 4, 3), (2, 0, 1)]))
    (mesh,), _ = read_mesh_ply(path)
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [3, 2, 4], [0, 1, 2], [0, 2, 4], [0, 4, 3]]


def test_strips_of_scanners_are_unrolled(tmp_path):
    path = write(tmp_path / "a.ply", XYZ, [LIST], (PLACES, [(8, 0, 1, 2, 3, -1, 3, 1, 0)]), element="tristrips")
    (mesh,), _ = read_mesh_ply(path)
    assert mesh.faces.tolist() == [[0, 1, 2], [2, 1, 3], [3, 1, 0]]


def test_colors_of_faces_are_kept_where_vertices_have_none(tmp_path):
    faces = [(3, *corners, 200, 80, 60) for corners in TETRAHEDRON]
    path = write(tmp_path / "a.ply", XYZ, [LIST, "uchar red", "uchar green", "uchar blue"], (PLACES, faces))
    (mesh,), _ = read_mesh_ply(path)
    assert np.allclose(255 * mesh.vertex_srgb, (200, 80, 60))


@pytest.mark.parametrize(("faces", "says"), [([], "holds no mesh"), ([(3, 0, 1, 9)], "damaged")])
def test_what_is_no_mesh_is_refused(tmp_path, faces, says):
    with pytest.raises(ReifyError, match=says):
        read_mesh_ply(write(tmp_path / "a.ply", XYZ, [LIST], (PLACES, faces)))
