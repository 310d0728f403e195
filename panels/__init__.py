"""What the artist sees: the tab "Reify" in the 3D viewport's sidebar, and a bar while something runs. Panels draw; they decide nothing."""

from __future__ import annotations

from . import convert, create, edit_splats, from_text, icons, menus, models, pictures, presets, queue, results, settings, splats, status

MODULES = (icons, presets, from_text, create, pictures, settings, queue, results, convert, splats, edit_splats, models, menus, status)


def register() -> None:
    """Make the panels known."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Take them back."""
    for module in reversed(MODULES):
        module.unregister()
