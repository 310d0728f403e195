"""Files that others have damaged end as an error that callers expect: never as a crash, and never as a wait."""

from __future__ import annotations

import json
import math
import os

import pytest
from reify.backend import reading
from reify.backend.errors import ReifyError
from reify.backend.methods.photos import METHOD
from reify.backend.settings import with_values


@pytest.mark.parametrize("text", ["NaN", "[1e999]", "-Infinity", '{"a": -1e400}', "1" * 400], ids=lambda text: text[:10])
def test_numbers_that_are_not_finite_are_refused_where_they_must_be(text):
    with pytest.raises(ValueError, match="is no number"):
        reading.parse_json(text)
    assert reading.parse_json(text, finite=False) is not None


@pytest.mark.parametrize("depth", [65, 1000, 100_000])
@pytest.mark.parametrize("opened, closed", ["[]", ('{"a":', "}")])
def test_deep_nesting_is_refused_and_moderate_nesting_read(depth, opened, closed):
    with pytest.raises(ValueError, match="nested too deeply"):
        reading.parse_json(opened * depth + "1" + closed * depth)
    assert reading.parse_json(opened * 60 + "1" + closed * 60)


def test_whole_numbers_beyond_64_bits_become_floats():
    largest, beyond = reading.parse_json(f"[{2**63 - 1}, {2**63}]")
    assert largest == 2**63 - 1 and isinstance(largest, int) and isinstance(beyond, float) and math.isclose(beyond, 2.0**63)


def test_a_large_file_of_json_is_refused_unparsed(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LARGEST_JSON", 100)
    (tmp_path / "large.json").write_text(json.dumps(["a"] * 100))
    with pytest.raises(ValueError, match="larger"):
        reading.read_json(tmp_path / "large.json")


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "a/" * 3000, "\udcff" * 200, ""], ids=ascii)
def test_nothing_lies_under_a_name_that_no_system_takes(tmp_path, name):
    found = [check(tmp_path / name) for check in (reading.is_file, reading.is_folder, reading.exists)]
    assert found == ([False, True, True] if not name else [False] * 3)


def test_a_pipe_is_no_file_and_reading_it_does_not_wait(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not reading.is_file(tmp_path / "pipe") and reading.exists(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        reading.read_bytes(tmp_path / "pipe", 10)


def test_a_file_over_its_limit_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert reading.read_bytes(tmp_path / "file", 5) == b"12345"
    with pytest.raises(ReifyError, match="larger"):
        reading.read_bytes(tmp_path / "file", 4)


def test_a_walk_enters_each_folder_once_and_yields_regular_files_alone(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").touch()
    (tmp_path / "a/b/up").symlink_to(tmp_path)
    (tmp_path / "a/b/itself").symlink_to("itself")
    (tmp_path / "again").symlink_to(tmp_path / "a")
    os.mkfifo(tmp_path / "a/pipe")
    places = [place for place, _, _ in reading.walk(tmp_path)]
    files = [place / name for place, _, names in reading.walk(tmp_path) for name in names]
    assert [path.name for path in files] == ["file"] and len(places) == 3


def test_a_walk_can_be_stopped(tmp_path):
    (tmp_path / "a").mkdir()

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(reading.walk(tmp_path, stop))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "nan", "1e999"])
def test_numbers_that_are_not_finite_are_no_settings(value):
    for path in ("training.seconds", "training.steps"):
        with pytest.raises(ReifyError, match="which is no"):
            with_values(METHOD.settings(), {path: value})


@pytest.mark.parametrize("name", ["NUL", "aux.png", "images/COM1", "images\\con .jpg", "C:/x/nul:stream", "CONIN$", "LPT¹.txt"])
def test_names_that_windows_keeps_for_devices_are_known_in_every_folder(name):
    assert reading.is_device(name, windows=True) and not reading.is_device(name, windows=False)


@pytest.mark.parametrize("name", ["auxiliary.png", "console.png", "com10.png", "common/a.png", "null.png", "a.con"])
def test_names_that_only_resemble_them_are_files(name):
    assert not reading.is_device(name, windows=True)


def test_on_windows_a_device_is_no_file_and_is_never_opened(tmp_path, monkeypatch):
    (tmp_path / "aux.png").write_bytes(b"a picture")
    monkeypatch.setattr(reading, "is_device", lambda name: "aux" in name)
    monkeypatch.setattr(os, "stat", None)
    assert not reading.is_file(tmp_path / "aux.png") and not reading.exists(tmp_path / "aux.png")
    with pytest.raises(OSError, match="not a regular file"):
        reading.open_file(tmp_path / "aux.png")


@pytest.mark.parametrize("size", [-1, None, 5, 1 << 40])
def test_no_more_room_is_made_for_a_file_than_it_holds(tmp_path, size):
    (tmp_path / "a").write_bytes(b"a picture")
    with reading.Within(tmp_path / "a") as stream:
        assert stream.read(2) == b"a "
        assert stream.read(size) == (b"pictu" if size == 5 else b"picture")
