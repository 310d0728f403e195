"""What a method needs and isn't there, with the button that gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..backend.errors import ReifyError
from ..session import needs
from .engine import draw_packages
from .models import draw_get
from .parts import say, text

if TYPE_CHECKING:
    from ..backend.jobs.needs import Needs
    from ..backend.methods import Method


def draw_missing(layout: Any, context: bpy.types.Context, method: Method, settings: Any, missing: Needs) -> None:
    """Draw what `needs.missing` has found; nothing where that is nothing."""
    if missing.packages:
        if needs.installed(method):  # with other settings it runs as it is
            listed = ", ".join(missing.packages)
            text(layout, context, say("These settings need what isn't installed: {packages}", packages=listed), icon="INFO")
        draw_packages(layout, context, missing.packages)
        return
    if missing:
        try:
            needs.check(method, settings)
        except ReifyError as error:
            text(layout, context, str(error), icon="ERROR")
    for weights in missing.weights:
        draw_get(layout, context, weights.name)
    if missing.memory is not None and needs.fitting(method, settings) is not None:
        layout.operator("reify.fit_memory", icon="MODIFIER_DATA").method = method.id
