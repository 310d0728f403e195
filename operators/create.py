"""Start: from the panel (returns at once), or from a script (returns when it is done)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..backend import settings as settings_of
from ..backend.errors import ReifyError
from . import pump, session
from .properties import chosen_method, group_of, read_settings
from .reported import reported
from .sources import paths_of

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task
    from ..backend.methods import Method


class REIFY_OT_create(bpy.types.Operator):
    """Make Blender objects from the sources, in the background; until they are there, Blender asks before it closes"""

    bl_idname = "reify.create"
    bl_label = "Generate"
    bl_options = {"REGISTER"}

    method: bpy.props.StringProperty(name="Method", description="Id of the method; empty for the one that the panel shows")
    source: bpy.props.StringProperty(name="Source", description="File or folder; empty for the panel's sources", subtype="FILE_PATH")
    preset: bpy.props.StringProperty(name="Preset", description="Name of a preset; empty for the panel's settings")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        return reported(self, lambda: self._start(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait."""
        return reported(self, lambda: wait(*self._start(context)))

    def _start(self, context: bpy.types.Context) -> list[Task]:
        from ..backend.methods import method_called

        scene = context.scene
        method = method_called(self.method) if self.method else chosen_method(scene)
        group = group_of(scene, method)
        settings = method.preset(self.preset) if self.preset else read_settings(method, group)
        paths = (Path(bpy.path.abspath(self.source)),) if self.source else paths_of(group)
        with session.runner().held():
            return [session.start(method, inputs, settings, scene, seed=scene.reify.seed) for inputs in jobs_for(method, paths, settings)]


class REIFY_OT_regenerate(bpy.types.Operator):
    """Make the selected result again, from the same sources with the same settings; the new one takes its place"""

    bl_idname = "reify.regenerate"
    bl_label = "Regenerate"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only objects of Reify's making can be made again."""
        from ..scene import provenance

        cls.poll_message_set("Select an object that Reify has made")
        return bool((provenance.read(context.object) or {}).get("method"))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        return reported(self, lambda: regenerate(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait."""
        return reported(self, lambda: wait(regenerate(context)))


def regenerate(context: bpy.types.Context) -> Task:
    """Start the work that made the active object once more; raises ReifyError where that can't be done."""
    from ..backend.methods import method_called
    from ..scene import provenance

    stored = provenance.read(context.object) or {}
    method = method_called(stored.get("method", ""))
    if method.changes_things:
        from .convert import again

        return again(context, method, stored)
    known = {option.path for option in settings_of.options(method.settings)}
    settings = settings_of.with_values(method.settings(), {path: value for path, value in stored["settings"].items() if path in known})
    collection = provenance.collection_of(context.object)
    (inputs,) = jobs_for(method, tuple(Path(path) for path in stored["inputs"]), settings)
    return session.start(method, inputs, settings, context.scene, stored["seed"], collection.name if collection else "")


def jobs_for(method: Method, paths: tuple[Path, ...], settings: Any) -> tuple[Any, ...]:
    """What the method takes, made of paths, once for each job; raises ReifyError where there are none or some are gone."""
    if not paths:
        raise ReifyError("There is nothing to start from yet.", "Choose a folder or files first.")
    if gone := [path for path in paths if not path.exists()]:
        raise ReifyError(f"{gone[0]} isn't there any more.", "Choose the sources again.")
    return method.jobs(paths, settings)


def wait(*tasks: Task) -> None:
    """Wait for tasks and put their results into the scene; then raises the ReifyError of the first that failed.

    Canceling one cancels those behind it.
    """
    from ..backend.jobs.runner import State
    from ..backend.jobs.terminal import drain

    problems = []
    for number, task in enumerate(tasks):
        drain(task)
        if task.state is State.CANCELLED:
            for behind in tasks[number + 1 :]:
                session.runner().cancel(behind)
        try:
            _take(task)
        except ReifyError as problem:
            problems.append(problem)
    if problems:
        raise problems[0]


def _take(task: Task) -> None:
    if task.failure is not None:
        raise ReifyError(task.failure.what, task.failure.fix)
    if task.result is None:
        raise ReifyError("The job was canceled.")
    pump.hand_over(task)


CLASSES = (REIFY_OT_create, REIFY_OT_regenerate)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
