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
WITHOUT_ENGINE = os.environ.get("REIFY_WITHOUT_ENGINE") == "1"  # the environment has nothing of the engine
WITHOUT_TORCH = os.environ.get("REIFY_WITHOUT_TORCH") == "1"  # it has the engine's first part only
# Where tests compare with the twin, are of cards, of torch in a job, of the installer, or of networks.
NEEDS_TORCH = (
    *("tests/splats/", "tests/geometry/", "tests/rendering/", "tests/jobs/", "tests/engine/", "tests/networks/"),
    "tests/test_device.py",
)


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
    """In an environment without the engine, or without torch, a test whose fixtures meet a package that is missing there is skipped."""
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
        if _may_be_missing(str(error.name)):
            pytest.skip(f"{error.name} isn't installed")
        raise


def _may_be_missing(module: str) -> bool:
    root = module.partition(".")[0]
    return (WITHOUT_ENGINE and root != "reify") or (WITHOUT_TORCH and root == "torch")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """There, too, a test module that can't be imported for want of such a package is skipped."""
    report = yield
    missing = re.search(r"No module named '([\w.]+)'", str(report.longrepr)) if report.failed else None
    if missing is not None and _may_be_missing(missing[1]):
        report.outcome, report.longrepr = "skipped", (str(collector.path), 0, f"Skipped: {missing[1]} isn't installed")
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Without torch, what was skipped for want of it is counted, and fails the run where it isn't a test of those that may need it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not WITHOUT_TORCH or reporter is None:
        return
    skipped = [report.nodeid for report in reporter.stats.get("skipped", ()) if re.search(r"\btorch\b", report.longrepr[2])]
    reporter.write_line(f"\nSkipped for want of torch: {len(skipped)} tests, or files of tests")
    if wrong := [name for name in skipped if not name.startswith(NEEDS_TORCH)]:
        reporter.write_line("These must pass without torch: " + ", ".join(wrong), red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _real_bpy() -> bool:
    return importlib.util.find_spec("bpy") is not None
