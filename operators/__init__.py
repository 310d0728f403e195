"""What a click does: check the input, start a job, hand the result to scene/. The panel's properties live here too."""

from __future__ import annotations

from . import (
    commit,
    control,
    convert,
    create,
    drop,
    engine,
    export_splats,
    import_splats,
    live,
    pictures,
    presets,
    properties,
    pump,
    results,
    selftest,
    session,
    sources,
)

MODULES = (
    engine,
    selftest,
    properties,
    sources,
    create,
    control,
    commit,
    convert,
    results,
    presets,
    import_splats,
    export_splats,
    drop,
    pictures,
    live,
)


def register() -> None:
    """Make the properties and operators known, and watch for Blender's end."""
    for module in MODULES:
        module.register()
    pump.register()


def unregister() -> None:
    """End what runs, and take everything back."""
    pump.unregister()
    session.stop()
    for module in reversed(MODULES):
        module.unregister()
