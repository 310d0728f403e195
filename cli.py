"""The command line: `blender --background --command reify …` and `python3 dev.py run …`, one parser for both.

    reify run photos DIR -o scene.blend     photos into a Blender scene
    reify demo -o demo                      the same on pictures of a scene that Reify renders itself

Progress goes to standard error, the report as one line of JSON to standard output. Exit codes: 0 done,
1 something unexpected, 2 the command line is wrong, 3 the input can't be used (the message says why), 130 cancelled.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from . import api
from .backend import settings as settings_of
from .backend.device import cache_folder
from .backend.errors import ReifyError
from .backend.jobs.cache import Cache
from .backend.jobs.job import Job, Progress
from .backend.jobs.runner import Runner, State, Task
from .backend.jobs.terminal import ProgressLine, drain
from .backend.methods import Method, all_methods
from .backend.values import Photos

DONE, UNEXPECTED, USAGE, BAD_INPUT, CANCELLED = 0, 1, 2, 3, 130
DEMO_TRAINING_S = 90.0  # the whole demo is meant to take less than five minutes on two cores


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        arguments = parser().parse_args(argv)
        return arguments.command(arguments)
    except SystemExit as stop:  # argparse has said why; inside Blender nothing may exit but Blender
        return int(stop.code or 0)
    except ReifyError as error:
        print(f"{error.what}\n{error.fix}".strip(), file=sys.stderr)
        return BAD_INPUT


def parser() -> argparse.ArgumentParser:
    """The command line as a whole; every setting of every method is a flag made from its Settings."""
    top = argparse.ArgumentParser(prog="reify", description="Photos in, Blender objects out.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run a method on your own input")
    methods = run.add_subparsers(required=True, metavar="METHOD")
    for method in all_methods().values():
        _add_method(methods.add_parser(method.id, help=method.summary, description=f"{method.summary}."), method)
    demo = commands.add_parser("demo", help="render pictures of a small scene and reconstruct it from them")
    demo.add_argument("-o", "--output", type=Path, default=Path("demo"), metavar="DIR", help="folder for the results (default: demo)")
    demo.add_argument("--views", type=int, default=40, help="number of pictures to render (default: 40)")
    demo.add_argument("--size", type=int, default=400, help="width and height of the pictures in pixels (default: 400)")
    _add_job_flags(demo, all_methods()["photos"])
    demo.set_defaults(command=_demo)
    return top


def _add_method(sub: argparse.ArgumentParser, method: Method) -> None:
    what = "file of splats, points or a mesh" if method.changes_things else "folder, picture, video, COLMAP model or transforms.json"
    sub.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=what)
    sub.add_argument(
        "-o", "--output", action="append", type=Path, required=True, metavar="FILE",
        help="what to write, by its ending: .blend scene, .ply splats, .glb .obj .stl mesh, .png comparison, .json report; may be repeated",
    )  # fmt: skip
    sub.add_argument("--name", default="", help="name of the result (default: made from the input)")
    _add_job_flags(sub, method)
    sub.set_defaults(command=_run, method_id=method.id)


def _add_job_flags(sub: argparse.ArgumentParser, method: Method) -> None:
    first = next(iter(method.presets))
    sub.add_argument("--preset", default=first, choices=list(method.presets), help=f"starting point for the settings (default: {first})")
    sub.add_argument("--seed", type=int, default=0, help="seed of everything random (default: 0)")
    sub.add_argument("--no-cache", action="store_true", help="compute every stage anew and keep nothing")
    groups: dict[str, Any] = {"": sub}
    for option in settings_of.options(method.settings):
        target = groups.setdefault(option.group, None) or sub.add_argument_group(option.group)
        groups[option.group] = target
        _add_option(target, option)


def _add_option(target: Any, option: settings_of.Option) -> None:
    unit = f" {option.unit}" if option.unit else ""
    limits = f"{option.low:g} to {option.high:g}, " if option.low is not None and option.high is not None else ""
    text = f"{option.help} ({limits}default: {option.default}{unit})".replace("%", "%%")
    kind: dict[str, Any] = {"metavar": option.kind.__name__.upper()}
    if option.kind is bool:
        kind = {"action": argparse.BooleanOptionalAction}
    elif option.choices:
        kind = {"choices": list(option.choices)}
    target.add_argument(option.flag, dest=option.path, default=None, help=text, **kind)


def _run(arguments: argparse.Namespace) -> int:
    method = all_methods()[arguments.method_id]
    for path in arguments.output:
        _check_output(path)
    sources = tuple(path.expanduser().absolute() for path in arguments.inputs)
    settings = _settings(method, arguments)
    with _output_to_error():
        tasks = _perform(method, _inputs(method, sources, settings, arguments.name), settings, arguments)
        results = [api.finished(task.result) for task in tasks if task.result is not None]
        for path in arguments.output if results else ():
            api.write(results, path)
    for result in results:
        print(json.dumps(api.report_json(result.report)))
    return _exit_code(tasks)


def _inputs(method: Method, sources: Sequence[Path], settings: Any, name: str) -> tuple[Any, ...]:
    if method.changes_things:
        return tuple(api.given(method, source, name) for source in sources)
    return method.jobs(sources, settings, name)


def _demo(arguments: argparse.Namespace) -> int:
    folder = arguments.output.absolute()
    outputs = [folder / name for name in ("scene.blend", "splats.ply", "mesh.glb", "preview.png", "report.json")]
    _check_output(outputs[0], make=True)
    method = all_methods()["photos"]
    settings = _settings(method, arguments, {"training.seconds": DEMO_TRAINING_S})
    with tempfile.TemporaryDirectory(prefix="reify-demo-") as photos, _output_to_error():
        _photograph(Path(photos), arguments.views, arguments.size)
        tasks = _perform(method, (Photos((Path(photos),), name="Demo"),), settings, arguments)
        results = [task.result for task in tasks if task.result is not None]
        for path in outputs if results else ():
            api.write(results, path)
    for path in outputs if results else ():
        print(path)
    return _exit_code(tasks)


def _photograph(folder: Path, views: int, size_px: int) -> None:
    from .scene.studio import render_capture

    line = ProgressLine(sys.stderr)
    title = "Photographing the demo scene"
    with _without_notes():
        render_capture(
            folder, views=views, size_px=size_px, progress=lambda fraction, text: line.show(Progress(title, fraction, fraction, text))
        )
    line.say(f"Photographed the demo scene {views} times; from here on there are only the pictures.")


@contextlib.contextmanager
def _output_to_error() -> Iterator[None]:
    """Send standard output to standard error meanwhile: Blender's own notes go there in C, and only the report belongs on it."""
    with _output_to(sys.stderr):
        yield


