"""Reify: photos in, Blender objects out. Register and unregister, nothing else."""

from __future__ import annotations

from typing import Any

_commands: list[Any] = []


def register() -> None:
    """Called by Blender when the extension is enabled, at every start: what isn't needed yet is not even imported."""
    import bpy

    from . import operators, panels, preferences, translations
    from .scene import splat_storage, viewport
    from .session import registration

    preferences.register()
    registration.register()
    operators.register()
    panels.register()
    translations.register()
    viewport.register()
    splat_storage.register()
    _commands.append(bpy.utils.register_cli_command("reify", _command))


def unregister() -> None:
    """Called by Blender when the extension is disabled; leaves nothing behind."""
    import bpy

    from . import operators, panels, preferences, translations
    from .scene import splat_storage, viewport
    from .session import registration

    splat_storage.unregister()
    viewport.unregister()
    translations.unregister()
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    panels.unregister()
    operators.unregister()
    registration.unregister()
    preferences.unregister()


def _command(argv: list[str]) -> int:
    """`blender --background --command reify …`."""
    from . import cli

    return cli.main(argv)
