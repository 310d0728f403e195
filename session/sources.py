"""Files, folders and images of this .blend as what a method is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy


def add_paths(group: Any, paths: list[str]) -> None:
    """Add files and folders to a method's sources, each once."""
    known = {source.path for source in group.sources}
    for path in paths:
        if path not in known:
            group.sources.add().path = path


def move(source: Any, target: Any) -> None:
    """Let one method's sources be another one's, in place of its own."""
    target.sources.clear()
    for entry in source.sources:
        moved = target.sources.add()
        moved.path, moved.image = entry.path, entry.image
    source.sources.clear()


def listed(group: Any) -> tuple[Path, ...]:
    """The files and folders among the sources as they are listed; nothing is written, so that panels may ask."""
    return tuple(Path(bpy.path.abspath(source.path)) for source in group.sources if not source.image)


def paths_of(group: Any) -> tuple[Path, ...]:
    """The sources as paths; images of this .blend that are no files are written to a folder of ours, where Regenerate finds them."""
    from ..scene.photos import photo_files
    from ..scene.preferences import user_folder

    images = [source.image for source in group.sources if source.image]
    written = dict(zip(images, photo_files(images, user_folder("pictures")), strict=True)) if images else {}
    return tuple(written[source.image] if source.image else Path(bpy.path.abspath(source.path)) for source in group.sources)
