"""Selected objects as what a method changes, and what was made of them: read before a job, put in its place after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..backend import settings as settings_of
from ..backend.errors import ReifyError
from . import enums, needs, properties

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task
    from ..backend.methods import Method
    from ..backend.orders import FromObject, Order

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
    try:
        needs.check(method, properties.settings_or_default(context.scene, method))
    except ReifyError as error:
        return str(error).removesuffix(".")
    return ""


def _described(group: Any, context: bpy.types.Context | None) -> list[tuple[str, str, str, int]]:
    _items[:] = enums.items((name, method.title, method.summary) for name, method in methods_for().items())
    return _items


class ReifyConvert(bpy.types.PropertyGroup):
    """How selected objects are converted."""

    method: bpy.props.EnumProperty(
        name="Method", description="What is done with the object", items=_described, default=enums.number("mesh")
    )
    beside: bpy.props.BoolProperty(
        name="Beside the Original", description="Put the result next to the object; else it takes its place, and the object is hidden"
    )
    modifiers: bpy.props.BoolProperty(
        name="Apply Modifiers",
        description="Start from the object as its modifiers make it; else the result keeps the modifiers",
        default=True,
    )


def orders(context: bpy.types.Context, method: Method, settings: Any) -> list[Order]:
    """The orders for each of the selected objects that the method takes; raises ReifyError where there is none."""
    from ..backend.orders import FromObject

    how, file = context.scene.reify_convert, bpy.data.filepath
    placed = [FromObject(source.session_uid, source.name, file, how.beside, how.modifiers) for source in fitting(context, method)]
    if not placed:
        raise ReifyError("None of the selected objects can be converted.", "Select a mesh, splats or a point cloud.")
    return [order_for(method, settings, context.scene, context.scene.reify.seed, of) for of in placed]


def order_for(method: Method, settings: Any, scene: bpy.types.Scene, seed: int, of: FromObject) -> Order:
    """The order to convert one object; raises ReifyError where it holds nothing."""
    from ..backend.orders import Order, Target
    from ..scene.read import given_from

    given = given_from(_object(of, method), of.modifiers)
    return Order(
        method.id, settings_of.values(settings), seed=seed, given=given, target=Target(scene.name, of=of, scene_uid=scene.session_uid)
    )


def order_again(context: bpy.types.Context, method: Method, settings: Any, seed: int) -> Order:
    """The order to make the active object once more of the one that it was made of; raises ReifyError where that is gone."""
    from ..backend.orders import FromObject
    from ..scene import convert

    source = convert.source_of(context.object)
    if source is None:
        raise ReifyError("The object that this was made of is gone.", "Select another object and convert that.")
    how = convert.how_placed(context.object)
    with convert.awake(source):
        of = FromObject(source.session_uid, source.name, bpy.data.filepath, **how, again=True)
        return order_for(method, settings, context.scene, seed, of)


def hand_over(context: bpy.types.Context, task: Task, scene: bpy.types.Scene) -> bpy.types.ID:
    """Put what was made of an object where it belongs, and select it; where the object is gone, into `scene` by itself.

    Returns the new object, or the collection that it came in by itself.
    """
    from ..backend.methods import method_called
    from ..scene import commit, convert

    target = task.context.target
    source = _object(target.of, method_called(task.context.method))
    if source is None:
        return commit.commit(task.result, scene)
    made = convert.place(task.result, source, beside=target.of.beside, modifiers=target.of.modifiers, again=target.of.again)
    context.view_layer.update()  # before it, new objects aren't known there
    if made.name in context.view_layer.objects and context.mode == "OBJECT":
        for other in context.selected_objects:
            other.select_set(False)
        made.select_set(True)
        context.view_layer.objects.active = made
    return made


def _object(of: FromObject, method: Method) -> bpy.types.Object | None:
    """The object with a number, which outlives renaming; without one, as after a crash, the one of that name in the saved file."""
    from ..scene.read import kind_of

    if of.uid:
        return next((other for other in bpy.data.objects if other.session_uid == of.uid), None)
    found = bpy.data.objects.get(of.name) if of.file and of.file == bpy.data.filepath else None
    return found if kind_of(found) in method.takes else None


@bpy.app.handlers.persistent
def _after_load(*_arguments: Any) -> None:
    enums.upgrade(("reify_convert",))


def register() -> None:
    """Make the properties known."""
    bpy.utils.register_class(ReifyConvert)
    bpy.types.Scene.reify_convert = bpy.props.PointerProperty(type=ReifyConvert)
    bpy.app.handlers.load_post.append(_after_load)


def unregister() -> None:
    """Take them back."""
    if _after_load in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_after_load)
    del bpy.types.Scene.reify_convert
    bpy.utils.unregister_class(ReifyConvert)
