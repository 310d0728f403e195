"""What `dev.py package` builds besides the plain zip, by the builder of the bpy wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from reify.backend.values import Splats
from reify.tools import package

pytestmark = pytest.mark.blender


def test_a_repository_lists_the_zip_that_lies_in_it(tmp_path: Path) -> None:
    assert package.main(["--repository", "--output", str(tmp_path)]) == 0
    listing = json.loads((tmp_path / "repository" / "index.json").read_text())
    (entry,) = listing["data"]
    assert entry["id"] == "reify" and (tmp_path / "repository" / entry["archive_url"]).is_file()
    assert entry["archive_size"] == (tmp_path / "repository" / entry["archive_url"]).stat().st_size
    assert "Reify" in (tmp_path / "repository" / "index.html").read_text()


def test_two_builds_at_once_do_not_get_in_each_others_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=30)

    def builder(what: str, *options: str) -> None:
        if what == "build":
            unfinished = Path(options[options.index("--output-dir") + 1], ".reify-1.zip")  # as Blender's own calls it
            unfinished.touch(exist_ok=False)
            both.wait()
            unfinished.rename(unfinished.with_name("reify-1.zip"))

    monkeypatch.setattr(package, "_blender", builder)
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(package.main, [["--output", str(tmp_path)]] * 2)) == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["reify-1.zip"]


def test_a_zip_with_wheels_names_them_and_leaves_numpy_to_blender(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    for name in ("reify_one-1.0-py3-none-any.whl", "numpy-1.26.4-cp311-cp311-linux_x86_64.whl"):
        with zipfile.ZipFile(tmp_path / "wheels" / name, "w") as wheel:
            wheel.writestr("reify_one.py", "")
    assert package.main(["--with-wheels", "--wheels", str(tmp_path / "wheels"), "--output", str(tmp_path / "out")]) == 0
    (built,) = (tmp_path / "out").iterdir()
    subprocess.run([sys.executable, str(package.blender_ext()), "validate", str(built)], check=True, capture_output=True)
    with zipfile.ZipFile(built) as whole:
        manifest = tomllib.loads(whole.read("blender_manifest.toml").decode())
        assert [name for name in whole.namelist() if name.endswith(".whl")] == ["wheels/reify_one-1.0-py3-none-any.whl"]
        assert "backend/engine/lock.txt" in whole.namelist()
    assert manifest["wheels"] == ["./wheels/reify_one-1.0-py3-none-any.whl"] and len(manifest["platforms"]) == 1
    assert built.name.endswith(f"{manifest['platforms'][0].replace('-', '_')}.zip")


SESSION = """
import sys
import bpy
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
bpy.ops.reify.import_splats(filepath=sys.argv[2])
made = bpy.context.object
print("MADE", made.name, len(made.modifiers), len(made.data.attributes["position"].data))
bpy.ops.preferences.addon_disable(module="bl_ext.user_default.reify_display")
left = [name for name in dir(bpy.types) if "reify" in name.lower()]
print("LEFT", left, [name for name in ("torch", "numba", "scipy", "safetensors") if name in sys.modules])
"""


def test_the_build_without_an_engine_shows_splats_with_numpy_alone(tmp_path: Path) -> None:
    from reify.backend.formats.splat_ply import write_splat_ply

    assert package.main(["--display-only", "--output", str(tmp_path / "out")]) == 0
    (built,) = (tmp_path / "out").iterdir()
    one = np.ones((7, 1), np.float32)
    splats = Splats(np.tile(one, 3), one * [[1, 0, 0, 0]], np.tile(-3 * one, 3), one[:, 0], np.full((7, 1, 3), 0.5, np.float32))
    write_splat_ply(splats, tmp_path / "seven.ply")
    (tmp_path / "session.py").write_text(SESSION)
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "user")}
    command = [sys.executable, str(tmp_path / "session.py"), str(built), str(tmp_path / "seven.ply")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "MADE seven 1 7" in done.stdout and "LEFT [] []" in done.stdout, done.stdout + done.stderr
    assert zipfile.ZipFile(built).testzip() is None and built.name.startswith("reify_display-")


def test_wheels_of_a_python_go_only_to_the_blenders_that_have_it() -> None:
    plain = 'id = "reify"\nblender_version_min = "4.5.0"\n'
    before = tomllib.loads(package.bundled(plain, ["./wheels/a.whl"], "linux-x64", (3, 11)))
    assert (before["blender_version_min"], before["blender_version_max"]) == ("4.5.0", "5.1.0")
    after = tomllib.loads(package.bundled(plain, ["./wheels/a.whl"], "linux-x64", (3, 13)))
    assert after["blender_version_min"] == "5.1.0" and "blender_version_max" not in after
