"""What a stage is, beside its inputs: the function, and the code that the function reaches.

The code is the function's module and whatever that imports of ours, directly or not, inside functions too: a change in meshing leaves the
cameras in the cache. `jobs` is left out: it is how a stage runs, and not what it computes.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PACKAGE = __package__.removesuffix("backend.jobs").rstrip(".")  # as it was loaded: "reify", "bl_ext.user_default.reify"
ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = ("backend", "jobs")
COMPILED = (".pyc", ".pyo", ".nbi", ".nbc")

_CHECKING = re.compile(r"^([ \t]*)if (?:typing\.)?TYPE_CHECKING:\n(?:\1[ \t]+[^\n]*\n|[ \t]*\n)*", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*((?:from|import)[ \t][^\n(]*(?:\([^)]*\))?)", re.MULTILINE)
_NAMED = re.compile(r"""["'](backend(?:\.\w+)+)["']""")  # what runs as the program of a child process


def identity(function: Callable[..., Any]) -> str:
    """A name for the function and its code: the same wherever the package lies, another where anything that it reaches has changed.

    Raises TypeError where the function's source isn't a file.
    """
    function = inspect.unwrap(function)
    source = Path(function.__code__.co_filename) if inspect.isfunction(function) else Path()
    if not source.is_file():
        raise TypeError(f"{function!r} can't be told from others: a stage is a function in a file")
    name = function.__module__.removeprefix(f"{PACKAGE}.")
    return f"{name}.{function.__qualname__} {code_digest(source.resolve())}"


@functools.cache  # what runs is the code as it was when it was loaded
def code_digest(start: Path, root: Path = ROOT, package: str = PACKAGE) -> str:
    """A digest of the files that the module in the file `start` reaches."""
    state = hashlib.sha256()
    for path in reached(start, root, package):
        place = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        state.update(f"{place} {path.stat().st_size} ".encode())
        state.update(path.read_bytes())
    return state.hexdigest()


def reached(start: Path, root: Path = ROOT, package: str = PACKAGE) -> tuple[Path, ...]:
    """The files under `root` that the module in the file `start` reaches by imports, itself included, in the order of their paths.

    The folder of a module that is reached counts with all that isn't Python, as kernels in CUDA C++, and so do the packages it lies in.
    """
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if not path.is_relative_to(root):
            place: tuple[str, ...] | None = None
        else:
            place = path.relative_to(root).parent.parts
            waiting += [folder / "__init__.py" for folder in path.parents if folder.is_relative_to(root) and folder != root]
        for name in imported(path.read_text(encoding="utf-8"), place, package):
            waiting += _files_of(name, root)
        waiting = [file for file in waiting if file.is_file() and file not in found]
    packages = {path.parent for path in found if path.is_relative_to(root)} - {root}
    return tuple(sorted(found.union(*map(_data_of, packages)), key=lambda path: path.as_posix()))


def imported(source: str, place: tuple[str, ...] | None, package: str) -> Iterator[tuple[str, ...]]:
    """What a module imports of the package, as parts of names below it; `place` are those of the package that it lies in itself.

    The names that it imports from modules come as if they were modules, too. Only the import statements are parsed, which takes a tenth
    of the time.
    """
    source = _CHECKING.sub("", source)
    prefix = package.split(".") if package else []
    for statement in _IMPORT.finditer(source):
        try:
            node = ast.parse(statement[1]).body[0]
        except SyntaxError:  # a line of prose
            continue
        if isinstance(node, ast.Import):
            modules = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            if place is None:
                continue
            base = [*prefix, *place[: len(place) - node.level + 1], *(node.module or "").split(".")]
            modules = [[part for part in (*base, alias.name) if part] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [[*(node.module or "").split("."), alias.name] for alias in node.names]
        else:
            continue
        for parts in modules:
            if parts[: len(prefix)] == prefix and len(parts) > len(prefix):
                yield tuple(parts[len(prefix) :])
    for name in _NAMED.finditer(source):
        yield tuple(name[1].split("."))


def _files_of(name: tuple[str, ...], root: Path) -> list[Path]:
    """Where a module may lie, and the one that it may be a name in."""
    if name[: len(LEFT_OUT)] == LEFT_OUT:
        return []
    files = []
    for parts in (name, name[:-1]):
        if parts:
            place = root.joinpath(*parts)
            files += [place.with_suffix(".py"), place / "__init__.py"]
    return files


def _data_of(folder: Path) -> set[Path]:
    """What isn't Python in a package's folder, and in those of its folders that are no packages."""
    files: set[Path] = set()
    for path in folder.iterdir():
        if path.name.startswith((".", "__")):
            continue
        if path.is_dir() and not (path / "__init__.py").exists():
            files |= _data_of(path)
        elif path.is_file() and path.suffix not in (".py", *COMPILED):
            files.add(path)
    return files
