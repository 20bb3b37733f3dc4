"""Import as work for a backend: folders in, checked checkpoints with their Gram rows out.

Each folder is checked (headers only), read once for its hash, finiteness and likeness to the base, and then joins one
streamed pass for the Gram rows. What does not fit is refused with its reason and the rest goes on. The catalog writes a
checkpoint when its row arrives: it is there whole or not at all, and an interrupted import is resumed by running it
again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError, ExplorerError, InputError
from explorer.types import Base, Checkpoint, Layout, Progress, digest
from explorer.weights.annotations import Annotation

# Checkpoints whose rows are computed in one pass: more means fewer reads of those already there, less resumable.
_TOGETHER = 64


@dataclass(frozen=True)
class Import:
    """Folders to import with what their metadata table says of them, and what the workspace holds already.

    `bases` and `known` pair values with folders; `known` is in Gram order. `new_bases` are folders (or hub ids) of
    bases that may be unknown yet, `asked` the ids of known ones: where any is given, only those are considered.
    `points` are names of kept Points, which no checkpoint can have.
    """

    folders: tuple[tuple[str, Annotation], ...]
    bases: tuple[tuple[Base, str], ...]
    known: tuple[tuple[Checkpoint, str], ...]
    new_bases: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewBase:
    """A base that was not in the workspace; `folder` is where it lies."""

    base: Base
    folder: str


@dataclass(frozen=True, eq=False)
class NewCheckpoint:
    """A checked checkpoint and its Gram row (rank + 1, g) float64."""

    checkpoint: Checkpoint
    folder: str
    layout: Layout
    gram_row: np.ndarray


@dataclass(frozen=True)
class Refused:
    """A folder that was not imported, and why."""

    folder: str
    reason: str


def import_checkpoints(request: Import) -> Iterator[Progress | NewBase | NewCheckpoint | Refused]:
    """Check, hash and multiply; yields each outcome as it is known."""
    total = 2 * len(request.folders) + 1
    from explorer.weights.hub import local

    yield Progress(0, total, "opening the base")
    models = _Models(request)
    added: dict[str, NewBase] = {}
    for text in request.new_bases:
        place = local(text)
        base = models.add_base(place, _name(text))
        added[base.id] = NewBase(base, str(place))
    accepted: list[tuple[Checkpoint, str]] = []
    for number, (folder, annotation) in enumerate(request.folders, start=1):
        try:
            place = local(folder)
            accepted.append((models.check(place, _name(folder), annotation), str(place)))
        except ExplorerError as e:
            yield Refused(folder, str(e))
        except OSError as e:
            yield Refused(folder, f"{folder}: can't be read ({e.strerror or e}).")
        yield Progress(number, total, f"checked {number} of {len(request.folders)}")
    done = len(request.folders)
    for start in range(0, len(accepted), _TOGETHER):
        part = accepted[start : start + _TOGETHER]
        yield Progress(done, total, f"inner products of {len(part)} checkpoints")
        for found in models.rows(part):
            if new := added.pop(found.checkpoint.base, None):
                yield new  # a base comes in with its first checkpoint: where all are refused, nothing has changed
            done += 1
            yield found
            yield Progress(done, total, f"imported {found.checkpoint.name}")
    yield Progress(total, total, f"{len(accepted)} imported, {len(request.folders) - len(accepted)} refused")


def _name(place: str) -> str:
    """The name of a model that has no other: its folder's, or the last part of its hub id."""
    path = Path(place).expanduser()
    return path.name if path.exists() else path.name.partition("@")[0]


