"""The command line: `blender --background --command reify …` and `python3 dev.py run …`, one parser for both.

    reify run photos DIR -o scene.blend     photos into a Blender scene
    reify run text "a red apple on a wooden table" -o scene.blend
    reify run job.json                      the same as a file, which `--save-job job.json` writes
    reify batch DIR -o RESULTS              a folder of captures, each a folder of photos
    reify batch image DIR -o RESULTS        a folder of drawings; of folders with drawn views by --method turnaround
    reify convert garden.ply garden.spz     a file of splats or points in another format
    reify render garden.blend -o frames/    the splats of a scene along its camera's animation, as EXR with depth
    reify look DIR                          which photos are blurred, too dark or bright, or copies, before anything is computed
    reify install                           the engine into Blender; reify install torch: what graphics cards need
    reify models list                       pretrained weights: what there is, what is here; get, import, verify, remove
    reify self-test                         every kernel for a second: what works, and how fast
    reify demo -o demo                      the same on pictures of a scene that Reify renders itself

Progress goes to standard error, the report as one line of JSON to standard output. Exit codes: 0 done,
1 something unexpected, 2 the command line is wrong, 3 the input can't be used (the message says why), 130 canceled.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from . import api
from .backend import folders, interrupts, orders, selftest
from .backend import settings as settings_of
from .backend.engine.requirements import PARTS
from .backend.errors import ReifyError
from .backend.formats import splat_files
from .backend.jobs.job import Progress
from .backend.jobs.runner import State, Task
from .backend.jobs.terminal import ProgressLine
from .backend.methods import Method, all_methods, method_called
from .backend.orders import Order
from .backend.streams import output_to_error, without_notes
from .farm import batch, models
from .farm.cluster import on_cluster
from .farm.job_file import read_order, write_order
from .farm.perform import carry_out, check_output, performed

DONE, UNEXPECTED, USAGE, BAD_INPUT, CANCELLED = 0, 1, 2, 3, interrupts.EXIT_CODE
ALSO = {"method": ("--model",)}  # other flags of an option, by its path: people call those methods models that are networks
NO_CACHE = "compute every stage anew and keep nothing"
DEMO_TRAINING_S = 90.0  # the whole demo is meant to take less than five minutes on two cores


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Ctrl-C and termination cancel it, or end the process at once with the same code."""
    with interrupts.ending():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    try:
        arguments = parser().parse_args(_spelled_out(sys.argv[1:] if argv is None else argv))
        return arguments.command(arguments)
    except SystemExit as stop:  # argparse has said why; inside Blender nothing may exit but Blender
        return int(stop.code or 0)
    except ReifyError as error:
        print(f"{error.what}\n{error.fix}".strip(), file=sys.stderr)
        return BAD_INPUT


def _spelled_out(argv: Sequence[str]) -> list[str]:
    """`run job.json` is short for `run job job.json`, `batch DIR` for `batch photos DIR`."""
    first = argv[1] if len(argv) > 1 else ""
    if argv[:1] == ["run"] and first.endswith(".json"):
        return [argv[0], "job", *argv[1:]]
    if argv[:1] == ["batch"] and first and first not in (*all_methods(), "-h", "--help"):
        return [argv[0], "photos", *argv[1:]]
    return [*argv]


