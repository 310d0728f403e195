"""Values on the disk, and which may go there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reify.backend.jobs import store
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.jobs.meanwhile import apart
from reify.backend.values import Array, Capture, Mesh, Splats, Views


@dataclass(frozen=True)
class Elsewhere:
    """No value of values.py."""

    count: int


@pytest.mark.parametrize(
    "kind",
    [None, int, float, bool, str, Path, Array, np.ndarray, Capture, Mesh | None, tuple[Splats, Capture], tuple[Mesh, ...]]
    + [dict[str, float], Mapping[str, tuple[int, str]]],
)
def test_what_comes_back_the_same_may_be_returned_by_a_stage(kind: Any) -> None:
    store.check_storable(kind)


@pytest.mark.parametrize(
    "kind", [Any, object, list[int], Sequence[int], set[str], tuple, dict, dict[int, str], Elsewhere, Views, bytes, tuple[Mesh, Elsewhere]]
)
def test_what_does_not_may_not(kind: Any) -> None:
    with pytest.raises(TypeError, match="can't be stored"):
        store.check_storable(kind)


def returns_a_list(*, job: Job) -> list[int]:
    raise AssertionError("it ran")


def returns_who_knows_what(*, job: Job):  # type: ignore[no-untyped-def]
    raise AssertionError("it ran")


@pytest.mark.parametrize(
    ("stage", "said"), [(returns_a_list, "can't be stored"), (apart(returns_a_list), "can't be stored"), (returns_who_knows_what, "return")]
)
def test_a_stage_whose_value_could_not_be_kept_is_refused_before_it_runs(tmp_path: Path, stage: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        Job(Environment(Cache(tmp_path))).stage("Working", stage)


def test_settings_of_two_modules_with_the_same_name_and_fields_differ() -> None:
    @dataclass(frozen=True)
    class Elsewhere:
        count: int

    ours = globals()["Elsewhere"]
    assert store.digest(ours(1)) == store.digest(ours(1)) != store.digest(ours(2))
    assert store.digest(Elsewhere(1)) != store.digest(ours(1))


@pytest.mark.parametrize("value", [{1, 2}, lambda: 1, object(), Elsewhere])
def test_what_has_no_content_to_go_by_has_no_digest(value: Any) -> None:
    with pytest.raises(TypeError, match="no content"):
        store.digest(value)


def test_no_flipped_bit_anywhere_is_taken_for_the_value(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "frame.jpg").write_bytes(rng.bytes(300))
    arrays = (rng.random((9, 3)).astype(np.float32), np.zeros((0, 2)), rng.random(5) > 0.5)
    value = {"arrays": arrays, "frames": (tmp_path / "frame.jpg", tmp_path / "elsewhere"), "text": "größer", "number": 0.1}
    store.save(value, tmp_path)
    assert _same(store.load(tmp_path), value)
    found = 0
    for _ in range(2000):
        path = tmp_path / rng.choice(["value.json", "arrays.safetensors", "frame.jpg"])
        content = path.read_bytes()
        changed = bytearray(content)
        changed[rng.integers(len(content))] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        try:
            assert _same(store.load(tmp_path), value), "a damaged value was taken for whole"
        except ValueError:
            found += 1
        path.write_bytes(content)
    assert found > 1950  # the others change what nothing depends on, as the case of an escape


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and bool(np.array_equal(one, other))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


@pytest.mark.parametrize("gone", ["value.json", "arrays.safetensors", "frame.jpg"])
def test_a_value_of_which_something_is_missing_is_absent(tmp_path: Path, gone: str) -> None:
    (tmp_path / "frame.jpg").write_bytes(b"a fox")
    store.save({"frame": tmp_path / "frame.jpg", "array": np.ones(3)}, tmp_path)
    (tmp_path / gone).unlink()
    assert Cache(tmp_path).load(tmp_path) is None


def test_arrays_of_another_value_are_not_taken_for_its_own(tmp_path: Path) -> None:
    store.save(np.ones(3), tmp_path / "a")
    store.save(np.zeros(3), tmp_path / "b")
    (tmp_path / "b" / "arrays.safetensors").replace(tmp_path / "a" / "arrays.safetensors")
    assert Cache(tmp_path).load(tmp_path / "a") is None
