"""What a job needs is looked for before it starts."""

from __future__ import annotations

from pathlib import Path

from reify.backend.jobs.environment import Environment
from reify.backend.jobs.needs import Memory, Needs, Weights, missing

EVERYTHING = Needs(("json", "nowhere_to_be_found", "nowhere.to_be_found"), (Weights("tiny.safetensors", 7, "MIT"),), Memory(2 << 30))


def test_what_is_missing_is_the_part_that_is_not_there(tmp_path: Path) -> None:
    found = missing(EVERYTHING, Environment(memory_bytes=1 << 30, user_folder=tmp_path))
    assert found.packages == ("nowhere_to_be_found", "nowhere.to_be_found")
    assert (found.weights, found.memory) == (EVERYTHING.weights, EVERYTHING.memory)


def test_weights_are_found_in_the_users_folder(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "tiny.safetensors").write_bytes(b"weights")
    assert missing(Needs(weights=EVERYTHING.weights), Environment(user_folder=tmp_path)) == Needs()


def test_nothing_is_missing_where_everything_is_there() -> None:
    assert not missing(Needs(("json",), (), Memory(1)), Environment())
    assert not missing(Needs(), Environment())