def parser() -> argparse.ArgumentParser:
    """The command line as a whole; every setting of every method is a flag made from its Settings."""
    top = argparse.ArgumentParser(prog="reify", description="Photos in, Blender objects out.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run a method on your own input")
    methods = run.add_subparsers(required=True, metavar="METHOD")
    for method in all_methods().values():
        _add_method(methods.add_parser(method.id, help=method.summary, description=f"{method.summary}."), method)
    job = methods.add_parser("job", help="what a job file says; `run job.json` does the same")
    job.add_argument("file", type=Path, metavar="FILE", help="JSON file that --save-job has written")
    job.add_argument("--no-cache", action="store_true", help=NO_CACHE)
    job.set_defaults(command=_run_job)
    many = commands.add_parser("batch", help="run a method on every capture in a folder; what is finished is kept")
    batches = many.add_subparsers(required=True, metavar="METHOD")
    for method in (method for method in all_methods().values() if not method.changes_things):
        _add_batch(batches.add_parser(method.id, help=method.summary, description=f"{method.summary}."), method)
    _add_convert(commands.add_parser("convert", help="write files of splats or points in another format"))
    _add_render(commands.add_parser("render", help="render the splats of a .blend file along its camera's animation"))
    look = commands.add_parser("look", help="look at photos: which are blurred, too dark or bright, or copies of others")
    look.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="folder or picture")
    look.set_defaults(command=_look)
    demo = commands.add_parser("demo", help="render pictures of a small scene and reconstruct it from them")
    demo.add_argument("-o", "--output", type=Path, default=Path("demo"), metavar="DIR", help="folder for the results (default: demo)")
    demo.add_argument("--views", type=int, default=40, help="number of pictures to render (default: 40)")
    demo.add_argument("--size", type=int, default=400, help="width and height of the pictures in pixels (default: 400)")
    _add_job_flags(demo, all_methods()["photos"])
    demo.set_defaults(command=_demo)
    install = commands.add_parser("install", help="install the packages that compute into Blender: the engine, or torch beside it")
    install.add_argument("part", nargs="?", default=PARTS[0].name, choices=[part.name for part in PARTS], help="default: the engine")
    install.add_argument("--wheels", type=Path, metavar="DIR", help="from the .whl files in this folder instead of the network")
    install.set_defaults(command=_install)
    models.add_commands(commands.add_parser("models", help="pretrained weights: list, get, import, verify and remove them"))
    test = commands.add_parser("self-test", help="try every kernel for a second, and print a report for a bug thread")
    test.set_defaults(command=_self_test)
    return top


def _add_render(sub: argparse.ArgumentParser) -> None:
    sub.description = "Render a scene's splats through its camera, composited by depth with its meshes, as OpenEXR with alpha and depth."
    sub.add_argument("scene", type=Path, metavar="FILE", help=".blend file")
    output = "where frames are written, # stands for a digit of the number; a folder where it ends with a slash (default: the scene's path)"
    sub.add_argument("-o", "--output", default="", metavar="PATH", help=output)
    sub.add_argument("--frames", default="", metavar="FIRST[-LAST]", help="frames to render (default: the scene's)")
    sub.add_argument("--splats-only", action="store_true", help="leave out meshes and world")
    sub.set_defaults(command=_render)


def _add_convert(sub: argparse.ArgumentParser) -> None:
    sub.description = f"Write files of splats or points in another format. Splats: {' '.join(splat_files.ENDINGS)}; points: .ply."
    sub.add_argument("sources", nargs="+", type=Path, metavar="FILE", help="file to read; what is in it decides what it is")
    sub.add_argument("target", type=Path, metavar="TARGET", help="file to write, by its ending, or a folder for all of them (see --to)")
    endings = [one.endings[0] for one in splat_files.FORMATS]
    sub.add_argument("--to", choices=endings, help="what to write into the folder TARGET, for each file")
    usual = "default: what the file says, or files of its format usually have"
    sub.add_argument("--up-from", default="", choices=list(splat_files.UP_TITLES), help=f"axis that points up in what is read ({usual})")
    sub.add_argument("--up-to", default="", choices=list(splat_files.UP_TITLES), help="axis that is to point up (default: the format's)")
    sub.add_argument("--levels", type=int, default=1, help="levels of detail to write: FILE, FILE_LOD1 … (default: 1)")
    sub.add_argument("--share", type=float, default=0.5, help="share of its splats that the next level keeps (default: 0.5)")
    sub.set_defaults(command=_convert)


def _add_method(sub: argparse.ArgumentParser, method: Method) -> None:
    what = "file of splats, points or a mesh" if method.changes_things else "folder, picture, video, or camera file of another program"
    if method.takes_files:
        sub.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=what)
    else:
        sub.add_argument("sentence", nargs="+", metavar="SENTENCE", help="what to make; a red apple on a wooden table")
    endings = ", ".join(f"{ending} {kind}" for ending, kind in api.outputs_of(method).items())
    text = f"what to write, by its ending: {endings}; may be repeated"
    sub.add_argument("-o", "--output", action="append", type=Path, required=True, metavar="FILE", help=text)
    sub.add_argument("--save-job", type=Path, metavar="FILE", help="write this job to a JSON file for later instead of running it")
    sub.add_argument("--name", default="", help="name of the result (default: made from the input)")
    if method.varies is not None:
        text = (
            "how many results to make of each input, by this seed and the next ones; where the settings make another of each (default: 1)"
        )
        sub.add_argument("--variants", type=int, default=1, help=text)
    _add_job_flags(sub, method)
    sub.set_defaults(command=_run, method_id=method.id)


