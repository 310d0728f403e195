"""Change what is there: selected objects through the methods that take meshes, splats or points."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import bpy

from ..backend import settings as settings_of
from ..backend.errors import ReifyError
from . import create, session
from .properties import group_of, read_settings
from .reported import reported

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task
    from ..backend.methods import Method

_items: list[tuple[str, str, str, int]] = []  # Blender keeps no strings of items that a function gives


def methods_for(kind: type | None = None) -> dict[str, Method]:
    """The methods that change something that exists, or only those that take `kind`."""
    from ..backend.methods import all_methods

    found = {name: method for name, method in all_methods().items() if method.changes_things}
    return {name: method for name, method in found.items() if kind is None or kind in method.takes}


def chosen(context: bpy.types.Context) -> Method | None:
    """The method that the panel shows for the active object: the chosen one where that fits, else the first that does."""
    kind = kind_of_active(context)
    offered = methods_for(kind) if kind is not None else {}
    return offered.get(context.scene.reify_convert.method) or next(iter(offered.values()), None)


def kind_of_active(context: bpy.types.Context) -> type | None:
    """What the active object holds, if it is selected."""
    from ..scene.read import kind_of

    return kind_of(context.object) if context.object is not None and context.object.select_get() else None


def fitting(context: bpy.types.Context, method: Method) -> list[bpy.types.Object]:
    """The selected objects that a method takes."""
    from ..scene.read import kind_of

    return [source for source in context.selected_objects if kind_of(source) in method.takes]


def why_not(context: bpy.types.Context) -> str:
    """Why nothing can be converted now, in one sentence with the way out; empty where it can."""
    if context.mode != "OBJECT":
        return "Leave Edit Mode first"
    method = chosen(context)
    if method is None:
        return "Select a mesh, splats or a point cloud"
    if method.missing():
        return "Install the engine in Reify's preferences first"
    return ""


def _described(properties: Any, context: bpy.types.Context | None) -> list[tuple[str, str, str, int]]:
    _items[:] = [(name, method.title, method.summary, _number(name)) for name, method in methods_for().items()]
    return _items


def _number(name: str) -> int:
    # Its own, not its position: .blend files keep the number.
    return zlib.crc32(name.encode()) >> 1


class ReifyConvert(bpy.types.PropertyGroup):
    """How selected objects are converted."""

    method: bpy.props.EnumProperty(name="Method", description="What is done with the object", items=_described, default=_number("mesh"))
    beside: bpy.props.BoolProperty(
        name="Beside the Original", description="Put the result next to the object; else it takes its place, and the object is hidden"
    )
    modifiers: bpy.props.BoolProperty(
        name="Apply Modifiers",
        description="Start from the object as its modifiers make it; else the result keeps the modifiers",
        default=True,
    )


class REIFY_OT_convert(bpy.types.Operator):
    """Clean, simplify or turn the selected objects into others; the originals are kept"""

    bl_idname = "reify.convert"
    bl_label = "Convert"
    bl_options = {"REGISTER"}

    method: bpy.props.StringProperty(name="Method", description="Id of the method; empty for the one that the panel shows")
    preset: bpy.props.StringProperty(name="Preset", description="Name of a preset; empty for the panel's settings")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be something that a method takes."""
        if reason := why_not(context):
            cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        return reported(self, lambda: self._start(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait."""
        return reported(self, lambda: create.wait(*self._start(context)))

    def _start(self, context: bpy.types.Context) -> list[Task]:
        from ..backend.methods import method_called

        method = method_called(self.method) if self.method else chosen(context)
        sources = fitting(context, method) if method is not None else []
        if not sources:
            raise ReifyError("None of the selected objects can be converted.", "Select a mesh, splats or a point cloud.")
        settings = method.preset(self.preset) if self.preset else read_settings(method, group_of(context.scene, method))
        how = context.scene.reify_convert
        scene = context.scene
        with session.runner().held():
            return [
                start(method, source, settings, scene, scene.reify.seed, beside=how.beside, modifiers=how.modifiers, again=False)
                for source in sources
            ]


def start(method: Method, source: bpy.types.Object, settings: Any, scene: bpy.types.Scene, seed: int, **how: bool) -> Task:
    """Put the conversion of one object into the queue; raises ReifyError where it holds nothing.

    `how` is what `scene.convert.place` is told: `beside`, `modifiers`, `again`.
    """
    from ..scene.read import given_from

    given = given_from(source, how["modifiers"])
    place = {"object": source.session_uid, "name": source.name, "file": bpy.data.filepath, **how}
    return session.start(method, given, settings, scene, seed, place=place)


def again(context: bpy.types.Context, method: Method, stored: dict[str, Any]) -> Task:
    """Make the active object once more of the one that it was made of; raises ReifyError where that is gone."""
    from ..scene import convert

    source = convert.source_of(context.object)
    if source is None:
        raise ReifyError("The object that this was made of is gone.", "Select another object and convert that.")
    known = {option.path for option in settings_of.options(method.settings)}
    settings = settings_of.with_values(method.settings(), {path: value for path, value in stored["settings"].items() if path in known})
    with convert.awake(source):
        return start(method, source, settings, context.scene, stored["seed"], **{**convert.how_placed(context.object), "again": True})


def hand_over(context: bpy.types.Context, task: Task) -> bpy.types.ID:
    """Put what was made of an object where it belongs, and select it; where the object is gone, into the scene by itself.

    Returns the new object, or the collection that it came in by itself.
    """
    from ..backend.methods import method_called
    from ..scene import commit, convert

    how = dict(task.context.place)
    source = _source(how.pop("object"), how.pop("name"), how.pop("file"), method_called(task.context.method))
    if source is None:
        return commit.commit(task.result, bpy.data.scenes.get(task.context.scene) or context.scene)
    made = convert.place(task.result, source, **how)
    context.view_layer.update()  # before it, new objects aren't known there
    if made.name in context.view_layer.objects:
        for other in context.selected_objects:
            other.select_set(False)
        made.select_set(True)
        context.view_layer.objects.active = made
    return made


def _source(uid: int, name: str, file: str, method: Method) -> bpy.types.Object | None:
    """The object with a number, which outlives renaming; without one, as after a crash, the one of that name in the saved file."""
    from ..scene.read import kind_of

    if uid:
        return next((other for other in bpy.data.objects if other.session_uid == uid), None)
    found = bpy.data.objects.get(name) if file and file == bpy.data.filepath else None
    return found if kind_of(found) in method.takes else None


def register() -> None:
    """Make the operator and its properties known."""
    bpy.utils.register_class(ReifyConvert)
    bpy.utils.register_class(REIFY_OT_convert)
    bpy.types.Scene.reify_convert = bpy.props.PointerProperty(type=ReifyConvert)


def unregister() -> None:
    """Take them back."""
    del bpy.types.Scene.reify_convert
    bpy.utils.unregister_class(REIFY_OT_convert)
    bpy.utils.unregister_class(ReifyConvert)
