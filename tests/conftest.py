"""What all tests share: where real captures lie, a cache of the tests' own, and what to do without the engine."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DATA = Path(os.environ.get("REIFY_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
WITHOUT_ENGINE = os.environ.get("REIFY_WITHOUT_ENGINE") == "1"


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests leave the user's cache alone, except for compiled kernels, which cost a minute to make."""
    from reify.backend import device

    kernels = device.cache_folder() / "kernels"
    kernels.mkdir(parents=True, exist_ok=True)
    own = tmp_path_factory.mktemp("cache")
    (own / "kernels").symlink_to(kernels, target_is_directory=True) if os.name != "nt" else None
    os.environ["REIFY_CACHE"] = str(own)


@pytest.fixture(autouse=True, scope="session")
def _crashes_are_reported() -> Iterator[None]:
    """pycolmap takes the signals' handlers away when it is imported: whatever asks it something does so in a process of its own."""
    yield
    assert "pycolmap" not in sys.modules


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real captures; the test is skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"the real captures aren't at {DATA}")
    return DATA


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    """The extension is enabled while the tests of a module run."""
    pytest.importorskip("bpy")
    import reify

    reify.register()
    yield
    reify.unregister()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need Blender are skipped where no real bpy is installed (fake-bpy-module holds only types)."""
    if _real_bpy():
        return
    for item in items:
        if item.get_closest_marker("blender"):
            item.add_marker(pytest.mark.skip(reason="needs a real bpy"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item):
    """In the environment without the engine, a test whose fixtures meet a missing package of the engine is skipped."""
    with _missing_engine_skips():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item):
    """Likewise a test that meets one itself."""
    with _missing_engine_skips():
        return (yield)


@contextlib.contextmanager
def _missing_engine_skips() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if WITHOUT_ENGINE and not str(error.name).startswith("reify"):
            pytest.skip(f"{error.name} isn't installed")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """There, too, a test module that can't be imported for want of such a package is skipped."""
    report = yield
    if WITHOUT_ENGINE and report.failed and (missing := re.search(r"No module named '(?!reify)([\w.]+)'", str(report.longrepr))):
        report.outcome, report.longrepr = "skipped", (str(collector.path), 0, f"Skipped: {missing[1]} isn't installed")
    return report


def _real_bpy() -> bool:
    return importlib.util.find_spec("bpy") is not None
