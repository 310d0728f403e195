"""Results in the asset browser, with a picture, tags and notes on how they were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from . import queue, results

TAG = "Reify"
LARGEST_NOTE = 1000  # characters of the asset's description


def mark(collection: bpy.types.Collection, stored: dict[str, Any], license_name: str = "") -> None:
    """Make an asset of a result's collection."""
    collection.asset_mark()
    asset = collection.asset_data
    for tag in (TAG, _title(stored.get("method", ""))):
        if tag:
            asset.tags.new(tag, skip_if_exists=True)
    figures = ", ".join(f"{name} {value:.4g}" for name, value in stored.get("metrics", {}).items())
    sources = ", ".join(Path(source).name for source in stored.get("inputs", {}))
    version = stored.get("versions", {}).get("reify", "")
    weights = "; ".join(f"{name}: {terms}" for name, terms in stored.get("licenses", {}).items())
    asset.description = f"Made with Reify {version} from {sources}. {figures}"[:LARGEST_NOTE]
    asset.license = license_name or (f"Depends on the weights used ({weights})" if weights else "That of its sources")
    _give_picture(collection)


def _give_picture(collection: bpy.types.Collection) -> None:
    task = next((task for task in queue.tasks() if task.id == collection.get(results.TASK)), None)
    picture = queue.thumbnail(task) if task is not None else None
    if picture is not None:
        with bpy.context.temp_override(id=collection):
            bpy.ops.ed.lib_id_load_custom_preview(filepath=str(picture))
    elif not bpy.app.background:
        collection.asset_generate_preview()


def _title(method: str) -> str:
    from ..backend.methods import all_methods

    found = all_methods().get(method)
    return found.title if found is not None else ""
