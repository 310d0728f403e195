"""What a stage's key holds beside its inputs."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from reify.backend.jobs import identity
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.methods import all_methods

METHOD = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass(frozen=True)
class Settings:
    steps: int = 3

def _train(settings: Settings, *, job) -> str:
    return "made by {name}"
"""

STAGES = {
    "cameras": "capture/solve.py",
    "training": "splats/stages.py",
    "surface": "surface/stages.py",
    "cleaning": "mesh/cleaning.py",
    "texture": "texture/stages.py",
    "cutting": "pictures/cutout.py",
}


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_methods_with_an_equally_named_private_stage_and_equal_settings_do_not_share(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    values = []
    for name in ("one_method", "other_method"):
        path = tmp_path / f"{name}.py"
        path.write_text(METHOD.format(name=name))
        module = loaded(path)
        values.append(Job(Environment(cache)).stage("Training", module._train, module.Settings()))
    assert values == ["made by one_method", "made by other_method"]


def test_a_stage_without_a_file_is_refused(tmp_path: Path) -> None:
    names: dict[str, Callable[..., int]] = {}
    exec("def stage(*, job) -> int:\n    return 1", names)
    with pytest.raises(TypeError, match="a function in a file"):
        Job(Environment(Cache(tmp_path))).stage("Working", names["stage"])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's backend."""
    root = tmp_path_factory.mktemp("reify")
    shutil.copytree(identity.ROOT / "backend", root / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture
def digests(tree: Path) -> Callable[[], dict[str, str]]:
    """Computes what stands for the code of some stages, in the present state of the copy."""

    def compute() -> dict[str, str]:
        identity.code_digest.cache_clear()
        return {name: identity.code_digest(tree / "backend" / module, tree, "reify") for name, module in STAGES.items()}

    return compute


@pytest.mark.parametrize(
    ("changed", "redone", "kept"),
    [
        ("mesh/holes.py", {"cleaning", "texture"}, {"cameras", "training", "surface", "cutting"}),  # relief comes from a smoothed surface
        ("splats/cuda/kernels/blending.cu", {"training"}, {"cameras", "cleaning", "cutting"}),
        ("capture/sfm_worker.py", {"cameras"}, STAGES.keys() - {"cameras"}),  # a program of its own, that is only named
        ("capture/undistort.py", {"training", "surface", "texture"}, {"cameras", "cleaning", "cutting"}),
        ("values.py", STAGES.keys(), set()),
        ("jobs/forecast.py", set(), STAGES.keys()),
        ("methods/photos.py", set(), STAGES.keys()),
    ],
)
def test_a_change_redoes_the_stages_whose_code_reaches_it_and_no_others(
    tree: Path, digests: Callable[[], dict[str, str]], changed: str, redone: set[str], kept: set[str]
) -> None:
    before = digests()
    path = tree / "backend" / changed
    source = path.read_text()
    try:
        path.write_text(source + "\n")
        after = digests()
    finally:
        path.write_text(source)
    others = {name for name in before if before[name] != after[name]}
    assert redone <= others and not kept & others
    assert digests() == before


def everything_imported(path: Path) -> Iterator[tuple[str, ...]]:
    """What a whole parse of a file finds, but for what only the type checker sees."""
    place = path.relative_to(identity.ROOT).parent.parts
    skipped: set[ast.AST] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped |= {inner for statement in node.body for inner in ast.walk(statement)}
        if isinstance(node, ast.ImportFrom) and node.level and node not in skipped:
            base = [*place[: len(place) - node.level + 1], *(node.module or "").split(".")]
            yield from (tuple(part for part in (*base, alias.name) if part) for alias in node.names)


def test_no_import_is_overlooked() -> None:
    seen = 0
    for path in (identity.ROOT / "backend").rglob("*.py"):
        place = path.relative_to(identity.ROOT).parent.parts
        quick = set(identity.imported(path.read_text(encoding="utf-8"), place, identity.PACKAGE))
        whole = set(everything_imported(path))
        assert whole <= quick, path
        seen += len(whole)
    assert seen > 500


def test_the_stages_of_methods_live_in_the_rooms_whose_work_they_do() -> None:
    """A stage in a method's module would be redone whenever any room below changes."""
    found = 0
    for path in (identity.ROOT / "backend" / "methods").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "stage":
                names = {node.id for node in ast.walk(call.args[1]) if isinstance(node, ast.Name)}
                assert not names & own, f"{path.name} holds the stage {names & own}"
                found += 1
    assert found > 10 and len(all_methods()) >= 4
