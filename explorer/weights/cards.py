"""What a Hub model card says of a checkpoint: base and data set in the front matter of its README.md.

It is a hint by whoever wrote the card: `explorer.json` and metadata tables are over it, and a base that it names is
taken only where that base is among those at hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer import documents
from explorer.errors import InputError
from explorer.weights.annotations import Annotation

CARD = "README.md"
BASE, DATASETS = "card.base_model", "card.datasets"
"""The columns that keep what the card says, as it says it."""
_LONGEST = 200_000


def card_of(folder: Path) -> Annotation:
    """The data set, if the card names one alone, and both entries as columns; nothing where there is no front matter.

    "org/name" is called "name", as tasks are. What a card says in another form than a text or a list is left out.
    """
    front = _front(folder / CARD)
    bases, datasets = _texts(front.get("base_model")), _texts(front.get("datasets"))
    columns = {BASE: ", ".join(bases)} if bases else {}
    columns |= {DATASETS: ", ".join(datasets)} if datasets else {}
    return Annotation(dataset=short(datasets[0]) if len(datasets) == 1 else None, columns=columns)


def short(name: str) -> str:
    """The last part of a Hub id."""
    return name.rstrip("/").rpartition("/")[2]


def _front(path: Path) -> dict[str, Any]:
    """The YAML between two lines of three dashes at the top of a file."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = file.read(_LONGEST).splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    end = next((i for i, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        return {}
    try:
        found: Any = next(iter(documents.read_yaml("\n".join(lines[1:end]))), {})
    except InputError:
        return {}  # a README is written for people: one that no program can read says nothing to programs
    return found if isinstance(found, dict) else {}


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    told = (v.strip() for v in listed if isinstance(v, str))
    return [v for v in told if v and len(v) <= 200 and v.isprintable()]
