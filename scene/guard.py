"""New datablocks all or none: what fails halfway leaves none behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from .slices import Made, Slices

KINDS = ("scenes", "collections", "objects", "meshes", "pointclouds", "cameras", "materials", "node_groups", "images", "worlds")


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Remove the datablocks that were made inside where the block raises."""
    before = _known()
    try:
        yield
    except BaseException:
        bpy.data.batch_remove([made for made in _all() if made.session_uid not in before])
        raise


def in_slices(slices: Slices[Made]) -> Slices[Made]:
    """The same for work in slices, beside which others make datablocks of their own. Of work that is dropped nothing is removed."""
    ours: set[int] = set()
    while True:
        before = _known()
        try:
            next(slices)
        except StopIteration as end:
            made: Made = end.value
            return made
        except Exception:  # of whatever kind: it goes on to who asked, who logs and says it
            bpy.data.batch_remove([made for made in _all() if made.session_uid in ours or made.session_uid not in before])
            raise
        ours |= _known() - before
        yield


def _all() -> Iterator[bpy.types.ID]:
    for kind in KINDS:
        yield from getattr(bpy.data, kind)


def _known() -> set[int]:
    return {made.session_uid for made in _all()}
