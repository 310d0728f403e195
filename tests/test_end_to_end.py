"""The whole job on real pictures at low resolution, as a user runs it; then a look at the scene through bpy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.blender, pytest.mark.slow]

QUICK = [
    *("--training-long-side-px", "200", "--training-steps", "400"),
    *("--surface-long-side-px", "200", "--texture-size-px", "1024", "--mesh-faces", "20000"),
]


def reify(*arguments: str | Path, cache: Path, check: int | None = 0, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reify", *map(str, arguments)]
    done = subprocess.run(command, env=environment(cache), capture_output=True, text=True, timeout=timeout_s)
    assert check is None or done.returncode == check, done.stderr[-3000:]
    return done


def environment(cache: Path) -> dict[str, str]:
    """The test's own cache, but the compiled kernels of the session."""
    kernels = Path(os.environ["REIFY_CACHE"]) / "kernels"
    cache.mkdir(parents=True, exist_ok=True)
    if kernels.exists() and not (cache / "kernels").exists() and os.name != "nt":
        (cache / "kernels").symlink_to(kernels.resolve(), target_is_directory=True)
    return {**os.environ, "REIFY_CACHE": str(cache)}


@pytest.fixture(scope="module")
def lego(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A folder with everything that a run on lego with its given cameras writes."""
    out = tmp_path_factory.mktemp("lego")
    outputs = [f"-o{out / name}" for name in ("lego.blend", "lego.ply", "lego.glb", "lego.png", "lego.json")]
    reify("run", "photos", data / "lego", *outputs, *QUICK, cache=out / "cache")
    return out


@pytest.fixture(scope="module")
def kermit(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """The same on kermit's pictures alone, without their poses."""
    out = tmp_path_factory.mktemp("kermit")
    alone = (*QUICK, "--no-capture-use-given-cameras")
    reify("run", "photos", data / "kermit" / "images", "-o", out / "kermit.blend", "-o", out / "kermit.json", *alone, cache=out / "cache")
    return out


def open_blend(path: Path) -> dict[str, list]:
    """The objects of the one result in a .blend, by their role."""
    import bpy
    from reify.scene import provenance

    bpy.ops.wm.open_mainfile(filepath=str(path))
    found: dict[str, list] = {}
    for made in bpy.context.scene.objects:
        found.setdefault(provenance.role(made), []).append(made)
    return found


def seen_from(camera, world: np.ndarray) -> np.ndarray:
    """Where Blender's own camera puts points of the world, [N,2] pixels, first row on top."""
    import bpy
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector
    from reify.scene.cameras import fit_render_to

    fit_render_to(camera, bpy.context.scene)
    bpy.context.view_layer.update()
    width, height = camera.data["resolution"]
    seen = np.array([world_to_camera_view(bpy.context.scene, camera, Vector(point)) for point in world])
    return np.stack([seen[:, 0] * width, (1.0 - seen[:, 1]) * height], axis=1)


def vertices(made) -> np.ndarray:
    positions = made.data.attributes["position"].data
    local = np.empty(len(positions) * 3, np.float32)
    positions.foreach_get("vector", local)
    world = np.array(made.matrix_world)
    return local.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def test_lego_becomes_splats_mesh_and_cameras_under_one_empty(lego: Path) -> None:
    found = open_blend(lego / "lego.blend")
    assert {role: len(members) for role, members in found.items()} == {"root": 1, "splats": 1, "mesh": 1, "camera": 50}
    root = found["root"][0]
    assert all(made.parent == root for role, members in found.items() if role != "root" for made in members)
    assert all(made.name.lower().startswith("lego") for role in ("root", "splats", "mesh") for made in found[role])


def test_lego_s_mesh_has_uvs_inside_the_tile_and_a_packed_picture(lego: Path) -> None:
    mesh = open_blend(lego / "lego.blend")["mesh"][0]
    uvs = np.empty(len(mesh.data.loops) * 2, np.float32)
    mesh.data.uv_layers.active.data.foreach_get("uv", uvs)
    assert uvs.min() >= 0.0 and uvs.max() <= 1.0 and uvs.std() > 0.1
    images = [node.image for node in mesh.active_material.node_tree.nodes if node.type == "TEX_IMAGE"]
    assert images and all(image.packed_file for image in images)
    assert any(node.type == "BSDF_PRINCIPLED" for node in mesh.active_material.node_tree.nodes)


def test_lego_s_mesh_lies_inside_its_silhouette_in_blender_s_own_cameras(lego: Path, data: Path) -> None:
    from PIL import Image

    found = open_blend(lego / "lego.blend")
    points = vertices(found["mesh"][0])[::40]
    for camera in found["camera"][::12]:
        alpha = np.asarray(Image.open(data / "lego" / "images" / Path(camera.name).name))[..., 3] > 0
        grown = np.lib.stride_tricks.sliding_window_view(np.pad(alpha, 4), (9, 9)).any(axis=(2, 3))
        x, y = np.floor(seen_from(camera, points)).astype(int).T
        inside = (x >= 0) & (y >= 0) & (x < alpha.shape[1]) & (y < alpha.shape[0])
        assert inside.mean() > 0.98
        assert grown[y[inside], x[inside]].mean() > 0.97, camera.name


def test_lego_s_held_out_views_were_measured_and_stand_on_every_object(lego: Path) -> None:
    from reify.scene import provenance

    report = json.loads((lego / "lego.json").read_text())
    assert report["metrics"]["psnr"] > 21.0 and 0.7 < report["metrics"]["ssim"] <= 1.0
    for members in open_blend(lego / "lego.blend").values():
        for made in members:
            stored = provenance.read(made)
            assert stored["method"] == "photos" and stored["settings"]["training.steps"] == 400 and stored["versions"]


def test_the_glb_and_the_ply_of_lego_are_whole(lego: Path) -> None:
    import bpy
    from reify.backend.formats.splat_ply import read_splat_ply

    report = json.loads((lego / "lego.json").read_text())
    assert len(read_splat_ply(lego / "lego.ply")) == report["metrics"]["splats"]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(lego / "lego.glb"))
    meshes = [made for made in bpy.data.objects if made.type == "MESH"]
    assert len(meshes) == 1 and bpy.data.images
    written = vertices(meshes[0])
    shown = vertices(open_blend(lego / "lego.blend")["mesh"][0])  # which rests on the floor
    assert shown[:, 2].min() == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(written.max(axis=0) - written.min(axis=0), shown.max(axis=0) - shown.min(axis=0), atol=1e-3)


