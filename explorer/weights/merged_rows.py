"""The Gram rows of merges and generated directions, as work for a backend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from explorer.errors import RecipeError
from explorer.types import Base, Progress


@dataclass(frozen=True)
class MergedRows:
    """Which inner products are wanted: of `terms` (merges, directions) with the checkpoints `ids` and with each other.

    `folders` maps every checkpoint, those merged too, to the folder of its task vector.
    """

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    ids: tuple[str, ...]
    terms: tuple[str, ...]


def merged_rows(request: MergedRows) -> Iterator[Progress | np.ndarray]:
    """⟨Δᵢ, Δⱼ⟩ of the k terms with the n checkpoints and the terms, float64 of shape (g, k, n + k), in one pass."""
    from pathlib import Path

    from explorer.weights.gram import gram_rows
    from explorer.weights.opening import open_term, reopen_base

    yield Progress(0, 1, "reading the models")
    opened = reopen_base(request.base, Path(request.base_folder))
    folders = {i: Path(folder) for i, folder in request.folders.items()}
    deltas = [open_term(term, folders, opened) for term in (*request.ids, *request.terms)]
    rows = gram_rows(deltas, request.base.layout, len(request.terms))
    if not np.isfinite(rows).all():
        raise RecipeError("a merge is not finite: its weights or options are too large.")
    yield rows
    yield Progress(1, 1, "done")
