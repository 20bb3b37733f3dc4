"""Work to submit in the tests of the backends, and looking at what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil

from explorer.backends import Work


def work(name: str, request: Any = None, lane: str = "model", **options: Any) -> Work:
    """One of the functions in work_functions."""
    return Work(name, f"work_functions:{name}", request, lane, **options)


def workers() -> list[psutil.Process]:
    """The worker processes of `local`."""
    return [p for p in psutil.Process().children() if "explorer.backends._worker" in p.cmdline()]


def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
