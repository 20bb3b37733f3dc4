"""What an import has found of the folders it has read, kept while it runs: one that was interrupted reads none twice.

A line counts for the very files it was made of: their names, sizes and times of change. The file goes when the import
has come to its end.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from explorer.types import canonical_json, digest
from explorer.weights.fingerprint import Fingerprint
from explorer.weights.staleness import facts_of

FILE = "checked.jsonl"


class Checked:
    """Fingerprints by what they were made of; `folder` None: nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._file = None if folder is None else folder / FILE
        self._found: dict[str, Fingerprint] = {}
        if self._file is not None and self._file.is_file():
            for line in self._file.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    said = json.loads(line)
                    key = said.pop("files")
                    self._found[key] = Fingerprint(**said)
                except (ValueError, TypeError, KeyError, AttributeError):
                    continue  # the line that was being written

    def get(self, key: str) -> Fingerprint | None:
        return self._found.get(key)

    def add(self, key: str, found: Fingerprint) -> None:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as out:
                out.write(f"\n{canonical_json({'files': key, **asdict(found)})}\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def files_key(folder: Path, *about: str) -> str:
    """Identity of a folder's files as they are on disk, and of what they are compared with."""
    files = facts_of(folder, sorted(file.name for file in folder.iterdir()))
    return digest(str(folder), canonical_json(files), *about)
