from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from reify.backend import kernel_cache

CODE = """
import sys
from pathlib import Path
import numba
from reify.backend import device, kernel_cache
kernel_cache.ROOT = Path(sys.argv[1])
device.prepare_numba()
numba.config.CACHE_DIR = sys.argv[2]
sys.path.insert(0, sys.argv[1])
import package.kernel
print(package.kernel.compute(1.0), len(package.kernel.compute.stats.cache_hits))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of one kernel, a file that the kernel takes a constant from, and one that it doesn't know."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "constants.py").write_text("FACTOR = 2.0\n")
    (folder / "other.py").write_text("from .kernel import compute\n")
    kernel = "from numba import njit\n\nfrom .constants import FACTOR\n\n\n@njit(cache=True)\ndef compute(x):\n    return FACTOR * x\n"
    (folder / "kernel.py").write_text(kernel)
    return folder


def computed(package: Path) -> tuple[float, bool]:
    """What a new process computes, and whether its kernel was there already."""
    command = [sys.executable, "-c", CODE, str(package.parent), str(package.parent / "cache")]
    value, hits = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    return float(value), hits == "1"


def test_a_kernel_is_compiled_again_where_its_code_or_a_constant_of_it_has_changed_and_else_never(package: Path) -> None:
    pytest.importorskip("numba")
    assert computed(package) == (2.0, False)
    (package / "other.py").write_text("from .kernel import compute\n\nMORE = 1\n")
    for path in package.glob("*.py"):
        os.utime(path, (1, 1))  # as an update of the extension leaves files
    assert computed(package) == (2.0, True)
    (package / "constants.py").write_text("FACTOR = 3.0\n")
    assert computed(package) == (3.0, False)


def test_of_each_kernel_file_the_newest_versions_are_kept(tmp_path: Path) -> None:
    folders = [tmp_path / f"{name}-{version:016x}" for name in ("backend.a", "backend.a_b") for version in range(5)]
    for age, folder in enumerate(folders):
        kernel_cache._prepared.__wrapped__(folder)
        os.utime(folder, (age, age))
    kernel_cache._prepared.__wrapped__(folders[4])
    kernel_cache._prepared.__wrapped__(folders[9])
    kept = kernel_cache.KEPT_VERSIONS
    assert sorted(tmp_path.iterdir()) == sorted([*folders[5 - kept : 5], *folders[-kept:]])


@pytest.mark.parametrize("path", kernel_cache.kernel_files(), ids=lambda path: path.stem)
def test_a_kernel_file_reaches_nothing_but_kernels_and_constants(path: Path) -> None:
    allowed = {"__future__", "heapq", "math", "operator", "typing", "llvmlite", "numba", "numpy"}
    for file in kernel_cache.reached(path):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert {name.split(".")[0] for name in names} <= allowed, f"{file} is no kernel file"
