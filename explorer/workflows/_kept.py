"""What is dear to make and made again and again: the last few of a kind, for the life of the process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Event, Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """At most `most` values by key, those used last; keys must say all that a value depends on. Safe from any thread:
    of those that ask for a value at once one makes it, the others wait for it; where it can't, the next one tries."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, Event] = {}
        self._lock = Lock()

    def peek(self, key: Hashable) -> T | None:
        """What was made for a key before, if it is kept."""
        with self._lock:
            return self._values.get(key)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made for a key before, or is made now."""
        while True:
            with self._lock:
                if key in self._values:
                    self._values.move_to_end(key)
                    return self._values[key]
                if (other := self._making.get(key)) is None:
                    done = self._making[key] = Event()
                    break
            other.wait()
        try:
            made = make()
            with self._lock:
                self._values[key] = made
                while len(self._values) > self._most:
                    self._values.popitem(last=False)
            return made
        finally:
            with self._lock:
                del self._making[key]
            done.set()