def _add_batch(sub: argparse.ArgumentParser, method: Method) -> None:
    what = (
        "folder whose sub-folders are captures"
        if method.split is None
        else "folder of pictures, or of folders whose pictures belong together"
    )
    metavar = "DIR"
    if not method.takes_files:
        what, metavar = "text file with a sentence on each line; empty lines and those that begin with # are left out", "FILE"
    sub.add_argument("captures", type=Path, metavar=metavar, help=what)
    sub.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where each capture gets a folder, and batch.json")
    sub.add_argument(
        "--write",
        action="append",
        metavar="NAME",
        help="file to write for each capture, by its ending; may be repeated (default: scene.blend)",
    )
    sub.add_argument(
        "--address", help="run on the Ray cluster there, a task for each capture: auto, or HOST:PORT; all machines see both folders"
    )
    _add_job_flags(sub, method)
    sub.set_defaults(command=_batch, method_id=method.id)


def _add_job_flags(sub: argparse.ArgumentParser, method: Method) -> None:
    first = next(iter(method.presets))
    sub.add_argument("--preset", default=first, choices=list(method.presets), help=f"starting point for the settings (default: {first})")
    sub.add_argument("--seed", type=int, default=0, help="seed of everything random (default: 0)")
    sub.add_argument("--no-cache", action="store_true", help=NO_CACHE)
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
    target.add_argument(option.flag, *ALSO.get(option.path, ()), dest=option.path, default=None, help=text, **kind)


def _run(arguments: argparse.Namespace) -> int:
    method = method_called(arguments.method_id)
    if not method.takes_files:
        arguments.inputs, arguments.text = (), " ".join(arguments.sentence)
    sources, outputs = (tuple(path.expanduser().absolute() for path in paths) for paths in (arguments.inputs, arguments.output))
    values = settings_of.values(_settings(method, arguments))
    variants = getattr(arguments, "variants", 1)
    order = Order(method.id, values, sources, arguments.seed, arguments.name, outputs=outputs, variants=variants)
    if arguments.save_job is not None:
        write_order(order, arguments.save_job)
        return DONE
    return _carry_out(order, arguments)


def _run_job(arguments: argparse.Namespace) -> int:
    return _carry_out(read_order(arguments.file), arguments)


def _carry_out(order: Order, arguments: argparse.Namespace) -> int:
    tasks, results = carry_out(order, keep=not arguments.no_cache)
    for result in results:
        print(json.dumps(api.report_json(result.report)))
    return _exit_code(tasks)


def _batch(arguments: argparse.Namespace) -> int:
    captures, output = (path.expanduser().absolute() for path in (arguments.captures, arguments.output))
    method = method_called(arguments.method_id)
    settings, keep = _settings(method, arguments), not arguments.no_cache
    ordered = batch.orders(method, captures, output, settings=settings, files=arguments.write or ["scene.blend"], seed=arguments.seed)
    outcomes = [outcome for order in ordered if (outcome := batch.kept(order))]
    kept = {outcome.name for outcome in outcomes}
    todo = [order for order in ordered if order.name not in kept]
    if todo and arguments.address is None:  # a cluster's machines look for themselves
        orders.check(todo[0], api.environment(keep))
    say = partial(print, file=sys.stderr, flush=True)
    with output_to_error():
        if arguments.address is None:
            outcomes += batch.one_by_one(todo, keep=keep, say=say)
        else:
            outcomes += on_cluster(todo, arguments.address, cache=output / "cache", keep=keep, say=say)
    print(json.dumps(batch.write_summary(output, outcomes)))
    if any(outcome.state == batch.CANCELLED for outcome in outcomes):
        return CANCELLED
    failed = [outcome for outcome in outcomes if outcome.state == batch.FAILED]
    return UNEXPECTED if any(not outcome.expected for outcome in failed) else BAD_INPUT if failed else DONE


def _look(arguments: argparse.Namespace) -> int:
    from .backend.capture import quality

    looked = api.look_at_photos(*arguments.inputs)
    found = {name: what for name, what in looked.items() if what}
    for sentence in quality.sentences(tuple(found.items()), len(looked)):
        print(sentence, file=sys.stderr)
    print(json.dumps({"photos": len(looked), "weak": found}))
    return DONE


