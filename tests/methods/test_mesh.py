"""Clean Mesh as a whole: every preset, the report before and after, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("fast_simplification")

from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.methods import all_methods
from reify.backend.methods.mesh import Settings
from reify.backend.values import Given, Mesh
from reify.tests.mesh.solids import ball, joined

METHOD = all_methods()["mesh"]


def messy() -> Mesh:
    """A ball with a hole, a shell inside, a floater, flipped faces and a vertex without a position."""
    body = joined(ball(n=64), ball(0.4), ball(0.01, (2, 0, 0)))
    faces = body.faces[np.linalg.norm(body.vertices[body.faces].mean(axis=1) - [1, 0, 0], axis=1) > 0.12].copy()
    faces[::11] = faces[::11, ::-1]
    vertices = body.vertices.copy()
    vertices[faces[500, 0]] = np.nan
    return replace(body, vertices=vertices, faces=faces)


@pytest.mark.parametrize("preset", METHOD.presets)
def test_every_preset_makes_a_sound_mesh_and_tells_before_and_after(preset: str) -> None:
    job = Job()
    settings = METHOD.preset(preset)
    result = METHOD.perform(Given(messy(), "mess"), replace(settings, maps_px=min(settings.maps_px, 256)), job)
    figures = result.report.metrics
    assert figures["before.flipped_edges"] > 0 and figures["before.parts"] == 3 and figures["before.broken_faces"] > 0
    assert figures["after.flipped_edges"] == figures["after.broken_faces"] == figures["after.non_manifold_edges"] == 0
    if preset != "Repair Only":
        assert figures["after.inner_parts"] == 0 and figures["after.parts"] == 1  # the shell was seen through the hole
        assert figures["after.watertight"] == 1
    assert result.name == "mess" and result.mesh.vertex_srgb is not None
    assert len(result.lods) == METHOD.preset(preset).lods


def test_a_level_of_detail_and_uvs_are_made_where_asked_for() -> None:
    settings = replace(Settings(), faces=400, lods=2, lod_ratio=0.3, unwrap=True)
    result = METHOD.perform(Given(ball(n=48), "ball"), settings, Job())
    assert [len(mesh.faces) for mesh in (result.mesh, *result.lods)] == pytest.approx([400, 120, 36], rel=0.06)
    assert all(mesh.uvs is not None for mesh in (result.mesh, *result.lods))


def test_the_original_is_not_touched() -> None:
    mesh = messy()
    copies = mesh.vertices.copy(), mesh.faces.copy()
    METHOD.perform(Given(mesh, "mess"), METHOD.preset("Clean Up"), Job())
    np.testing.assert_array_equal(mesh.vertices, copies[0])
    np.testing.assert_array_equal(mesh.faces, copies[1])


@pytest.mark.parametrize("preset", METHOD.presets)
@pytest.mark.parametrize("kind", ["no faces", "nowhere", "one point"])
def test_what_holds_nothing_is_a_clear_error(kind: str, preset: str) -> None:
    vertices = {"no faces": np.eye(3), "nowhere": np.full((3, 3), np.nan), "one point": np.ones((3, 3))}[kind]
    faces = np.zeros((0, 3)) if kind == "no faces" else [[0, 1, 2]]
    with pytest.raises(ReifyError) as caught:
        METHOD.perform(Given(Mesh(vertices.astype(np.float32), np.array(faces, np.int32)), "nothing"), METHOD.preset(preset), Job())
    assert caught.value.fix


def test_production_gives_maps_on_uvs_without_overlaps_that_all_levels_share():
    from reify.backend.settings import with_values
    from reify.backend.texture.maps import overlap

    settings = with_values(METHOD.preset("Production"), {"maps_px": 256, "faces": 800})
    colored = replace(ball(), vertex_srgb=np.full((len(ball().vertices), 3), 0.5, np.float32))
    result = METHOD.perform(Given(colored, "ball"), settings, Job())
    assert set(result.mesh.textures) == {"base_color", "normal", "occlusion"} and len(result.mesh.faces) <= 800
    assert all(picture.shape == (256, 256, 3) for picture in result.mesh.textures.values())
    assert result.mesh.uvs is not None and overlap(result.mesh.uvs, result.mesh) < 0.02
    assert [len(level.faces) for level in result.lods] == pytest.approx([400, 200, 100], rel=0.1)
    assert all(level.textures is result.mesh.textures and level.uvs is not None for level in result.lods)
