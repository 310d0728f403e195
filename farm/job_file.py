"""A job as a JSON file: what `reify run job.json` carries out and `reify run … --save-job job.json` writes.

    {"method": "photos", "inputs": ["fox"], "outputs": ["fox.blend"], "preset": "Preview", "settings": {"training.steps": 3000}, "seed": 0}

Only method, inputs and outputs must be there. Relative paths count from the file's own folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import api
from ..backend import orders, outputs
from ..backend import settings as settings_of
from ..backend.errors import ReifyError
from ..backend.files import write_text
from ..backend.methods import method_called
from ..backend.orders import Order
from ..backend.reading import read_json

KINDS = {"method": str, "inputs": list, "outputs": list, "preset": str, "settings": dict, "seed": int, "variants": int, "name": str}
NEEDED = ("method", "inputs", "outputs")
WITHOUT_FILES = ("text",)  # methods whose inputs are empty: what they are made from stands in the settings


def write_order(order: Order, path: Path) -> None:
    """Write a job file; raises ReifyError where the order can't be carried out or the system refuses."""
    check(order)
    outputs.check((path, *order.outputs), order.sources)
    plain = {
        "method": order.method,
        "inputs": [str(source) for source in order.sources],
        "outputs": [str(output) for output in order.outputs],
        "settings": dict(order.settings),
        "seed": order.seed,
        **({"variants": order.variants} if order.variants > 1 else {}),
        **({"name": order.name} if order.name else {}),
    }
    write_text(path, json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def read_order(path: Path) -> Order:
    """Read a job file; raises ReifyError where it isn't there, isn't JSON, or says something that can't be done."""
    try:
        found = read_json(path)
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror}.", "Check the name of the job file.") from error
    except UnicodeDecodeError as error:
        raise ReifyError(f"{path.name} isn't a text file.", "A job file is JSON; --save-job writes one.") from error
    except json.JSONDecodeError as error:
        raise ReifyError(
            f"{path.name} isn't valid JSON: {error.msg} in line {error.lineno}, column {error.colno}.", "Correct that place."
        ) from error
    except ValueError as error:
        raise ReifyError(f"{path.name} is no job file: {error}.", "A job file is JSON; --save-job writes one.") from error
    _check_form(found, path.name)
    folder = path.absolute().parent
    sources, targets = (tuple(folder / Path(one).expanduser() for one in found.get(key, ())) for key in ("inputs", "outputs"))
    method = method_called(found["method"])
    preset = method.preset(found.get("preset") or next(iter(method.presets)))
    settings = settings_of.values(settings_of.with_values(preset, found.get("settings", {})))
    variants = found.get("variants", 1)
    order = Order(method.id, settings, sources, found.get("seed", 0), found.get("name", ""), outputs=targets, variants=variants)
    check(order)
    return order


def check(order: Order) -> None:
    """Raise ReifyError for a method, setting or value that there isn't, and for outputs that can't be made or would overwrite something."""
    method, settings = orders.resolved(order)
    method.seeds(order.seed, order.variants, settings)
    for path in order.outputs:
        api.output_kind(path, method)
    outputs.check(order.outputs, order.sources)


def _check_form(found: Any, file: str) -> None:
    if not isinstance(found, dict):
        raise ReifyError(f"{file} holds no job.", f"A job is an object with {', '.join(NEEDED)}.")
    if unknown := [key for key in found if key not in KINDS]:
        raise ReifyError(f"{file} has an unknown entry {unknown[0]!r}.", f"A job's entries are: {', '.join(KINDS)}.")
    needed = [key for key in NEEDED if key != "inputs" or found.get("method") not in WITHOUT_FILES]
    if missing := [key for key in needed if not found.get(key)]:
        raise ReifyError(f"{file} doesn't say its {missing[0]}.", f"A job needs {', '.join(NEEDED)}.")
    for key, value in found.items():
        right = isinstance(value, KINDS[key]) and not isinstance(value, bool)
        if not right or (KINDS[key] is list and not all(isinstance(one, str) for one in value)):
            wanted = {str: "a text", list: "a list of paths", dict: "an object", int: "a whole number"}[KINDS[key]]
            raise ReifyError(f"{file} has {value!r} as {key}.", f"It must be {wanted}.")
