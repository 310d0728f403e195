"""The dome that shows from where photos were taken."""

from __future__ import annotations

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


def test_the_dome_follows_the_result_counts_its_cameras_and_goes_again(registered):
    import bpy
    from reify.scene import commit, coverage, placement

    bpy.ops.wm.read_factory_settings(use_empty=True)
    collection = commit.commit(samples.result())
    root = commit.members(collection, "root")[0]
    root.location, root.rotation_euler = (5.0, 0.0, 0.0), (0.0, 0.0, 1.0)
    bpy.context.view_layer.update()
    size = placement.size_of(root)
    dome = coverage.show(collection)
    counts = coverage.attributes.read(dome.data, "cameras")
    assert dome.parent == root and dome.hide_render and 0 < counts.max() <= 2 and (counts == 0).any()
    corners = np.array([tuple(vertex.co) for vertex in dome.data.vertices]).reshape(-1, 3, 3)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    assert np.median(area[counts == 0]) > 1.5 * np.median(area[counts == counts.max()]), "tiles that are seen are open"
    bpy.context.view_layer.update()
    assert placement.size_of(root) == pytest.approx(size), "the dome is no part of the result"
    assert coverage.said(dome)[0].startswith("Photos look from ")
    data = dome.data.name
    coverage.hide(collection)
    assert coverage.dome_of(collection) is None and data not in bpy.data.meshes


def test_the_button_shows_the_dome_and_puts_it_away(registered):
    import bpy
    from reify.scene import commit, coverage

    bpy.ops.wm.read_factory_settings(use_empty=True)
    collection = commit.commit(samples.result())
    bpy.context.view_layer.objects.active = commit.members(collection, "mesh")[0]
    bpy.ops.reify.show_coverage()
    assert coverage.dome_of(collection) is not None
    bpy.ops.reify.show_coverage()
    assert coverage.dome_of(collection) is None
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RuntimeError, match="made from photos"):
        bpy.ops.reify.show_coverage()
