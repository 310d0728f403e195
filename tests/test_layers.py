"""The house rule: imports only go down, and the backend never touches Blender."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Each room may import itself and what stands to its right.
LEAVES = ["values", "errors", "settings", "device", "files"]
SHARED = ["formats", "metrics", "jobs", "geometry"]
PARTS = ["capture", "splats", "surface", "mesh", "pictures"]
ALLOWED = {
    **{f"backend.{leaf}": [f"backend.{other}" for other in LEAVES] for leaf in LEAVES},
    **{f"backend.{room}": [f"backend.{leaf}" for leaf in LEAVES] for room in SHARED},
    "backend.engine": ["backend.jobs", *(f"backend.{leaf}" for leaf in LEAVES)],
    **{f"backend.{room}": [f"backend.{lower}" for lower in SHARED + LEAVES] for room in PARTS},
    "backend.methods": [f"backend.{lower}" for lower in PARTS + SHARED + LEAVES + ["engine"]],
    "backend.selftest": [f"backend.{lower}" for lower in ["methods", *PARTS, *SHARED, *LEAVES]],
    "scene": ["backend"],
    "operators": ["scene", "backend", "translations"],
    "panels": ["operators", "scene", "backend", "translations"],
    "preferences": ["panels", "operators", "scene", "backend"],
    "translations": [],
    "cli": ["farm", "api", "scene", "backend"],
    "farm": ["api", "scene", "backend"],
    "api": ["scene", "backend"],
}


def room_of(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "backend" else parts[0]


def modules() -> Iterator[tuple[str, Path]]:
    for room in ("backend", "scene", "operators", "panels", "translations", "farm"):
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path
    for name in ("api", "cli", "preferences"):
        yield name, ROOT / f"{name}.py"


def imported(module: str, path: Path, at_once: bool = False) -> Iterator[str]:
    """What a module imports, or only what importing it imports `at_once`: not inside functions, not for types."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _at_once(tree) if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".") if package else []
            base = base[: len(base) - node.level + 1] if node.level else []
            name = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from (f"{name}.{alias.name}".strip(".") if node.level else name for alias in node.names)


def _at_once(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if not for_types and not isinstance(child, (ast.FunctionDef, ast.Lambda)):
            yield child
            yield from _at_once(child)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_module_imports_only_what_stands_below_it(module: str, path: Path) -> None:
    room = room_of(module)
    if room == "backend":
        return
    assert room in ALLOWED, f"{room} is a new room: say in this test what it may import"
    allowed = [room, *ALLOWED[room]]
    ours = [name for name in imported(module, path) if (ROOT / name.split(".")[0]).exists() or (ROOT / f"{name.split('.')[0]}.py").exists()]
    wrong = [name for name in ours if not any(name == ok or name.startswith(f"{ok}.") for ok in allowed)]
    assert not wrong, f"{module} must not import {wrong}"


@pytest.mark.parametrize(
    ("module", "path"), [m for m in modules() if m[0].startswith("backend")], ids=lambda v: v if isinstance(v, str) else ""
)
def test_the_backend_never_imports_blender(module: str, path: Path) -> None:
    blender = {"bpy", "bmesh", "mathutils", "gpu", "bpy_extras", "bl_ext"}
    assert not blender & {name.split(".")[0] for name in imported(module, path)}


def test_listing_the_methods_needs_neither_torch_nor_numba() -> None:
    code = (
        "import sys; from reify.backend.methods import all_methods; from reify.backend.settings import options;"
        "[options(m.settings) for m in all_methods().values()];"
        "heavy = {'torch', 'numba', 'pycolmap', 'scipy', 'skimage', 'PIL', 'av', 'cv2', 'bpy'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ.copy(), timeout=60)


def way_to_torch(module: str) -> list[str]:
    """The modules from torch back to this one, each imported by the next; empty where none leads there.

    Imports inside functions count for the module itself alone: of what it imports those that importing runs.
    """
    known = dict(modules())
    came_by = dict.fromkeys(imported(module, known[module]), module)
    waiting = list(came_by)
    while waiting:
        name = waiting.pop()
        if name.split(".")[0] == "torch":
            way = [name]
            while way[-1] != module:
                way.append(came_by[way[-1]])
            return way
        further = [name.rpartition(".")[0]]  # a module's package, and the module that a name is from
        further += imported(name, known[name], at_once=True) if name in known else []
        new = [other for other in further if other and other not in came_by and other != module]
        came_by |= dict.fromkeys(new, name)
        waiting += new
    return []


@pytest.mark.parametrize("module", [name for name, _ in modules() if room_of(name) in ("scene", "operators", "panels", "backend.formats")])
def test_what_stands_before_the_artist_and_reads_files_never_imports_torch(module: str) -> None:
    assert not way_to_torch(module)


def test_the_way_to_torch_is_found_where_there_is_one() -> None:
    assert way_to_torch("backend.splats.cuda")[0] == "torch"
    assert way_to_torch("backend.device") == ["torch", "backend.device"]
