"""A thread that answers the newest question only: for previews that follow a slider, where older answers are of no use."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Newest(Generic[Question, Answer]):
    """Answers questions one at a time in a daemon thread; those that are asked meanwhile are dropped but for the last one.

    `answer` is called in the thread; where it raises, `failed` makes an answer of the exception.
    """

    def __init__(self, answer: Callable[[Question], Answer], failed: Callable[[Exception], Answer]) -> None:
        self._answer, self._failed = answer, failed
        self._changed = threading.Condition()
        self._question: list[Question] = []
        self._found: list[tuple[Question, Answer]] = []
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="reify-live", daemon=True)
        self._thread.start()

    def ask(self, question: Question) -> None:
        """Answer this next."""
        with self._changed:
            self._question = [question]
            self._changed.notify()

    def take(self) -> tuple[Question, Answer] | None:
        """The newest question that was answered since the last call, and its answer; None where there is none."""
        with self._changed:
            found, self._found = self._found, []
            return found[-1] if found else None

    def end(self, timeout_s: float = 5.0) -> None:
        """End the thread once it is done with what it is at."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or bool(self._question))
                if self._ended:
                    return
                question = self._question.pop()
            try:
                answer = self._answer(question)
            except Exception as error:  # whatever it is must not end the thread: the next question may well work
                log.exception("a question couldn't be answered")
                answer = self._failed(error)
            with self._changed:
                self._found = [(question, answer)]
