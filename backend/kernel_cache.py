"""Compiled kernels are kept by content: of the file that a kernel stands in, and of the files whose names it is compiled with.

numba's own index names a kernel's file alone, in older versions by its date: an update that touches nothing would compile everything
again, and a changed constant in another file nothing. A kernel file imports other kernel files and files of constants only, so that no
further change reaches it; `tests/test_kernel_cache.py` holds them to that.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from . import folders

ROOT = Path(__file__).parents[1]
PACKAGE = __package__.removesuffix("backend").rstrip(".")  # as it was loaded: compiled kernels name their module
_KERNEL = re.compile(rb"^@(numba\.)?njit\(.*\bcache=True", re.MULTILINE)
KEPT_VERSIONS = 3  # of each file, whose compiled kernels are kept


@cache
def use() -> None:
    """Have numba keep the kernels of our files by content, below `numba.config.CACHE_DIR`."""
    from numba.core.caching import CompileResultCacheImpl

    CompileResultCacheImpl._locator_classes.insert(0, Locator)  # the list of all kinds of caches


@cache
def version() -> str:
    """A digest of all kernel files, numba and Python: what was compiled under the same version is compiled no more."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    state = hashlib.sha256(str(sys.implementation.cache_tag).encode())
    with suppress(PackageNotFoundError):  # systems may strip what tells it, and methods without kernels do without numba
        state.update(version_of("numba").encode())
    for path in kernel_files():
        state.update(digest(path).encode())
    return state.hexdigest()[:16]


@cache
def kernel_files() -> tuple[Path, ...]:
    """The files of the backend that hold kernels."""
    return tuple(path for path in sorted((ROOT / "backend").rglob("*.py")) if _KERNEL.search(path.read_bytes()))


@cache  # what runs is the code as it was when it was loaded
def digest(path: Path) -> str:
    """Of a kernel file, the package's name, and all that it is compiled with."""
    state = hashlib.sha256(PACKAGE.encode())
    for file in reached(path):
        state.update(f"{file.name} ".encode() + file.read_bytes())
    return state.hexdigest()


def reached(start: Path) -> tuple[Path, ...]:
    """The files that a file imports from, directly or not, itself included; imports inside functions don't count."""
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return tuple(sorted(found))


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    files = []
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            module = base.with_suffix(".py") if node.module else base / "__init__.py"
            module = module if module.is_file() else base / "__init__.py"
            for alias in node.names:
                inner = base / f"{alias.name}.py"
                files.append(inner if inner.is_file() else module)
    return tuple(files)


class Locator:
    """Where numba keeps what it compiles of a function, and whether that is still what it would compile."""

    def __init__(self, path: Path, line: int) -> None:
        self._digest, self._line = digest(path), line
        import numba

        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        self._folder = Path(numba.config.CACHE_DIR) / f"{name}-{self._digest[:16]}"

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Locator | None:
        """The locator of a function; None where it isn't ours, or the folder can't be written to."""
        import numba

        path = Path(py_file)
        if not numba.config.CACHE_DIR or not path.is_relative_to(ROOT):
            return None
        locator = cls(path, py_func.__code__.co_firstlineno)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator

    def ensure_cache_path(self) -> None:
        """Make the folder, and drop those of the file's old versions."""
        if not _prepared(self._folder):
            raise OSError(f"{self._folder} can't be written to")

    def get_cache_path(self) -> str:
        """The folder."""
        return str(self._folder)

    def get_source_stamp(self) -> str:
        """What the code is known by."""
        return self._digest

    def get_disambiguator(self) -> str:
        """What tells functions of one name in one file apart."""
        return str(self._line)


@cache
def _prepared(folder: Path) -> bool:
    """True where the folder is there and can be written to; it becomes the newest of its file's."""
    try:
        folders.make_own(folder)
        os.utime(folder)
        writable = os.access(folder, os.W_OK)
    except OSError:
        return False
    name = folder.name.rpartition("-")[0]
    with suppress(FileNotFoundError):  # another process may be tidying up, too
        versions = [entry for entry in folder.parent.glob(f"{name}-*") if entry.name.rpartition("-")[0] == name]
        for old in sorted(versions, key=os.path.getmtime)[:-KEPT_VERSIONS]:
            folders.delete(old, folder.parent)
    return writable
