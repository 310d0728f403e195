"""A folder of captures: the ones that are finished stay, and one that fails doesn't stop the rest.

Each sub-folder is a capture; for a method that makes one result of each picture each picture in the folder is, and for one that is told
in words each line of a text file.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import api
from ..backend import outputs
from ..backend import settings as settings_of
from ..backend.capture.used import digests_of
from ..backend.errors import ReifyError
from ..backend.files import write_text
from ..backend.jobs.runner import State
from ..backend.methods import Method
from ..backend.orders import Order
from ..backend.reading import exists, read_bytes, read_json
from .perform import carry_out, check_output

log = logging.getLogger(__name__)

REPORT = "report.json"  # of a capture, written last: a folder with it is finished
SUMMARY = "batch.json"
LARGEST = 1 << 20  # bytes of a file of sentences
NAME_CHARACTERS = 48  # of a sentence in the name of its folder
DONE, KEPT, FAILED, CANCELLED = "done", "kept", "failed", "canceled"


@dataclass(frozen=True)
class Outcome:
    """How a capture ended."""

    name: str
    state: str  # DONE, KEPT from an earlier batch, FAILED or CANCELLED
    folder: str
    seconds: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""  # what went wrong, and what to do
    expected: bool = True  # False where the error is a fault of the program


def orders(method: Method, captures: Path, output: Path, *, settings: Any, files: Sequence[str], seed: int = 0) -> tuple[Order, ...]:
    """One order for each capture in the folder `captures`, by name.

    `files` are the names of what is written for each. Raises ReifyError where there is no capture, or nothing can be written.
    """
    for file in files:
        if Path(file).name != file:
            raise ReifyError(f"{file} is no file name.", "Name what to write without a folder; each capture has its own.")
        api.output_kind(output / file, method)
    if not method.takes_files:
        return _of_sentences(method, captures, output, settings_of.values(settings), files, seed)
    try:
        found = _folders(method, captures, output, settings) if method.joins(settings) else _files(method, captures, settings)
    except OSError as error:
        raise ReifyError(f"{captures} can't be read: {error.strerror}.", "Choose the folder that holds the captures.") from error
    check_output(output / SUMMARY, make=True)
    values = settings_of.values(settings)
    ordered = tuple(
        Order(method.id, values, sources, seed, name, outputs=tuple(output / name / file for file in (*files, REPORT)))
        for name, sources in found.items()
    )
    for order in ordered:
        outputs.check(order.outputs, order.sources)
    return ordered


def _of_sentences(
    method: Method, file: Path, output: Path, values: Mapping[str, Any], files: Sequence[str], seed: int
) -> tuple[Order, ...]:
    """One order for each line of a text file, named by its number and its first words."""
    try:
        lines = [line.strip() for line in read_bytes(file, LARGEST).decode("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ReifyError(f"{file} can't be read as text.", "Choose a text file with a sentence on each line.") from error
    sentences = [line for line in lines if line and not line.startswith("#")]
    if not sentences:
        raise ReifyError(f"{file.name} holds no sentences.", "Write one on each line.")
    check_output(output / SUMMARY, make=True)
    ordered = []
    for number, sentence in enumerate(sentences, start=1):
        name = f"{number:0{len(str(len(sentences)))}d} {outputs.OF_NO_NAME.sub('', sentence)[:NAME_CHARACTERS].rstrip(' .')}"
        written = tuple(output / name / one for one in (*files, REPORT))
        outputs.check(written, (file,))
        ordered.append(Order(method.id, {**values, "text": sentence}, (), seed, name, outputs=written))
    return tuple(ordered)


def kept(order: Order) -> Outcome | None:
    """The outcome of an earlier batch with the same photos, settings and seed; None where there is none."""
    try:
        report = read_json(order.outputs[-1])
        same = (report["settings"], report["seed"]) == (dict(order.settings), order.seed)
        inputs, seconds, metrics = report["inputs"], sum(report["seconds"].values()), dict(report["metrics"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    if not same or not all(exists(path) for path in order.outputs):
        return None
    if inputs != digests_of(order.sources):
        return None
    return Outcome(order.name, KEPT, str(order.outputs[-1].parent), seconds, metrics)


def attempt(order: Order, keep: bool = True) -> Outcome:
    """Make one capture; whatever goes wrong with it is in the outcome."""
    folder = str(order.outputs[-1].parent)
    try:
        for path in order.outputs:
            check_output(path, make=True)
        order.outputs[-1].unlink(missing_ok=True)  # of a batch with other settings: it no longer says what lies beside it
        (task,), results = carry_out(order, keep)
    except ReifyError as error:
        return Outcome(order.name, FAILED, folder, error=str(error))
    except Exception as error:  # of Blender's exporters, say: the captures after this one must be made all the same
        log.exception("%s failed", order.name)
        return Outcome(order.name, FAILED, folder, error=f"{type(error).__name__}: {error}", expected=False)
    if task.state is State.CANCELLED:
        return Outcome(order.name, CANCELLED, folder)
    if task.failure is not None:
        return Outcome(order.name, FAILED, folder, error=f"{task.failure.what} {task.failure.fix}".strip(), expected=task.failure.expected)
    report = results[0].report
    return Outcome(order.name, DONE, folder, sum(report.seconds.values()), dict(report.metrics))


def one_by_one(todo: Sequence[Order], keep: bool, say: Callable[[str], None]) -> Iterable[Outcome]:
    """Make the captures in this process, until one is canceled."""
    for number, order in enumerate(todo, start=1):
        say(f"Capture {number} of {len(todo)}: {order.name}")
        outcome = attempt(order, keep)
        yield outcome
        if outcome.state == CANCELLED:
            return


def _folders(method: Method, captures: Path, output: Path, settings: Any) -> dict[str, tuple[Path, ...]]:
    """The sources of each capture that is a folder, by its name."""
    folders = sorted(path for path in captures.iterdir() if path.is_dir() and not path.name.startswith(".") and path != output)
    if not folders:
        raise ReifyError(f"{captures} holds no folders.", "Each capture must be a folder of its own in it.")
    return {folder.name: _sources(method, folder, settings) for folder in folders}


def _sources(method: Method, folder: Path, settings: Any) -> tuple[Path, ...]:
    try:
        return method.shares((folder,), settings)[0]
    except ReifyError:  # which is said when its turn comes: the others are made all the same
        return (folder,)


def _files(method: Method, captures: Path, settings: Any) -> dict[str, tuple[Path, ...]]:
    """The file of each capture that is one, by its name without the ending where that is enough to tell it from others."""
    files = [share[0] for share in method.shares((captures,), settings)]
    stems = [file.stem.casefold() for file in files]  # as systems have it that don't tell upper case from lower case
    return {file.stem if stems.count(file.stem.casefold()) == 1 else file.name: (file,) for file in files}


def write_summary(output: Path, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Write and return how the whole batch went."""
    states = [outcome.state for outcome in outcomes]
    summary = {
        **{state: states.count(state) for state in (DONE, KEPT, FAILED, CANCELLED)},
        "captures": [asdict(outcome) for outcome in sorted(outcomes, key=lambda outcome: outcome.name)],
    }
    write_text(output / SUMMARY, json.dumps(summary, indent=2, ensure_ascii=False))
    return summary
