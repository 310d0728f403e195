"""The exact zip: built by Blender's own builder, installed, enabled, disabled and enabled again in each bpy wheel there is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.blender

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = [path for path in os.environ.get("REIFY_BPY_PYTHONS", "").split(os.pathsep) if path]  # those of other bpy wheels

SESSION = """
import importlib, json, sys, threading, time
import bpy

MODULE = "bl_ext.user_default.reify"

def traces():
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    handlers = {name: len(value) for name, value in lists.items() if isinstance(value, list)}
    types = sorted(name for name in dir(bpy.types) if "reify" in name.lower())
    properties = [owner for owner in ("Scene", "WindowManager", "Object") if hasattr(getattr(bpy.types, owner), "reify")]
    return {"handlers": handlers, "types": types, "properties": properties, "threads": threading.active_count()}

before = traces()
bpy.ops.extensions.package_install_files(filepath=sys.argv[-1], repo="user_default", enable_on_install=True)
enabled = traces()
heavy = [name for name in ("torch", "numba", "pycolmap", "scipy") if name in sys.modules]
seconds = []
for _ in range(20):
    bpy.ops.preferences.addon_disable(module=MODULE)
    started = time.perf_counter()
    bpy.ops.preferences.addon_enable(module=MODULE)
    seconds.append(time.perf_counter() - started)
preferences = bpy.context.preferences.addons[MODULE].preferences
limit = preferences.cache_limit_gb
preferences.cache_folder, preferences.cache_limit_gb = sys.argv[-2], 3
cache = importlib.import_module(MODULE + ".api").environment().cache
again = traces()
has_create = "create" in dir(bpy.ops.reify)
bpy.ops.preferences.addon_disable(module=MODULE)
print("RESULT " + json.dumps({
    "before": before, "enabled": enabled, "again": again, "after": traces(), "heavy": heavy, "create": has_create,
    "preferences": limit, "cache": [str(cache.folder), cache.limit_bytes >> 30], "enable_ms": sorted(seconds)[10] * 1000,
}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    from reify.tools.package import blender_ext

    folder = tmp_path_factory.mktemp("zip")
    builder = [sys.executable, str(blender_ext())]
    subprocess.run([*builder, "validate", str(ROOT)], check=True, capture_output=True)
    subprocess.run([*builder, "build", "--source-dir", str(ROOT), "--output-dir", str(folder)], check=True, capture_output=True)
    return next(folder.glob("reify-*.zip"))


def test_the_zip_holds_the_extension_and_nothing_of_the_workshop(package):
    names = zipfile.ZipFile(package).namelist()
    rooms = {name.split("/")[0] for name in names}
    assert {
        "blender_manifest.toml",
        "__init__.py",
        "LICENSE",
        "backend",
        "scene",
        "operators",
        "panels",
        "cli.py",
        "preferences.py",
    } <= rooms
    assert not rooms & {"tests", "bench", "docs", "dev.py", "tools", "dist", "pyproject.toml"}
    assert not [name for name in names if "__pycache__" in name or "/." in f"/{name}"]


@pytest.mark.parametrize("python", [sys.executable, *PYTHONS])
def test_the_zip_installs_enables_and_disables_without_a_warning_or_a_trace(package, python, tmp_path):
    script = tmp_path / "session.py"
    script.write_text(SESSION)
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "user"), "PYTHONWARNINGS": "default"}
    del environment["REIFY_CACHE"]
    command = [python, str(script), str(tmp_path / "kept"), str(package)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not done.stderr.strip()
    found = json.loads(re.search("^RESULT (.*)$", done.stdout, re.MULTILINE).group(1))
    assert not re.search("(?i)warning|error|traceback", done.stdout)
    assert found["create"] and found["preferences"] == 20
    assert found["cache"] == [str(tmp_path / "kept" / "stages"), 3]
    assert found["heavy"] == []
    assert found["enabled"]["properties"] == ["Scene"]
    assert found["again"] == found["enabled"]
    assert found["after"] == found["before"]
