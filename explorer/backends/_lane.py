"""How a parent serves workers: jobs become parts, parts go to workers, and a worker that dies is started again.

`local` and `ray` share it; they add only how a worker is started and reached, a Line. One thread serves each worker.
"""

from __future__ import annotations

import logging
import pickle
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress

from explorer import settings
from explorer.backends._jobs import Backend, Job, WorkerFacts
from explorer.backends._parts import Part, Run
from explorer.backends._scheduler import Message
from explorer.errors import JobError

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 2
_FUTILE_STARTS = 3


class _Stalled(EOFError):
    """A worker gives no sign of its work any more."""


class Line(ABC):
    """The way to one worker. Messages are those of the scheduler; `send` and `stop` may be called by any thread."""

    id = ""
    """Which process or actor it is, once it is open."""

    @abstractmethod
    def open(self) -> None:
        """Start the worker; OSError says why it can't be."""

    @abstractmethod
    def send(self, message: Message) -> None:
        """OSError if the worker is gone."""

    @abstractmethod
    def receive(self, seconds: float) -> Sequence[Message]:
        """What came, waiting so long at most; EOFError or OSError once all is read and the worker is gone."""

    @abstractmethod
    def obituary(self) -> str:
        """How the worker ended, as a clause without a full stop."""

    @abstractmethod
    def stop(self) -> None:
        """End the worker, whatever it does, also while it is being opened; `receive` then raises."""


class Worker:
    """The parent's view of one worker: the parts it works on and the thread that listens to it."""

    def __init__(self, lane: str, device: str | None, line: Callable[[], Line]) -> None:
        self.lane, self.device = lane, device
        self._make = line
        self._parts: dict[str, Part] = {}
        self._changed = threading.Condition()
        self._line: Line | None = None
        self._ready = False
        self._closing = False
        self._starts = self._futile = 0
        self._heard = time.monotonic()
        self._lost = ""
        self._thread = threading.Thread(target=self._serve, name=f"explorer-{lane}-{device or 'auto'}", daemon=True)

    @property
    def load(self) -> int:
        return len(self._parts)

    def facts(self) -> WorkerFacts:
        with self._changed:
            id = self._line.id if self._line else ""
            return WorkerFacts(self.lane, self.device or "auto", id,
                               "busy" if self._parts else "idle" if self._ready else "not started",
                               max(0, self._starts - 1), len(self._parts))

    def give(self, part: Part) -> None:
        """Take on a part; it begins when it is its turn."""
        with self._changed:
            if not self._closing:
                if not self._thread.is_alive():
                    self._thread.start()
                self._parts[part.id] = part
                self._tell(("run", part.order))
                self._changed.notify_all()
                return
        part.run.end(part, "cancelled")

    def cancel(self, part: Part) -> None:
        """Tell the worker to end a part at its next step."""
        with self._changed:
            self._tell(("cancel", part.id))

    def forget(self, part: Part) -> None:
        """Whatever still comes of this part is dropped."""
        with self._changed:
            self._parts.pop(part.id, None)
            self._changed.notify_all()

    def refuse(self) -> None:
        """Take on nothing more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def close(self, deadline: float) -> None:
        """After `refuse`: stop the worker when its parts are over, or at `deadline` (monotonic), which cancels them."""
        with self._changed:
            self._changed.wait_for(lambda: not self._parts, max(0.0, deadline - time.monotonic()))
            line = self._line
        if line is not None:
            line.stop()
        if self._thread.is_alive():
            self._thread.join(10)

    def _tell(self, message: Message) -> None:
        if self._ready and self._line is not None:
            with suppress(OSError):  # the listening thread finds out, once it has read what the worker still said
                self._line.send(message)

    # ---------------------------------------------------------------- in the thread that listens

    def _serve(self) -> None:
        while (line := self._needed()) is not None:
            try:
                self._open(line)
                while True:
                    said = line.receive(_POLL_SECONDS)
                    for message in said:
                        self._handle(message)
                    self._listen(bool(said))
            except (EOFError, OSError) as e:
                self._bury(line, e)
            except Exception as e:  # noqa: BLE001 - whatever it is, jobs must come to an end
                _log.exception("lane %s", self.lane)
                self._bury(line, e)

    def _listen(self, heard: bool) -> None:
        """_Stalled where a worker has said nothing of what it has begun for too long."""
        now, limit = time.monotonic(), settings.STALL_SECONDS
        if heard or not any(part.begun for part in list(self._parts.values())):
            self._heard = now
        elif limit and now - self._heard > limit:
            raise _Stalled(f"the worker gave no sign of its work for {limit:g} s and was ended")

    def _needed(self) -> Line | None:
        """A line to be opened, as soon as there is work; None when the worker is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._parts or self._closing)
            self._line = None if self._closing and not self._parts else self._make()
            return self._line

    def _open(self, line: Line) -> None:
        line.open()
        with self._changed:
            self._starts += 1
            self._heard, self._lost = time.monotonic(), ""
            self._ready = True
            for part in self._parts.values():
                line.send(("run", part.order))

    def _handle(self, message: Message) -> None:
        kind, id, *values = message
        part = self._parts.get(id)
        if part is None:
            return
        if kind == "begin":
            part.run.begin(part)
        elif kind == "end":
            self.forget(part)
            part.run.end(part, *values)
        elif kind == "lost":
            self._lost = f"{self.device or 'its device'} was lost ({values[0]})"
        else:
            try:
                part.run.take(part, pickle.loads(values[0]))  # noqa: S301 - from the backend's own worker
            except Exception as e:  # noqa: BLE001 - a full disk, say; the job's outcome
                _log.exception("a result of %s could not be kept", part.order.title)
                self.cancel(part)
                self.forget(part)
                part.run.end(part, "failed", e)
            else:
                with self._changed:
                    self._tell(("taken", id))

    def _bury(self, line: Line, error: BaseException) -> None:
        """The worker is gone: its parts go on with a new one, or end."""
        with self._changed:
            opened, self._ready, closing, parts = self._ready, False, self._closing, list(self._parts.values())
        if closing:
            line.stop()
            lost = parts
        else:
            why = self._reason(line, opened, error)
            line.stop()
            _log.warning("lane %s: %s", self.lane, why)
            # one that dies again and again before anything has begun would do so for ever
            self._futile = 0 if any(p.begun for p in parts) else self._futile + 1
            hopeless = not opened or self._futile == _FUTILE_STARTS
            lost = [p for p in parts if hopeless or not self._resumed(p, why)]
        with self._changed:
            self._line = None
        for part in lost:
            self.forget(part)
            if closing or part.run.job.cancelling:
                part.run.end(part, "cancelled")
            elif part.run.job.active:
                hint = ". What it had finished is kept; run it again to go on." if opened else ""
                part.run.end(part, "failed", JobError(f"{part.order.title}: {why}{hint}"))

    def _reason(self, line: Line, opened: bool, error: BaseException) -> str:
        """Why a worker is gone; one whose device was lost has the processor for its device from here on."""
        if not opened:
            return f"the worker could not be started: {error}"
        if self._lost:
            self.device = "cpu"
            return f"{self._lost}; from here on this worker computes on the CPU"
        return str(error) if isinstance(error, _Stalled) else line.obituary()

    def _resumed(self, part: Part, why: str) -> bool:
        """Whether the part goes on with a new worker."""
        if part.run.job.cancelling:
            return False
        try:
            return part.resume(why, self.device if self._lost else None)
        except Exception as e:  # noqa: BLE001 - the request's own code; the job's outcome
            part.run.end(part, "failed", e)
            return False


