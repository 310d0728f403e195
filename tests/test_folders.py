"""Whatever is asked to be deleted, only what Reify made goes, and only inside the folder that was named."""

from __future__ import annotations

import ast
import json
import os
import random
from pathlib import Path

import pytest
from reify.backend import folders
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.ledger import Ledger

ROOT = Path(__file__).resolve().parents[1]
links = pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path, links not followed."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of the user's, beside ours."""
    folder = tmp_path / "photos"
    (folder / "summer").mkdir(parents=True)
    (folder / "summer" / "fox.jpg").write_bytes(b"a fox")
    return folder


def test_a_folder_that_reify_made_goes_with_all_that_it_holds(tmp_path: Path) -> None:
    made = folders.make_own(tmp_path / "ours" / "stage")
    (made / "deep" / "er").mkdir(parents=True)
    (made / "deep" / "er" / "file").touch()
    assert folders.delete(made, tmp_path / "ours") and not made.exists()
    assert folders.delete(made, tmp_path / "ours"), "what is gone already is no failure"


def test_a_folder_that_held_something_before_is_never_ours(tmp_path: Path, photos: Path) -> None:
    folders.make_own(photos)
    assert not folders.delete(photos, tmp_path)
    assert contents(photos) == {"summer/fox.jpg": b"a fox"}


def test_a_folder_outside_of_the_one_that_was_named_stays_even_if_it_is_ours(tmp_path: Path) -> None:
    other = folders.make_own(tmp_path / "other")
    (tmp_path / "ours").mkdir()
    for way in (other, tmp_path / "ours" / ".." / "other", tmp_path / "ours", tmp_path / "ours" / "."):
        assert not folders.delete(way, tmp_path / "ours")
    assert other.is_dir()


@links
def test_links_are_not_followed(tmp_path: Path, photos: Path) -> None:
    made = folders.make_own(tmp_path / "ours" / "stage")
    (made / "inside").symlink_to(photos, target_is_directory=True)
    (tmp_path / "ours" / "link").symlink_to(photos, target_is_directory=True)
    folders.mark(tmp_path / "ours" / "link")
    assert not folders.delete(tmp_path / "ours" / "link", tmp_path / "ours")
    assert folders.delete(made, tmp_path / "ours")
    assert contents(photos) == {"summer/fox.jpg": b"a fox"}


def test_what_the_system_does_not_let_go_of_stays_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = folders.make_own(tmp_path / "stage")
    (made / "in use.dll").touch()
    (made / "other").touch()
    unlink = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda path: unlink(path) if path.name != "in use.dll" else _refuse())
    assert not folders.delete(made, tmp_path)
    assert sorted(contents(made)) == [folders.MARKER, "in use.dll"]
    monkeypatch.undo()
    assert folders.delete(made, tmp_path)


def _refuse() -> None:
    raise PermissionError


@links
def test_no_path_of_any_kind_deletes_anything_of_the_users(tmp_path: Path, photos: Path) -> None:
    rng = random.Random(0)
    ours = tmp_path / "ours"
    before = contents(photos)
    parts = ["..", ".", "photos", "summer", "stage", "link", "a", "\0", str(photos), "~", "", "fox.jpg"]
    for _ in range(1000):
        folders.make_own(ours / "stage")
        (ours / "a").mkdir(exist_ok=True)
        for link in (ours / "link", ours / "stage" / "link", ours / "stage" / "self"):
            if not link.is_symlink():
                link.symlink_to(link if link.name == "self" else photos, target_is_directory=True)
        folders.delete(ours.joinpath(*rng.choices(parts, k=rng.randint(1, 5))), ours)
        assert contents(photos) == before and (ours / "a").is_dir()


@pytest.mark.parametrize("field", ["id", "owner"])
def test_a_damaged_memory_of_jobs_deletes_nothing(tmp_path: Path, photos: Path, field: str) -> None:
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    folders.mark(photos)  # even what is ours elsewhere
    (tmp_path / "photos.lock").touch()
    before = contents(tmp_path)
    for number, name in enumerate(["../photos", str(photos), "..", ".", "", "../photos/summer", "0" * 31, "0" * 32 + "/../../photos"]):
        stored = {"id": f"{number:032x}", "title": "T", "order": {}, "owner": "f" * 32, "state": "done", "warnings": [], field: name}
        (jobs / f"{number:032x}.json").write_text(json.dumps(stored))
    (jobs / "..photos.json").write_text(json.dumps({**stored, "id": "../photos"}))
    ledger = Ledger(jobs)
    for entry in ledger.take_over():
        ledger.forget(entry.id)
    ledger.close()
    assert {name: content for name, content in contents(tmp_path).items() if not name.startswith("jobs")} == before


def test_clearing_and_pruning_the_cache_leave_what_the_user_keeps_in_the_chosen_folder(tmp_path: Path, photos: Path) -> None:
    photos.rename(tmp_path / "stages")
    cache = Cache(tmp_path, limit_bytes=0)
    made = folders.make_own(cache.folder / "train-0123456789abcdef01234567")
    cache.prune()
    assert not made.exists()
    cache.clear()
    assert contents(tmp_path) == {"stages/summer/fox.jpg": b"a fox"}


def test_one_function_deletes_trees() -> None:
    found = [
        str(path.relative_to(ROOT))
        for room in ("backend", "scene", "session", "operators", "panels", "farm", "tools")
        for path in (ROOT / room).rglob("*.py")
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("rmtree", "removedirs")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    ]
    assert found == [str(Path("backend") / "folders.py")]
