"""The panel's properties, made from the methods' settings: a property for each option, a group for each method.

They are made when they are first asked for: the methods take longer to read than Blender's start may take.

scene.reify.method                     id of the chosen method
scene.reify.photos.sources             what it is given
scene.reify.photos.preset              where its settings started from
scene.reify.photos.training__steps     the option "training.steps"
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..backend import settings as settings_of
from ..backend.errors import ReifyError
from ..backend.settings import Option
from . import enums
from .redraw import redraw

if TYPE_CHECKING:
    from ..backend.methods import Method

UNITS: dict[str, dict[str, Any]] = {
    "px": {"subtype": "PIXEL"},
    "%": {"subtype": "PERCENTAGE"},
    "s": {"subtype": "TIME_ABSOLUTE", "unit": "TIME_ABSOLUTE"},
    "m": {"subtype": "DISTANCE", "unit": "LENGTH"},
    "°": {"subtype": "ANGLE", "unit": "ROTATION"},
}
LARGEST_INT = 2**31 - 1

_registered: list[type] = []


class ReifySource(bpy.types.PropertyGroup):
    """A file, a folder, or an image of this .blend."""

    path: bpy.props.StringProperty(name="Path", description="File or folder", subtype="FILE_PATH")
    image: bpy.props.PointerProperty(name="Image", description="Image of this file", type=bpy.types.Image)

    @property
    def label(self) -> str:
        """What the list shows."""
        return self.image.name if self.image else Path(bpy.path.abspath(self.path)).name or self.path


def group_of(scene: bpy.types.Scene, method: Method) -> Any:
    """The property group of a method in a scene."""
    return getattr(scene.reify, method.id)


def chosen_method(scene: bpy.types.Scene) -> Method:
    """The method that the panel shows."""
    from ..backend.methods import all_methods

    methods = all_methods()
    return methods.get(scene.reify.method) or next(iter(methods.values()))  # a .blend may name one that this version lacks


def property_name(option: Option) -> str:
    """The name of an option's property: "training.steps" is training__steps."""
    return option.path.replace(".", "__")


def read_settings(method: Method, group: Any) -> Any:
    """A method's settings as the panel has them; raises ReifyError where they can't be used."""
    values = {option.path: _value(option, group) for option in settings_of.options(method.settings)}
    return settings_of.with_values(method.settings(), values)


def settings_or_default(scene: bpy.types.Scene, method: Method) -> Any:
    """A method's settings as the panel has them; its own defaults where the panel has none yet, or none that can be used."""
    if not ready():
        return method.settings()
    try:
        return read_settings(method, group_of(scene, method))
    except ReifyError:
        return method.settings()


def write_settings(method: Method, group: Any, settings: Any) -> None:
    """Show `settings` in the panel."""
    values = settings_of.values(settings)
    for option in settings_of.options(method.settings):
        setattr(group, property_name(option), _stored(option, values[option.path]))


def reset(method: Method, group: Any, title: str) -> None:
    """Set the options of one group, by its title, to the chosen preset's values."""
    preset = settings_of.values(method.preset(group.preset))
    for option in settings_of.options(method.settings):
        if option.group == title:
            setattr(group, property_name(option), _stored(option, preset[option.path]))


def found(method: Method, word: str, translated: Callable[[str], str] = str) -> tuple[Option, ...]:
    """The options whose label, group or description holds a word, in English or as `translated`."""
    wanted = word.casefold()

    def holds(option: Option) -> bool:
        texts = (option.label, option.group, option.help)
        return any(wanted in text.casefold() or wanted in translated(text).casefold() for text in texts)

    return tuple(option for option in settings_of.options(method.settings) if holds(option))


def changed(method: Method, group: Any) -> tuple[Option, ...]:
    """The options that differ from the chosen preset."""
    preset = settings_of.values(method.preset(group.preset))
    return tuple(option for option in settings_of.options(method.settings) if _value(option, group) != preset[option.path])


def register() -> None:
    """Let `scene.reify` be there from the first time that somebody asks for it."""
    bpy.types.Scene.reify = property(_first_use)
    bpy.app.handlers.load_post.append(_after_load)


def unregister() -> None:
    """Take everything back."""
    if _after_load in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_after_load)
    if bpy.app.timers.is_registered(_prepare):
        bpy.app.timers.unregister(_prepare)
    del bpy.types.Scene.reify
    while _registered:
        bpy.utils.unregister_class(_registered.pop())


def ready() -> bool:
    """True once the properties are made; a panel, which may not make them itself, calls `prepare` and waits for its next drawing."""
    return bool(_registered)


def prepare() -> None:
    """Make the properties as soon as Blender is done drawing."""
    if not bpy.app.timers.is_registered(_prepare):
        bpy.app.timers.register(_prepare, first_interval=0.0)


@bpy.app.handlers.persistent
def _after_load(*_arguments: Any) -> None:
    if ready():
        enums.upgrade(("reify",))


def _prepare() -> None:
    _ = bpy.context.scene.reify
    redraw()


def _first_use(scene: bpy.types.Scene) -> Any:
    _register_groups()
    return scene.reify


