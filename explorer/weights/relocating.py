"""Models that lie elsewhere than the catalog says, known again by their weights in whatever folder they come back.

Only where the folder in the catalog is gone or holds other weights by now: one that has them still stays its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from explorer.errors import CheckpointError
from explorer.types import Base, Checkpoint, Files, Layout, Seen
from explorer.types.seen import Facts
from explorer.weights.arrivals import FoundAgain
from explorer.weights.beside import beside_base
from explorer.weights.opening import OpenBase, base_at, format_of, open_model, reopen_base
from explorer.weights.staleness import arrived, expect, files_of


class Bases:
    """The bases of a catalog, opened; `gone` are those whose folder has no longer their weights, and why."""

    def __init__(self, bases: Sequence[tuple[Base, str]]) -> None:
        self.opened: dict[str, tuple[Base, OpenBase]] = {}
        self.gone: dict[str, tuple[Base, CheckpointError]] = {}
        self._folders = {base.id: folder for base, folder in bases}
        for base, folder in bases:
            try:
                self.opened[base.id] = base, reopen_base(base, Path(folder))
            except CheckpointError as error:
                self.gone[base.id] = base, error

    def layout(self, identity: str) -> Layout:
        """The layout of a base, wherever it lies."""
        base: Base = (self.opened.get(identity) or self.gone[identity])[0]
        return base.layout

    def again(self, identity: str, opened: OpenBase, files: tuple[Facts, ...]) -> FoundAgain:
        """A base that was gone, at its new place from here on; CheckpointError where that has another tokenizer, head
        or config."""
        base, _ = self.gone[identity]
        found = Files(files, beside_base(opened.folder, opened.layout, opened.prefix))
        told = arrived(identity, self._folders[identity], opened.folder, found).text
        del self.gone[identity]
        self.opened[identity] = base, opened
        expect([Seen(identity, base.name, str(opened.folder), told)])
        return FoundAgain(identity, base.name, str(opened.folder), "", told)

    def search(self, folders: Iterable[str]) -> Iterator[FoundAgain]:
        """Which of some folders hold bases that are gone; those named as they were are looked into first."""
        places = [Path(f) for f in folders] if self.gone else []
        was = {Path(folder).name for folder in self._folders.values()}
        for place in sorted((p for p in places if p.is_dir()), key=lambda p: p.name not in was):
            for identity, (base, _) in list(self.gone.items()):
                files = files_of(place)
                if (opened := _opened(base, place)) is not None:
                    yield self.again(identity, opened, files)

    def check(self, asked: Collection[str], used: Collection[str]) -> None:
        """CheckpointError where a base is gone that an import needs: one of those asked for (none: of all), or one in
        `used` whose checkpoints are in the same Gram."""
        needed = set(asked) or {*self.opened, *self.gone}
        keys = {self.layout(i).key for i in needed}
        for base, error in self.gone.values():
            if base.id in needed or (base.id in used and base.layout.key in keys):
                raise error


def _opened(base: Base, place: Path) -> OpenBase | None:
    """A folder that holds a base's weights; None for any other."""
    from explorer.weights.fingerprint import base_id

    try:
        if format_of(place) != "weights":
            return None
        opened = base_at(base, place)
        return opened if base_id(opened.weights, opened.layout) == base.id else None
    except (CheckpointError, OSError):
        return None  # what is wrong with it is told when it is checked as a checkpoint


def lies(checkpoint: Checkpoint, folder: str, base: OpenBase) -> bool:
    """Whether a checkpoint's weights are still in the folder that the catalog names."""
    try:
        open_model(checkpoint.id, Path(folder), base)
    except (CheckpointError, OSError):
        return False
    return True
