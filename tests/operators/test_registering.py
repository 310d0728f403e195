"""Enabling and disabling leaves nothing behind, however often it is done."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.blender

SCRIPT = """
import json, sys, threading
import bpy, reify

def traces():
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    names = ("TOPBAR_MT_file_import", "TOPBAR_MT_file_export", "VIEW3D_MT_add", "VIEW3D_MT_object", "IMAGE_MT_image", "STATUSBAR_HT_header")
    menus = [getattr(bpy.types, name) for name in names]
    return {
        "handlers": {name: len(value) for name, value in lists.items() if isinstance(value, list)},
        "types": sorted(name for name in dir(bpy.types) if "reify" in name.lower()),
        "groups": sorted(cls.__name__ for cls in bpy.types.PropertyGroup.__subclasses__() if cls.is_registered and "Reify" in cls.__name__),
        "properties": [kind for kind in ("Scene", "WindowManager", "Object", "Collection") if hasattr(getattr(bpy.types, kind), "reify")],
        "operators": dir(bpy.ops.reify),
        "menus": sum("reify" in draw.__module__ for menu in menus for draw in getattr(menu.draw, "_draw_funcs", ())),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "path": sys.path[:],
    }

before = traces()
reify.register()
first = traces()
reify.unregister()
for _ in range(20):
    reify.register()
    assert bpy.context.scene.reify.seed == 0  # makes the properties as well
    reify.unregister()
reify.register()
again = traces()
heavy = sorted({"torch", "numba", "scipy", "PIL", "pycolmap", "argparse"} & set(sys.modules))
reify.unregister()
print(json.dumps([before, first, again, traces(), heavy]))
"""


def test_registering_twenty_times_leaves_no_property_handler_thread_or_menu_entry(tmp_path):
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    before, first, again, after, heavy = json.loads(done.stdout.splitlines()[-1])
    assert first["properties"] == ["Scene"] and first["types"] and first["operators"] and first["menus"] == 7
    assert again == first
    assert after == before
    assert heavy == [], "enabling imports what only jobs need"
