"""What dropped files are taken for: a capture, a picture, or what has to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..backend.formats import endings
from ..backend.formats.alpha import announces_alpha
from . import defaults
from .properties import group_of
from .sources import add_paths
from .viewports import viewports

TAB = "Reify"
CAPTURE, PICTURE = "photos", "image"  # ids of the methods
LOOKS, LOOK_EVERY_S = 20, 0.05  # at the sidebar, until Blender has drawn it


@dataclass(frozen=True)
class Choice:
    """One thing that a drop may be taken for."""

    method: str  # its id
    paths: tuple[Path, ...]
    label: str  # a sentence of the interface, with {count} in it
    count: int = 0


def choices(paths: Sequence[Path]) -> tuple[Choice, ...]:
    """What dropped files may be taken for; of one there is nothing to ask.

    A single picture may be a drawing, or one of a folder of photos. Several with transparency may be subjects cut out, each an object,
    or masked photos of one. Everything else is a capture.
    """
    pictures = tuple(path for path in paths if endings.has(path, endings.DRAWINGS))
    if len(pictures) == len(paths) == 1:
        folder = pictures[0].parent
        count = len(_photos_in(folder))
        whole = Choice(CAPTURE, (folder,), "From Photos: All {count} of Its Folder", count)
        if endings.has(pictures[0], endings.VECTORS):
            return (Choice(PICTURE, pictures, "From Picture"),)
        return (Choice(PICTURE, pictures, "From Picture"), *((whole,) if count > 1 else ()), Choice(CAPTURE, pictures, "From Photos"))
    if len(pictures) == len(paths) and all(map(announces_alpha, pictures)):
        return (
            Choice(CAPTURE, pictures, "From Photos: {count} Views of One Subject", len(pictures)),
            Choice(PICTURE, pictures, "From Picture: {count} Objects", len(pictures)),
        )
    return (Choice(CAPTURE, tuple(paths), "From Photos"),)


def unusable(method: str, paths: Sequence[Path]) -> tuple[Path, ...]:
    """Those of the files that a method can't use."""
    fitting = endings.DRAWINGS if method == PICTURE else (*endings.PICTURES, *endings.RAW, *endings.VIDEOS)
    return tuple(path for path in paths if path.suffix and not path.is_dir() and not endings.has(path, fitting))


def take(scene: bpy.types.Scene, method_id: str, paths: Sequence[Path], add: bool = False) -> str:
    """Let the files be a method's sources, in place of those of before or beside them, and let the panel show the method.

    Returns the kind of files whose default settings came with a new list, "" where none did.
    """
    from ..backend.methods import method_called

    method = method_called(method_id)
    group = group_of(scene, method)
    if not add:
        group.sources.clear()
    starts = not group.sources
    add_paths(group, [str(path) for path in paths])
    scene.reify.method = method.id
    return defaults.apply(scene, method, paths) if starts else ""


def open_tab(manager: bpy.types.WindowManager) -> None:
    """Open the sidebars of the 3D viewports with Reify's tab in front. Blender knows their tabs a moment after it has drawn them."""
    areas = viewports(manager)
    for area in areas:
        area.spaces.active.show_region_ui = True
    looks = iter(range(LOOKS))

    def bring_to_front() -> float | None:
        left = [region for area in viewports(manager) for region in area.regions if region.type == "UI" and not _in_front(region)]
        return LOOK_EVERY_S if left and next(looks, None) is not None else None

    if not bpy.app.background and areas:
        bpy.app.timers.register(bring_to_front, first_interval=0.0)


def _in_front(region: bpy.types.Region) -> bool:
    if region.active_panel_category != TAB:
        try:
            region.active_panel_category = TAB
        except (AttributeError, TypeError):  # read-only until the region was drawn with its tabs
            return False
        region.tag_redraw()
    return region.active_panel_category == TAB


def _photos_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if endings.has(path, (*endings.PICTURES, *endings.RAW)) and not path.name.startswith(".")]
    except OSError:
        return []
