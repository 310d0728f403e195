"""What a click does: check the input, start a job, hand the result to scene/."""

from __future__ import annotations

from . import (
    commit,
    control,
    convert,
    create,
    drop,
    edit_reading,
    edit_splats,
    engine,
    export_result,
    export_splats,
    import_points,
    import_splats,
    live,
    models,
    needs,
    outline_splats,
    pictures,
    placement,
    presets,
    remake_part,
    render_splats,
    results,
    scene_to_splats,
    select_splats,
    selftest,
    sentences,
    sources,
    splat_shadows,
    splat_storage,
    splat_tool,
)

MODULES = (
    engine,
    selftest,
    sources,
    create,
    edit_reading,
    sentences,
    remake_part,
    scene_to_splats,
    control,
    commit,
    convert,
    results,
    presets,
    import_points,
    import_splats,
    export_splats,
    render_splats,
    export_result,
    select_splats,
    outline_splats,
    edit_splats,
    splat_shadows,
    splat_storage,
    splat_tool,
    drop,
    pictures,
    placement,
    live,
    models,
    needs,
)


def register() -> None:
    """Make the operators known."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Take them back."""
    for module in reversed(MODULES):
        module.unregister()