def _register_groups() -> None:
    from ..backend.methods import all_methods

    methods = all_methods()
    groups = {method.id: _settings_group(method) for method in methods.values()}
    makers = (method for method in methods.values() if not method.changes_things)  # the others are the Convert panel's
    items = enums.items((method.id, method.title, method.summary) for method in makers)
    annotations: dict[str, Any] = {
        "method": bpy.props.EnumProperty(name="Method", description="What to make it from", items=items, default=_first_method(methods)),
        "seed": bpy.props.IntProperty(name="Seed", description="Start of everything random; the same seed gives the same result", min=0),
        "variants": bpy.props.IntProperty(
            name="Variants",
            description="How many to make, by this seed and the next ones; they stand side by side",
            default=1,
            min=1,
            max=16,
        ),
        "search": bpy.props.StringProperty(
            name="Search", description="Show only settings with this in their name or description", options={"TEXTEDIT_UPDATE", "SKIP_SAVE"}
        ),
        "version": bpy.props.EnumProperty(
            name="Version",
            description="Where a result goes whose sources another one was made of before",
            items=(
                ("beside", "Beside", "The new version stands beside the older ones"),
                (
                    "replace",
                    "In Its Place",
                    "The new version takes the newest one's place; what refers to that, and what was done to it, stays",
                ),
            ),
        ),
        **{name: bpy.props.PointerProperty(type=group) for name, group in groups.items()},
    }
    root = type("ReifyScene", (bpy.types.PropertyGroup,), {"__annotations__": annotations, "__doc__": "Reify's properties of a scene."})
    for cls in (ReifySource, *groups.values(), root):
        bpy.utils.register_class(cls)
        _registered.append(cls)
    del bpy.types.Scene.reify
    bpy.types.Scene.reify = bpy.props.PointerProperty(type=root)
    enums.upgrade(("reify",))


def _first_method(methods: dict[str, Method]) -> str:
    return "photos" if "photos" in methods else next(iter(methods))


def _settings_group(method: Method) -> type:
    annotations: dict[str, Any] = {
        "sources": bpy.props.CollectionProperty(type=ReifySource),
        "preset": bpy.props.EnumProperty(
            name="Preset",
            description="Starting point for the settings; choosing one sets all of them",
            items=enums.items((name, name, _preset_tooltip(method, name)) for name in _from_short_to_long(method)),
            default=next(iter(method.presets)),
            update=lambda group, context: write_settings(method, group, method.preset(group.preset)),
        ),
    }
    first = settings_of.values(method.preset(next(iter(method.presets))))
    for option in settings_of.options(method.settings):
        annotations[property_name(option)] = _property(option, first[option.path])
    name = f"ReifySettings_{method.id}"
    return type(name, (bpy.types.PropertyGroup,), {"__annotations__": annotations, "__doc__": f"Settings of {method.title}."})


def _from_short_to_long(method: Method) -> list[str]:
    """The method's presets, those first that take less time; in their own order where nothing tells that."""
    expect = method.expect
    if expect is None or method.changes_things:
        return list(method.presets)
    nothing = method.takes[0](sources=())

    def seconds(name: str) -> float:
        return sum(stage.guess + stage.budget for stage in expect(nothing, method.preset(name)).values())

    return sorted(method.presets, key=seconds)


def _preset_tooltip(method: Method, name: str) -> str:
    changes = method.presets[name]
    labels = {option.path: option.label for option in settings_of.options(method.settings)}
    return ", ".join(f"{labels[path]}: {value}" for path, value in changes.items()) or "The usual settings"


def _property(option: Option, default: Any) -> Any:
    unit = "" if not option.unit or option.unit in UNITS else f" ({settings_of.titled(option.unit)})"
    common: dict[str, Any] = {"name": f"{option.label}{unit}", "description": option.help, "default": _stored(option, default)}
    if option.choices:
        items = enums.items((value, settings_of.titled(value), text) for value, text in option.choices.items())
        return bpy.props.EnumProperty(items=items, **common)
    if option.kind is bool:
        return bpy.props.BoolProperty(**common)
    if option.kind is str:
        return bpy.props.StringProperty(**common)
    limits: dict[str, Any] = {
        name: _stored(option, value) for name, value in (("min", option.low), ("max", option.high)) if value is not None
    }
    kind: dict[str, Any] = UNITS.get(option.unit, {})
    if option.kind is int:
        limits = {name: int(min(value, LARGEST_INT)) for name, value in limits.items()}
        return bpy.props.IntProperty(**common, **limits, **kind)
    return bpy.props.FloatProperty(**common, **limits, **kind, precision=3)


def _stored(option: Option, value: Any) -> Any:
    return math.radians(value) if option.unit == "°" else value  # Blender's angles are radians, whatever it shows


def _value(option: Option, group: Any) -> Any:
    value = getattr(group, property_name(option))
    if option.unit == "°":
        value = math.degrees(value)
    # Blender keeps 32 bits: without rounding 0.2 would come back as 0.20000000298, another setting to cache and provenance.
    return float(f"{value:.7g}") if option.kind is float else value
