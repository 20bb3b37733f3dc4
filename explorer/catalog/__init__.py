"""The catalog: one DuckDB file per workspace that knows bases, checkpoints, Gram rows, projections, tasks and scores.

The only SQL of the project is here (and in the table reader of `tasks`). Values go in and come out as `explorer.types`.
"""

from explorer.catalog.removal import Uses
from explorer.catalog.store import Catalog

__all__ = ["Catalog", "Uses"]
