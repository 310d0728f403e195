"""A job as a JSON file: what `reify run job.json` carries out and `reify run … --save-job job.json` writes.

    {"method": "photos", "inputs": ["fox"], "outputs": ["fox.blend"], "preset": "Preview", "settings": {"training.steps": 3000}, "seed": 0}

Only method, inputs and outputs must be there. Relative paths count from the file's own folder.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import api
from ..backend import settings as settings_of
from ..backend.errors import ReifyError
from ..backend.files import write_text
from ..backend.methods import Method, method_called

KINDS = {"method": str, "inputs": list, "outputs": list, "preset": str, "settings": dict, "seed": int, "name": str}
NEEDED = ("method", "inputs", "outputs")


@dataclass(frozen=True)
class Order:
    """What to make, of what, how, and where to."""

    method: str  # its id
    inputs: tuple[Path, ...]  # absolute
    outputs: tuple[Path, ...]  # absolute; what is written follows from their endings
    preset: str = ""  # empty for the method's first one
    settings: Mapping[str, Any] = field(default_factory=dict)  # changes to the preset, by path
    seed: int = 0
    name: str = ""  # of the result; empty where it is made from the input

    def resolved(self) -> tuple[Method, Any]:
        """The method and its settings.

        Raises ReifyError for a method, preset, setting or value that there isn't, and for outputs that the method doesn't make.
        """
        method = method_called(self.method)
        for path in self.outputs:
            api.output_kind(path, method)
        preset = method.preset(self.preset or next(iter(method.presets)))
        return method, settings_of.with_values(preset, self.settings)


def write_order(order: Order, path: Path) -> None:
    """Write a job file; raises ReifyError where the order can't be carried out or the system refuses."""
    order.resolved()
    plain = {key: value for key, value in dataclasses.asdict(order).items() if value or key == "seed"}
    plain |= {key: [str(one) for one in plain[key]] for key in ("inputs", "outputs")}
    write_text(path, json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def read_order(path: Path) -> Order:
    """Read a job file; raises ReifyError where it isn't there, isn't JSON, or says something that can't be done."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror}.", "Check the name of the job file.") from error
    except UnicodeDecodeError as error:
        raise ReifyError(f"{path.name} isn't a text file.", "A job file is JSON; --save-job writes one.") from error
    except json.JSONDecodeError as error:
        raise ReifyError(
            f"{path.name} isn't valid JSON: {error.msg} in line {error.lineno}, column {error.colno}.", "Correct that place."
        ) from error
    _check(found, path.name)
    folder = path.absolute().parent
    paths = {key: tuple(folder / Path(one).expanduser() for one in found[key]) for key in ("inputs", "outputs")}
    order = Order(**{**found, **paths})
    order.resolved()
    return order


def _check(found: Any, file: str) -> None:
    if not isinstance(found, dict):
        raise ReifyError(f"{file} holds no job.", f"A job is an object with {', '.join(NEEDED)}.")
    if unknown := [key for key in found if key not in KINDS]:
        raise ReifyError(f"{file} has an unknown entry {unknown[0]!r}.", f"A job's entries are: {', '.join(KINDS)}.")
    if missing := [key for key in NEEDED if not found.get(key)]:
        raise ReifyError(f"{file} doesn't say its {missing[0]}.", f"A job needs {', '.join(NEEDED)}.")
    for key, value in found.items():
        right = isinstance(value, KINDS[key]) and not isinstance(value, bool)
        if not right or (KINDS[key] is list and not all(isinstance(one, str) for one in value)):
            wanted = {str: "a text", list: "a list of paths", dict: "an object", int: "a whole number"}[KINDS[key]]
            raise ReifyError(f"{file} has {value!r} as {key}.", f"It must be {wanted}.")
