"""What a process may still take: what `ulimit -v` and control groups leave counts as free memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from reify.backend import limits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no such files")


def group(folder: Path, most: str, used: int, dropped: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(most + "\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {dropped}\n")


def process(folder: Path, line: str) -> Path:
    folder.mkdir()
    (folder / "cgroup").write_text(line + "\n")
    (folder / "statm").write_text("1000 1 1 1 1 1 1\n")
    return folder


def test_the_tightest_of_nested_groups_counts_without_files_that_can_be_dropped(tmp_path):
    proc, groups = process(tmp_path / "proc", "0::/user/job"), tmp_path / "groups"
    group(groups / "user/job", "max", 100)
    assert limits.left(proc, groups) == limits.UNLIMITED
    group(groups / "user", str(8 << 30), 3 << 30, 1 << 30)
    assert limits.left(proc, groups) == 6 << 30
    group(groups / "user/job", str(2 << 30), 1 << 30)
    assert limits.left(proc, groups) == 1 << 30


def test_groups_of_the_first_version_count(tmp_path):
    proc, folder = process(tmp_path / "proc", "4:memory:/job"), tmp_path / "groups/memory/job"
    folder.mkdir(parents=True)
    for name, value in (("limit_in_bytes", 4 << 30), ("usage_in_bytes", 1 << 30)):
        (folder / f"memory.{name}").write_text(str(value))
    (folder / "memory.stat").write_text("total_inactive_file 1024\n")
    assert limits.left(proc, tmp_path / "groups") == (3 << 30) + 1024


def test_a_limit_of_the_address_space_is_free_memory_at_most():
    script = """
import resource
from reify.backend import device
before = device.free_memory()
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
print(before, device.free_memory())
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, after = map(int, run.stdout.split())
    assert 0 <= after < 1 << 30 and after < before


def test_a_system_that_tells_nothing_has_no_limit(tmp_path):
    assert limits.left(tmp_path / "nothing", tmp_path / "nothing") == limits.UNLIMITED
