"""Whether the files of a model are still those that were imported, so that others are never used in their place.

A model's id is the hash of its weights, and reading them all at every opening is too dear. So the sizes, times and
inodes of its files are remembered with it. What agrees is taken as it is; what differs, or is seen for the first time
on this machine, is hashed once: the same weights are remembered anew, others are refused.

A worker is told what is known of the models that its work may read (`expect`), and gives back what it has found
(`news`) with its results. Models that nobody told of are not looked at.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from explorer.errors import CheckpointError
from explorer.types import Seen

_WEIGHTS = {".safetensors", ".bin", ".pt"}
_NAMED = {"config.json", "adapter_config.json"}
_NEAR = 1e-6

_expected: dict[tuple[str, str], Seen] = {}
_found: dict[tuple[str, str], str] = {}
_news: list[Seen] = []
_telling = threading.Lock()


def files_of(folder: Path) -> str:
    """A model folder's files that its weights are read from, as they are on disk; empty where there are none."""
    try:
        files = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and (
            p.suffix in _WEIGHTS or p.name in _NAMED or p.name.endswith(".index.json"))]
        return facts_of(folder, [p.name for p in files]) if any(p.suffix in _WEIGHTS for p in files) else ""
    except OSError:
        return ""


def is_stale(seen: Seen) -> bool:
    """Whether a model's files have gone, or are others than when they were last looked at; one look at each file."""
    folder = Path(seen.folder)
    if not seen.files:
        return not folder.is_dir()
    try:
        return facts_of(folder, [name for name, *_ in json.loads(seen.files)]) != seen.files
    except OSError:
        return True


def moved(model: str, folder: str) -> bool:
    """Whether a model that this process was told of is stale, by `is_stale`, or its folder is not there."""
    seen = _expected.get((model, folder))
    return not Path(folder).is_dir() if seen is None else is_stale(seen)


def expect(known: Iterable[Seen]) -> None:
    """What is known of models that this process may open."""
    for seen in known:
        _expected[seen.model, seen.folder] = seen


def news() -> list[Seen]:
    """What was found of files since the last call: weights that were read again, and are the model's own."""
    with _telling:
        told = list(_news)
        _news.clear()
    return told


def ensure(model: str, folder: Path, same: Callable[[Seen], bool]) -> None:
    """Make sure that a folder holds a model's own weights; `same` reads and compares them where that is needed.

    CheckpointError if they have gone or are others, naming the model.
    """
    key = model, str(folder)
    if (seen := _expected.get(key)) is None:
        return
    now = files_of(folder)
    if not now:
        raise CheckpointError(f"{folder}: the weights of {seen.name!r} are not there any more. Put them back, or "
                              "import the folder from where it lies now; its place on maps and its scores are kept.")
    if now in (seen.files, _found.get(key)):
        return
    if not same(seen):
        raise CheckpointError(f"{folder}: the weights are not those that were imported as {seen.name!r}: they have "
                              "changed on disk since. Put the old ones back, or import them from where they lie now. "
                              f"To take the new ones instead, remove {seen.name!r} from the catalog and import the "
                              "folder again.")
    if files_of(folder) != now:
        raise CheckpointError(f"{folder}: the weights of {seen.name!r} are being written; wait until they are whole.")
    _found[key] = now
    with _telling:
        _news.append(replace(seen, files=now))


def nearly(seen: Seen, norm: float, likeness: float) -> bool:
    """Whether an adapter has the length and the likeness to its base that it had: B A is a product of matrices, whose
    last bits are not the same on every machine."""
    return seen.norm is not None and seen.likeness is not None and math.isclose(
        seen.norm, norm, rel_tol=_NEAR) and math.isclose(seen.likeness, likeness, rel_tol=_NEAR)


def facts_of(folder: Path, names: Iterable[str]) -> str:
    """Name, size, time of change and inode of each file, as JSON; OSError where one is not there."""
    listed = []
    for name in names:
        facts = (folder / name).stat()
        listed.append([name, facts.st_size, facts.st_mtime_ns, facts.st_ino])
    return json.dumps(listed)