class Lane:
    """The workers of one lane, and who gets what."""

    def __init__(self, name: str, devices: Sequence[str | None], line: Callable[[str | None], Line]) -> None:
        self.workers = [Worker(name, d, lambda d=d: line(d)) for d in devices]  # type: ignore[misc]
        self._giving = threading.Lock()

    def run(self, job: Job) -> None:
        """A job goes to the least loaded worker; one that can be split, to all idle ones."""
        with self._giving:
            idle = [w for w in self.workers if not w.load]
            request = job.work.request
            try:
                if len(idle) > 1 and hasattr(request, "split"):
                    pairs = list(zip(idle, request.split(len(idle)), strict=False))
                else:
                    pairs = [(min(self.workers, key=lambda w: w.load), request)]
                run = Run(job)
                for worker, share in pairs:
                    on = worker.device is not None and hasattr(share, "on")
                    run.parts.append(Part(run, worker, share.on(worker.device) if on else share))
            except Exception as e:  # noqa: BLE001 - the request's own code, or what can't be pickled
                job.end("failed", e)
                return
            for part in run.parts:
                part.worker.give(part)
        job.when_cancelled(run.cancel)


class Laned(Backend):
    """A backend whose workers are reached by Lines: `model` has a worker for each device, every other lane one."""

    def __init__(self) -> None:
        super().__init__()
        self._lanes: dict[str, Lane] = {}
        self._lanes_changing = threading.Lock()
        self._closed = False

    @abstractmethod
    def _devices(self) -> Sequence[str | None]:
        """The devices of the lane `model`; None is a worker that chooses for itself."""

    @abstractmethod
    def _line(self, lane: str, device: str | None) -> Line:
        """A line to a new worker, not yet open."""

    def _lane(self, name: str) -> Lane:
        with self._lanes_changing:
            if name not in self._lanes:
                devices = self._devices() if name == "model" and not self._closed else (None,)
                self._lanes[name] = Lane(name, devices, lambda device: self._line(name, device))
                if self._closed:
                    for worker in self._lanes[name].workers:
                        worker.refuse()
            return self._lanes[name]

    def _run(self, job: Job) -> None:
        self._lane(job.work.lane).run(job)

    def facts(self) -> list[WorkerFacts]:
        for name in ("model", "side"):
            self._lane(name)
        return [worker.facts() for lane in list(self._lanes.values()) for worker in lane.workers]

    def close(self) -> None:
        with self._lanes_changing:
            self._closed = True
            workers = [w for lane in self._lanes.values() for w in lane.workers]
        for worker in workers:
            worker.refuse()
        for job in self.jobs():
            job.cancel()
        deadline = time.monotonic() + _GRACE_SECONDS
        for worker in workers:
            worker.close(deadline)
