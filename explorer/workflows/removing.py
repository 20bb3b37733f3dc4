"""Models taken out of a workspace's catalog: those that were imported by mistake, and those that are lost.

What goes: the models themselves with their inner products, sketches and stored maps. What stays: their folders, which
are never touched, and all that cost work, under the hash of their weights: scores, training runs, Fisher information,
kept Points, saved views. It is out of sight as long as a model that it needs is gone, and is there again, to the bit,
once the same weights are imported again. A saved view says on opening that it was made with models that are gone.

A kept Point has a name that somebody counts on. So models that one needs are refused, and taken out where that is
forced; the Point is hidden then, and its name stays taken.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from explorer.catalog import Uses
from explorer.errors import InputError, UnknownNameError
from explorer.numbers import count
from explorer.types import Base, Checkpoint
from explorer.workflows.acts import changes
from explorer.workflows.opening import Workspace

_COUNTING = {"explorer.weights.importing:import_checkpoints": "an import is",
             "explorer.weights.signs:sign_rows": "a comparison of signs is"}
"""Work whose rows fit the catalog that it began with."""
_SHOWN = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Removal:
    """What is to be taken out, or was, and what rests on it."""

    checkpoints: tuple[Checkpoint, ...]
    bases: tuple[Base, ...]
    uses: Uses

    @property
    def names(self) -> list[str]:
        return [*(c.name for c in self.checkpoints), *(b.name for b in self.bases)]

    @property
    def going(self) -> str:
        """What goes, as a sentence."""
        maps = f" and {count(self.uses.maps, 'stored map')}" if self.uses.maps else ""
        its = "its" if len(self.names) == 1 else "their"
        return f"{_few(self.names)} with {its} inner products{maps}."

    @property
    def staying(self) -> str:
        """What stays, as a sentence."""
        kept = [count(n, what) for n, what in (
            (self.uses.scores, "score"), (self.uses.runs, "training run"), (len(self.uses.points), "kept Point"),
            (len(self.uses.views), "saved view")) if n]
        folders, them, they = ("The folder is", "it", "it is") if len(self.names) == 1 else (
            "Folders are", "them", "they are")
        found = f" {', '.join(kept)} made with {them}: hidden, and back when {they} imported again." if kept else ""
        return f"{folders} not touched.{found}"


def plan(ws: Workspace, names: Sequence[str]) -> Removal:
    """What removing checkpoints and bases, by name or id, would do; nothing is changed.

    UnknownNameError for a name that there is none of.
    """
    if not names:
        raise InputError("no model was named.")
    checkpoints: dict[str, Checkpoint] = {}
    bases = {key: b for b in ws.catalog.bases() for key in (b.name, b.id)}
    chosen: dict[str, Base] = {}
    for name in names:
        try:
            found = ws.catalog.checkpoint(name)
            checkpoints[found.id] = found
        except UnknownNameError as e:
            if name not in bases:
                raise UnknownNameError("model", name, [*e.known, *{b.name for b in bases.values()}]) from None
            chosen[bases[name].id] = bases[name]
    return Removal(tuple(checkpoints.values()), tuple(chosen.values()), ws.catalog.uses({*checkpoints, *chosen}))


@changes("removing models")
def remove(ws: Workspace, names: Sequence[str], *, force: bool = False) -> Removal:
    """Take checkpoints and bases, by name or id, out of the catalog: all of them, or none whatever happens.

    InputError while rows of the Gram are being made, for a base whose checkpoints are not all named too, and, unless
    forced, where kept Points need a model. See the module's text for what goes and what stays.
    """
    found = plan(ws, names)
    if running := [_COUNTING[j.work.function] for j in ws.backend.jobs() if j.active and j.work.function in _COUNTING]:
        raise InputError(f"{running[0]} running, whose inner products are with the models that are here now; wait "
                         "until it is done, or cancel it.")
    if found.uses.points and not force:
        points = len(found.uses.points)
        raise InputError(f"{count(points, 'kept Point')} need{'s' * (points == 1)} {_few(found.names)}: "
                         f"{_few(found.uses.points)}. Forced (--force), the removal hides such Points until the models "
                         "are imported again.")
    ws.catalog.remove([c.id for c in found.checkpoints], [b.id for b in found.bases])
    _log.info("removed from the catalog: %s", ", ".join(found.names))
    return found


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
