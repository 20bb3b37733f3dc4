"""What a packaged dataset is: a name, its family and domain, and how its rows are read out of a pinned archive.

Also the small readings that several archives share: tables in bytes, JSON lines, sentences, tweets. The datasets
themselves are declared in `sources/`, one file per archive.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from explorer.tasks.archives import Archive, Members
from explorer.tasks.splits import Row


@dataclass(frozen=True)
class PackagedDataset:
    """Labelled text that lies in a package archive. `provenance` tells who made the texts and under which terms."""

    name: str
    family: str
    domain: str
    archive: Archive
    provenance: str
    reader: Callable[[Members], Iterable[Row]]

    @property
    def source(self) -> str:
        return f"{self.archive.requirement} ({self.archive.file}): {self.provenance}"


_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[A-Z])")
_RETWEET = re.compile(r"^\s*RT\s+@\w+:?\s*", re.IGNORECASE)
_LINK = re.compile(r"\bhttps?:\S*", re.IGNORECASE)


def table(text: str, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Rows of a delimited table with a header line."""
    previous = csv.field_size_limit(1 << 24)
    try:
        yield from csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    finally:
        csv.field_size_limit(previous)


def json_lines(raw: bytes) -> Iterator[dict[str, Any]]:
    """Objects of a JSON Lines file; blank lines are passed over."""
    return (json.loads(line) for line in raw.decode().splitlines() if line.strip())


def sentences(text: str, words: int) -> list[str]:
    """The sentences of at least so many words."""
    return [s for s in _SENTENCE.split(text) if len(s.split()) >= words]


def tweet(text: str) -> str:
    """A tweet without its links and retweet mark: copies that differ in these alone are one text."""
    return _LINK.sub("", _RETWEET.sub("", html.unescape(text)))
