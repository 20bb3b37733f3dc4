"""The runs that a recipe asks for: their names, their place in the output folder, and what their weights depend on."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.errors import RecipeError, UnknownNameError
from explorer.training.recipes import BaseRecipe, ModelsRecipe, Recipe
from explorer.types import canonical_json, digest


@dataclass(frozen=True)
class Run:
    """One base or model to make. `settings` is the hash of everything in the recipe that its weights depend on.

    `steps` is the run's length in training steps, for a base an upper bound: it depends on how many texts there are.
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
    """Every run of a recipe, bases first. RecipeError where two runs would have one name."""
    shared = [recipe.corpus, recipe.teacher.sha256, recipe.teacher.folder, dataclasses.asdict(recipe.architecture)]
    found = []
    for base in recipe.bases:
        steps = base.epochs * -(-base.per_dataset * len(recipe.corpus) // base.batch)
        found.append(Run(base.name, "base", _hash(base, shared), steps, base, seed=base.seed))
    keys = {run.name: run.settings for run in found}
    for block in recipe.models:
        for dataset in block.datasets:
            for size in block.train_sizes or (None,):
                for seed in block.seeds:
                    infix = "" if block.base == recipe.bases[0].name else f"-{block.base}"
                    name = f"{dataset}{infix}{'' if size is None else f'-n{size}'}-s{seed}"
                    key = _hash(block, [keys[block.base], dataset, size, seed])
                    found.append(Run(name, "model", key, block.steps, block, dataset, seed, size))
    names = [run.name for run in found]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise RecipeError(f"the recipe makes {', '.join(twice[:5])} more than once; drop the repeated block or seed.")
    return found


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


def _hash(block: BaseRecipe | ModelsRecipe, rest: Sequence[Any]) -> str:
    """Hash of what a run's weights depend on: not of notes, nor of the block's other data sets, seeds and sizes."""
    skip = ("note", "datasets", "seeds", "train_sizes")
    return digest(canonical_json([{k: v for k, v in dataclasses.asdict(block).items() if k not in skip}, *rest]))
