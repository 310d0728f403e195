"""New datablocks all or none: what fails halfway leaves none behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

KINDS = ("scenes", "collections", "objects", "meshes", "pointclouds", "cameras", "materials", "node_groups", "images", "worlds")


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Remove the datablocks that were made inside where the block raises."""
    before = {kind: {made.session_uid for made in getattr(bpy.data, kind)} for kind in KINDS}
    try:
        yield
    except BaseException:
        bpy.data.batch_remove([made for kind in KINDS for made in getattr(bpy.data, kind) if made.session_uid not in before[kind]])
        raise
