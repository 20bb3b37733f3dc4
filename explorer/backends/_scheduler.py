"""How work shares a worker: several generators run in one thread, and each turn advances one of them to its next yield.

The smallest priority goes first; of equal priority the viewers take turns, and so do the generators of one viewer:
whoever asks for a step waits for at most one of each other viewer, however much that one has asked for. It is the same
in a worker process and in an actor: messages come in through `put` and go out through the function given to it.

Messages to the worker          Messages from it
("run", Order)                  ("begin", id)            before anything of the work is loaded
("cancel", id)                  ("yield", id, bytes)     a pickled value
("taken", id)  a value is safe  ("end", id, state, cause)
                                ("lost", id, reason)     the device is gone, and so is this worker after it
"""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from explorer.backends._jobs import State, Work
from explorer.errors import ExplorerError, JobError, told

Message = tuple[Any, ...]

AHEAD = 16
"""Values of one piece of work that may be on their way; then it waits until its parent has taken one."""


@dataclass(frozen=True)
class Order:
    """Work on its way to a worker, pickled, so that what can't be loaded there is the failure of that work alone.

    Of orders with the same non-empty `queue`, only the earliest runs. `owner` is the viewer whose turns it takes.
    """

    id: str
    title: str
    priority: int
    queue: str
    packed: bytes
    owner: str = ""

    @classmethod
    def of(cls, id: str, work: Work, owner: str = "") -> Order:
        """Raises what pickling raises. Work beside the model may write files: equal kinds of it run in sequence."""
        queue = "" if work.lane == "model" else work.function
        return cls(id, work.title, work.priority, queue, pickle.dumps(work, protocol=5), owner)


class DeviceLostError(Exception):
    """The device of this process can't be used any more: a new process is needed."""


@dataclass(eq=False)
class _Running:
    order: Order
    generator: Generator[Any, None, None] | None = None
    ahead: int = 0
    turn: int = 0
    cancelled: bool = False


class Scheduler:
    """The generators of one worker. `put` may be called by any thread; `serve` runs in the thread that works."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._running: dict[str, _Running] = {}
        self._turns = 0
        self._last: dict[str, int] = {}

    def put(self, message: Message) -> None:
        self._inbox.put(message)

    def serve(self) -> None:
        """Work for ever; returns only by an error of `send`."""
        wait = True
        while True:
            self._read(wait)
            running = self._next()
            if running is not None:
                self._advance(running)
            wait = running is None

    def _read(self, wait: bool) -> None:
        try:
            while True:
                kind, value = self._inbox.get(block=wait)
                wait = False
                if kind == "run":
                    self._running[value.id] = _Running(value)
                elif (running := self._running.get(value)) is not None:
                    if kind == "cancel":
                        running.cancelled = True
                    else:
                        running.ahead -= 1
        except Empty:
            return

    def _next(self) -> _Running | None:
        """Whose turn it is; None if all wait for their parent, or there is no work."""
        seen: set[str] = set()
        best: _Running | None = None
        for running in self._running.values():
            if running.cancelled:
                return running
            queue = running.order.queue
            free = not queue or queue not in seen
            seen.add(queue)
            if free and running.ahead < AHEAD and (best is None or self._rank(running) < self._rank(best)):
                best = running
        return best

    def _advance(self, running: _Running) -> None:
        """One step of it, to its next yield or its end."""
        order, self._turns = running.order, self._turns + 1
        running.turn = self._last[order.owner] = self._turns
        if running.cancelled:
            self._end(running, "cancelled")
            return
        if running.generator is None:
            self._send(("begin", order.id))
        try:
            if running.generator is None:
                running.generator = pickle.loads(order.packed).begin()  # noqa: S301 - the parent's own
            value = pickle.dumps(next(running.generator), protocol=5)
        except StopIteration:
            self._end(running, "done")
        except Exception as e:  # whatever work raises is the job's outcome, told to its user
            if lost := _lost(e):
                self._send(("lost", order.id, lost))
                raise DeviceLostError(lost) from e
            self._end(running, "failed", _told(e, order.title))
        else:
            running.ahead += 1
            self._send(("yield", order.id, value))

    def _end(self, running: _Running, state: State, cause: ExplorerError | None = None) -> None:
        del self._running[running.order.id]
        if not self._running:
            self._last.clear()
        try:
            if running.generator is not None:
                running.generator.close()
        except Exception as e:  # noqa: BLE001 - how it stops is part of its outcome, unless it had failed already
            state, cause = "failed", cause or _told(e, running.order.title)
        self._send(("end", running.order.id, state, cause))

    def _rank(self, running: _Running) -> tuple[int, int, int]:
        return running.order.priority, self._last.get(running.order.owner, 0), running.turn


_LOSSES = ("device-side assert", "no cuda-capable device", "device is lost", "gpu has fallen off",
           "illegal memory access", "unspecified launch failure", "uncorrectable ecc",
           "device(s) is/are busy or unavailable", "hardware error")


def _lost(error: Exception) -> str:
    """What torch said where an error means that a GPU has failed this process for good; else empty."""
    said = str(error).lower()
    if not isinstance(error, RuntimeError) or "cuda" not in said or not any(sign in said for sign in _LOSSES):
        return ""
    return str(error).strip().splitlines()[0]


def _told(error: Exception, title: str) -> ExplorerError:
    """The error for the user: itself if it is meant to be read and survives pickling, else one with its words."""
    if not isinstance(error, ExplorerError):
        traceback.print_exception(error)
        return JobError(f"{title}: {told(error)}")
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    except Exception:  # noqa: BLE001 - any class may fail in its own way
        return JobError(str(error))
    return error
