"""The table of checkpoints as the Catalog page filters it, made once for a state of the catalog.

A page's own file is run anew for every visit, so what is kept from run to run lies here.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from explorer import workflows
from explorer.types import Checkpoint
from explorer.workflows._kept import Kept

_frames: Kept[pd.DataFrame] = Kept(2)


def rows(ws: workflows.Workspace) -> pd.DataFrame:
    """One row a checkpoint: standard columns, its base, then further ones. Made once for a state of the catalog."""
    return _frames.get(ws.catalog.changes.state("bases", "checkpoints"), lambda: _rows(ws))


def _rows(ws: workflows.Workspace) -> pd.DataFrame:
    bases, checkpoints = {b.id: b.name for b in ws.catalog.bases()}, ws.catalog.checkpoints()
    further = sorted({column for c in checkpoints for column in c.columns})
    found = [{"id": c.id, "name": c.name, **{k: c.value(k) for k in Checkpoint.STANDARD}, "base": bases.get(c.base),
              **{k: _cell(c.value(k)) for k in further}, "format": c.format, "path": c.path} for c in checkpoints]
    return pd.DataFrame(found).sort_values("name", ignore_index=True) if found else pd.DataFrame()


def _cell(value: Any) -> Any:
    """Further columns hold anything; a table shows numbers and text."""
    return value if value is None or isinstance(value, (int, float, str, bool)) else str(value)


def options(frame: pd.DataFrame, column: str) -> list[str]:
    """The values of a column that there are, in order."""
    return sorted(frame[column].dropna().unique())
