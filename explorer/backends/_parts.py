"""A job on its way through workers: one part for each worker that shares it, and what becomes of them together."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer.backends._jobs import Job, State
from explorer.backends._scheduler import Order
from explorer.types import Notice, Progress, Seen

if TYPE_CHECKING:
    from explorer.backends._lane import Worker


class Part:
    """What one worker does of a job. `order` is what the worker is sent; pickling errors are raised at once."""

    def __init__(self, run: Run, worker: Worker, request: Any) -> None:
        self.run, self.worker = run, worker
        self.id = uuid.uuid4().hex[:12]
        self.begun = False
        self.state: State = "queued"
        self.done = self.total = 0
        self._request = request
        self._results: list[Any] = []
        self._at_death: int | None = None
        self._before: int | None = 0
        self.order = self._order(request)

    @property
    def over(self) -> bool:
        return self.state != "queued"

    def resume(self, why: str, device: str | None = None) -> bool:
        """After its worker died (`why`), ask for what is missing, on another device if one is named; False where
        nothing can or should go on."""
        if device is not None and hasattr(self._request, "on"):
            self._request = self._request.on(device)
        if not self.begun:
            self.order = self._order(self._request)
            return True
        if not hasattr(self._request, "remaining") or self._at_death == len(self._results):
            return False
        self.order = self._order(self._request.remaining(tuple(self._results)))
        self._at_death, self._before = len(self._results), None
        self.run.job.notes.append(f"{why}; it was started again and goes on with what was missing")
        return True

    def keep(self, result: Any) -> None:
        self._results.append(result)

    def report(self, progress: Progress) -> None:
        """Steps of a part that goes on are counted after those it had done before."""
        if self._before is None:
            if not progress.total:
                return
            self._before = max(0, self.total - progress.total)
        self.done, self.total = self._before + progress.done, self._before + progress.total

    def _order(self, request: Any) -> Order:
        return Order.of(self.id, replace(self.run.job.work, request=request), self.run.job.owner)


class Run:
    """A job and its parts. Methods may be called by any worker's thread; `job` gets one value at a time."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.parts: list[Part] = []
        self._delivering = threading.Lock()
        self._ending = threading.Lock()

    def begin(self, part: Part) -> None:
        with self._ending:
            part.begun = True
        self.job.begin()

    def take(self, part: Part, value: Any) -> None:
        """A value that a part yielded; raises what `on_result` raises."""
        with self._delivering:
            if not self.job.active:
                return
            if isinstance(value, Progress):
                part.report(value)
                value = Progress(sum(p.done for p in self.parts), sum(p.total for p in self.parts), value.message)
            self.job.take(value)
            if not isinstance(value, (Progress, Notice, Seen)):
                part.keep(value)

    def end(self, part: Part, state: State, cause: BaseException | None = None) -> None:
        """A part is over: the last one ends the job, one that failed ends it at once."""
        with self._ending:
            if part.over:
                return
            part.state = state
            others = [p for p in self.parts if not p.over]
        if state == "failed":
            self.job.end(state, cause)
            for other in others:
                other.worker.cancel(other)
        elif not others:
            self.job.end("cancelled" if any(p.state == "cancelled" for p in self.parts) else "done")

    def cancel(self) -> None:
        """Parts that have not begun are over at once, the others when their workers say so."""
        with self._ending:
            active = [p for p in self.parts if not p.over]
            waiting = [p for p in active if not p.begun]
        for part in active:
            part.worker.cancel(part)
        for part in waiting:
            part.worker.forget(part)
            self.end(part, "cancelled")
