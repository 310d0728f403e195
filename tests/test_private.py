"""Compiled kernels are read as pickle: they lie where nobody but the user can put them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from reify.backend import device, private

pytestmark = pytest.mark.skipif(os.name == "nt", reason="rights lie in lists there")
SOMEBODY = 12345


def chown(path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root gives files to somebody else")
    os.chown(path, SOMEBODY, -1)


def loose_folder(cache: Path) -> None:
    (cache / "kernels").mkdir(parents=True)
    (cache / "kernels").chmod(0o777)


def loose_parent(cache: Path) -> None:
    (cache / "kernels").mkdir(parents=True)
    cache.chmod(0o775)


def sticky_folder(cache: Path) -> None:
    (cache / "kernels").mkdir(parents=True)
    (cache / "kernels").chmod(0o1777)


def of_somebody(cache: Path) -> None:
    (cache / "kernels").mkdir(parents=True)
    chown(cache / "kernels")


def in_a_folder_of_somebody(cache: Path) -> None:
    (cache / "kernels").mkdir(parents=True)
    chown(cache)


def planted(cache: Path) -> None:
    (cache / "kernels/inner").mkdir(parents=True)
    (cache / "kernels/inner/a.nbc").write_bytes(b"pickle")
    chown(cache / "kernels/inner/a.nbc")


def a_link_to_a_loose_one(cache: Path) -> None:
    loose_folder(cache / "elsewhere")
    (cache / "kernels").symlink_to(cache / "elsewhere/kernels")


SHARED = [loose_folder, loose_parent, sticky_folder, of_somebody, in_a_folder_of_somebody, planted, a_link_to_a_loose_one]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The cache that REIFY_CACHE names, and the user's own."""
    monkeypatch.setenv("REIFY_CACHE", str(tmp_path / "shared"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(device.sys, "platform", "linux")
    device.kernel_folder.cache_clear()
    monkeypatch.setattr(device, "kernel_folder", device.kernel_folder.__wrapped__)
    return tmp_path / "shared", tmp_path / "home/reify"


@pytest.mark.parametrize("share", SHARED)
def test_kernels_go_to_the_users_own_folder_where_others_can_write_to_the_cache(places, share: Callable[[Path], None]):
    share(places[0])
    assert private.why_not(places[0] / "kernels") and device.kernel_folder() == places[1] / "kernels"


def test_a_new_folder_is_the_users_alone_whatever_the_mask_allows(places):
    mask = os.umask(0)
    try:
        places[0].mkdir(mode=0o755)
        folder = device.kernel_folder()
    finally:
        os.umask(mask)
    assert folder == places[0] / "kernels" and folder.stat().st_mode & 0o777 == 0o700


def test_a_link_to_a_folder_of_the_users_own_is_followed(places):
    (places[0] / "elsewhere").mkdir(parents=True, mode=0o700)
    (places[0] / "kernels").symlink_to(places[0] / "elsewhere")
    assert device.kernel_folder() == places[0] / "kernels"


def test_where_all_places_are_shared_a_temporary_folder_of_this_process_serves(places):
    loose_folder(places[0])
    loose_folder(places[1])
    folder = device.kernel_folder()
    assert places[0] not in folder.parents and places[1] not in folder.parents and not private.why_not(folder)
