"""Work for the tests of the backends; workers import it by name, so its folder must be on PYTHONPATH."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

from explorer.errors import InputError, UnknownNameError
from explorer.types import Progress


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
    from pathlib import Path

    try:
        for i in range(1000):
            yield i
            time.sleep(0.01)
    finally:
        Path(file).write_text("closed")


def large(megabytes: int) -> Iterator[Any]:
    import numpy as np

    yield np.ones(megabytes << 17)
