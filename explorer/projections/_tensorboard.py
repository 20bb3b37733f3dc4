"""Models and Points as vectors for TensorBoard's projector: `vectors.tsv`, `metadata.tsv`, a config naming them.

The vectors are full-rank principal coordinates: their distances are the task vectors', whatever the models' size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.projections._coordinates import principal
from explorer.types import Gram, Group, Progress
from explorer.weights.exporting import Exported, check_target, whole_folder, write_meta

_CONFIG = """embeddings {
  tensor_name: "task vectors"
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
}
"""


@dataclass(frozen=True, eq=False)
class Vectors:
    """Rows by name with their metadata, the inner products (n, n) of their task vectors, where to, explorer.json."""

    names: tuple[str, ...]
    metadata: tuple[Mapping[str, Any], ...]
    inner: np.ndarray
    out: str
    meta: Mapping[str, Any]
    force: bool = False


def write(request: Vectors) -> Iterator[Progress | Exported]:
    """Write the folder, whole or not at all; InputError where no vector differs from another."""
    out, n = Path(request.out), len(request.names)
    check_target(out, request.force)
    yield Progress(0, n, "coordinates")
    keys = tuple(f"{i:06}" for i in range(n))
    found = principal(Gram(keys, (Group("all", "other"),), request.inner[None]), "euclidean", n)[0]
    found = found[:, np.any(found != 0, axis=0)]
    if not found.shape[1]:
        raise InputError("all the vectors are the base's own place; there is nothing to project.")
    columns = list(dict.fromkeys(key for row in request.metadata for key in row))
    with whole_folder(out, request.force) as making:
        lines = ["\t".join(f"{v:.9g}" for v in row) for row in found]
        (making / "vectors.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        rows: list[list[Any]] = [["name", *columns]]
        rows += [[name, *(row.get(c) for c in columns)]
                 for name, row in zip(request.names, request.metadata, strict=True)]
        (making / "metadata.tsv").write_text("".join(_line(row) for row in rows), encoding="utf-8")
        (making / "projector_config.pbtxt").write_text(_CONFIG, encoding="utf-8")
        write_meta(making, request.meta)
    yield Exported(str(out), (f"{n} vectors of {found.shape[1]} dimensions.",))
    yield Progress(n, n, "written")


def _line(values: Sequence[Any]) -> str:
    """One line of tab-separated values, none of which breaks it; what is not known is a dash, as no cell may be empty.
    """
    return "\t".join("–" if v is None or v == "" else " ".join(str(v).split()) for v in values) + "\n"