def _convert(arguments: argparse.Namespace) -> int:
    target: Path = arguments.target
    if arguments.to is None and len(arguments.sources) > 1:
        raise ReifyError("Several files can't become one.", "Name a folder and --to, such as: --to .spz.")
    if arguments.levels < 1 or not 0 < arguments.share < 1:
        raise ReifyError("Levels begin at 1, and each keeps a share between 0 and 1.", "Change --levels or --share.")
    for source in arguments.sources:
        stem = source.name.partition(".")[0]
        written = target if arguments.to is None else target / (stem + arguments.to if arguments.to[0] == "." else arguments.to)
        how = {"up_from": arguments.up_from, "up_to": arguments.up_to, "levels": arguments.levels, "share": arguments.share}
        for warning in api.convert(source, written, **how):
            print(warning, file=sys.stderr)
        print(written)
    return DONE


def _render(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("bpy") is None:
        raise ReifyError("There is no Blender here to render with.", "Install bpy by pip, or use blender --background --command reify.")
    import bpy

    if not arguments.scene.is_file():
        raise ReifyError(f"{arguments.scene} isn't there.", "Name a .blend file.")
    try:
        first, last = (int(number) for number in (arguments.frames.split("-") * 2)[:2]) if arguments.frames else (0, -1)
    except ValueError:
        raise ReifyError(f"--frames {arguments.frames} isn't a range of frames.", "Write it as in: --frames 1-24.") from None
    with output_to_error():
        bpy.ops.wm.open_mainfile(filepath=str(arguments.scene.expanduser().absolute()))
        scene: Any = bpy.context.scene
        target = arguments.output or bpy.path.abspath(scene.render.filepath)
        frames = range(first, last + 1) if arguments.frames else None
        written = list(api.render_splats(target, frames, with_scene=not arguments.splats_only))
    for path in written:
        print(path)
    return DONE


def _install(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("bpy") is None:
        raise ReifyError("There is no Blender here to install the engine into.", "Install the packages of requirements/engine.txt by pip.")
    from .session import engine
    from .session.side_jobs import INSTALLER

    wheels = arguments.wheels and arguments.wheels.expanduser().absolute()
    if unchecked := engine.plan(arguments.part, wheels)[0].unchecked:
        print(unchecked, file=sys.stderr)
    with output_to_error():
        engine.install(arguments.part, wheels)
        INSTALLER.wait()
    task = INSTALLER.task
    return CANCELLED if task is None or task.state is State.CANCELLED else DONE


def _self_test(arguments: argparse.Namespace) -> int:
    task = performed("Self-Test", selftest.run)
    if task.result is None:
        print(task.failure.details if task.failure is not None else "", file=sys.stderr)
        return _exit_code([task])
    print(selftest.described(task.result.report))
    return UNEXPECTED if task.result.report.warnings else DONE


def _demo(arguments: argparse.Namespace) -> int:
    folder = arguments.output.absolute()
    outputs = tuple(folder / name for name in ("scene.blend", "splats.ply", "mesh.glb", "preview.png", "report.json"))
    check_output(outputs[0], make=True)
    keep = not arguments.no_cache
    values = settings_of.values(_settings(all_methods()["photos"], arguments, {"training.seconds": DEMO_TRAINING_S}))
    with folders.temporary() as photos:
        order = Order("photos", values, (photos,), arguments.seed, "Demo", outputs=outputs)
        orders.check(order, api.environment(keep))
        with output_to_error():
            _photograph(photos, arguments.views, arguments.size)
        tasks, results = carry_out(order, keep)
    for path in outputs if results else ():
        print(path)
    return _exit_code(tasks)


def _photograph(folder: Path, views: int, size_px: int) -> None:
    from .scene.studio import render_capture

    line = ProgressLine(sys.stderr)
    title = "Photographing the demo scene"
    with without_notes():
        render_capture(
            folder, views=views, size_px=size_px, progress=lambda fraction, text: line.show(Progress(title, fraction, fraction, text))
        )
    line.say(f"Photographed the demo scene {views} times; from here on there are only the pictures.")


def _settings(method: Method, arguments: argparse.Namespace, own: Mapping[str, Any] | None = None) -> Any:
    """The preset's settings, changed by `own`, changed by the flags."""
    given = {option.path: getattr(arguments, option.path) for option in settings_of.options(method.settings)}
    flags = {path: value for path, value in given.items() if value is not None}
    return settings_of.with_values(method.preset(arguments.preset), {**(own or {}), **flags})


def _exit_code(tasks: Sequence[Task]) -> int:
    """The worst of the tasks' ends."""
    if any(task.state is State.CANCELLED for task in tasks):
        return CANCELLED
    failures = [task.failure for task in tasks if task.failure is not None]
    if any(not failure.expected for failure in failures):
        return UNEXPECTED
    return BAD_INPUT if failures else DONE


if __name__ == "__main__":
    sys.exit(main())
