"""Metadata tables: CSV or Parquet with one row a checkpoint, read through DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from explorer.errors import InputError

_READERS = {".csv": "read_csv", ".tsv": "read_csv", ".parquet": "read_parquet"}
# Which column says what checkpoint a row is about, in order of preference.
KEYS = ("name", "checkpoint", "folder")


def read_table(path: Path) -> dict[str, dict[str, Any]]:
    """Rows by checkpoint name, as column → value. InputError names what is wrong with the table."""
    if path.suffix.lower() not in _READERS:
        raise InputError(f"{path}: a metadata table is CSV, TSV or Parquet; got {path.suffix or 'no suffix'!r}.")
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    try:
        with duckdb.connect(":memory:") as db:
            found = db.execute(f"SELECT * FROM {_READERS[path.suffix.lower()]}(?)", [str(path)])
            columns = [str(c[0]) for c in found.description]
            rows = found.fetchall()
    except duckdb.Error as e:
        raise InputError(f"{path}: not readable as a table ({str(e).splitlines()[0]}).") from e
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
