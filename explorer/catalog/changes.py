"""What has been written in a catalog since it was opened, and what was read since then and need not be read again.

Every write is a transaction of the one process that holds the file, so a number for each table that a transaction
raises tells whether it may have changed. A transaction that does not say what it writes raises those of all.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
State = tuple[int, ...]
_MOST, _BYTES = 256, 128 << 20
"""How many readings are remembered, and how much memory they may take as far as they say what they take."""
_serials = itertools.count()


class Changes:
    """Safe from any thread. What is remembered is shared: whoever gets it must not change it."""

    def __init__(self) -> None:
        self._serial = next(_serials)  # no two catalogs of a process are ever in the same state
        self._written: Counter[str] = Counter()
        self._everything = 0
        self._remembered: OrderedDict[Hashable, tuple[State, Any, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._within = threading.local()

    def state(self, *tables: str) -> State:
        """Another value after every transaction that may have written one of these tables."""
        with self._lock:
            return (self._serial, self._everything, *(self._written[table] for table in tables))

    @contextmanager
    def writing(self, tables: Sequence[str]) -> Iterator[None]:
        """Around a transaction of this thread on these tables, or on any where none is named."""
        self._within.depth = self._depth() + 1
        try:
            yield
        finally:
            # after the end, also of one that was rolled back: whoever has read meanwhile reads again
            self._within.depth -= 1
            with self._lock:
                self._written.update(tables)
                self._everything += not tables

    def remembered(self, key: Hashable, tables: Sequence[str], read: Callable[[], T],
                   size: Callable[[T], int] = lambda _: 0) -> T:
        """What was read of these tables under this key, read again when one of them may have changed.

        A thread reads anew within its own transaction, whose writes are nobody else's yet. `size` says what large
        readings take, in bytes.
        """
        if self.inside:
            return read()
        now = self.state(*tables)
        with self._lock:
            if key in self._remembered:
                state, found, _ = self._remembered[key]
                if state == now:
                    self._remembered.move_to_end(key)
                    return found
                del self._remembered[key]
        made = read()
        with self._lock:
            self._remembered[key] = (now, made, size(made))
            while len(self._remembered) > _MOST or sum(kept[2] for kept in self._remembered.values()) > _BYTES:
                self._remembered.popitem(last=False)
        return made

    @property
    def inside(self) -> bool:
        """Whether this thread is within a transaction."""
        return self._depth() > 0

    def _depth(self) -> int:
        return getattr(self._within, "depth", 0)
