"""Work for the tests of the backends; workers import it by name, so its folder must be on PYTHONPATH."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError, InputError, UnknownNameError
from explorer.types import Notice, Progress


def count(n: int) -> Iterator[Any]:
    for i in range(n):
        yield i
        yield Progress(i + 1, n, f"step {i + 1}")


def where(_: object) -> Iterator[tuple[int, bool]]:
    import sys

    yield os.getpid(), "streamlit" in sys.modules


def fail(after: int) -> Iterator[int]:
    yield from range(after)
    raise ZeroDivisionError("seven by nothing")


def refuse(kind: str) -> Iterator[int]:
    yield 1
    raise UnknownNameError("task", "x", ["y"]) if kind == "unknown" else InputError("the input is wrong")


def slow(steps: int) -> Iterator[int]:
    for i in range(steps):
        yield i
        time.sleep(0.02)


def die(how: int) -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), how or signal.SIGKILL)
    time.sleep(30)
    yield 2


def leave(status: int) -> Iterator[int]:
    yield 1
    os._exit(status)


def unpicklable(_: object) -> Iterator[Any]:
    yield 1
    yield lambda: None


def closing(file: str) -> Iterator[int]:
    try:
        for i in range(1000):
            yield i
            time.sleep(0.01)
    finally:
        Path(file).write_text("closed")


def large(megabytes: int) -> Iterator[Any]:
    import numpy as np

    yield np.ones(megabytes << 17)


def noted(text: str) -> Iterator[Any]:
    yield 1
    yield Notice(text)
    yield 2


@dataclass(frozen=True)
class Numbers:
    """Numbers to be given back; the worker kills itself before each of `deadly`, once if there is a `mark` to make."""

    numbers: tuple[int, ...]
    pause: float = 0.0
    deadly: tuple[int, ...] = ()
    mark: str = ""
    device: str = ""

    def on(self, device: str) -> Numbers:
        return replace(self, device=device)

    def split(self, n: int) -> list[Numbers]:
        return [replace(self, numbers=self.numbers[i::n]) for i in range(n)]

    def remaining(self, results: Sequence[tuple[int, str, int]]) -> Numbers:
        done = {number for number, _, _ in results}
        return replace(self, numbers=tuple(n for n in self.numbers if n not in done))


def numbers(request: Numbers) -> Iterator[Any]:
    """(number, device, process) of each."""
    yield Progress(0, len(request.numbers))
    for i, number in enumerate(request.numbers, start=1):
        if number in request.deadly:
            mark = Path(f"{request.mark}-{number}")
            if not request.mark or not mark.exists():
                if request.mark:
                    mark.touch()
                time.sleep(0.3)  # what was said before is on its way, but for a last value it may be lost
                os.kill(os.getpid(), signal.SIGKILL)
        yield number, request.device, os.getpid()
        yield Progress(i, len(request.numbers))
        time.sleep(request.pause)


@dataclass(frozen=True)
class Lost(Numbers):
    """Numbers of which none comes from a device that is no CPU: torch says `error` there."""

    error: str = ""


def lost(request: Lost) -> Iterator[Any]:
    for number in request.numbers:
        if request.device != "cpu" and number == request.numbers[-1]:
            raise RuntimeError(request.error)
        yield number, request.device, os.getpid()


def hang(_: object) -> Iterator[int]:
    yield 1
    time.sleep(60)


class Unreadable(ExplorerError):
    """An error that can't be unpickled."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def unreadable(_: object) -> Iterator[int]:
    yield 1
    raise Unreadable(1, 2)


def messy(_: object) -> Iterator[tuple[int]]:
    try:
        for i in range(1000):
            yield (i,)
    finally:
        raise OSError("no space left")
