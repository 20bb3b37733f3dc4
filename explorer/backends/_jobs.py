"""What every backend shares: a piece of work, the job it becomes, and the interface of a backend."""

from __future__ import annotations

import importlib
import logging
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from explorer.errors import Cancelled, ExplorerError, JobError, told
from explorer.types import Notice, Progress, Seen
from explorer.weights import staleness

_log = logging.getLogger(__name__)
State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Work:
    """A generator function "module:name" and its one argument, which must survive pickling.

    Work of one lane shares its workers a step at a time, the smallest `priority` first (0: a user waits for it); lanes
    ("model" for evaluation, "side" for everything else) do not wait for each other. Work with a key in `replaces` makes
    earlier jobs with that key end.

    A request may have `on(device)`, the same request for a given device; `split(n)`, at most n requests that together
    ask for the same; `remaining(results)`, the request without what these results already answer.

    `seen` is what is known of the files of models that it may open, which its backend adds.
    """

    title: str
    function: str
    request: Any
    lane: str = "model"
    priority: int = 10
    replaces: str = ""
    seen: tuple[Seen, ...] = ()

    def begin(self) -> Generator[Any, None, None]:
        """The running generator, in this process."""
        staleness.expect(self.seen)
        module, _, name = self.function.partition(":")
        running: Generator[Any, None, None] = getattr(importlib.import_module(module), name)(self.request)
        return _with_news(running)


def _with_news(running: Generator[Any, None, None]) -> Generator[Any, None, None]:
    """What work yields, and what it has found of files on the way."""
    with closing(running):
        for value in running:
            yield from staleness.news()
            yield value
        yield from staleness.news()


def _nothing() -> None:
    pass


@dataclass(eq=False)
class Job:
    """Work that was handed to a backend. Fields are read by any thread and written by the backend alone.

    `created` is in seconds since the epoch; `notes` are sentences for the user on what happened on the way.
    """

    work: Work
    on_result: Callable[[Any], None] = lambda _: None
    watch: Callable[[Job], None] = lambda _: None
    owner: str = ""
    on_seen: Callable[[Seen], None] = lambda _: None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    created: float = field(default_factory=time.time)
    state: State = "queued"
    done: int = 0
    total: int = 0
    message: str = ""
    notes: list[str] = field(default_factory=list)
    cause: BaseException | None = None
    started: float | None = None
    finished: float | None = None
    results: list[Any] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _changing: threading.Lock = field(default_factory=threading.Lock)
    _stop: Callable[[], None] = _nothing

    @property
    def title(self) -> str:
        return self.work.title

    @property
    def error(self) -> str | None:
        """Why it failed, in words for the user."""
        return None if self.cause is None else told(self.cause)

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
        """Ask for an end: at once if it has not begun, otherwise when its worker has come to the next step."""
        self._cancelled.set()
        self._stop()

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

    def when_cancelled(self, stop: Callable[[], None]) -> None:
        """`stop` is called when the job is to end, in the thread that asks; at once if that was asked already."""
        if self.active:
            self._stop = stop
            if self.cancelling:
                stop()

    def begin(self) -> None:
        with self._changing:
            if self.state == "queued":
                self.state, self.started = "running", time.monotonic()
                _log.info("job begun", extra={"facts": self._facts()})

    def take(self, value: Any) -> None:
        """A value the work yielded."""
        if isinstance(value, Progress):
            self.done, self.total, self.message = value.done, value.total, value.message
            self.watch(self)
        elif isinstance(value, Notice):
            self.notes.append(value.text)
        elif isinstance(value, Seen):
            self.on_seen(value)
        else:
            self.on_result(value)
            self.results.append(value)

    def end(self, state: State, cause: BaseException | None = None) -> None:
        """The first end counts."""
        with self._changing:
            if self.active:
                self.cause, self.state, self.finished = cause, state, time.monotonic()
                self._stop = _nothing
                self._over.set()
                took = round(self.finished - self.started, 3) if self.started is not None else None
                said = {"state": state, "seconds": took, "done": self.done, "error": self.error}
                _log.log(logging.WARNING if state == "failed" else logging.INFO, "job ended",
                         extra={"facts": self._facts() | said})

    def _facts(self) -> dict[str, str]:
        return {"job": self.id, "title": self.title, "lane": self.work.lane, "viewer": self.owner}


def finished(work: Work) -> Job:
    """A job that is over with nothing to do."""
    job = Job(work)
    job.begin()
    job.end("done")
    return job


@dataclass(frozen=True)
class WorkerFacts:
    """One worker: its lane, the device it was given ("auto": its own choice), process or actor id, and how it fares.

    `restarts` counts the times it was started again after it had died, `jobs` what it is working on now.
    """

    lane: str
    device: str
    id: str
    state: Literal["not started", "idle", "busy"]
    restarts: int
    jobs: int


class Backend(ABC):
    """Runs work. Results reach `on_result` in a thread of the backend, one at a time for each job.

    `watch` is called with a job whenever it reports progress. `known` says what is known of the files of models that a
    request may open, `on_seen` is called with what work has found of them. Any thread may call any method.
    """

    KEPT = 50
    spread = False
    """Whether its workers may be on other machines, whose cores this one does not use."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._listing = threading.Lock()
        self.watch: Callable[[Job], None] = lambda _: None
        self.known: Callable[[Any], Sequence[Seen]] = lambda _: ()
        self.on_seen: Callable[[Seen], None] = lambda _: None

    def submit(self, work: Work, on_result: Callable[[Any], None] = lambda _: None, *, owner: str = "",
               admit: Callable[[Work, Sequence[Job]], None] | None = None) -> Job:
        """Hand over work; the job says how it goes. `owner` is whoever asked, for lists of jobs.

        `admit` is called with the work and all jobs, before any other work can come in, and may raise: then there is no
        job.
        """
        job = Job(replace(work, seen=tuple(self.known(work.request))), on_result, self.watch, owner, self.on_seen)
        with self._listing:
            if admit is not None:
                admit(work, self._jobs)
            over = [j for j in self._jobs if not j.active]
            for old in over[: max(0, len(over) - self.KEPT)]:
                self._jobs.remove(old)
            replaced = [j for j in self._jobs if j.work.replaces == work.replaces] if work.replaces else []
            self._jobs.append(job)
        for old in replaced:
            old.cancel()
        self._run(job)
        return job

    def cancel(self, job: Job) -> None:
        """End a job (see `Job.cancel`)."""
        job.cancel()

    def cancels(self, job: Job) -> bool:
        """Whether whoever has this backend may end a job."""
        return True

    def withdraw(self, replaces: str) -> None:
        """End the jobs with this key, as new work with it would; for when there is nothing new to do."""
        for job in self.jobs():
            if job.work.replaces == replaces:
                job.cancel()

    def jobs(self) -> Iterator[Job]:
        """Jobs in order of arrival: all that are not over, and the last ones that are."""
        with self._listing:
            return iter(list(self._jobs))

    @abstractmethod
    def facts(self) -> list[WorkerFacts]:
        """The workers there are."""

    @abstractmethod
    def _run(self, job: Job) -> None:
        """Run a job now or later."""

    @abstractmethod
    def close(self) -> None:
        """Stop workers; jobs that are not over are cancelled."""
