"""Which files results are written to, and what is refused there: an input, or the place of another output."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path

from .errors import ReifyError
from .reading import exists, is_device, is_folder

SCENE = ".blend"  # what it holds of several results stands side by side; and no input is one
OF_NO_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f]')  # characters that some system's file names can't have


def named(name: str, number: int) -> str:
    """The name of a version: "fox", "fox v2"."""
    return name if number == 1 else f"{name} v{number}"


def told_apart(names: Sequence[str], sources: Sequence[Hashable]) -> list[str]:
    """Names of results: those that have their name and their sources in common with earlier ones become versions."""
    seen: Counter[tuple[str, Hashable]] = Counter()
    found = []
    for key in zip(names, sources, strict=True):
        seen[key] += 1
        found.append(named(key[0], seen[key]))
    return found


def path_of(output: Path, name: str, several: bool) -> Path:
    """The file that a result called `name` is written to: `output`, with the name in it where there are `several` in files of their own."""
    if not several or output.suffix.lower() == SCENE:
        return output
    return output.with_stem(f"{output.stem}-{OF_NO_NAME.sub('_', name)}")


def level_of_detail(output: Path, level: int) -> Path:
    """The file of a coarser version of a mesh, 1 or more."""
    return output.with_stem(f"{output.stem}_LOD{level}")


def check(outputs: Sequence[Path], inputs: Sequence[Path], names: Sequence[str] = ("",)) -> None:
    """Raise ReifyError where an output would overwrite an input, a file in a folder of inputs, or another output.

    `names` are those of the results, each of which is written to all `outputs`.
    """
    for path in outputs:
        if is_device(path.name):
            raise ReifyError(f"{path.name} is a name that Windows keeps for a device.", "Choose another name for the output.")
    if len(set(map(_key, outputs))) < len(outputs):
        twice = next(path for i, path in enumerate(outputs) if _key(path) in map(_key, outputs[:i]))
        raise ReifyError(f"{twice.name} would be written twice.", "Give each output a name of its own.")
    written = [path_of(output, name, len(names) > 1) for output in outputs for name in names if output.suffix.lower() != SCENE]
    if len(set(map(_key, written))) < len(written):
        twice = next(path for i, path in enumerate(written) if _key(path) in map(_key, written[:i]))
        raise ReifyError(f"Two results would be written to {twice.name}.", "Rename one of the inputs, or run them one by one.")
    files, holders = {_key(path) for path in inputs if not is_folder(path)}, {_key(path) for path in inputs if is_folder(path)}
    levels = [(_key(path.parent), path.suffix.casefold(), f"{path.stem}_lod".casefold()) for path in written]
    for path in (*outputs, *written):
        if _key(path) in files:
            raise ReifyError(f"{path.name} is an input, and would be overwritten.", "Choose another name for the output.")
        if path.suffix.lower() != SCENE and exists(path) and holders & {_key(holder) for holder in path.parents}:
            raise ReifyError(f"{path.name} is among the inputs, and would be overwritten.", "Choose another folder for the output.")
    for path in inputs:
        if any((_key(path.parent), path.suffix.casefold()) == tuple(place) and _is_level(path, stem) for *place, stem in levels):
            raise ReifyError(f"{path.name} is an input, and a level of detail may overwrite it.", "Choose another name for the output.")


def _is_level(path: Path, stem: str) -> bool:
    name = path.stem.casefold()
    return name.startswith(stem) and name.removeprefix(stem).isdecimal()


def _key(path: Path) -> str:
    """What is equal for paths that lead to one file, also where the system doesn't tell upper case from lower case."""
    return os.path.realpath(path).casefold()
