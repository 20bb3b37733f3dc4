"""Metadata tables: CSV or Parquet with one row a checkpoint, read through DuckDB."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any

import duckdb

from explorer.errors import InputError

# Which column says what checkpoint a row is about, in order of preference.
KEYS = ("folder", "checkpoint", "name")
_READERS = {".csv": "read_csv(?, header = true{})", ".tsv": "read_csv(?, header = true{})",
            ".parquet": "read_parquet(?)"}
MOST_ROWS = 1_000_000
"""Of a table: a compressed file of a few kilobytes can hold any number."""
# Read as they are written: a folder called 007 is not number 7.
_TEXT = (*KEYS, "base", "dataset", "task", "domain", "method")


def read_table(path: Path) -> dict[str, dict[str, Any]]:
    """Rows by checkpoint name, as column → value. InputError names what is wrong with the table."""
    if path.suffix.lower() not in _READERS:
        raise InputError(f"{path}: a metadata table is CSV, TSV or Parquet; got {path.suffix or 'no suffix'!r}.")
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    try:
        with duckdb.connect(":memory:") as db:
            reader = _READERS[path.suffix.lower()]
            there = str(path.resolve())
            named = glob.escape(there)  # a name is no pattern for other files
            db.execute("SET allowed_paths = ?", [[there, named]])
            db.execute("SET enable_external_access = false")
            first = db.execute(f"SELECT * FROM {reader.format('')} LIMIT 0", [named])
            columns = [str(c[0]) for c in first.description]
            text = ", ".join(f"'{c}': 'VARCHAR'" for c in columns if c in _TEXT)
            typed = reader.format(f", types = {{{text}}}" if text else "")
            (count,) = db.execute(f"SELECT count(*) FROM {typed}", [named]).fetchall()[0]
            if count > MOST_ROWS:
                raise InputError(f"{path}: {count} rows; at most {MOST_ROWS} are read.")
            rows = db.execute(f"SELECT * FROM {typed}", [named]).fetchall()
    except InputError:
        raise
    except Exception as e:  # DuckDB's own, and what making Python values of days out of all calendars brings
        raise InputError(f"{path}: not readable as a table ({str(e)[:300]}).") from e
    key = next((k for k in KEYS if k in columns), None)
    if key is None:
        raise InputError(f"{path}: no column that names the checkpoint. Columns: {', '.join(columns)}; needed: one of "
                         f"{', '.join(KEYS)}.")
    table: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=1):
        values = dict(zip(columns, row, strict=True))
        name = values.pop(key)
        if name is None:
            raise InputError(f"{path}: row {number} has no {key}.")
        if str(name) in table:
            raise InputError(f"{path}: two rows for {name!r}.")
        table[str(name)] = {k: v if isinstance(v, (str, int, float, bool)) or v is None else str(v)
                            for k, v in values.items()}
    return table
