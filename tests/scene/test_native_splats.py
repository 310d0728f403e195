"""What is written is read by Blender's own importers, which share no code with ours, and comes out the same."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry import quaternions
from reify.backend.geometry.turning import turned
from reify.backend.values import Splats
from reify.tests.formats.test_splat_files import sample

pytestmark = pytest.mark.blender
# The importer, what files are written with, and what quantization may take of SH.
IMPORTERS = {
    "a.ply": ("wm", "ply_import", "z", 1e-6),
    "a.spz": ("wm", "spz_import", "", 0.1),
    "a.glb": ("import_scene", "gltf", "", 1e-6),
    "a.usdc": ("wm", "usd_import", "", 1e-6),
}


@pytest.mark.parametrize("name", IMPORTERS)
def test_blenders_own_importer_reads_what_is_written(scene, tmp_path, name):
    import bpy
    from reify.backend.formats.splat_files import write_splats
    from reify.scene import compat
    from reify.scene.splats import holds_splats, read_arrays, splats_of

    if "spz_import" not in dir(bpy.ops.wm):
        pytest.skip("this Blender has no splats of its own")
    compat.expose_usd()
    room, verb, up, coarse = IMPORTERS[name]
    splats = sample(3, 200)
    write_splats(splats, tmp_path / name, up)
    getattr(getattr(bpy.ops, room), verb)(filepath=str(tmp_path / name))
    (made,) = (each for each in bpy.data.objects if each.type == "POINTCLOUD")
    assert holds_splats(made.data)
    matrix = np.array(made.matrix_world)
    found = turned(splats_of(read_arrays(made.data), False, False), matrix[:3, :3])
    found = found.take([np.linalg.norm(found.means - mean, axis=1).argmin() for mean in splats.means])
    assert np.abs(found.means - splats.means).max() < 1e-3
    assert np.abs(1 / (1 + np.exp(-found.opacity_logits)) - 1 / (1 + np.exp(-splats.opacity_logits))).max() < 0.6 / 255
    assert np.abs(found.sh - splats.sh).max() < coarse + 1e-5
    shape = covariances(splats)
    assert (np.abs(covariances(found) - shape).max(axis=(1, 2)) < 0.1 * np.abs(shape).max(axis=(1, 2))).all()


def covariances(splats: Splats) -> np.ndarray:
    """[N,3,3]; an importer may turn a splat's own axes."""
    axes = quaternions.to_matrices(splats.quats.astype(float)) * np.exp(splats.log_scales.astype(float))[:, None]
    return axes @ axes.transpose(0, 2, 1)
