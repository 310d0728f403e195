"""Sentences that were generated before: take one again, or forget all."""

from __future__ import annotations

import bpy

from ..session import history


class REIFY_OT_use_sentence(bpy.types.Operator):
    """Write this sentence into the panel again"""

    bl_idname = "reify.use_sentence"
    bl_label = "Use Sentence"
    bl_options = {"REGISTER", "UNDO"}

    sentence: bpy.props.StringProperty(name="Sentence", description="What to make", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it."""
        context.scene.reify.text.text = self.sentence
        return {"FINISHED"}


class REIFY_OT_forget_sentences(bpy.types.Operator):
    """Delete all sentences that were kept; scenes made of them keep their own"""

    bl_idname = "reify.forget_sentences"
    bl_label = "Clear History"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Delete them."""
        history.forget()
        return {"FINISHED"}


CLASSES = (REIFY_OT_use_sentence, REIFY_OT_forget_sentences)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
