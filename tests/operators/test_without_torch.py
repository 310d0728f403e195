"""Splats in and out of Blender, and what is done to them there, where no package of the engine can be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from reify.backend.engine import requirements
from reify.backend.formats.splat_ply import read_splat_ply, write_splat_ply
from reify.backend.splats.transform import transformed
from reify.tests.scene import samples

pytestmark = pytest.mark.blender

SESSION = """
import importlib.abc, json, sys
import bpy, numpy

blocked, source, target = json.loads(sys.argv[1]), *sys.argv[2:]

class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is out of reach in this test")

sys.meta_path.insert(0, Wall())
import reify
reify.register()
bpy.ops.wm.read_factory_settings(use_empty=True)
assert bpy.ops.reify.import_splats(filepath=source) == {"FINISHED"}
made = bpy.context.object
made.rotation_euler, made.location, made.scale = (0.4, -0.9, 2.0), (1, 2, 3), (1.5, 1.5, 1.5)
bpy.context.view_layer.update()
assert bpy.ops.reify.export_splats(filepath=target, up_axis="z") == {"FINISHED"}
print("RESULT " + json.dumps([list(row) for row in made.matrix_world]))
reify.unregister()
"""


@pytest.mark.parametrize("degree", [0, 3, 4])
def test_splats_are_imported_turned_and_exported_with_numpy_alone(tmp_path: Path, degree: int) -> None:
    splats = samples.splats(300, degree)
    write_splat_ply(splats, tmp_path / "in.ply")
    blocked = json.dumps([requirement.module for requirement in requirements.read()])
    command = [sys.executable, "-c", SESSION, blocked, str(tmp_path / "in.ply"), str(tmp_path / "out.ply")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | {"BLENDER_USER_RESOURCES": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.split("RESULT ")[1].splitlines()[0])
    written, expected = read_splat_ply(tmp_path / "out.ply"), transformed(splats, np.array(found))
    assert written.sh.shape == splats.sh.shape
    for name in ("means", "log_scales", "opacity_logits", "sh"):
        np.testing.assert_allclose(getattr(written, name), getattr(expected, name), atol=1e-4, err_msg=name)
    np.testing.assert_allclose(abs((written.quats * expected.quats).sum(axis=1)), 1, atol=1e-4)
