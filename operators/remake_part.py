"""Regenerate This Part: one thing of a sentence's scene once more, while all the rest stays."""

from __future__ import annotations

import bpy

from ..session import parts_of_text
from .reported import reported


class REIFY_OT_remake_part(bpy.types.Operator):
    """Make the active thing of a sentence's scene again, with another seed or as another thing; it stays where it is, as does the rest"""

    bl_idname = "reify.remake_part"
    bl_label = "Regenerate This Part"
    bl_options = {"REGISTER", "UNDO"}

    seed: bpy.props.IntProperty(
        name="Seed",
        description="Each makes a variant; -1 is the one after that it was made with",
        default=-1,
        min=-1,
        options={"SKIP_SAVE"},
    )
    thing: bpy.props.StringProperty(
        name="Thing", description="What it shall be, such as: armchair; empty keeps what it is", options={"SKIP_SAVE"}
    )
    alike: bpy.props.BoolProperty(
        name="All of Its Kind", description="Change all that share its mesh, such as four chairs; else this one alone", default=True
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only things of sentences' scenes."""
        cls.poll_message_set("Select a thing of a scene that From Text has made")
        return context.mode == "OBJECT" and parts_of_text.part_of(context.object) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make it."""

        def make() -> None:
            item = context.object
            found = parts_of_text.part_of(item)
            assert item is not None and found is not None
            if self.seed < 0:  # shown below the viewport, where it can be changed
                self.seed = found.seed + 1
            parts_of_text.remake(item, self.seed, self.thing, self.alike)

        return reported(self, make)


CLASSES = (REIFY_OT_remake_part,)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
