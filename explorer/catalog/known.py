"""Scores that were read before, so that they need not be read again.

A score that is in the catalog stays as it is, so what was found is remembered; that one was not there holds until the
next write of scores. A transaction that does not say what it writes may have taken scores away: all is read again then.
Dragging along a path that is measured asks the file nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from explorer.catalog.changes import Changes, State
from explorer.types import Score

_BYTES = 64 << 20
_ENTRY = 1 << 10
"""About what an entry takes beside its losses."""
Key = tuple[str, str, str]


class KnownScores:
    """Safe from any thread; the longest unused are forgotten beyond 64 MiB."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._kept: OrderedDict[Key, Score | State] = OrderedDict()  # a state: it was not there then
        self._era: State = ()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, task: str, probe: str, points: Sequence[str],
           read: Callable[[list[str]], Mapping[str, Score]]) -> list[Score | None]:
        """The score of each Point (by hash) on a task (digest) with a probe (key); `read` finds what is not known."""
        if self._changes.inside:  # a transaction's own rows are nobody else's yet
            own = read(list(points))
            return [own.get(p) for p in points]
        now, era = self._changes.state("scores"), self._changes.state()
        keys = {p: (p, task, probe) for p in points}
        with self._lock:
            if era != self._era:
                self._kept.clear()
                self._bytes, self._era = 0, era
            known = {p: self._kept[key] for p, key in keys.items() if key in self._kept}
            for p in known:
                self._kept.move_to_end(keys[p])
        if asked := [p for p in keys if not isinstance(known.get(p), Score) and known.get(p) != now]:
            found = read(asked)
            known |= {p: found.get(p, now) for p in asked}
            self._keep({keys[p]: known[p] for p in asked}, era)
        return [score if isinstance(score := known[p], Score) else None for p in points]

    def _keep(self, entries: Mapping[Key, Score | State], era: State) -> None:
        with self._lock:
            if era != self._era:
                return
            for key, entry in entries.items():
                self._bytes += _size(entry) - (_size(self._kept[key]) if key in self._kept else 0)
                self._kept[key] = entry
            while self._bytes > _BYTES:
                self._bytes -= _size(self._kept.popitem(last=False)[1])


def _size(entry: Score | State) -> int:
    return _ENTRY + (entry.losses.nbytes if isinstance(entry, Score) else 0)
