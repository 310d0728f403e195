"""Reify: photos in, Blender objects out. Register and unregister, nothing else."""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import cli, operators, panels, preferences

    preferences.register()
    operators.register()
    panels.register()
    cli.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled; leaves nothing behind."""
    from . import cli, operators, panels, preferences

    cli.unregister()
    panels.unregister()
    operators.unregister()
    preferences.unregister()
