from __future__ import annotations

import threading
import time

from reify.backend.jobs.newest import Newest


def taken(newest: Newest) -> tuple:
    end = time.monotonic() + 5
    while (found := newest.take()) is None:
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def test_only_the_newest_of_the_questions_asked_meanwhile_is_answered() -> None:
    free, seen = threading.Event(), []

    def answer(question: int) -> int:
        seen.append(question)
        free.wait(5)
        return 2 * question

    newest = Newest(answer, lambda error: -1)
    newest.ask(0)
    while not seen:
        time.sleep(0.005)
    for question in range(1, 50):
        newest.ask(question)
    free.set()
    found = taken(newest)
    while found[0] != 49:
        found = taken(newest)
    assert found == (49, 98) and seen == [0, 49]
    assert newest.take() is None
    newest.end()


def test_a_question_that_fails_does_not_end_the_thread() -> None:
    newest = Newest(lambda question: 1 // question, lambda error: str(error))
    newest.ask(0)
    assert "zero" in taken(newest)[1]
    newest.ask(1)
    assert taken(newest) == (1, 1)
    newest.end()
    assert not any(thread.name == "reify-live" for thread in threading.enumerate())
