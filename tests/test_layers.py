"""The house rule: imports only go down, and the backend never touches Blender."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The rooms of backend/, the lowest first. A room may import itself and what stands on a lower level.
LEAVES = [
    "values",
    "errors",
    "settings",
    "device",
    "files",
    "folders",
    "interrupts",
    "kernel_cache",
    "limits",
    "locks",
    "outputs",
    "private",
    "reading",
    "schema",
    "streams",
    "whole",
]
LEVELS = [
    LEAVES,
    ["geometry"],
    ["formats", "metrics", "jobs"],
    ["engine", "rendering"],
    ["networks"],
    ["capture", "pictures", "prompt", "shapes"],
    ["splats", "mesh", "bodies"],
    ["surface", "texture", "assembly"],
    ["methods"],
    ["compiling", "selftest", "orders"],
]
ALLOWED = {
    **{
        f"backend.{room}": [f"backend.{lower}" for level in LEVELS[:i] for lower in level]
        for i, rooms in enumerate(LEVELS)
        for room in rooms
    },
    **{f"backend.{leaf}": [f"backend.{other}" for other in LEAVES] for leaf in LEAVES},
    "scene": ["backend"],
    "session": ["scene", "backend", "translations"],
    "operators": ["session", "scene", "backend", "translations"],
    "panels": ["operators", "session", "scene", "backend", "translations"],
    "preferences": ["panels", "operators", "session", "scene", "backend"],
    "translations": [],
    "cli": ["farm", "api", "session", "scene", "backend"],
    "farm": ["api", "scene", "backend"],
    "api": ["scene", "backend"],
}


def room_of(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "backend" else parts[0]


def modules() -> Iterator[tuple[str, Path]]:
    for room in ("backend", "scene", "session", "operators", "panels", "translations", "farm"):
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path
    for name in ("api", "cli", "preferences"):
        yield name, ROOT / f"{name}.py"


def imported(module: str, path: Path, at_once: bool = False) -> Iterator[str]:
    """What a module imports at any depth, or only what importing it imports `at_once`: not inside functions.

    What is imported for type checking alone doesn't count; `from package import name` may name a module or a value.
    """
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in executed(ast.parse(path.read_text(encoding="utf-8")), at_once):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".") if package else []
            base = base[: len(base) - node.level + 1] if node.level else []
            name = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from (f"{name}.{alias.name}".strip(".") if node.level else name for alias in node.names)


def executed(node: ast.AST, at_once: bool = False) -> Iterator[ast.AST]:
    """The nodes of a tree, without those below `if TYPE_CHECKING:` and, `at_once`, those inside functions."""
    waiting = [node]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if not for_types and not (at_once and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
                yield child
                waiting.append(child)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Sets of nodes of which each leads to all others, as the edges of a graph say (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for following in sorted(graph[node]):
            if following not in index:
                visit(following)
                low[node] = min(low[node], low[following])
            elif following in stack:
                low[node] = min(low[node], index[following])
        if low[node] == index[node]:
            together = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(together) > 1:
                found.append(sorted(together))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


@cache
def inside_rooms() -> dict[str, dict[str, set[str]]]:
    """For each room the modules in it, and which of these each imports; the modules that everything may use count as one room."""
    graphs: dict[str, dict[str, set[str]]] = {}
    room = {module: "backend" if module.removeprefix("backend.") in LEAVES else room_of(module) for module, _ in modules()}
    for module, _ in modules():
        graphs.setdefault(room[module], {})[module] = set()
    for module, path in modules():
        graph = graphs[room[module]]
        for name in imported(module, path):
            # A value of a module, or of a package, belongs to the module that it is imported from.
            target = name if name in graph else name.rpartition(".")[0]
            if target in graph and target != module:
                graph[module].add(target)
    return graphs


@pytest.mark.parametrize("room", sorted(inside_rooms()))
def test_no_module_of_a_room_leads_back_to_itself(room: str) -> None:
    assert circles(inside_rooms()[room]) == []


def test_circles_are_found_however_long() -> None:
    line = {"a": {"b"}, "b": {"c"}, "c": set()}
    assert circles(line) == []
    assert circles({**line, "c": {"a"}, "d": {"a", "e"}, "e": {"d"}}) == [["a", "b", "c"], ["d", "e"]]


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


@pytest.mark.parametrize(
    "module", [name for name, _ in modules() if room_of(name) in ("scene", "session", "operators", "panels", "backend.formats")]
)
def test_what_stands_before_the_artist_and_reads_files_never_imports_torch(module: str) -> None:
    assert not way_to_torch(module)


def test_the_way_to_torch_is_found_where_there_is_one() -> None:
    assert way_to_torch("backend.splats.cuda")[0] == "torch"
    assert way_to_torch("backend.device") == ["torch", "backend.device"]
