"""`reify run mesh`: a file in, files out, the report on standard output."""

from __future__ import annotations

import json

import numpy as np
import pytest
from reify import api, cli
from reify.tests.mesh.solids import ball

pytestmark = pytest.mark.blender

pytest.importorskip("numba")
pytest.importorskip("fast_simplification")


def test_a_file_becomes_a_clean_one_with_levels_of_detail_and_figures_of_both(scene, tmp_path, capfd):
    from reify.scene.export import write_mesh
    from reify.scene.read import given_from_file

    write_mesh(ball(n=48), tmp_path / "scan.obj")
    arguments = [
        "run",
        "mesh",
        str(tmp_path / "scan.obj"),
        "-o",
        str(tmp_path / "clean.glb"),
        "--faces",
        "500",
        "--lods",
        "1",
        "--no-cache",
    ]
    assert cli.main(arguments) == cli.DONE
    report = json.loads(capfd.readouterr().out.splitlines()[-1])  # before it stands what Blender said while it wrote the scan
    assert report["metrics"]["before.faces"] == 2208 and report["metrics"]["after.faces"] <= 500
    assert str(tmp_path / "scan.obj") in report["inputs"]
    sizes = [len(given_from_file(tmp_path / name).value.faces) for name in ("clean.glb", "clean_LOD1.glb")]
    assert sizes == pytest.approx([500, 250], rel=0.05)


def test_quads_are_in_what_the_api_gives(scene, tmp_path):
    from reify.scene.export import write_mesh

    write_mesh(ball(n=32), tmp_path / "ball.stl")
    result = api.make("mesh", tmp_path / "ball.stl", settings={"quads": 300}, keep=False)
    assert result.mesh.quads == result.report.metrics["quads"] > 150
    np.testing.assert_allclose(np.linalg.norm(result.mesh.vertices, axis=1), 1.0, atol=0.08)


def test_a_file_that_cannot_be_read_is_exit_code_3(scene, tmp_path, capfd):
    (tmp_path / "torn.glb").write_bytes(b"glTF junk")
    assert cli.main(["run", "mesh", str(tmp_path / "torn.glb"), "-o", str(tmp_path / "out.glb")]) == cli.BAD_INPUT
    assert "can't be read" in capfd.readouterr().err


@pytest.fixture
def scene():
    bpy = pytest.importorskip("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def test_inputs_of_one_name_and_outputs_that_are_inputs_are_refused_before_anything_runs(scene, tmp_path, capfd):
    files = [tmp_path / folder / "bob.obj" for folder in ("a", "b")]
    for file in files:
        file.parent.mkdir()
        file.write_text("v 0 0 0\n")
    assert cli.main(["run", "mesh", *map(str, files), "-o", str(tmp_path / "out.glb")]) == cli.BAD_INPUT
    assert "Two results would be written to out-bob.glb." in capfd.readouterr().err
    assert cli.main(["run", "mesh", str(files[0]), "-o", str(files[0])]) == cli.BAD_INPUT
    assert "bob.obj is an input" in capfd.readouterr().err
    assert files[0].read_text() == "v 0 0 0\n" and not (tmp_path / "out-bob.glb").exists()
