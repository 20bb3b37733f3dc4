"""What every backend shares: a piece of work, the job it becomes, and the interface of a backend."""

from __future__ import annotations

import importlib
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from explorer.errors import Cancelled, ExplorerError, JobError
from explorer.types import Progress

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Work:
    """A generator function "module:name" and its one argument, which must survive pickling.

    Work of one lane runs in order; lanes ("model" for evaluation, "side" for everything else) do not wait for each
    other.
    """

    title: str
    function: str
    request: Any
    lane: str = "model"

    def begin(self) -> Generator[Any, None, None]:
        """The running generator, in this process."""
        module, _, name = self.function.partition(":")
        running: Generator[Any, None, None] = getattr(importlib.import_module(module), name)(self.request)
        return running


@dataclass
class Job:
    """Work that was handed to a backend. Fields are read by any thread and written by the backend alone."""

    work: Work
    on_result: Callable[[Any], None] = lambda _: None
    watch: Callable[[Job], None] = lambda _: None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    state: State = "queued"
    done: int = 0
    total: int = 0
    message: str = ""
    cause: BaseException | None = None
    started: float | None = None
    finished: float | None = None
    results: list[Any] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def title(self) -> str:
        return self.work.title

    @property
    def error(self) -> str | None:
        """Why it failed, in words for the user."""
        if self.cause is None:
            return None
        return str(self.cause) if isinstance(self.cause,
                                             ExplorerError) else f"{type(self.cause).__name__}: {self.cause}"

    @property
    def eta(self) -> float | None:
        """Seconds left at the pace so far, or None where that can't be said."""
        if self.state != "running" or not self.done or self.started is None:
            return None
        return (time.monotonic() - self.started) / self.done * (self.total - self.done)

    @property
    def active(self) -> bool:
        return not self._over.is_set()

    def cancel(self) -> None:
        """Ask for an end; the job is over when its worker has come to the next step."""
        self._cancelled.set()

    @property
    def cancelling(self) -> bool:
        return self._cancelled.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is over; False if it is not after `seconds`."""
        return self._over.wait(seconds)

    def result(self) -> list[Any]:
        """All results, once it is over; raises what made it fail."""
        self.wait()
        if isinstance(self.cause, ExplorerError):
            raise self.cause
        if self.cause is not None:
            raise JobError(f"{self.title}: {self.error}") from self.cause
        if self.state == "cancelled":
            raise Cancelled(f"{self.title}: cancelled after {self.done} of {self.total}.")
        return self.results

    # ---------------------------------------------------------------- for backends

    def begin(self) -> None:
        self.state, self.started = "running", time.monotonic()

    def take(self, value: Any) -> None:
        """A value the work yielded."""
        if isinstance(value, Progress):
            self.done, self.total, self.message = value.done, value.total, value.message
            self.watch(self)
        else:
            self.on_result(value)
            self.results.append(value)

    def end(self, state: State, cause: BaseException | None = None) -> None:
        self.cause, self.state, self.finished = cause, state, time.monotonic()
        self._over.set()


def finished(work: Work) -> Job:
    """A job that is over with nothing to do."""
    job = Job(work)
    job.begin()
    job.end("done")
    return job


class Backend(ABC):
    """Runs work. Results reach `on_result` in a thread of the backend, one at a time for each job.

    `watch` is called with a job whenever it reports progress.
    """

    KEPT = 50

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self.watch: Callable[[Job], None] = lambda _: None

    def submit(self, work: Work, on_result: Callable[[Any], None] = lambda _: None) -> Job:
        """Hand over work; the job says how it goes."""
        job = Job(work, on_result, self.watch)
        over = [j for j in self._jobs if not j.active]
        for old in over[: max(0, len(over) - self.KEPT)]:
            self._jobs.remove(old)
        self._jobs.append(job)
        self._run(job)
        return job

    def jobs(self) -> Iterator[Job]:
        """Jobs in order of arrival: all that are not over, and the last ones that are."""
        return iter(list(self._jobs))

    @abstractmethod
    def _run(self, job: Job) -> None:
        """Run a job now or later."""

    @abstractmethod
    def close(self) -> None:
        """Stop workers; jobs that are not over are cancelled."""