def test_kermit_s_unposed_photos_get_cameras_that_see_the_sparse_points_where_the_backend_does(kermit: Path) -> None:
    from reify.scene.cameras import read_cameras

    report = json.loads((kermit / "kermit.json").read_text())
    assert report["metrics"]["registered"] >= 9 and report["metrics"]["reprojection_error_px"] < 1.5
    found = open_blend(kermit / "kermit.blend")
    points = vertices(found["points"][0])[::10]
    cameras = read_cameras(found["camera"])
    for i, camera in enumerate(found["camera"]):
        in_camera = points @ cameras.cam_from_world[i, :3, :3].T + cameras.cam_from_world[i, :3, 3]
        in_front = in_camera[:, 2] > 0.1
        projected = in_camera[in_front] @ cameras.K[i].T
        np.testing.assert_allclose(seen_from(camera, points[in_front]), projected[:, :2] / projected[:, 2:], atol=0.5)
    heights = [made.matrix_world.col[1].z for made in found["camera"]]
    assert np.median(heights) > 0.5, "the photos were taken upright, so the cameras' up vectors point up in the scene"


def test_another_texture_size_takes_everything_before_it_from_the_cache(lego: Path, data: Path) -> None:
    arguments = [*QUICK, "--texture-size-px", "512"]
    done = reify("run", "photos", data / "lego", "-o", lego / "again.json", *arguments, cache=lego / "cache")
    assert "Training splats" in json.loads(done.stdout)["cached"] and "Texturing" not in json.loads(done.stdout)["cached"]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_a_run_killed_in_training_goes_on_with_what_was_finished(tmp_path: Path, data: Path) -> None:
    arguments = ["run", "photos", data / "kermit", "-o", tmp_path / "out.json", *QUICK, "--training-steps", "100000"]
    command = [sys.executable, "-m", "reify", *map(str, arguments)]
    log = tmp_path / "log"
    with log.open("w") as stream:
        running = subprocess.Popen(command, env=environment(tmp_path / "cache"), stderr=stream, stdout=stream)
        end = time.monotonic() + 240
        while "Training splats" not in log.read_text():
            assert running.poll() is None and time.monotonic() < end, log.read_text()[-2000:]
            time.sleep(0.2)
        time.sleep(3)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert not (tmp_path / "out.json").exists()
    done = reify(*arguments[:-2], cache=tmp_path / "cache")
    assert json.loads(done.stdout)["cached"] == ["Reading photos", "Finding cameras"]


def test_the_demo_leaves_all_its_files(tmp_path: Path) -> None:
    arguments = ["demo", "-o", tmp_path / "demo", "--views", "24", "--size", "256", *QUICK]
    done = reify(*arguments, cache=tmp_path / "cache")
    names = {"scene.blend", "splats.ply", "mesh.glb", "preview.png", "report.json"}
    assert {path.name for path in (tmp_path / "demo").iterdir()} == names
    assert all(name in done.stdout for name in names)
    metrics = json.loads((tmp_path / "demo" / "report.json").read_text())["metrics"]
    assert metrics["registered"] >= 22 and metrics["psnr"] > 18.0
