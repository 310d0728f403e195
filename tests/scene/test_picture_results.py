"""What From Picture promises of its objects, asked of Blender itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.bodies.from_pictures import Settings
from reify.backend.geometry.raster import rasterize_mesh
from reify.backend.jobs.job import Job
from reify.backend.methods.image import METHOD
from reify.backend.values import Cameras, Mesh, Pictures, Result

from ..pictures.shapes import butterfly, disc, pictured

pytestmark = pytest.mark.blender

METHODS = ("inflate", "layers", "lathe", "extrude", "relief", "turnaround")


def result_of(folder: Path, **changes) -> Result:
    """A result made from a colored disc, of a butterfly where `changes` say so."""
    shape = butterfly() if changes.pop("holes", False) else disc()
    pixels = np.dstack([pictured(shape).srgb, np.round(255 * shape).astype(np.uint8)])
    sources = tuple(folder / f"{view}.png" for view in ("front", "side"))[: 1 + (changes.get("method") == "turnaround")]
    for source in sources:
        Image.fromarray(pixels).save(source)
    return METHOD.perform(Pictures(sources, name="thing"), replace(Settings(faces=4000), **changes), Job())


def placed(result: Result):
    import bpy
    from reify.scene.commit import commit, members

    made = members(commit(result), "mesh")[0]
    bpy.context.view_layer.update()
    return made


@pytest.mark.parametrize("method", METHODS)
def test_the_object_is_a_closed_upright_meter_of_quads_ready_to_sculpt(scene, tmp_path: Path, method: str) -> None:
    import bmesh
    import bpy

    made = placed(result_of(tmp_path, method=method))
    body = bmesh.new()
    body.from_mesh(made.data)
    assert all(edge.is_manifold and edge.is_contiguous for edge in body.edges)
    assert all(vertex.is_manifold for vertex in body.verts)
    assert body.calc_volume(signed=True) > 0, "it is inside out"
    assert min(face.calc_area() for face in body.faces) > 0
    body.free()
    sides = np.array([polygon.loop_total for polygon in made.data.polygons])
    assert (sides == 4).mean() > 0.7 and set(sides) <= {3, 4}
    assert 3000 < len(sides) < 5800
    corners = np.array([made.matrix_world @ vertex.co for vertex in made.data.vertices])
    assert corners[:, 2].min() == pytest.approx(0.0, abs=1e-5)
    assert np.ptp(corners, axis=0)[[0, 2]].max() == pytest.approx(1.0, abs=0.02)
    assert tuple(made.scale) == (1, 1, 1) and tuple(made.matrix_world.translation) == (0, 0, 0)
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.mode_set(mode="SCULPT")
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.parametrize("method", METHODS)
def test_the_picture_is_on_the_front_at_once_and_the_right_way_round(scene, tmp_path: Path, method: str) -> None:
    made = placed(result_of(tmp_path, method=method))
    shader = next(node for node in made.active_material.node_tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    image = shader.inputs["Base Color"].links[0].from_node.image
    assert image.packed_file is not None
    width, height = image.size
    pixels = np.array(image.pixels[:]).reshape(height, width, 4)
    uv = np.array([entry.uv for entry in made.data.uv_layers.active.data])
    assert uv.min() >= 0 and uv.max() <= 1
    for polygon in made.data.polygons:
        if polygon.normal.y < -0.7:
            middle = uv[list(polygon.loop_indices)].mean(axis=0)
            red, green = pixels[int(middle[1] * (height - 1)), int(middle[0] * (width - 1)), :2]
            # The picture is redder to its right and greener to its lower side; the disc fills four fifths of it.
            assert red == pytest.approx(0.5 + 0.8 * polygon.center.x, abs=0.08)
            assert green == pytest.approx(0.9 - 0.8 * polygon.center.z, abs=0.08)


@pytest.mark.parametrize(("back", "wider"), [("mirrored", 1.0), ("extended", 2.0), ("plain", 1.1)])
def test_the_back_is_mirrored_extended_or_plain(scene, tmp_path: Path, back: str, wider: float) -> None:
    result = result_of(tmp_path, method="inflate", texture=replace(Settings().texture, back=back))
    texture, mesh = result.mesh.textures["base_color"], result.mesh
    height, width = texture.shape[:2]
    assert width / height == pytest.approx(wider, abs=0.05)
    normals = np.cross(*(mesh.vertices[mesh.faces[:, i]] - mesh.vertices[mesh.faces[:, 0]] for i in (1, 2)))
    behind = normals[:, 1] > 0.8 * np.linalg.norm(normals, axis=1)
    middle = (mesh.uvs[behind].mean(axis=1) * (width - 1, height - 1)).astype(int)
    colors = texture[height - 1 - middle[:, 1], middle[:, 0]].astype(float)
    across = np.corrcoef(mesh.vertices[mesh.faces[behind]].mean(axis=1)[:, 0], colors[:, 0])[0, 1] if back != "plain" else 0.0
    assert across > 0.95 if back == "mirrored" else across > 0.5 if back == "extended" else np.ptp(colors, axis=0).max() == 0


@pytest.mark.parametrize("faces", [600, 4000, 30_000])
def test_there_are_about_as_many_faces_as_asked(tmp_path: Path, faces: int) -> None:
    for method in ("inflate", "lathe", "extrude", "relief"):
        mesh = result_of(tmp_path, method=method, faces=faces).mesh
        assert len(mesh.faces) - mesh.quads == pytest.approx(faces, rel=0.35), method


def test_subdivision_and_remeshing_keep_the_silhouette(scene, tmp_path: Path) -> None:
    import bpy
    from reify.scene.mesh import read_mesh

    made = placed(result_of(tmp_path, method="inflate", faces=2000, holes=True))
    before = silhouette(read_mesh(made))
    for kind, settings, least in (("SUBSURF", {"levels": 2}, 0.99), ("REMESH", {"mode": "VOXEL", "voxel_size": 0.005}, 0.98)):
        modifier = made.modifiers.new("change", kind)
        for name, value in settings.items():
            setattr(modifier, name, value)
        bpy.context.view_layer.update()
        after = silhouette(read_mesh(made))
        made.modifiers.remove(modifier)
        assert (before & after).sum() / (before | after).sum() > least, kind


@pytest.mark.parametrize("suffix", ["glb", "obj", "stl"])
def test_files_of_other_programs_hold_the_same_body(scene, tmp_path: Path, suffix: str) -> None:
    import bpy
    from reify.scene.export import write_mesh

    mesh = result_of(tmp_path, method="inflate", holes=True).mesh
    write_mesh(mesh, tmp_path / f"thing.{suffix}")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    path = str(tmp_path / f"thing.{suffix}")
    bpy.ops.import_scene.gltf(filepath=path) if suffix == "glb" else getattr(bpy.ops.wm, f"{suffix}_import")(filepath=path)
    made = next(made for made in bpy.data.objects if made.type == "MESH")
    bpy.context.view_layer.update()
    corners = np.array([made.matrix_world @ vertex.co for vertex in made.data.vertices])
    assert corners.min(axis=0) == pytest.approx(mesh.vertices.min(axis=0), abs=1e-3)
    assert corners.max(axis=0) == pytest.approx(mesh.vertices.max(axis=0), abs=1e-3)
    if suffix != "stl":
        assert made.data.uv_layers and made.active_material


def silhouette(mesh: Mesh, size: int = 500):
    """What a mesh of a meter covers, seen from the front from far away."""
    far = 1e6
    pose = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.5], [0.0, 1.0, 0.0, far], [0.0, 0.0, 0.0, 1.0]])
    K = np.array([[0.9 * far * size, 0.0, size / 2], [0.0, 0.9 * far * size, size / 2], [0.0, 0.0, 1.0]])
    return rasterize_mesh(mesh, Cameras(pose[None], K[None], np.array([[size, size]]), np.zeros((1, 8))), 0).hit
