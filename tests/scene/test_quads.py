"""QuadriFlow on meshes that it would refuse or lose its way on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.tests.mesh.solids import ball, joined
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.mark.parametrize("size", [1e-5, 1.0])
def test_a_mesh_of_any_size_becomes_quads_with_its_colors_and_uvs(scene, size):
    import bpy
    from reify.backend.metrics import meshes
    from reify.scene.quads import quadriflow

    body = ball(n=32)
    uvs = (0.5 + 0.5 * body.vertices[body.faces][..., [0, 2]]).astype(np.float32)
    soup = body.faces[::-1].copy()
    soup[::5] = soup[::5, ::-1]  # which QuadriFlow refuses by itself
    flipped = uvs[::-1].copy()
    flipped[::5] = flipped[::5, ::-1]
    made = quadriflow(replace(body, vertices=body.vertices * np.float32(size), faces=soup, uvs=flipped), 400)
    assert 250 < made.quads < 600 and len(made.faces) == 2 * made.quads
    assert meshes.is_watertight(made)
    assert meshes.volume(made) / size**3 == pytest.approx(4 / 3 * np.pi, rel=0.1)
    unit = made.vertices / np.float32(size)
    np.testing.assert_allclose(made.vertex_srgb, 0.5 + 0.5 * unit, atol=0.08)
    np.testing.assert_allclose(made.uvs, 0.5 + 0.5 * unit[made.faces][..., [0, 2]], atol=0.08)
    assert not bpy.data.objects and not bpy.data.meshes and len(bpy.data.scenes) == 1


def test_where_quadriflow_gives_up_the_triangles_stay_and_the_report_says_so(scene, monkeypatch):
    from reify.backend.errors import ReifyError
    from reify.scene import quads

    def refuse(mesh, count):
        raise ReifyError("QuadriFlow found no quads for this mesh.", "Simplify it.")

    monkeypatch.setattr(quads, "quadriflow", refuse)
    result = samples.result()
    asked = replace(result, mesh=ball(), report=replace(result.report, settings={"quads": 100}))
    kept = quads.finished(asked)
    assert kept.mesh is asked.mesh and "found no quads" in kept.report.warnings[0]


def test_what_quads_are_made_of_is_cleaned_before(scene):
    from reify.backend.jobs.job import Job
    from reify.backend.methods.mesh import METHOD
    from reify.backend.metrics import meshes
    from reify.backend.settings import with_values
    from reify.backend.values import Given
    from reify.scene.quads import finished

    body = ball(n=64)
    holed = replace(body, faces=body.faces[np.linalg.norm(body.vertices[body.faces].mean(axis=1) - [1, 0, 0], axis=1) > 0.12])
    dirty = joined(holed, ball(0.05, (2, 0, 0)), ball(0.3))
    settings = with_values(METHOD.settings(), {**METHOD.presets["Quads"], "quads": 500})
    made = finished(METHOD.perform(Given(dirty, "thing"), settings, Job())).mesh
    assert made.quads > 300 and meshes.parts(made) == 1 and meshes.is_watertight(made)
