"""Whether the files of a model are still those that were imported, so that others are never used in their place.

A model's id is the hash of its weights, and reading them all at every opening is too dear. So the sizes, times and
inodes of its files are remembered with it, and hashes of what lies beside the weights (see `beside`). What agrees is
taken as it is; what differs, or is seen for the first time on this machine, is hashed once: the same weights and the
same beside them are remembered anew, others are refused.

A worker is told what is known of the models that its work may read (`expect`), and gives back what it has found
(`news`) with its results. Models that nobody told of are not looked at.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from explorer.errors import CheckpointError
from explorer.types import Files, Seen
from explorer.types.seen import Facts

LABELS = "explorer.json"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt", "added_tokens.json",
             "special_tokens_map.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
_WEIGHTS = {".safetensors", ".bin", ".pt"}
_NAMED = {"config.json", "adapter_config.json", LABELS, *TOKENIZER}
_NEAR = 1e-6

_expected: dict[tuple[str, str], Seen] = {}
_found: dict[tuple[str, str], tuple[Facts, ...]] = {}
_news: list[Seen] = []
_telling = threading.Lock()


def files_of(folder: Path) -> tuple[Facts, ...]:
    """A model folder's files that it is read from, as they are on disk; none where there are no weights."""
    try:
        files = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and (
            p.suffix in _WEIGHTS or p.name in _NAMED or p.name.endswith(".index.json"))]
        return facts_of(folder, [p.name for p in files]) if any(p.suffix in _WEIGHTS for p in files) else ()
    except OSError:
        return ()


def is_stale(seen: Seen) -> bool:
    """Whether a model's files have gone, or are others than when they were last looked at; one look at each file."""
    folder = Path(seen.folder)
    if not seen.files:
        return not folder.is_dir()
    try:
        was = Files.parse(seen.files).listed
        return facts_of(folder, [name for name, *_ in was]) != was
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


def arrived(model: str, folder: str, place: Path, found: Files) -> Files:
    """What is remembered of a model that lay in `folder`, after it was found in `place`.

    CheckpointError where something else lies beside its weights there.
    """
    if (seen := _expected.get((model, folder))) is None:
        return found
    _same_beside(place, seen, found)
    return Files.parse(seen.files).then(found)


def _same_beside(place: Path, seen: Seen, found: Files) -> None:
    if changed := Files.parse(seen.files).unlike(found):
        parts = " and ".join(changed)
        raise CheckpointError(f"{place}: the weights are those that were imported as {seen.name!r}, but the {parts} "
                              f"beside them {'have' if len(changed) > 1 else 'has'} changed on disk since, and losses "
                              "would be of another model. Put back what was there, or import it from where it lies "
                              f"now. To take the new {parts} instead, remove {seen.name!r} from the catalog and import "
                              "the folder again; its losses are measured anew then.")


def ensure(model: str, folder: Path, same: Callable[[Seen], bool], beside: Callable[[], Mapping[str, str]]) -> None:
    """Make sure that a folder holds a model's own weights, and beside them what was there; `same` reads and compares
    the weights where that is needed, `beside` hashes the rest.

    CheckpointError if they have gone or are others, naming the model.
    """
    key = model, str(folder)
    if (seen := _expected.get(key)) is None:
        return
    now, was = files_of(folder), Files.parse(seen.files)
    if not now:
        raise CheckpointError(f"{folder}: the weights of {seen.name!r} are not there any more. Put them back, or "
                              "import the folder from where it lies now; its place on maps and its scores are kept.")
    if now in (was.listed, _found.get(key)):
        return
    if not same(seen):
        raise CheckpointError(f"{folder}: the weights are not those that were imported as {seen.name!r}: they have "
                              "changed on disk since. Put the old ones back, or import them from where they lie now. "
                              f"To take the new ones instead, remove {seen.name!r} from the catalog and import the "
                              "folder again.")
    found = Files(now, beside())
    _same_beside(folder, seen, found)
    if files_of(folder) != now:
        raise CheckpointError(f"{folder}: the weights of {seen.name!r} are being written; wait until they are whole.")
    _found[key] = now
    with _telling:
        _news.append(replace(seen, files=was.then(found).text))


def nearly(seen: Seen, norm: float, likeness: float) -> bool:
    """Whether an adapter has the length and the likeness to its base that it had: B A is a product of matrices, whose
    last bits are not the same on every machine."""
    return seen.norm is not None and seen.likeness is not None and math.isclose(
        seen.norm, norm, rel_tol=_NEAR) and math.isclose(seen.likeness, likeness, rel_tol=_NEAR)


def facts_of(folder: Path, names: Iterable[str]) -> tuple[Facts, ...]:
    """Name, size, time of change and inode of each file; OSError where one is not there."""
    found = ((name, (folder / name).stat()) for name in names)
    return tuple((name, facts.st_size, facts.st_mtime_ns, facts.st_ino) for name, facts in found)
