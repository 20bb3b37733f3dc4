"""The server's log: one line an event, as text or as JSON, on standard error.

An event is a short constant sentence; what it is about stands in named fields (`extra={"facts": {...}}`), so that a
log can be searched. EXPLORER_LOG chooses "text" (default) or "json", EXPLORER_LOG_LEVEL the least level ("info"). Names
from data are quoted as JSON strings in both: a line feed in a name can't begin a line of its own.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any

from explorer.errors import InputError

FORMS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")


class Line(logging.Formatter):
    """One event as one line; a traceback is a field of it."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._json = form == "json"

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts: dict[str, Any] = dict(getattr(record, "facts", {}))
        if record.exc_info:
            facts["trace"] = self.formatException(record.exc_info)
        event = record.getMessage()
        if self._json:
            return json.dumps({"time": at, "level": record.levelname.lower(), "from": record.name, "event": event,
                               **facts}, default=str)
        told = "".join(f" {name}={json.dumps(value, default=str)}" for name, value in facts.items())
        return f"{at} {record.levelname.lower():7} {record.name}: {_one_line(event)}{told}"


def begin(form: str | None = None, level: str | None = None) -> None:
    """Let the project's events be written; a second call changes how. InputError for an unknown form or level."""
    form = form or os.environ.get("EXPLORER_LOG", "text")
    level = level or os.environ.get("EXPLORER_LOG_LEVEL", "info")
    if form not in FORMS:
        raise InputError(f"EXPLORER_LOG={form!r}; allowed: {', '.join(FORMS)}.")
    if level not in LEVELS:
        raise InputError(f"EXPLORER_LOG_LEVEL={level!r}; allowed: {', '.join(LEVELS)}.")
    ours = logging.getLogger("explorer")
    for old in [h for h in ours.handlers if isinstance(h.formatter, Line)]:
        ours.removeHandler(old)
    handler = logging.StreamHandler()
    handler.setFormatter(Line(form))
    ours.addHandler(handler)
    ours.setLevel(level.upper())
    ours.propagate = False


def _one_line(text: str) -> str:
    return json.dumps(text)[1:-1] if any(ord(c) < 32 for c in text) else text