class _Models:
    """The opened bases and the checkpoints known so far, in Gram order for each layout."""

    def __init__(self, request: Import) -> None:
        from explorer.weights.opening import reopen_base

        self._bases = {b.id: (b, reopen_base(b, Path(folder))) for b, folder in request.bases}
        self._known = list(request.known)
        self._names = {c.name: c for c, _ in request.known}
        self._ids = {c.id: c for c, _ in request.known}
        self._asked = list(request.asked)
        self._points = frozenset(request.points)

    def add_base(self, folder: Path, name: str) -> Base:
        """Open a base; the known one where its weights are the same."""
        from explorer.weights.annotations import annotation_of, checked_name
        from explorer.weights.fingerprint import base_id
        from explorer.weights.opening import open_base

        opened = open_base(folder)
        said = annotation_of(folder)
        identity = base_id(opened.weights, opened.layout)
        pooling = said.columns.get("pooling", "mean")
        if pooling not in ("mean", "cls"):
            raise CheckpointError(f"{folder / 'explorer.json'}: pooling {pooling!r}; allowed: 'mean', 'cls'.")
        base = Base(identity, checked_name(said.name or name, folder, ()), str(folder), opened.config.model_type,
                    opened.layout, opened.prefix, pooling, str(said.columns.get("note", "")))
        base = self._bases[identity][0] if identity in self._bases else base
        self._bases[identity] = (base, opened)
        self._asked.append(base.id)
        return base

    def check(self, folder: Path, name: str, annotation: Annotation) -> Checkpoint:
        """A folder as a checkpoint; ExplorerError says why it can't be one. `name` is used if none was given."""
        from explorer.weights.annotations import annotation_of, checked_name
        from explorer.weights.cards import card_of
        from explorer.weights.fingerprint import fingerprint
        from explorer.weights.opening import check_against, folder_at, format_of, open_delta

        folder_at(folder)
        said = card_of(folder).updated(annotation_of(folder)).updated(annotation)
        name = checked_name(said.name or name, folder)
        base, opened = self._base_for(folder, said)
        check_against(folder, opened)
        found = fingerprint(open_delta(folder, opened), opened.weights, base.layout, str(folder))
        identity = digest(base.id, found.id)  # a task vector that is the same over two bases makes two models
        if same := self._ids.get(identity):
            raise InputError(f"{folder}: duplicate, the same weights are already here as {same.name!r} ({same.path}).")
        if name in self._names or name in self._points:
            whose = "other weights" if name in self._names else "a kept Point"
            raise InputError(f"{folder}: the name {name!r} is taken by {whose}; give it another with \"name\" in "
                             "explorer.json or in the metadata table.")
        columns = {**said.columns, "norm": found.norm, "cosine_with_base": found.likeness}
        checkpoint = Checkpoint(identity, name, base.id, str(folder), format_of(folder), said.dataset, said.task,
                                said.domain, said.seed, said.train_size, said.method, columns)
        self._ids[identity] = self._names[name] = checkpoint
        return checkpoint

    def rows(self, part: list[tuple[Checkpoint, str]]) -> Iterator[NewCheckpoint]:
        """The Gram rows of checked checkpoints, one pass for each layout among them."""
        from explorer.weights.gram import gram_rows
        from explorer.weights.opening import open_delta

        for key in dict.fromkeys(self._bases[c.base][0].layout.key for c, _ in part):
            new = [(c, f) for c, f in part if self._bases[c.base][0].layout.key == key]
            old = [(c, f) for c, f in self._known if self._bases[c.base][0].layout.key == key]
            layout = self._bases[new[0][0].base][0].layout
            deltas = [open_delta(Path(f), self._bases[c.base][1]) for c, f in old + new]
            rows = gram_rows(deltas, layout, new=len(new))
            for i, (checkpoint, folder) in enumerate(new):
                self._known.append((checkpoint, folder))
                yield NewCheckpoint(checkpoint, folder, layout, rows[:, i, : len(old) + i + 1].T.copy())

    def _base_for(self, folder: Path, said: Annotation) -> tuple[Base, Any]:
        """The base that a folder is measured from: the one its metadata names, else the only one there is."""
        from explorer.weights import cards
        from explorer.weights.opening import format_of

        candidates = [self._bases[i] for i in dict.fromkeys(self._asked or self._bases)]
        names = ", ".join(sorted(b.name for b, _ in candidates))
        if not candidates:
            raise InputError(f"{folder}: this workspace has no base yet; name its pretrained model with --base FOLDER.")
        if said.base is not None:
            named = [(b, o) for b, o in self._bases.values() if _is_called(b, said.base)]
            if chosen := [pair for pair in named if pair in candidates]:
                return chosen[0]
            # whole weights show by themselves where they come from; a bare difference fits any base of its shape
            if named or format_of(folder) == "task-vector":
                raise CheckpointError(f"{folder}: its metadata names base {said.base!r}, the import is for {names}. "
                                      "Give that base with --base.")
        hinted = [pair for pair in candidates if _is_called(pair[0], str(said.columns.get(cards.BASE, "")))]
        if len(candidates) > 1 and len(hinted) == 1:
            return hinted[0]
        if len(candidates) > 1:
            raise InputError(f"{folder}: several bases are here ({names}); say which one with --base or with \"base\" "
                             "in explorer.json.")
        return candidates[0]


def _is_called(base: Base, name: str) -> bool:
    """Whether `name` (a name, an id, a path or a hub id) means this base."""
    return name in (base.id, base.name) or name.rstrip("/").rpartition("/")[2] == base.name
