"""The session: what Reify does and knows while Blender runs, between what the artist clicks and the scene.

queue         the runner, its tasks, and what is remembered of them when Blender is closed
start         orders into the queue: from panels and scripts, again, and waiting for them
pump          the timer that shows previews and puts results into the scene
side_jobs     work beside the queue: the engine's installer, the self-test
conversion    selected objects as what a method changes, and what was made of them
live          From Picture's live preview
properties    the panel's properties, made from the methods' settings
sources       files, folders and images as what a method is given
results       what of a job's result is in the open file
texts         how a task stands and has ended, in the user's language
viewports, image_editor, redraw    Blender's windows
"""

from __future__ import annotations


def register() -> None:
    """Make the panel's properties known, and watch for Blender's end."""
    from . import conversion, live, properties, pump

    for module in (properties, conversion, live, pump):
        module.register()


def unregister() -> None:
    """End what runs, and take everything back."""
    from . import conversion, live, properties, pump, queue, side_jobs

    live.unregister()
    pump.unregister()
    queue.stop()
    side_jobs.stop()
    for module in (conversion, properties):
        module.unregister()
