"""Makes the files in this folder, with a checkout of the version whose users have them; see README.md.

    PYTHONPATH=FOLDER python make.py OUT       FOLDER/reify is the checkout, OUT becomes the files; /captures must be free

What they were made from lies at /captures, so that no file names a place on the machine that made them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import reify
from reify import cli
from reify.backend import settings as settings_of
from reify.backend.formats.images import write_png
from reify.backend.jobs.runner import State
from reify.backend.methods import all_methods
from reify.backend.values import Given, Mesh
from reify.operators import create, pump, session
from reify.operators.properties import group_of, write_settings
from reify.scene import chosen
from reify.scene.studio import render_capture

CAPTURES = Path("/captures")
SMALL = {  # as quick and as small as it gets
    "photos": {
        "cameras.features": 2000,
        "training.seconds": 0,
        "training.steps": 60,
        "training.long_side_px": 128,
        "training.max_splats": 150,
        "training.sh_degree": 1,
        "surface.max_voxels": 1,
        "mesh.faces": 300,
        "texture.size_px": 128,
    },
    "image": {"method": "layers", "faces": 250, "cutout.by": "plain"},
    "mesh": {"faces": 200, "lods": 1, "holes": "all", "unwrap": True},
    "surface": {"extraction": "poisson", "mesh.faces": 200},
}


def main(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    chosen.user_folder = lambda name: out / "user" / name
    if not (CAPTURES / "fox").is_dir():
        render_capture(CAPTURES / "fox", views=16, size_px=192, samples=3)
    draw(CAPTURES / "mug.png")
    reify.register()
    scene(out / "scene.blend")
    presets(out / "presets")
    job_files(out / "jobs")
    write_json(out / "command_line.json", flags())
    write_json(out / "interface.json", interface())
    write_json(out / "settings.json", SMALL)
    subprocess.run([sys.executable, __file__, str(out), "--queue"], check=True)
    for file in (out / "queue").glob("*.json"):  # tracebacks
        text = file.read_text(encoding="utf-8")
        file.write_text(
            text.replace(str(Path(reify.__file__).absolute().parents[1]), "/extensions").replace(sys.base_prefix, "/usr"), encoding="utf-8"
        )
    shutil.rmtree(out / "user", ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def draw(path: Path) -> None:
    """A red mug with a blue handle on white."""
    y, x = np.mgrid[:96, :96]
    picture = np.full((96, 96, 3), 255, np.uint8)
    ring = np.hypot(x - 66, y - 48)
    picture[(ring < 20) & (ring > 12)] = (30, 60, 200)
    picture[(abs(x - 44) < 20) & (abs(y - 48) < 28)] = (200, 40, 30)
    write_png(path, picture)


def scene(path: Path) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.reify.seed = 3
    for method in all_methods().values():
        group = group_of(scene, method)
        group.preset = list(method.presets)[1]
        given = settings_of.with_values(method.preset(group.preset), SMALL[method.id])
        write_settings(method, group, given)
    bpy.ops.reify.add_folder(directory=str(CAPTURES / "fox"))
    bpy.ops.reify.create()
    scene.reify.method = "image"
    bpy.ops.reify.add_files(directory=str(CAPTURES), files=[{"name": "mug.png"}])
    bpy.ops.reify.create()
    bpy.ops.mesh.primitive_uv_sphere_add(segments=24, ring_count=16, location=(3, 0, 0))
    bpy.context.object.name = "Ball"
    scene.reify_convert.method = "mesh"
    bpy.ops.reify.convert()
    bpy.context.view_layer.objects.active = splats = bpy.data.objects["fox Splats"]
    for other in bpy.context.selected_objects:
        other.select_set(False)
    splats.hide_viewport = False
    splats.select_set(True)
    scene.reify_convert.method, scene.reify_convert.beside = "surface", True
    bpy.ops.reify.convert()
    bpy.ops.wm.save_as_mainfile(filepath=str(CAPTURES / path.name), compress=True)
    shutil.copy(CAPTURES / path.name, path)


def presets(folder: Path) -> None:
    scene = bpy.context.scene
    for method in all_methods().values():
        if method.changes_things:
            scene.reify_convert.method = method.id
            source = "Ball_LOD0" if method.id == "mesh" else "fox Splats"
            bpy.context.view_layer.objects.active = made = bpy.data.objects[source]
            for other in bpy.context.selected_objects:
                other.select_set(False)
            made.hide_viewport = False
            made.select_set(True)
            bpy.ops.reify.add_convert_preset(name="mine")
        else:
            scene.reify.method = method.id
            bpy.ops.reify.add_preset(name="mine")
        folder.mkdir(exist_ok=True)
        saved = Path(bpy.utils.user_resource("SCRIPTS", path="presets")) / "reify" / method.id / "mine.py"
        shutil.move(saved, folder / f"{method.id}.py")


def job_files(folder: Path) -> None:
    folder.mkdir()
    inputs = {"photos": "fox", "image": "mug.png", "mesh": "ball.glb", "surface": "splats.ply"}
    for method in all_methods().values():
        values = {option.path: option for option in settings_of.options(method.settings)}
        words = [f"{values[path].flag}={value}" for path, value in SMALL[method.id].items() if values[path].kind is not bool]
        words += [values[path].flag for path in SMALL[method.id] if values[path].kind is bool]
        words = ["run", method.id, str(CAPTURES / inputs[method.id]), "-o", str(CAPTURES / "out.glb"), *words]
        words += ["--preset", list(method.presets)[1], "--seed", "3", "--name", "Mine", "--save-job", str(folder / f"{method.id}.json")]
        assert cli.main(words) == 0, words


def flags() -> dict[str, Any]:
    """Every command with its flags, and the choices of those that have some."""
    found: dict[str, Any] = {}

    def walk(parser: argparse.ArgumentParser, command: str) -> None:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, inner in action.choices.items():
                    walk(inner, f"{command} {name}".strip())
            elif not isinstance(action, argparse._HelpAction):
                found.setdefault(command, {}).update(dict.fromkeys(action.option_strings, action.choices))

    walk(cli.parser(), "")
    return found


def interface() -> dict[str, Any]:
    """What scripts, keymaps and .blend files name: operators and panels by id, properties with the numbers of their items."""
    _ = bpy.context.scene.reify
    operators = {name: _properties(getattr(bpy.ops.reify, name).get_rna_type()) for name in dir(bpy.ops.reify)}
    kinds = sorted(name for name in dir(bpy.types) if "reify" in name.lower() and not name.startswith("REIFY_OT"))
    panels = [name for name in kinds if issubclass(getattr(bpy.types, name), (bpy.types.Panel, bpy.types.Menu, bpy.types.FileHandler))]
    groups = {method.id: _properties(group_of(bpy.context.scene, method).bl_rna) for method in all_methods().values()}
    scene = {"reify": _properties(bpy.context.scene.reify.bl_rna), "reify_convert": _properties(bpy.context.scene.reify_convert.bl_rna)}
    preferences = ["cache_folder", "cache_limit_gb", "show_colors", "torch_build"]
    return {"operators": operators, "panels": panels, "scene": scene, "groups": groups, "preferences": preferences}


def _properties(rna: Any) -> dict[str, Any]:
    found = {}
    for name, known in rna.properties.items():
        if name not in ("rna_type", "name") or (name == "name" and not rna.identifier.startswith("Reify")):
            items = {item.identifier: item.value for item in known.enum_items} if known.type == "ENUM" else None
            found[name] = items or known.type
    return found


def queue(folder: Path) -> None:
    """A queue as a Blender that went away in the middle of a job leaves it."""
    reify.register()
    scene = bpy.context.scene
    session.remember(folder)
    methods = all_methods()
    settings = {name: settings_of.with_values(method.settings(), SMALL[name]) for name, method in methods.items()}

    def start(name: str, inputs: Any, **how: Any) -> Any:
        return session.start(methods[name], inputs, settings[name], scene, 3, **how)

    (mug,) = create.jobs_for(methods["image"], (CAPTURES / "mug.png",), settings["image"])
    create.wait(start("image", mug))
    settings["image"] = settings_of.with_values(settings["image"], {"method": "relief", "cutout.by": "alpha"})
    failed = start("image", type(mug)((CAPTURES / "gone.png",)))
    until(lambda: failed.state.ended)
    settings["photos"] = settings_of.with_values(settings["photos"], {"training.steps": 7000, "mesh.faces": 777})
    (fox,) = create.jobs_for(methods["photos"], (CAPTURES / "fox",), settings["photos"])
    cancelled = start("photos", fox)
    until(lambda: cancelled.progress is not None)
    session.runner().cancel(cancelled)
    until(lambda: cancelled.state.ended)
    running = start("photos", fox)
    cube = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
    faces = [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ]
    given = Given(Mesh(cube, np.array(faces, np.int32)), "Box")
    place = {"object": 5, "name": "Box", "file": str(CAPTURES / "scene.blend"), "beside": False, "modifiers": True, "again": False}
    queued = start("mesh", given, place=place)
    until(lambda: session._ledger.keeps(queued.id) and running.progress is not None and running.progress.overall > 0.02)
    assert [task.state for task in session.tasks()] == [State.DONE, State.FAILED, State.CANCELLED, State.RUNNING, State.QUEUED]
    time.sleep(6)
    os._exit(0)


def until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        pump.tick()
        time.sleep(0.05)


if __name__ == "__main__":
    folder = Path(sys.argv[1]).absolute()
    queue(folder / "queue") if "--queue" in sys.argv else main(folder)
