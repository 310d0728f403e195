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
