"""The operator, and the command line, that render splats."""

from __future__ import annotations

import numpy as np
import pytest
from reify.tests.scene.turntable import Turntable
from reify.tests.scene.viewport.subject import bumpy_ball

pytestmark = pytest.mark.blender
pytest.importorskip("numba")
OpenEXR = pytest.importorskip("OpenEXR")


@pytest.fixture
def turntable(registered):
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.world, scene.render.film_transparent = None, True
    return Turntable(scene, bumpy_ball(500), (48, 30))


def alpha_of(path) -> np.ndarray:
    return np.asarray(OpenEXR.File(str(path), separate_channels=True).channels()["A"].pixels)


def test_a_script_gets_a_frame_or_the_animation_at_the_path_that_it_names(turntable, tmp_path):
    import bpy

    scene = turntable.scene
    scene.frame_start, scene.frame_end, scene.frame_step = 2, 6, 2
    scene.frame_set(3)
    assert bpy.ops.reify.render_splats(filepath=str(tmp_path / "one_")) == {"FINISHED"}
    assert bpy.ops.reify.render_splats(filepath=str(tmp_path / "all_##.exr"), animation=True) == {"FINISHED"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all_02.exr", "all_04.exr", "all_06.exr", "one_0003.exr"]
    assert scene.frame_current == 3
    np.testing.assert_allclose(alpha_of(tmp_path / "one_0003.exr"), turntable.rasterized(3)[1], atol=1e-4)
    scene.render.filepath = str(tmp_path / "own_")
    bpy.ops.reify.render_splats()
    assert (tmp_path / "own_0003.exr").is_file()


def test_what_cannot_be_rendered_is_said_and_the_next_one_may_start(turntable, tmp_path):
    import bpy

    camera, turntable.scene.camera = turntable.scene.camera, None
    with pytest.raises(RuntimeError, match="no camera"):
        bpy.ops.reify.render_splats(filepath=str(tmp_path / "a"))
    turntable.scene.camera = camera
    (tmp_path / "a").write_text("no folder")
    with pytest.raises(RuntimeError):
        bpy.ops.reify.render_splats(filepath=str(tmp_path / "a" / "b"))
    assert bpy.ops.reify.render_splats.poll()
    assert bpy.ops.reify.render_splats(filepath=str(tmp_path / "c")) == {"FINISHED"}


def test_the_command_line_renders_a_file_and_prints_what_it_wrote(turntable, tmp_path, capfd):
    import bpy
    from reify import cli

    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert cli.main(["render", str(tmp_path / "scene.blend"), "-o", f"{tmp_path}/frames/", "--frames", "1-2", "--splats-only"]) == cli.DONE
    written = [f"{tmp_path}/frames/000{number}.exr" for number in (1, 2)]
    assert capfd.readouterr().out.splitlines()[-2:] == written
    assert alpha_of(written[0]).max() > 0.5
    assert cli.main(["render", str(tmp_path / "none.blend")]) == cli.BAD_INPUT
    assert cli.main(["render", str(tmp_path / "scene.blend"), "--frames", "one"]) == cli.BAD_INPUT


def test_cycles_rays_pass_through_imported_splats_as_through_generated_ones(registered, tmp_path):
    import bpy
    from reify.backend.formats.splat_ply import write_splat_ply

    bpy.ops.wm.read_factory_settings(use_empty=True)
    write_splat_ply(bumpy_ball(10), tmp_path / "a.ply")
    assert bpy.ops.reify.import_splats(filepath=str(tmp_path / "a.ply")) == {"FINISHED"}
    assert bpy.context.scene.cycles.transparent_max_bounces >= 256
