"""Import as work for a backend: folders in, checked checkpoints with their Gram rows out.

Each folder is checked (headers only), read once for its hash, finiteness and likeness to the base, and then joins one
streamed pass for the Gram rows, which reads it once more. What does not fit is refused with its reason and the rest
goes on. The catalog writes a checkpoint when its row arrives: it is there whole or not at all. An interrupted import is
resumed by running it again, and neither folders that were read nor sums that were finished are computed again. Weights
that are in the catalog already are refused as duplicates, or found again where the catalog's folder has them no more.

Beyond a number of checkpoints a sketch takes the place of the row. It is made while a folder is read for its hash, so
that is the only read; checkpoints that came before are read once for theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import CheckpointError, ExplorerError, InputError
from explorer.types import Base, Checkpoint, Files, Layout, Progress, Seen, Sketch, SketchRow, digest
from explorer.weights.annotations import Annotation
from explorer.weights.arrivals import FoundAgain, Import, NewBase, NewCheckpoint, NewSketch, Refused
from explorer.weights.passes import Pass, Shared, check_steps, pass_steps

if TYPE_CHECKING:
    from explorer.weights.fingerprint import Fingerprint
    from explorer.weights.opening import OpenBase


Outcome = Progress | NewBase | NewCheckpoint | NewSketch | FoundAgain | Refused | Shared


def import_checkpoints(request: Import) -> Iterator[Outcome]:
    """Check, hash and multiply; yields each outcome as it is known, and every pass that others may join."""
    told, total = Counter[type](), 1
    for outcome in _outcomes(request):
        told[type(outcome)] += 1
        total = outcome.total if isinstance(outcome, Progress) else total
        yield outcome
    again = f"{told[FoundAgain]} found again, " if told[FoundAgain] else ""
    yield Progress(total, total, f"{told[NewCheckpoint]} imported, {again}{told[Refused]} refused")


def _outcomes(request: Import) -> Iterator[Outcome]:
    from explorer.weights.hub import local

    yield Progress(0, 2 * len(request.folders) + 1, "opening the base")
    models = _Models(request)
    added: dict[str, NewBase] = {}
    for text in request.new_bases:
        place = local(text)
        if isinstance(new := models.add_base(place, _name(text)), NewBase):
            added[new.base.id] = new
        elif new is not None:
            yield new
    again = list(models.search())
    yield from again
    folders = [given for given in request.folders if given[0] not in {found.folder for found in again}]
    if folders:
        models.check_bases()
    bar = _Bar(len(folders), models.largest)
    for outcome in _each(folders, models, bar):
        if isinstance(outcome, NewCheckpoint):
            yield from _coming_in(outcome, added)
        else:
            yield outcome
    for shared in models.passes():
        work = Pass(shared)
        new_rows, n = len(shared.rows) - shared.first, len(shared.rows)
        if shared.large:
            yield shared
        for done in work.run():
            yield bar.summed(done, work.size, n, new_rows, f"inner products of {new_rows} checkpoints")
        for i in range(new_rows):
            arrived = models.finished(shared.rows[shared.first + i][0], work.row(i))
            yield from _coming_in(arrived, added)
            yield bar.plain(f"imported {arrived.checkpoint.name}")
        work.close()
    models.close()


def _each(folders: Sequence[tuple[str, Annotation]], models: _Models, bar: _Bar) -> Iterator[Outcome]:
    """Every folder checked, and what comes of it at once.

    Sketches of those that were there before come first, unless some of them lie elsewhere: these must be found before.
    """
    from explorer.weights.hub import local

    def late() -> Iterator[Outcome]:
        for sketch in models.late():
            yield sketch
            yield bar.plain(f"sketch of {models.name(sketch.checkpoint)}")

    if not (moved := models.moved()):
        yield from late()
    for number, (folder, annotation) in enumerate(folders, start=1):
        try:
            if (found := models.check(local(folder), _name(folder), annotation)) is not None:
                yield found
        except ExplorerError as e:
            yield Refused(folder, str(e))
        except OSError as e:
            yield Refused(folder, f"{folder}: can't be read ({e.strerror or e}).")
        if not moved:
            yield from models.sketched()
        yield bar.checked(number, f"checked {number} of {len(folders)}")
    if moved:
        yield from late()
        yield from models.sketched()


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


def _name(place: str) -> str:
    """The name of a model that has no other: its folder's, or the last part of its hub id."""
    path = Path(place).expanduser()
    return path.name if path.exists() else path.name.partition("@")[0]


