"""The runs that a recipe asks for: their names, their place in the output folder, and what their weights depend on."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.errors import RecipeError, UnknownNameError
from explorer.training.recipes import BaseRecipe, GivenBase, ModelsRecipe, Recipe
from explorer.types import Task, canonical_json, digest

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
FIRST = ("base", "steps", "lr", "method", "batch", "length", "warmup", "weight_decay")
"""What every block of models has said from the beginning; further keys count only where they say something."""


@dataclass(frozen=True)
class Run:
    """One base or model to make. `settings` is the hash of everything in the recipe that its weights depend on.

    `steps` is the run's length in training steps, for a base and with early stopping an upper bound; 0 where it is
    given in epochs and the data set is not known yet (see `lengths`).
    """

    name: str
    kind: str
    settings: str
    steps: int
    block: BaseRecipe | ModelsRecipe
    dataset: str | None = None
    seed: int = 0
    train_size: int | None = None

    @property
    def folder(self) -> str:
        return f"{'bases' if self.kind == 'base' else 'models'}/{self.name}"


def runs(recipe: Recipe) -> list[Run]:
    """Every run of a recipe, bases to be made first. RecipeError where two runs would have one name."""
    found, keys = [], {}
    for base in recipe.bases:
        if isinstance(base, GivenBase):
            source = base.source if isinstance(base.source, str) else base.source.sha256
            keys[base.name] = digest("given", source, base.pooling)
            continue
        found.append(_base(recipe, base))
        keys[base.name] = found[-1].settings
    first = recipe.models[0].each[0].method if recipe.models else ""
    for block in (one for many in recipe.models for one in many.each):
        for dataset in block.datasets:
            for size in block.train_sizes or (None,):
                for seed in block.seeds:
                    key = _hash(_settings(block), [keys[block.base], dataset, size, seed])
                    name = _name(recipe, block, first, dataset, size, seed)
                    found.append(Run(name, "model", key, block.steps or 0, block, dataset, seed, size))
    names = [run.name for run in found]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise RecipeError(f"the recipe makes {', '.join(twice[:5])} more than once; drop the repeated block or seed.")
    return found


def lengths(wanted: Sequence[Run], texts: Mapping[str, Task]) -> list[Run]:
    """The runs with their steps, where those depend on how many train texts a data set has."""
    return [dataclasses.replace(r, steps=r.block.steps_on(r.train_size or texts[str(r.dataset)].n_train))
            if isinstance(r.block, ModelsRecipe) and str(r.dataset) in texts else r for r in wanted]


def chosen(recipe: Recipe, only: str | Sequence[str] | None) -> list[Run]:
    """The runs whose names match `only` (None: all) and the bases they need; UnknownNameError where none matches."""
    everything = runs(recipe)
    if only is None:
        return everything
    patterns = [only] if isinstance(only, str) else list(only)
    keep: set[str] = set()
    for pattern in patterns:
        hits = {r.name for r in everything if fnmatch.fnmatchcase(r.name, pattern)}
        if not hits:
            raise UnknownNameError("run", pattern, (r.name for r in everything))
        keep |= hits
    keep |= {r.block.base for r in everything if r.name in keep and isinstance(r.block, ModelsRecipe)}
    return [r for r in everything if r.name in keep]


def shared(wanted: Sequence[Run], n: int) -> list[tuple[str, ...]]:
    """Names of the runs in at most n parts, none empty; bases and models each in turn, so that all take as long."""
    parts: list[list[str]] = [[] for _ in range(n)]
    for kind in ("base", "model"):
        for i, run in enumerate(r for r in wanted if r.kind == kind):
            parts[i % n].append(run.name)
    return [tuple(part) for part in parts if part]


def _base(recipe: Recipe, base: BaseRecipe) -> Run:
    if recipe.teacher is None or recipe.architecture is None:
        raise RecipeError("a base that is made needs a teacher and an architecture.")
    steps = base.epochs * -(-base.per_dataset * len(recipe.corpus) // base.batch)
    rest = [recipe.corpus, recipe.teacher.sha256, recipe.teacher.folder, dataclasses.asdict(recipe.architecture)]
    said = {k: v for k, v in dataclasses.asdict(base).items() if k != "note"}
    return Run(base.name, "base", _hash(said, rest), steps, base, seed=base.seed)


def _name(recipe: Recipe, block: ModelsRecipe, first: str, dataset: str, size: int | None, seed: int) -> str:
    """What differs from the recipe's first base, its first method, a start from the base and all texts is named."""
    start = block.start if _PLAIN.fullmatch(block.start) else digest("start", block.start)[:6]
    parts = [dataset, "" if block.base == recipe.bases[0].name else block.base,
             "" if block.method == first else block.method, "" if block.start == "base" else f"from-{start}",
             "" if size is None else f"n{size}", f"s{seed}"]
    return "-".join(p for p in parts if p)


def _settings(block: ModelsRecipe) -> dict[str, Any]:
    """What a run's weights and form depend on: not on the block's other data sets, seeds, sizes and methods."""
    unsaid = {f.name: f.default for f in dataclasses.fields(block)}
    skip = ("datasets", "seeds", "train_sizes", "methods")
    return {k: v for k, v in dataclasses.asdict(block).items() if k not in skip and (k in FIRST or v != unsaid[k])}


def _hash(said: dict[str, Any], rest: Sequence[Any]) -> str:
    return digest(canonical_json([said, *rest]))
