"""Get, import, check and remove pretrained weights; nothing is fetched before its license was shown."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import bpy

from ..session import models
from ..session.side_jobs import MODELS
from ..translations import number, told
from .reported import reported

BUSY = "Another model is being fetched"
CARD_WIDTH = 420
LINE_CHARACTERS = 62  # of the license's words, which a card of that width holds


def _model() -> Any:
    return bpy.props.StringProperty(name="Model", description="Id of the model", options={"SKIP_SAVE"})


class REIFY_OT_get_model(bpy.types.Operator):
    """Show the license of these weights and, once it is accepted, download them"""

    bl_idname = "reify.get_model"
    bl_label = "Get Model"

    model: _model()
    accept: bpy.props.BoolProperty(
        name="I have read the license and accept it",
        description="Without this nothing is downloaded",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One at a time."""
        cls.poll_message_set(BUSY)
        return not MODELS.busy

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Show the license card."""
        title = models.entry(self.model).title
        return context.window_manager.invoke_props_dialog(self, width=CARD_WIDTH, title=title, confirm_text="Download")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the license card."""
        entry = models.entry(self.model)
        column = self.layout.column(align=True)
        for line in (f"{number(round(entry.bytes / 1e6))} MB", f"{entry.license.name} · {entry.license.by}"):
            column.label(text=line, translate=False)
        for line in textwrap.wrap(told(entry.license.words), LINE_CHARACTERS):
            column.label(text=line, translate=False)
        self.layout.operator("wm.url_open", text=entry.license.address, translate=False, icon="URL").url = entry.license.address
        self.layout.prop(self, "accept")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start; a script waits for the end."""

        def get() -> None:
            models.get(self.model, self.accept)
            if bpy.app.background:
                MODELS.wait()

        return reported(self, get)


class REIFY_OT_import_model(bpy.types.Operator):
    """Take these weights from a file or folder: a published file, a package that holds it, or a folder with either"""

    bl_idname = "reify.import_model"
    bl_label = "Import…"

    model: _model()
    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One at a time."""
        return REIFY_OT_get_model.poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file or folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start; a script waits for the end."""

        def import_it() -> None:
            models.import_from(self.model, Path(bpy.path.abspath(self.filepath)))
            if bpy.app.background:
                MODELS.wait()

        return reported(self, import_it)


class REIFY_OT_verify_model(bpy.types.Operator):
    """Read these weights again and compare their hashes"""

    bl_idname = "reify.verify_model"
    bl_label = "Verify"

    model: _model()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One at a time."""
        return REIFY_OT_get_model.poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start; a script waits for the end."""

        def verify() -> None:
            models.verify(self.model)
            if bpy.app.background:
                MODELS.wait()

        return reported(self, verify)


class REIFY_OT_remove_model(bpy.types.Operator):
    """Delete these weights from the disk; what is used in place stays, and they can be fetched again"""

    bl_idname = "reify.remove_model"
    bl_label = "Remove Model"

    model: _model()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while one is being fetched."""
        return REIFY_OT_get_model.poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Delete them."""
        return reported(self, lambda: models.remove(self.model))


class REIFY_OT_cancel_model(bpy.types.Operator):
    """End the download; it goes on from here when it is started again"""

    bl_idname = "reify.cancel_model"
    bl_label = "Cancel"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel."""
        MODELS.cancel()
        return {"FINISHED"}


CLASSES = (REIFY_OT_get_model, REIFY_OT_import_model, REIFY_OT_verify_model, REIFY_OT_remove_model, REIFY_OT_cancel_model)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
