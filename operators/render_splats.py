"""Splats and the scene around them into EXR files, by Reify's own rasterizer."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

from ..backend.errors import ReifyError
from ..translations import told
from .reported import reported

TICK_S = 0.01


class REIFY_OT_render_splats(bpy.types.Operator):
    """Render the scene's splats as they were trained, quicker than an engine, amid the meshes as the scene's engine renders them"""

    bl_idname = "reify.render_splats"
    bl_label = "Render Splats"

    animation: bpy.props.BoolProperty(name="Animation", description="All frames of the scene instead of this one", options={"SKIP_SAVE"})
    with_scene: bpy.props.BoolProperty(
        name="With Scene", description="Composite with meshes and world by depth, rendered by the scene's engine", default=True
    )
    filepath: bpy.props.StringProperty(
        name="File Path",
        description="OpenEXR files to write, # stands for a digit of the frame's number; empty: the scene's output path",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One at a time."""
        cls.poll_message_set("Splats are being rendered")
        return not _Running.frames

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Start, and render a frame whenever the window has nothing else to do."""
        if reported(self, lambda: self._start(context)) == {"CANCELLED"}:
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(TICK_S, window=context.window)
        manager.progress_begin(0, self._count)
        manager.modal_handler_add(self)
        self._say(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Render the next frame, or end by Esc."""
        if event.type == "ESC":
            return self._end(context, {"CANCELLED"})
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            self._written.append(next(self._frames))
        except StopIteration:
            self._tell()
            return self._end(context, {"FINISHED"})
        except ReifyError as error:
            self.report({"ERROR"}, told(str(error)))
            return self._end(context, {"CANCELLED"})
        context.window_manager.progress_update(len(self._written))
        self._say(context)
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends it: another file is read, or the window closes."""
        self._end(context, {"CANCELLED"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Render all of it at once, as scripts want it."""

        def render() -> None:
            self._start(context)
            try:
                self._written.extend(self._frames)
            finally:
                _Running.frames = None
            self._tell()

        return reported(self, render)

    def _start(self, context: bpy.types.Context) -> None:
        from ..scene import splat_render

        scene: Any = context.scene
        numbers = range(scene.frame_start, scene.frame_end + 1, scene.frame_step) if self.animation else (scene.frame_current,)
        path = bpy.path.abspath(self.filepath or scene.render.filepath)
        layer: Any = context.view_layer
        self._count, self._written = len(numbers), list[Path]()
        splat_render.check(scene)
        self._frames: Generator[Path, None, None] = splat_render.frames(scene, layer, numbers, path, self.with_scene)
        _Running.frames = self._frames

    def _say(self, context: bpy.types.Context) -> None:
        text = bpy.app.translations.pgettext_iface("Rendering splats: frame {number} of {count}, Esc cancels")
        context.workspace.status_text_set(text.format(number=min(len(self._written) + 1, self._count), count=self._count))

    def _tell(self) -> None:
        if self._written:
            self.report({"INFO"}, told(f"Written: {self._written[-1]}"))

    def _end(self, context: bpy.types.Context, how: set[str]) -> set[str]:
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        context.workspace.status_text_set(None)
        self._frames.close()  # puts the scene's frame back
        _Running.frames = None
        return how


class _Running:
    frames: Generator[Path, None, None] | None = None  # those of the operator that renders


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_render_splats,))
