"""What goes into an import, and what comes out of it: values that cross from the catalog to a worker and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.types import Base, Checkpoint, Layout, Sketch, SketchRow
from explorer.weights.annotations import Annotation


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


@dataclass(frozen=True)
class FoundAgain:
    """A base or checkpoint of the catalog whose weights lie in another folder by now; `format` is empty of a base."""

    model: str
    name: str
    folder: str
    format: str
    files: str
