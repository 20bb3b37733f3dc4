"""Import as work for a backend: folders in, checked checkpoints with their Gram rows out.

Each folder is checked (headers only), read once for its hash, finiteness and likeness to the base, and then joins one
streamed pass for the Gram rows, which reads it once more. What does not fit is refused with its reason and the rest
goes on. The catalog writes a checkpoint when its row arrives: it is there whole or not at all. An interrupted import is
resumed by running it again, and neither folders that were read nor sums that were finished are computed again.

Beyond a number of checkpoints a sketch takes the place of the row. It is made while a folder is read for its hash, so
that is the only read; checkpoints that came before are read once for theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError, ExplorerError, InputError
from explorer.types import Base, Checkpoint, Layout, Progress, Seen, Sketch, SketchRow, digest
from explorer.weights.annotations import Annotation
from explorer.weights.passes import Pass, Shared, check_steps, pass_steps


@dataclass(frozen=True)
class Sketches:
    """From how many checkpoints of a layout on sketches are made, and of what kind.

    `of` are the kinds of layouts (by key) that have some already, `there` the ids of the checkpoints that have one and
    `only` the keys of layouts of which a checkpoint has nothing else.
    """

    limit: int
    kind: Sketch
    of: tuple[tuple[str, Sketch], ...] = ()
    there: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Import:
    """Folders to import with what their metadata table says of them, and what the workspace holds already.

    `bases` and `known` pair values with folders; `known` is in Gram order. `new_bases` are folders (or hub ids) of
    bases that may be unknown yet, `asked` the ids of known ones: where any is given, only those are considered.
    `points` are names of kept Points, which no checkpoint can have. `folder` is where an interrupted import finds what
    it had done; empty: nothing is kept.
    """

    folders: tuple[tuple[str, Annotation], ...]
    bases: tuple[tuple[Base, str], ...]
    known: tuple[tuple[Checkpoint, str], ...]
    new_bases: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    folder: str = ""
    sketches: Sketches = Sketches(1 << 62, Sketch(1))


@dataclass(frozen=True)
class NewBase:
    """A base that was not in the workspace; `folder` is where it lies."""

    base: Base
    folder: str
    files: str = ""


@dataclass(frozen=True, eq=False)
class NewCheckpoint:
    """A checked checkpoint and its Gram row (rank + 1, g) float64, or its sketch.

    `files` are those that were read (see `staleness`), here and of a base.
    """

    checkpoint: Checkpoint
    folder: str
    layout: Layout
    gram_row: np.ndarray | None
    sketch: SketchRow | None = None
    files: str = ""


@dataclass(frozen=True, eq=False)
class NewSketch:
    """The sketch of a checkpoint that was there before."""

    checkpoint: str
    layout: Layout
    sketch: SketchRow


@dataclass(frozen=True)
class Refused:
    """A folder that was not imported, and why."""

    folder: str
    reason: str


def import_checkpoints(request: Import) -> Iterator[Progress | NewBase | NewCheckpoint | NewSketch | Refused | Shared]:
    """Check, hash and multiply; yields each outcome as it is known, and every pass that others may join."""
    from explorer.weights.hub import local

    yield Progress(0, 2 * len(request.folders) + 1, "opening the base")
    models = _Models(request)
    added: dict[str, NewBase] = {}
    for text in request.new_bases:
        place = local(text)
        base = models.add_base(place, _name(text))
        added[base.id] = NewBase(base, str(place), models.files[base.id])
    bar = _Bar(len(request.folders), models.largest)
    for late in models.late():
        yield late
        yield bar.plain(f"sketch of {models.name(late.checkpoint)}")
    refused = 0
    for number, (folder, annotation) in enumerate(request.folders, start=1):
        try:
            place = local(folder)
            models.check(place, _name(folder), annotation)
        except ExplorerError as e:
            refused += 1
            yield Refused(folder, str(e))
        except OSError as e:
            refused += 1
            yield Refused(folder, f"{folder}: can't be read ({e.strerror or e}).")
        for found in models.sketched():
            yield from _coming_in(found, added)
        yield bar.checked(number, f"checked {number} of {len(request.folders)}")
    for shared in models.passes():
        work = Pass(shared)
        new_rows, n = len(shared.rows) - shared.first, len(shared.rows)
        if shared.large:
            yield shared
        for done in work.run():
            yield bar.summed(done, work.size, n, new_rows, f"inner products of {new_rows} checkpoints")
        for i in range(new_rows):
            found = models.finished(shared.rows[shared.first + i][0], work.row(i))
            yield from _coming_in(found, added)
            yield bar.plain(f"imported {found.checkpoint.name}")
        work.close()
    models.close()
    yield bar.end(f"{len(request.folders) - refused} imported, {refused} refused")


def _coming_in(found: NewCheckpoint, added: dict[str, NewBase]) -> Iterator[NewBase | NewCheckpoint]:
    """A checkpoint, and before it its base with the first of its checkpoints: where all are refused, nothing changes.
    """
    if new := added.pop(found.checkpoint.base, None):
        yield new
    yield found


class _Bar:
    """Progress in steps that take about equally long, whether a folder is checked or products are summed."""

    def __init__(self, folders: int, d: int) -> None:
        self._folders, self._check = folders, check_steps(d)
        self._passes = pass_steps(folders, folders, d)
        self._done = 0

    @property
    def _total(self) -> int:
        return self._folders * self._check + self._passes + 1

    def checked(self, number: int, message: str) -> Progress:
        self._done = number * self._check
        return self.plain(message)

    def summed(self, values: int, d: int, n: int, new: int, message: str) -> Progress:
        self._passes = pass_steps(n, new, d)
        self._done = min(self._folders * self._check + self._passes * values // max(d, 1), self._total)
        return self.plain(message)

    def plain(self, message: str) -> Progress:
        return Progress(self._done, self._total, message)

    def end(self, message: str) -> Progress:
        return Progress(self._total, self._total, message)


def _name(place: str) -> str:
    """The name of a model that has no other: its folder's, or the last part of its hub id."""
    path = Path(place).expanduser()
    return path.name if path.exists() else path.name.partition("@")[0]


