"""Variants: several jobs by seeds from one click, side by side; and the cut-out that is shown before."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.errors import ReifyError
from reify.backend.values import Mesh, Result

pytestmark = pytest.mark.blender


@pytest.fixture
def figure(scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture of a disc, the panel set to TRELLIS, and a block as high as the seed says in the networks' place."""
    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import image

    def run(pictures, settings, job):
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32) * (1, 1, job.seed)
        sides = [
            (0, 1, 3),
            (0, 3, 2),
            (4, 6, 7),
            (4, 7, 5),
            (0, 4, 5),
            (0, 5, 1),
            (2, 3, 7),
            (2, 7, 6),
            (0, 2, 6),
            (0, 6, 4),
            (1, 5, 7),
            (1, 7, 3),
        ]
        return Result("figure", job.report, mesh=Mesh(corners.astype(np.float32), np.array(sides, np.int32)))

    monkeypatch.setattr(image, "METHOD", dataclasses.replace(image.METHOD, run=run, needs=Needs()))
    y, x = np.mgrid[:100, :100]
    Image.fromarray(np.where((np.hypot(x - 50, y - 50) < 30)[..., None], (200, 60, 40), 255).astype(np.uint8)).save(tmp_path / "figure.png")
    scene.reify.method, scene.reify.image.method = "image", "trellis"
    return tmp_path / "figure.png"


def _left(scene) -> list[tuple[float, float, str]]:
    """Where each mesh begins along X, its height, and its name, from left to right."""
    meshes = [made for made in scene.objects if made.type == "MESH"]
    return sorted(
        (min((made.matrix_world @ corner.co).x for corner in made.data.vertices), made.dimensions.z, made.name) for made in meshes
    )


def test_variants_are_versions_side_by_side_each_with_its_seed(scene, figure: Path) -> None:
    import bpy
    from reify.scene import provenance, versions

    scene.reify.seed, scene.reify.variants = 2, 4
    assert bpy.ops.reify.create(source=str(figure)) == {"FINISHED"}
    bpy.context.view_layer.update()
    places, heights, names = zip(*_left(scene), strict=True)
    assert heights == (2, 3, 4, 5) and names == ("figure Mesh", "figure v2 Mesh", "figure v3 Mesh", "figure v4 Mesh")
    assert (np.diff(places) > 1.0).all(), "they stand in each other"
    made = versions.older(scene, "image", [str(figure)])
    assert [provenance.read(each)["seed"] for each in made] == [2, 3, 4, 5]
    scene.reify.version = "replace"
    assert bpy.ops.reify.create(source=str(figure), variants=2) == {"FINISHED"}
    assert len(_left(scene)) == 6, "variants took each other's place"


def test_a_method_without_seeds_makes_one_and_says_so_where_several_are_asked_for(scene, figure: Path) -> None:
    import bpy

    scene.reify.variants, scene.reify.seed, scene.reify.image.method = 4, 1, "triposr"
    assert bpy.ops.reify.create(source=str(figure)) == {"FINISHED"} and len(_left(scene)) == 1
    with pytest.raises(RuntimeError, match="makes the same of every seed"):
        bpy.ops.reify.create(source=str(figure), variants=2)


def test_the_cut_out_is_shown_before_a_network_makes_an_object_of_it(scene, figure: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reify.backend.methods import method_called
    from reify.scene import thumbnail
    from reify.session import approval, live

    method = method_called("image")

    def asked(name: str, path: Path = figure):
        return approval.asked_for(method, dataclasses.replace(method.settings(), method=name), (path,))

    shown = []
    monkeypatch.setattr(thumbnail, "show", shown.append)
    look = asked("trellis")
    assert look is not None and "only 59 px large" in look.warnings[-1] and len(shown) == 1
    assert asked("inflate") is None and asked("depth_anything") is None
    Image.fromarray(np.full((50, 50, 4), 0, np.uint8)).save(figure.with_name("empty.png"))
    with pytest.raises(ReifyError, match="transparent everywhere"):
        asked("triposr", figure.with_name("empty.png"))
    monkeypatch.setattr(live, "is_on", lambda: True)
    assert asked("trellis") is None
