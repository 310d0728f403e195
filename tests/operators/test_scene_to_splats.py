"""Objects of a scene rendered from all around, and the splats that stand in their place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender
VIEWS, SIDE_PX = 8, 32


@pytest.fixture
def block(scene):
    """A red block off the origin, selected, a blue ball beside it, and light."""
    import bpy

    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 4, False
    scene.view_settings.view_transform = "AgX"
    for make, color, place in (("uv_sphere", (0, 0, 1, 1), (5, 2, 1)), ("cube", (1, 0, 0, 1), (3, 2, 1))):
        getattr(bpy.ops.mesh, f"primitive_{make}_add")(location=place)
        material = bpy.data.materials.new(make)
        material.use_nodes = True
        material.node_tree.nodes.clear()
        emission = material.node_tree.nodes.new("ShaderNodeEmission")
        emission.inputs[0].default_value = color
        output = material.node_tree.nodes.new("ShaderNodeOutputMaterial")
        material.node_tree.links.new(emission.outputs[0], output.inputs[0])
        bpy.context.object.data.materials.append(material)
    return bpy.context.object


def captured(tmp_path, **options):
    import bpy

    assert bpy.ops.reify.scene_to_splats(views=VIEWS, size=SIDE_PX, folder=str(tmp_path / "capture"), **options) == {"FINISHED"}
    return tmp_path / "capture"


def test_pictures_show_the_selection_alone_in_its_true_colors_from_the_cameras_that_are_written(block, tmp_path, quick_method):
    from PIL import Image
    from reify.backend.formats.transforms import read_transforms

    folder = captured(tmp_path)
    ((photos, _settings, _seed),) = quick_method
    assert photos.sources == (folder,)
    posed = read_transforms(folder / "transforms.json")
    assert len(posed.cameras) == VIEWS
    corners = np.stack(np.meshgrid(*[(-1, 1)] * 3), axis=-1).reshape(-1, 3) + (3, 2, 1)
    for index in range(VIEWS):
        picture = np.asarray(Image.open(folder / f"view_{index:03}.png"))
        seen = picture[picture[..., 3] == 255]
        assert len(seen) and (seen[:, :3] == (255, 0, 0)).all()
        pose, K = posed.cameras.cam_from_world[index], posed.cameras.K[index]
        in_camera = corners @ pose[:3, :3].T + pose[:3, 3]
        xy = (in_camera @ K.T)[:, :2] / in_camera[:, 2:]
        rows, columns = np.nonzero(picture[..., 3] > 127)
        low, high = np.array((columns.min(), rows.min())), np.array((columns.max(), rows.max())) + 1
        np.testing.assert_allclose(xy.min(axis=0), low, atol=1.0)
        np.testing.assert_allclose(xy.max(axis=0), high, atol=1.0)


def test_the_scene_is_as_it_was_after_the_pictures(block, tmp_path, quick_method):
    import bpy

    scene = bpy.context.scene
    before = (scene.render.resolution_x, scene.render.film_transparent, scene.view_settings.view_transform, scene.render.filepath)
    cameras = len(bpy.data.cameras)
    captured(tmp_path)
    after = (scene.render.resolution_x, scene.render.film_transparent, scene.view_settings.view_transform, scene.render.filepath)
    assert after == before and scene.camera is None and bpy.data.objects["Sphere"].visible_camera
    assert cameras == len([each for each in bpy.data.cameras if not each.get("photo")])


def test_the_result_stands_where_the_objects_do(block, tmp_path, monkeypatch):
    import bpy
    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import photos
    from reify.scene.commit import members

    turned = np.diag([0.5, 0.5, 0.5, 1.0])
    turned[:3, 3] = -0.5 * np.array((3, 2, 1))
    given = samples.splats(100)
    capture = dataclasses.replace(samples.result().capture, world_from_source=turned)

    def run(_inputs, _settings, job):
        result = dataclasses.replace(samples.result(), report=job.report, splats=given, capture=capture, mesh=None, points=None)
        return result

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, run=run, needs=Needs()))
    captured(tmp_path)
    collection = next(c for c in bpy.data.collections if members(c, "root"))
    (made,) = members(collection, "splats")
    bpy.context.view_layer.update()
    world = np.array(made.matrix_world)
    found = np.array([point.co for point in made.data.points]) @ world[:3, :3].T + world[:3, 3]
    np.testing.assert_allclose(found, given.means / 0.5 + (3, 2, 1), atol=1e-4)


def test_nothing_that_renders_or_a_folder_that_is_there_is_said(block, tmp_path, quick_method):
    import bpy

    (tmp_path / "capture").mkdir()
    with pytest.raises(RuntimeError, match="is there already"):
        captured(tmp_path)
    block.select_set(False)
    bpy.ops.object.empty_add()
    with pytest.raises(RuntimeError, match="nothing selected that renders"):
        bpy.ops.reify.scene_to_splats(folder=str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_a_render_that_is_cut_off_leaves_no_half_of_a_capture(block, tmp_path, quick_method, monkeypatch):
    from pathlib import Path

    from reify.scene import scene_capture

    whole = scene_capture.whole.check
    seen: list[Path] = []

    def check(path: Path) -> None:
        seen.append(path)
        if len(seen) == 3:
            path.write_bytes(path.read_bytes()[:-20])  # as on a full disk
        whole(path)

    monkeypatch.setattr(scene_capture.whole, "check", check)
    with pytest.raises(RuntimeError, match="ends early"):
        captured(tmp_path)
    assert len(seen) == 3 and not list(tmp_path.iterdir())
    assert block.name and not any(path.exists() for path in seen)