class _Models:
    """The opened bases and the checkpoints known so far, in Gram order for each layout."""

    def __init__(self, request: Import) -> None:
        from explorer.weights.checked import Checked
        from explorer.weights.relocating import Bases

        self.bases = Bases(request.bases)
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
        self._before = Counter(self.bases.layout(c.base).key for c, _ in request.known)

    @property
    def largest(self) -> int:
        """The most parameters that a base here has."""
        return max((b.layout.size for b, _ in self.bases.opened.values()), default=1)

    def add_base(self, folder: Path, name: str) -> NewBase | FoundAgain | None:
        """Open a base; nothing comes of a known one where it lies, and of one that was gone that it is found again."""
        from explorer.weights.annotations import annotation_of, checked_name
        from explorer.weights.beside import beside_base
        from explorer.weights.fingerprint import base_id
        from explorer.weights.opening import open_base
        from explorer.weights.staleness import files_of

        files, opened = files_of(folder), open_base(folder)
        said = annotation_of(folder)
        identity = base_id(opened.weights, opened.layout)
        self._asked.append(identity)
        if identity in self.bases.gone:
            return self.bases.again(identity, opened, files)
        if identity in self.bases.opened:
            return None
        pooling = said.columns.get("pooling", "mean")
        if pooling not in ("mean", "cls"):
            raise CheckpointError(f"{folder / 'explorer.json'}: pooling {pooling!r}; allowed: 'mean', 'cls'.")
        base = Base(identity, checked_name(said.name or name, folder, ()), str(folder), opened.config.model_type,
                    opened.layout, opened.prefix, pooling, str(said.columns.get("note", "")))
        self.bases.opened[identity] = base, opened
        return NewBase(base, str(folder), Files(files, beside_base(folder, opened.layout, opened.prefix)).text)

    def check_bases(self) -> None:
        """CheckpointError where a base is needed and gone."""
        self.bases.check(self._asked, {c.base for c, _ in self._known})

    def moved(self) -> bool:
        """Whether checkpoints of the catalog may lie elsewhere by now."""
        from explorer.weights.staleness import moved

        return any(moved(c.id, folder) for c, folder in self._known)

    def search(self) -> Iterator[FoundAgain]:
        """Bases that were gone among the folders."""
        for found in self.bases.search(folder for folder, _ in self._request.folders):
            self._coming -= 1
            yield found

    def check(self, folder: Path, name: str, annotation: Annotation) -> FoundAgain | None:
        """Take a folder as a checkpoint; ExplorerError says why it can't be one. `name` is used if none was given.

        One that was gone is told of at once; others when their inner products are there.
        """
        from explorer.weights import staleness
        from explorer.weights.annotations import annotation_of, checked_name
        from explorer.weights.beside import beside_checkpoint
        from explorer.weights.cards import card_of
        from explorer.weights.checked import files_key
        from explorer.weights.fingerprint import fingerprint
        from explorer.weights.opening import check_against, folder_at, format_of, open_delta

        folder_at(folder)
        said = card_of(folder).updated(annotation_of(folder)).updated(annotation)
        name = checked_name(said.name or name, folder)
        base, opened = self._base_for(folder, said)
        check_against(folder, opened)
        kind, key = self._kind(base.layout), files_key(folder, base.id, base.layout.key)
        made = None if kind is None else self._sketch(base.layout, kind)
        listed, delta = staleness.files_of(folder), open_delta(folder, opened)
        files = Files(listed, beside_checkpoint(folder, base.layout, base.prefix))
        before = self._checked.get(key) if made is None else None
        found = before or fingerprint(delta, opened.weights, base.layout, str(folder),
                                      None if made is None else made.add)
        if before is None:
            self._checked.add(key, found)
        identity = digest(base.id, found.id)  # a task vector that is the same over two bases makes two models
        if same := self._ids.get(identity) or self._adapter(name, folder, base, found):
            return self._again(same, folder, opened, files)
        if name in self._names or name in self._points:
            whose = "other weights" if name in self._names else "a kept Point"
            raise InputError(f"{folder}: the name {name!r} is taken by {whose}; give it another with \"name\" in "
                             "explorer.json or in the metadata table.")
        columns = {**said.columns, "norm": found.norm, "cosine_with_base": found.likeness}
        checkpoint = Checkpoint(identity, name, base.id, str(folder), format_of(folder), said.dataset, said.task,
                                said.domain, said.seed, said.train_size, said.method, columns)
        self._ids[identity] = self._names[name] = checkpoint
        self._folders[identity], self.files[identity] = str(folder), files.text
        staleness.expect([Seen(identity, name, str(folder), files.text, base.id)])
        if made is None or kind is None:
            self._accepted.append(checkpoint)
        else:
            self._held.append(NewCheckpoint(checkpoint, str(folder), base.layout, None,
                                            SketchRow(kind, made.result()), files.text))
        return None

    def _adapter(self, name: str, folder: Path, base: Base, found: Fingerprint) -> Checkpoint | None:
        """The adapter of this name that a folder holds: the last bits of B A, and so its id, may be others here."""
        from explorer.weights.opening import format_of
        from explorer.weights.staleness import nearly

        known = self._names.get(name)
        if known is None or known.base != base.id or not known.format == format_of(folder) == "lora":
            return None
        was = Seen(known.id, name, known.path, "", base.id, known.columns.get("norm"),
                   known.columns.get("cosine_with_base"))
        return known if nearly(was, found.norm, found.likeness) else None

    def _again(self, same: Checkpoint, folder: Path, base: OpenBase, found: Files) -> FoundAgain:
        """A known checkpoint at its new place from here on; InputError for one that lies where it was, CheckpointError
        for one with another head."""
        from explorer.weights.opening import format_of
        from explorer.weights.relocating import lies
        from explorer.weights.staleness import arrived, expect

        if same.id in self.files or lies(same, self._folders[same.id], base):
            raise InputError(f"{folder}: duplicate, the same weights are already here as {same.name!r} ({same.path}).")
        files = arrived(same.id, self._folders[same.id], folder, found).text
        self._folders[same.id], self.files[same.id] = str(folder), files
        self._coming -= 1
        expect([Seen(same.id, same.name, str(folder), files, same.base, same.columns.get("norm"),
                     same.columns.get("cosine_with_base"))])
        return FoundAgain(same.id, same.name, str(folder), format_of(folder), files)

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

        for checkpoint, _ in self._known:
            if checkpoint.base in self.bases.gone or checkpoint.id in self._request.sketches.there:
                continue
            layout = self.bases.layout(checkpoint.base)
            if (kind := self._kind(layout)) is not None:
                made = self._sketch(layout, kind)
                delta = open_model(checkpoint.id, Path(self._folders[checkpoint.id]),
                                   self.bases.opened[checkpoint.base][1])
                for tensor, lo, piece in pieces(delta, layout):
                    made.add(tensor, lo, piece)
                yield NewSketch(checkpoint.id, layout, SketchRow(kind, made.result()))

    def passes(self) -> Iterator[Shared]:
        """What Gram rows are wanted of, one pass for each layout among the checked checkpoints."""
        self._accepted += [new.checkpoint for new in self._held]
        self._held = []
        for key in dict.fromkeys(self.bases.layout(c.base).key for c in self._accepted):
            new = [c for c in self._accepted if self.bases.layout(c.base).key == key]
            old = [c for c, _ in self._known if self.bases.layout(c.base).key == key]
            bases = dict.fromkeys(c.base for c in (*new, *old))
            opened = [self.bases.opened[i] for i in bases]
            yield Shared(tuple((b, str(o.folder)) for b, o in opened),
                         tuple((c.id, self._folders[c.id], c.base) for c in (*old, *new)), len(old),
                         self._request.folder)

    def finished(self, identity: str, row: np.ndarray) -> NewCheckpoint:
        """A checked checkpoint with its Gram row."""
        checkpoint, folder = self._ids[identity], self._folders[identity]
        self._known.append((checkpoint, folder))
        return NewCheckpoint(checkpoint, folder, self.bases.layout(checkpoint.base), row,
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

        candidates = [self.bases.opened[i] for i in dict.fromkeys(self._asked or self.bases.opened)]
        names = ", ".join(sorted(b.name for b, _ in candidates))
        if not candidates:
            raise InputError(f"{folder}: this workspace has no base yet; name its pretrained model with --base FOLDER.")
        if said.base is not None:
            named = [(b, o) for b, o in self.bases.opened.values() if _is_called(b, said.base)]
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
