"""What changes a catalog of an older version into one of this one, in order.

A step is SQL and runs once. All steps of an opening are one transaction, behind a copy of the file: an interrupted one
leaves the catalog as it was. `schema.sql` is the catalog of the last version, and makes new ones.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import WorkspaceError


@dataclass(frozen=True)
class Migration:
    """From the version before to `to`."""

    to: int
    sql: str


MIGRATIONS = (
    Migration(2, """
CREATE TABLE weight_files (
    model VARCHAR PRIMARY KEY,
    files VARCHAR NOT NULL,
    added TIMESTAMP DEFAULT current_timestamp
);
"""),
)
FIRST = 1
VERSION = MIGRATIONS[-1].to


def steps(found: str | None, path: Path) -> tuple[Migration, ...]:
    """What a catalog of version `found` lacks; WorkspaceError for one of a version that this program can't know."""
    number = int(found) if found is not None and found.isdecimal() else 0
    if number > VERSION:
        raise WorkspaceError(f"{path}: catalog version {found}, this program reads versions {FIRST} to {VERSION}. Use "
                             "the newer release that wrote it, or choose another workspace folder.")
    if number < FIRST:
        raise WorkspaceError(f"{path}: catalog version {found}, this program reads versions {FIRST} to {VERSION}. "
                             "Restore it from a backup, or choose another workspace folder.")
    return tuple(m for m in MIGRATIONS if m.to > number)


def back_up(path: Path, version: str) -> Path:
    """Copy a closed catalog beside itself, whole or not at all; the copy of an earlier try is written over."""
    kept = path.with_name(f"{path.stem}.version-{version}.duckdb")
    temporary = kept.with_name(f".{kept.name}.{os.getpid()}.part")
    try:
        try:
            with path.open("rb") as source, temporary.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 24)
                copy.flush()
                os.fsync(copy.fileno())
            temporary.replace(kept)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as e:
        raise WorkspaceError(f"{kept}: the catalog of version {version} can't be copied before it is brought up to "
                             f"date ({e.strerror or e}). Make room; nothing was changed.") from e
    return kept
