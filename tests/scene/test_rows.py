from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from . import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def results(scene):
    """Puts a result of a picture into the scene, and gives its empty."""
    from reify.scene import rows
    from reify.scene.commit import commit, members

    def put():
        result = dataclasses.replace(samples.result(), splats=None, points=None, capture=None)
        collection = commit(result)
        rows.set_aside(collection, scene)
        return members(collection, "root")[0]

    return put


def test_results_stand_side_by_side_and_none_in_another(results):
    spans = [span_of(results()) for _ in range(3)]
    width = np.ptp(spans[0])
    assert [span[0] for span in spans[1:]] == pytest.approx([span[1] + 0.25 * width for span in spans[:2]])


def test_a_result_stays_where_it_is_when_the_others_are_out_of_its_way_or_hidden(results):
    import bpy

    first = results()
    first.location.z += 50
    second = results()
    assert second.location.x == 0
    for made in second.children:
        made.hide_viewport = True
    bpy.context.view_layer.update()
    assert results().location.x == 0


def span_of(root) -> tuple[float, float]:
    import bpy

    bpy.context.view_layer.update()
    across = [(made.matrix_world @ vertex.co).x for made in root.children if made.type == "MESH" for vertex in made.data.vertices]
    return min(across), max(across)