@contextlib.contextmanager
def _without_notes() -> Iterator[None]:
    """Drop what Blender says of every picture that it renders: it would tear the line of progress."""
    with open(os.devnull, "w") as nowhere, _output_to(nowhere):
        yield


@contextlib.contextmanager
def _output_to(stream: TextIO) -> Iterator[None]:
    try:
        output, other = sys.stdout.fileno(), stream.fileno()
    except (OSError, ValueError):  # a test or a GUI has put something else there, which Blender can't write to
        yield
        return
    sys.stdout.flush()
    kept = os.dup(output)
    os.dup2(other, output)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, output)
        os.close(kept)


def _settings(method: Method, arguments: argparse.Namespace, own: Mapping[str, Any] | None = None) -> Any:
    """The preset's settings, changed by `own`, changed by the flags."""
    given = {option.path: getattr(arguments, option.path) for option in settings_of.options(method.settings)}
    flags = {path: value for path, value in given.items() if value is not None}
    return settings_of.with_values(method.preset(arguments.preset), {**(own or {}), **flags})


def _perform(method: Method, jobs: Sequence[Any], settings: Any, arguments: argparse.Namespace) -> list[Task]:
    """Run the jobs one after another; one that fails doesn't stop the rest."""
    runner = Runner()
    cache = None if arguments.no_cache else Cache(cache_folder())
    tasks = []
    for inputs in jobs:
        task = Task(
            title=method.title,
            work=partial(method.perform, inputs, settings),
            make_job=lambda listener: Job(cache, listener, seed=arguments.seed, weights=method.stages),
        )
        tasks.append(drain(runner.submit(task)))
        if task.failure is not None:
            print(f"{task.failure.what}\n{task.failure.fix}".strip(), file=sys.stderr)
            if not task.failure.expected:
                print(task.failure.details, file=sys.stderr)
        if task.state is State.CANCELLED:
            break
    runner.stop()
    return tasks


def _exit_code(tasks: Sequence[Task]) -> int:
    """The worst of the tasks' ends."""
    if any(task.state is State.CANCELLED for task in tasks):
        return CANCELLED
    failures = [task.failure for task in tasks if task.failure is not None]
    if any(not failure.expected for failure in failures):
        return UNEXPECTED
    return BAD_INPUT if failures else DONE


def _check_output(path: Path, make: bool = False) -> None:
    api.output_kind(path)
    folder = path.absolute().parent
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ReifyError(f"Nothing can be written to {folder}: {error.strerror}.", "Choose another folder for the output.") from error


if __name__ == "__main__":
    sys.exit(main())
