"""From a result to another program, with a job that computes nothing: steady buttons, names, the floor, export, search, numbers."""

from __future__ import annotations

import dataclasses
import runpy
import threading
from pathlib import Path

import bpy

PHOTOS = Path("/home/artist/Pictures/figure")
CREATE = "bpy.ops.reify.create"


def run(window):
    from bl_ext.user_default.reify.backend.jobs.needs import Needs
    from bl_ext.user_default.reify.backend.methods import photos

    made_at_once = runpy.run_path(str(window.folder / "artist.py"))["made_at_once"]
    go_on = threading.Event()

    def made(inputs, settings, job):
        go_on.wait(120.0)
        return made_at_once(inputs, settings, job)

    yield from window.install_engine()
    photos.METHOD = dataclasses.replace(photos.METHOD, run=made, needs=Needs(), stages=("Training splats",))
    yield from window.open_sidebar("Reify")
    yield 1.5
    yield from buttons_and_names(window, go_on)
    yield from floor_and_export(window)
    yield from found_by_search(window)
    settings_and_numbers(window)


def buttons_and_names(window, go_on):
    """Generate stays where it is while sources come; a job is called as its capture, and can be renamed while it runs."""
    columns = [int(0.35 * window.sidebar.width)]
    before = yield from window.find(CREATE, window.area, window.sidebar, columns)
    bpy.ops.reify.drop_files(directory=str(PHOTOS.parent), files=[{"name": PHOTOS.name}], method="photos")
    yield 2.0
    after = yield from window.find(CREATE, window.area, window.sidebar, columns)
    from bl_ext.user_default.reify.session import pump, queue, texts

    task = yield from window.start(CREATE, "Generate")
    named = texts.name_of(task)
    queue.rename(task, "Kiki")
    go_on.set()
    yield from window.until(lambda: task.state.ended and task.number in pump._shown.handed_over, "the result in the scene")
    yield 1.0
    window.note(button=(before, after), named=named, renamed=[made.name for made in bpy.context.selected_objects])


def floor_and_export(window):
    """The result stands on the floor with its origin at its foot; Export writes it with what is beside it."""
    made = bpy.context.object
    corners = [(made.matrix_world @ vertex.co).z for vertex in made.data.vertices]
    for ending in (".glb", ".obj"):
        bpy.ops.reify.export_result("EXEC_DEFAULT", filepath=str(window.folder / f"kiki{ending}"), file_format=ending)
    yield 0.5
    window.note(lowest=min(corners), files=sorted(path.name for path in window.folder.glob("kiki.*")))


def found_by_search(window):
    """F3, a few letters, Return: what is found says what it belongs to, and does it."""
    made = bpy.context.object
    root = made
    while root.parent is not None:
        root = root.parent
    root.location.z += 3.0
    bpy.ops.ed.undo_push(message="Lift")
    yield 0.5
    yield from window.key("F3")
    yield 1.0
    yield from window.type("rest result")
    yield from window.shot("searched")
    yield from window.key("RET")
    yield 1.5
    bpy.context.view_layer.update()
    window.note(rested=min((made.matrix_world @ vertex.co).z for vertex in made.data.vertices))


def settings_and_numbers(window):
    """A word finds settings, one click takes a group back to its preset, and German numbers have their comma."""
    from bl_ext.user_default.reify.backend.methods import method_called
    from bl_ext.user_default.reify.panels.parts import figures, say
    from bl_ext.user_default.reify.session import properties

    method, group = method_called("photos"), bpy.context.scene.reify.photos
    window.note(found=[option.path for option in properties.found(method, "faces", say)])
    usual = group.mesh__faces
    group.mesh__faces = 1234
    title = next(option.group for option in properties.changed(method, group))
    bpy.ops.reify.reset_group(method="photos", group=title)
    window.note(reset=group.mesh__faces == usual)
    view = bpy.context.preferences.view
    if "de_DE" in bpy.app.translations.locales:
        view.language, view.use_translate_interface = "de_DE", True
        window.note(german=figures({"splats": 81204.0, "psnr": 27.31}))
        view.language = "en_US"
