"""Enabling and disabling the extension, as far as the session goes."""

from __future__ import annotations

from . import conversion, engine, live, photo_looks, photo_walk, properties, pump, queue, side_jobs

MODULES = (engine, properties, conversion, live, photo_looks, photo_walk, pump)


def register() -> None:
    """Make the engine importable and the panel's properties known, and watch for Blender's end."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """End what runs, and take everything back."""
    pump.unregister()
    queue.stop()
    side_jobs.stop()
    for module in (photo_walk, photo_looks, live, conversion, properties, engine):
        module.unregister()
