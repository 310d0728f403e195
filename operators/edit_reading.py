"""Change what was understood of a sentence, before it is made: a thing, a relation, one more, one fewer; and read it anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import bpy

from ..backend.errors import ReifyError
from ..session import understanding
from .reported import reported

if TYPE_CHECKING:
    from ..backend.prompt.parsed import Parse, Relation

TAKES = ("noun", "count", "color", "material", "size", "style")  # of an entity, what the dialog shows
NEW = -1  # index of what isn't there yet

_names: list[tuple[str, str, str]] = []  # Blender needs the texts of an enum to be kept


def _read(context: bpy.types.Context) -> Parse:
    group = context.scene.reify.text
    return understanding.parse_of(group.text, group.reading)


def _materials(_self: Any, _context: Any, typed: str) -> list[str]:
    from ..backend.prompt.words import MATERIALS

    return sorted({word for word in MATERIALS.values() if typed in word})


def _colors(_self: Any, _context: Any, typed: str) -> list[str]:
    from ..backend.prompt.words import COLORS

    return [word for word in COLORS if typed in word]


def _sizes(_self: Any, _context: Any, typed: str) -> list[str]:
    from ..backend.prompt.words import SIZES

    return [word for word in SIZES if typed in word]


def _styles(_self: Any, _context: Any, typed: str) -> list[str]:
    from ..backend.prompt.words import STYLES

    return sorted({word for word in STYLES.values() if typed in word})


def _nouns(_self: Any, _context: Any, typed: str) -> list[str]:
    from ..backend.shapes import catalogue

    return sorted(word for word in catalogue.sizes() if typed in word)


def _kinds(_self: Any, _context: Any) -> list[tuple[str, str, str]]:
    from ..backend.prompt.editing import KINDS

    return _kept([(kind, kind, "") for kind in KINDS])


def _things(_self: Any, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    from ..backend.prompt.sentence import labels

    try:
        return _kept([(str(i), name, "") for i, name in enumerate(labels(_read(context)))])
    except ReifyError:
        return _kept([("0", "", "")])


def _kept(items: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    _names.extend(item for item in items if item not in _names)
    return [_names[_names.index(item)] for item in items]


class ReadingOperator:
    """What changes the sentence's reading in the panel."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with a sentence."""
        cls.poll_message_set("Write a sentence first")  # type: ignore[attr-defined]
        return bool(context.scene.reify.text.text.strip())


class REIFY_OT_edit_thing(ReadingOperator, bpy.types.Operator):
    """Change what this thing is, how many there are, and how they look; or leave it out"""

    bl_idname = "reify.edit_thing"
    bl_label = "Change Thing"
    bl_options = {"REGISTER", "UNDO"}

    index: bpy.props.IntProperty(default=NEW, options={"HIDDEN", "SKIP_SAVE"})
    noun: bpy.props.StringProperty(name="Thing", description="What it is", search=_nouns, options={"SKIP_SAVE"})
    count: bpy.props.IntProperty(name="Count", description="How many", default=1, min=1, max=100, options={"SKIP_SAVE"})
    color: bpy.props.StringProperty(name="Color", description="Empty for its own", search=_colors, options={"SKIP_SAVE"})
    material: bpy.props.StringProperty(name="Material", description="Empty for its own", search=_materials, options={"SKIP_SAVE"})
    size: bpy.props.StringProperty(name="Size", description="Empty for its real size", search=_sizes, options={"SKIP_SAVE"})
    style: bpy.props.StringProperty(name="Style", description="Empty for the scene's", search=_styles, options={"SKIP_SAVE"})
    leave_out: bpy.props.BoolProperty(name="Leave Out", description="Make the scene without it", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Show what was understood."""
        found = _read(context)
        if 0 <= self.index < len(found.entities):
            for name in TAKES:
                setattr(self, name, getattr(found.entities[self.index], name))
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Change it."""
        return reported(self, lambda: understanding.change(context, self._changed))

    def _changed(self, found: Parse) -> Parse:
        from ..backend.prompt import editing
        from ..backend.shapes import catalogue

        count = len(found.entities)
        if self.leave_out:
            if count < 2:
                raise ReifyError("Nothing would be left.", "Write another sentence.")
            return editing.only(found, [i for i in range(count) if i != self.index])
        changes = {name: getattr(self, name) for name in TAKES}
        return editing.with_entity(found, self.index if 0 <= self.index < count else count, changes, catalogue.sizes())


class REIFY_OT_edit_relation(ReadingOperator, bpy.types.Operator):
    """Change how two things stand to each other; or let them stand anywhere"""

    bl_idname = "reify.edit_relation"
    bl_label = "Change Relation"
    bl_options = {"REGISTER", "UNDO"}

    index: bpy.props.IntProperty(default=NEW, options={"HIDDEN", "SKIP_SAVE"})
    subject: bpy.props.EnumProperty(name="Thing", description="What stands there", items=_things, options={"SKIP_SAVE"})
    kind: bpy.props.EnumProperty(name="Relation", description="How it stands to the other", items=_kinds, options={"SKIP_SAVE"})
    other: bpy.props.EnumProperty(name="Other", description="What it stands by", items=_things, options={"SKIP_SAVE"})
    leave_out: bpy.props.BoolProperty(name="Leave Out", description="Let them stand anywhere", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Show what was understood."""
        from ..backend.prompt.editing import KINDS

        found = _read(context)
        if 0 <= self.index < len(found.relations):
            relation = found.relations[self.index]
            self.subject, self.other = str(relation.subject), str(relation.objects[0])
            if relation.kind in KINDS:
                self.kind = relation.kind
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Change it."""
        return reported(self, lambda: understanding.change(context, self._changed))

    def _changed(self, found: Parse) -> Parse:
        from ..backend.prompt import editing
        from ..backend.prompt.parsed import Relation

        index = self.index if 0 <= self.index < len(found.relations) else len(found.relations)
        if self.leave_out:
            return editing.with_relation(found, index, None)
        relation = Relation(self.kind, int(self.subject), (int(self.other),))
        if index < len(found.relations):
            relation = _with_others(relation, found.relations[index])
        return editing.with_relation(found, index, relation)


def _with_others(relation: Relation, before: Relation) -> Relation:
    """The relation with the further things that the earlier one had, such as both of "between"."""
    if relation.kind != before.kind:
        return relation
    return replace(relation, objects=tuple(dict.fromkeys((*relation.objects, *(i for i in before.objects[1:] if i != relation.subject)))))


class REIFY_OT_read_anew(ReadingOperator, bpy.types.Operator):
    """Take back all changes: what the sentence says counts again"""

    bl_idname = "reify.read_anew"
    bl_label = "Read the Sentence Anew"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take them back."""
        context.scene.reify.text.reading = ""
        return {"FINISHED"}


CLASSES = (REIFY_OT_edit_thing, REIFY_OT_edit_relation, REIFY_OT_read_anew)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
