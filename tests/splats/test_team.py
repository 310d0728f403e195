"""The threads that share out kernels; plain functions stand in for kernels."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from reify.backend.splats.cpu.team import Team


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(("count", "size"), [(0, 4), (3, 4), (25, 1), (1003, 16)])
def test_every_place_is_visited_once_by_any_number_of_threads(threads, count, size):
    visits = np.zeros(count, int)

    def kernel(first, last, visits):
        visits[first:last] += 1

    with Team(threads) as team:
        team.run(kernel, count, size, visits)
    assert (visits == 1).all()


def test_ranges_start_at_whole_parts_and_get_shorter():
    ranges = []
    with Team(2) as team:
        team.run(lambda first, last: ranges.append((first, last)), 1000, 10)
    ranges.sort()
    lengths = [last - first for first, last in ranges]
    assert all(first % 10 == 0 for first, _last in ranges)
    assert lengths == sorted(lengths, reverse=True) and lengths[0] == 250 and lengths[-1] == 10
    assert len(ranges) < 20


def test_a_problem_in_a_helping_thread_is_raised_where_the_kernel_was_called():
    caller = threading.current_thread()
    both = threading.Barrier(2, timeout=10)

    def kernel(first, last):
        if first < 5:  # the first two ranges, one a thread
            both.wait()
        if threading.current_thread() is not caller:
            raise ZeroDivisionError

    with Team(2) as team, pytest.raises(ZeroDivisionError):
        team.run(kernel, 12, 1)
