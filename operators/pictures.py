"""From Picture's own inputs: the Image Editor's image, image empties, the clipboard; and what helps to cut the subject out."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import bpy

from ..backend.errors import ReifyError
from ..scene import preferences
from ..session import image_editor
from ..session.properties import chosen_method, group_of, read_settings
from ..session.sources import add_paths, paths_of
from ..translations import told
from .reported import reported

PICTURE, CUTOUT = "Reify Picture", "Reify Cut-out"  # images of ours
LARGEST_CUTOUT_PX = 1024


class REIFY_OT_use_active_image(bpy.types.Operator):
    """Add the image that the Image Editor shows"""

    bl_idname = "reify.use_active_image"
    bl_label = "Active Image"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be one."""
        cls.poll_message_set("Open a picture in an Image Editor first")
        return image_editor.active_image(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it."""
        _add_images(context, [image_editor.active_image(context)])
        return {"FINISHED"}


class REIFY_OT_use_selected_images(bpy.types.Operator):
    """Add the images of the selected image empties"""

    bl_idname = "reify.use_selected_images"
    bl_label = "Selected Images"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Some must be selected."""
        cls.poll_message_set("Select image empties (Add > Image > Reference) first")
        return bool(_selected_images(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add them, from left to right."""
        _add_images(context, _selected_images(context))
        return {"FINISHED"}


class REIFY_OT_paste_image(bpy.types.Operator):
    """Add the picture, or the picture files, on the clipboard"""

    bl_idname = "reify.paste_image"
    bl_label = "Paste"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add what is there, or say why that can't be."""
        from ..scene import images

        def paste() -> None:
            pasted = _on_clipboard(context.window_manager.clipboard)
            if isinstance(pasted, list):
                add_paths(_group(context), [str(path) for path in pasted])
            else:
                _add_images(context, [images.packed_image("Clipboard", pasted)])

        return reported(self, paste)


class REIFY_OT_show_cutout(bpy.types.Operator):
    """Show in the Image Editor what is cut out of the first picture, before anything runs"""

    bl_idname = "reify.show_cutout"
    bl_label = "Show Cut-out"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cut it out, and show it."""
        from ..backend.methods._picture_look import Looker
        from ..scene import images

        def show() -> None:
            sources = _sources(context)
            settings = read_settings(chosen_method(context.scene), _group(context))
            look = Looker(LARGEST_CUTOUT_PX, preferences.environment()).look(sources, settings)
            if look.overlay is None:
                raise ReifyError(look.problem)
            image_editor.show(context, images.replaced_image(CUTOUT, look.overlay))
            self.report({"INFO"}, " ".join(map(told, (look.reason, *look.notes, *look.warnings))).strip())

        return reported(self, show)


class REIFY_OT_draw_box(bpy.types.Operator):
    """Drag a box around the subject in the Image Editor; what is outside of it is background"""

    bl_idname = "reify.draw_box"
    bl_label = "Draw Box"
    bl_options = {"REGISTER", "UNDO"}

    left: bpy.props.IntProperty(name="Left", description="Pixels from the picture's left side", options={"SKIP_SAVE"})
    top: bpy.props.IntProperty(name="Top", description="Pixels from the picture's upper side", options={"SKIP_SAVE"})
    right: bpy.props.IntProperty(name="Right", description="Pixels from the picture's left side", options={"SKIP_SAVE"})
    bottom: bpy.props.IntProperty(name="Bottom", description="Pixels from the picture's upper side", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Show the picture, and wait for the drag."""
        from ..backend.formats.images import probe, read_image, scaled_size
        from ..backend.pictures.read import LONG_SIDE_PX
        from ..scene import images

        def begin() -> None:
            path = _sources(context)[0]
            full = probe(path)
            image = images.replaced_image(PICTURE, read_image(path, LARGEST_CUTOUT_PX))
            self._drag = image_editor.BoxDrag(context, image, scaled_size(full.width, full.height, LONG_SIDE_PX))

        if reported(self, begin) == {"CANCELLED"}:
            return {"CANCELLED"}
        with context.temp_override(window=self._drag.window):
            context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Follow the mouse until the button is released."""
        outcome = self._drag.follow(event)
        if outcome == "RUNNING":
            return {"RUNNING_MODAL"}
        self._drag.end()
        if outcome == "CANCELLED":
            return {"CANCELLED"}
        self.left, self.top, self.right, self.bottom = self._drag.box_px
        return self.execute(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends it, because the window or the file is closed."""
        self._drag.forget()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cut out by this box."""
        if self.right - self.left < 2 or self.bottom - self.top < 2:
            self.report({"ERROR"}, told("The box is empty: drag it around the subject."))
            return {"CANCELLED"}
        group = _group(context)
        group.cutout__box = f"{self.left} {self.top} {self.right} {self.bottom}"
        group.cutout__by = "grabcut"
        return {"FINISHED"}


class REIFY_OT_paint_strokes(bpy.types.Operator):
    """Open a faint copy of the picture in the Image Editor: paint white on the subject, black (Ctrl) on the background"""

    bl_idname = "reify.paint_strokes"
    bl_label = "Paint Strokes"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the copy, and take up the brush."""
        from ..backend.formats.images import read_image
        from ..backend.pictures.grabcut import to_paint_on
        from ..scene import images

        def paint() -> None:
            pixels = to_paint_on(read_image(_sources(context)[0], LARGEST_CUTOUT_PX))
            image_editor.show(context, images.replaced_image(image_editor.STROKES, pixels), paint=True)

        return reported(self, paint)


class REIFY_OT_use_strokes(bpy.types.Operator):
    """Cut the subject out by the painted strokes"""

    bl_idname = "reify.use_strokes"
    bl_label = "Use Strokes"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """They must have been painted."""
        cls.poll_message_set("Paint strokes first")
        return image_editor.STROKES in bpy.data.images

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Keep them as a file that the settings name."""
        from ..backend.formats.images import write_png
        from ..backend.pictures.grabcut import strokes_of
        from ..scene import images

        def use() -> None:
            pixels = images.pixels(bpy.data.images[image_editor.STROKES])
            # Named by what they are: results made from them can be made again, whatever is painted later.
            path = preferences.user_folder("pictures") / hashlib.sha256(pixels.tobytes()).hexdigest()[:16] / "Strokes.png"
            write_png(path, pixels)
            strokes_of(path, pixels.shape[:2])
            group = _group(context)
            group.cutout__strokes = str(path)
            group.cutout__by = "grabcut"

        return reported(self, use)


class REIFY_OT_clear_marks(bpy.types.Operator):
    """Forget box and strokes, and find the subject without them"""

    bl_idname = "reify.clear_marks"
    bl_label = "Clear Box and Strokes"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget them."""
        group = _group(context)
        group.cutout__box = group.cutout__strokes = ""
        group.cutout__by = "auto"
        if image_editor.STROKES in bpy.data.images:
            bpy.data.images.remove(bpy.data.images[image_editor.STROKES])
        return {"FINISHED"}


def _group(context: bpy.types.Context) -> Any:
    return group_of(context.scene, chosen_method(context.scene))


def _sources(context: bpy.types.Context) -> tuple[Path, ...]:
    paths = paths_of(_group(context))
    if not paths:
        raise ReifyError("There is no picture yet.", "Choose one first.")
    return paths


def _add_images(context: bpy.types.Context, found: list[Any]) -> None:
    sources = _group(context).sources
    for image in found:
        if not any(source.image == image for source in sources):
            sources.add().image = image


def _selected_images(context: bpy.types.Context) -> list[Any]:
    selected = [made for made in context.selected_objects if made.type == "EMPTY" and made.empty_display_type == "IMAGE" and made.data]
    return [made.data for made in sorted(selected, key=lambda made: made.matrix_world.translation.x)]


def _on_clipboard(text: str) -> Any:
    """The picture on the clipboard [H,W,3 or 4] uint8, or a list of picture files; raises ReifyError where there is neither."""
    from urllib.request import url2pathname

    import numpy as np
    from PIL import ImageGrab

    from ..backend.formats import endings

    named = [Path(url2pathname(urlparse(line.strip()).path) if line.startswith("file:") else line.strip()) for line in text.splitlines()]
    files = [path for path in named if endings.has(path, endings.DRAWINGS) and os.path.isfile(path)]  # unlike `is_file` it bears any text
    if files:
        return files
    try:
        pasted: Any = ImageGrab.grabclipboard()
    except (NotImplementedError, OSError) as error:
        what = f"Pictures on the clipboard can't be read on this system: {error}."
        raise ReifyError(what, "Install wl-clipboard or xclip, or save the picture and add the file.") from error
    if pasted is None or pasted == []:
        raise ReifyError("There is no picture on the clipboard.", "Copy one, or the path of one, and paste again.")
    if isinstance(pasted, list):
        return [Path(name) for name in pasted]
    return np.asarray(pasted.convert("RGBA" if "A" in pasted.getbands() else "RGB"))


CLASSES = (
    REIFY_OT_use_active_image,
    REIFY_OT_use_selected_images,
    REIFY_OT_paste_image,
    REIFY_OT_show_cutout,
    REIFY_OT_draw_box,
    REIFY_OT_paint_strokes,
    REIFY_OT_use_strokes,
    REIFY_OT_clear_marks,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