class _Models:
    """The opened bases and the checkpoints known so far, in Gram order for each layout."""

    def __init__(self, request: Import) -> None:
        from explorer.weights.checked import Checked
        from explorer.weights.opening import reopen_base

        self._bases = {b.id: (b, reopen_base(b, Path(folder))) for b, folder in request.bases}
        self._known = list(request.known)
        self.files: dict[str, str] = {}
        self._names = {c.name: c for c, _ in request.known}
        self._ids = {c.id: c for c, _ in request.known}
        self._asked = list(request.asked)
        self._points = frozenset(request.points)
        self._request = request
        self._folders = {c.id: folder for c, folder in request.known}
        self._accepted: list[Checkpoint] = []
        self._held: list[NewCheckpoint] = []
        self._in: Counter[str] = Counter()
        self._checked = Checked(Path(request.folder) if request.folder else None)
        there = {folder for _, folder in request.known}
        self._coming = sum(folder not in there for folder, _ in request.folders)
        self._before = Counter(self._bases[c.base][0].layout.key for c, _ in request.known)

    @property
    def largest(self) -> int:
        """The most parameters that a base here has."""
        return max((b.layout.size for b, _ in self._bases.values()), default=1)

    def add_base(self, folder: Path, name: str) -> Base:
        """Open a base; the known one where its weights are the same."""
        from explorer.weights.annotations import annotation_of, checked_name
        from explorer.weights.fingerprint import base_id
        from explorer.weights.opening import open_base
        from explorer.weights.staleness import files_of

        files, opened = files_of(folder), open_base(folder)
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
        self.files[base.id] = files
        return base

    def check(self, folder: Path, name: str, annotation: Annotation) -> Checkpoint:
        """A folder as a checkpoint; ExplorerError says why it can't be one. `name` is used if none was given."""
        from explorer.weights.annotations import annotation_of, checked_name
        from explorer.weights.cards import card_of
        from explorer.weights.checked import files_key
        from explorer.weights.fingerprint import fingerprint
        from explorer.weights.opening import check_against, folder_at, format_of, open_delta
        from explorer.weights.staleness import expect, files_of

        folder_at(folder)
        said = card_of(folder).updated(annotation_of(folder)).updated(annotation)
        name = checked_name(said.name or name, folder)
        base, opened = self._base_for(folder, said)
        check_against(folder, opened)
        kind, key = self._kind(base.layout), files_key(folder, base.id, base.layout.key)
        made = None if kind is None else self._sketch(base.layout, kind)
        files, delta = files_of(folder), open_delta(folder, opened)
        known = self._checked.get(key) if made is None else None
        found = known or fingerprint(delta, opened.weights, base.layout, str(folder),
                                     None if made is None else made.add)
        if known is None:
            self._checked.add(key, found)
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
        self._folders[identity], self.files[identity] = str(folder), files
        expect([Seen(identity, name, str(folder), files, base.id)])
        if made is None or kind is None:
            self._accepted.append(checkpoint)
        else:
            self._held.append(NewCheckpoint(checkpoint, str(folder), base.layout, None,
                                            SketchRow(kind, made.result()), files))
        return checkpoint

    def sketched(self) -> list[NewCheckpoint]:
        """The checked checkpoints that come in with a sketch, once it is certain that their layout has too many."""
        found = []
        for key in dict.fromkeys(new.layout.key for new in self._held):
            mine = [new for new in self._held if new.layout.key == key]
            over = self._before[key] + self._in[key] + len(mine) > self._request.sketches.limit
            if over or key in self._request.sketches.only:
                found += mine
                self._held = [new for new in self._held if new.layout.key != key]
                self._in[key] += len(mine)
        return found

    def late(self) -> Iterator[NewSketch]:
        """Sketches of those that were there before, where the import is to come to more than a Gram is made of."""
        from explorer.weights.fingerprint import pieces
        from explorer.weights.opening import open_model

        for checkpoint, folder in self._known:
            layout = self._bases[checkpoint.base][0].layout
            if checkpoint.id not in self._request.sketches.there and (kind := self._kind(layout)) is not None:
                made = self._sketch(layout, kind)
                delta = open_model(checkpoint.id, Path(folder), self._bases[checkpoint.base][1])
                for tensor, lo, piece in pieces(delta, layout):
                    made.add(tensor, lo, piece)
                yield NewSketch(checkpoint.id, layout, SketchRow(kind, made.result()))

    def passes(self) -> Iterator[Shared]:
        """What Gram rows are wanted of, one pass for each layout among the checked checkpoints."""
        self._accepted += [new.checkpoint for new in self._held]
        self._held = []
        for key in dict.fromkeys(self._bases[c.base][0].layout.key for c in self._accepted):
            new = [c for c in self._accepted if self._bases[c.base][0].layout.key == key]
            old = [c for c, _ in self._known if self._bases[c.base][0].layout.key == key]
            bases = dict.fromkeys(c.base for c in (*new, *old))
            yield Shared(tuple((self._bases[i][0], str(self._bases[i][1].folder)) for i in bases),
                         tuple((c.id, self._folders[c.id], c.base) for c in (*old, *new)), len(old),
                         self._request.folder)

    def finished(self, identity: str, row: np.ndarray) -> NewCheckpoint:
        """A checked checkpoint with its Gram row."""
        checkpoint, folder = self._ids[identity], self._folders[identity]
        self._known.append((checkpoint, folder))
        return NewCheckpoint(checkpoint, folder, self._bases[checkpoint.base][0].layout, row,
                             files=self.files[identity])

    def close(self) -> None:
        """Nothing is left to be resumed."""
        self._checked.close()

    def name(self, identity: str) -> str:
        """What a checkpoint is called."""
        return self._ids[identity].name

    def _kind(self, layout: Layout) -> Sketch | None:
        """The kind of sketch that a checkpoint of a layout gets; None where the Gram has room for all that come."""
        asked = self._request.sketches
        if layout.key not in asked.only and self._before[layout.key] + self._coming <= asked.limit:
            return None
        return dict(asked.of).get(layout.key, asked.kind)

    def _sketch(self, layout: Layout, kind: Sketch) -> Any:
        from explorer.weights.sketching import Sketching

        return Sketching(layout, kind)

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
