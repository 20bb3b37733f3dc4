"""How verbs answer: aligned tables, scores without a NaN, and what running work says on standard error."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from explorer.backends import Backend, Job
from explorer.numbers import about, between, fixed
from explorer.types import Score
from explorer.workflows import Workspace

Answer = tuple[Any, str]
"""What --json prints, and what is printed without."""


class Narrator:
    """Tells on standard error how the jobs of a backend go: progress on a terminal, and every note once."""

    def __init__(self, backend: Backend, *, quiet: bool) -> None:
        self._backend, self._quiet = backend, quiet
        self._told: dict[str, int] = {}
        self._telling = threading.Lock()
        backend.watch = self._watch

    def notes(self) -> None:
        """What has not been told yet of what users should know."""
        with self._telling:
            for job in self._backend.jobs():
                for note in job.notes[self._told.get(job.id, 0):]:
                    self._told[job.id] = self._told.get(job.id, 0) + 1
                    print(f"note: {note}", file=sys.stderr)

    def _watch(self, job: Job) -> None:
        if sys.stderr.isatty() and not self._quiet:
            eta = f", {about(job.eta)} left" if job.eta is not None else ""
            print(f"\r\x1b[K{job.title} [{job.done}/{job.total}] {job.message}{eta}",
                  end="" if job.done < job.total else "\n", file=sys.stderr, flush=True)
        self.notes()


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows in aligned columns."""
    if not rows:
        return "(none)"
    head = list(rows[0])
    cells = [head] + [["" if r[k] is None else str(r[k]) for k in head] for r in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def number(value: float | None) -> float | None:
    """A number that JSON has: None for what is not finite, such as the standard error of one text."""
    return value if value is not None and math.isfinite(value) else None


def shown(value: float | None, digits: int = 4) -> str:
    """A number in a table, empty where there is none."""
    return "" if value is None else fixed(value, digits)


def changed(value: float, low: float, high: float) -> str:
    """A difference in a table, with its sign and its interval."""
    return f"{fixed(value, 4, sign=True)} ({between(low, high, sign=True)})"


def score_row(score: Score | None) -> dict[str, Any]:
    """A score as JSON has it; nulls where there is none."""
    if score is None:
        return {"loss": None, "stderr": None, "accuracy": None, "n": 0}
    return {"loss": number(score.loss), "stderr": number(score.stderr), "accuracy": number(score.accuracy),
            "n": score.n}


def checkpoint_names(ws: Workspace) -> dict[str, str]:
    """Names by id."""
    return {c.id: c.name for c in ws.catalog.checkpoints()}
