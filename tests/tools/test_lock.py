"""What the locks say of downloads: the wheels that pip would choose on each platform, without uv and without a network."""

from __future__ import annotations

from typing import Any

import pytest
from reify.backend.engine import requirements
from reify.tools import lock


def package(name: str, *sizes: tuple[str, int], marker: str = "") -> dict[str, Any]:
    stem = f"https://somewhere/{name.replace('-', '_')}-1.0"
    wheels = [{"url": f"{stem}-{tags}.whl", "size": size, "hashes": {"sha256": f"{size:064x}"}} for tags, size in sizes]
    return {"name": name, "version": "1.0", "wheels": wheels} | ({"marker": marker} if marker else {})


COMPILED = package(
    "compiled",
    ("cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64", 60_000_000),
    ("cp311-cp311-musllinux_1_2_x86_64", 999_000_000),
    ("cp313-cp313-manylinux_2_28_x86_64", 61_500_000),
    ("cp311-cp311-win_amd64", 40_000_000),
    ("cp313-cp313-win_amd64", 40_000_000),
    ("cp311-cp311-macosx_14_0_arm64", 20_000_000),
)
STABLE = package("stable", ("cp38-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64", 1_000_000), ("py3-none-win_amd64", 2_000_000))
LINUX_ONLY = package("linux-only", ("py3-none-any", 300_000_000), marker="python_full_version >= '3.12' and sys_platform == 'linux'")


def test_the_size_of_a_download_is_that_of_the_wheels_which_fit_the_platform() -> None:
    assert lock.megabytes([COMPILED, STABLE], "linux-x86_64") == 63  # of the Python for which it is larger, rounded up
    assert lock.megabytes([COMPILED, STABLE], "win-amd64") == 42


def test_a_package_counts_only_where_its_marker_holds() -> None:
    assert lock.megabytes([STABLE, LINUX_ONLY], "linux-x86_64") == 301
    assert lock.megabytes([STABLE, LINUX_ONLY], "win-amd64") == 2


def test_where_a_wheel_is_missing_no_size_is_told() -> None:
    assert lock.megabytes([COMPILED], "macosx-arm64") == 0  # there is none for Python 3.13


@pytest.mark.parametrize("platform", list(lock.PLATFORMS))
def test_a_written_lock_is_read_back_with_its_sizes(platform: str, tmp_path) -> None:
    path = tmp_path / "lock.txt"
    path.write_text(lock._lock(requirements.ENGINE, [COMPILED, STABLE, LINUX_ONLY]))
    assert requirements.megabytes(path, platform) == lock.megabytes([COMPILED, STABLE, LINUX_ONLY], platform)
    kept = requirements.locked(path, ["stable"])
    assert "compiled==1.0 \\\n    --hash=sha256:" in kept and "stable==" not in kept
    assert "linux-only==1.0 ; python_full_version >= '3.12' and sys_platform == 'linux' \\\n" in kept
