"""Threads that meet: what several of them ask of the same rows is answered by one pass."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Any

from ..density._engine.blocks import meeting_in_threads


class Meeting:
    """Threads whose questions are answered together, once each of them has asked one or has left.

    The densities of classes, for example, learn side by side: each step of expectation-maximisation
    is one pass for all of them.

    Parameters
    ----------
    answer : callable
        Returns the answers to a list of questions.
    """

    def __init__(self, answer: Callable[[list[Any]], list[Any]]) -> None:
        self._answer = answer
        self._condition = Condition()
        self._n_threads = 1
        self._open: dict[int, Any] = {}  # questions, by number
        self._answers: dict[int, Any] = {}
        self._n_asked = 0
        self._error: BaseException | None = None

    def ask(self, question: Any) -> Any:
        """Return the answer, when all threads have asked or left."""
        with self._condition:
            number, self._n_asked = self._n_asked, self._n_asked + 1
            self._open[number] = question
            self._answer_if_complete()
            self._condition.wait_for(lambda: number in self._answers or self._error)
            if self._error:
                raise self._error
            return self._answers.pop(number)

    def run(self, function: Callable, tasks: list[tuple]) -> list[Any]:
        """Return the results of a function for each tuple of arguments, in threads that meet."""
        with self._condition:
            self._n_threads += len(tasks) - 1  # this one waits
        with ThreadPoolExecutor(len(tasks)) as threads:
            futures = [threads.submit(self._run, function, task) for task in tasks]
            try:
                results = [future.result() for future in futures]
            except BaseException as error:
                self._fail(error)
                raise
        with self._condition:
            self._n_threads += 1
        return results

    def _run(self, function: Callable, task: tuple) -> Any:
        try:
            with meeting_in_threads(self.run):
                return function(*task)
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            with self._condition:
                self._n_threads -= 1
                self._answer_if_complete()

    def _fail(self, error: BaseException) -> None:
        """Let threads that wait, or ask again, end by this error, unless there is one."""
        with self._condition:
            self._error = self._error or error
            self._condition.notify_all()

    def _answer_if_complete(self) -> None:
        if self._error or not self._open or len(self._open) < self._n_threads:
            return
        questions, self._open = self._open, {}
        try:
            answers = self._answer(list(questions.values()))
        except BaseException as error:
            self._error = error
        else:
            self._answers.update(zip(questions, answers, strict=True))
        self._condition.notify_all()
