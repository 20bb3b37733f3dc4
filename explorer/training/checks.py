"""What a recipe may say: ranges, and names that refer to each other. Nothing outside the recipe is looked at."""

from __future__ import annotations

import re

from explorer import registry
from explorer.errors import RecipeError
from explorer.training.reading import nearest
from explorer.training.recipes import (
    LORA,
    METHODS,
    Architecture,
    BaseRecipe,
    GivenBase,
    ModelsRecipe,
    Recipe,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def check(recipe: Recipe) -> None:
    """RecipeError at the first thing that can't be, with its place and what is allowed."""
    if not recipe.bases:
        raise RecipeError("bases is empty; a recipe has at least one base.")
    if any(isinstance(b, BaseRecipe) for b in recipe.bases):
        for key in ("corpus", "teacher", "architecture"):
            if not getattr(recipe, key):
                raise RecipeError(f"recipe: the key {key!r} is missing; bases that are made need it, unlike those that "
                                  "are given by 'from'.")
    if recipe.architecture is not None:
        _architecture(recipe.architecture)
    for i, base in enumerate(recipe.bases):
        _base(f"bases[{i}]", base, recipe.architecture)
    bases = {b.name: b for b in recipe.bases}
    if len(bases) < len(recipe.bases):
        raise RecipeError(f"two bases have one name: {', '.join(b.name for b in recipe.bases)}.")
    for name, source in recipe.sources.items():
        _name("datasets", name)
        if not 1 <= len(source.text) <= 2:
            raise RecipeError(f"datasets.{name}.text names {len(source.text)} columns; one or two hold texts.")
    for i, block in enumerate(recipe.models):
        _models(f"models[{i}]", block, recipe)


def _architecture(shape: Architecture) -> None:
    for name in ("vocabulary", "layers", "width", "heads", "feed_forward", "positions"):
        _at_least(f"architecture.{name}", getattr(shape, name), 1)
    if shape.width % shape.heads:
        raise RecipeError(f"architecture: width {shape.width} is no multiple of heads {shape.heads}.")


def _base(where: str, base: GivenBase | BaseRecipe, shape: Architecture | None) -> None:
    _name(f"{where}.name", base.name)
    if isinstance(base, GivenBase):
        if not base.source:
            raise RecipeError(f"{where}.from is empty; name a base of the workspace, a folder or a hub id.")
        return
    _rates(where, base, shape)
    for name in ("epochs", "per_dataset", "passages", "words"):
        _at_least(f"{where}.{name}", getattr(base, name), 1)
    if not 0 < base.masked < 1:
        raise RecipeError(f"{where}.masked is {base.masked}; it must lie between 0 and 1.")


def _models(where: str, block: ModelsRecipe, recipe: Recipe) -> None:
    bases = {b.name: b for b in recipe.bases}
    if block.base not in bases:
        raise RecipeError(f"{where}.base is {block.base!r}; the recipe's bases are {', '.join(bases)}.")
    for one in block.each:
        _method(where, one, recipe)
    if not block.datasets or not block.seeds:
        raise RecipeError(f"{where} makes no model: datasets and seeds must each hold at least one entry.")
    for name in block.datasets:
        _name(f"{where}.datasets", name)
    for seed in block.seeds:
        _at_least(f"{where}.seeds", seed, 0)
    for size in block.train_sizes:
        _at_least(f"{where}.train_sizes", size, 1)
    _duration(where, block)
    for name, least in (("patience", 0), ("checkpoints", 0), ("accumulate", 1)):
        _at_least(f"{where}.{name}", getattr(block, name), least)
    if block.accumulate > block.batch:
        raise RecipeError(f"{where}.accumulate is {block.accumulate}; a batch of {block.batch} has no more pieces.")
    if not 0 < block.held_out < 1:
        raise RecipeError(f"{where}.held_out is {block.held_out}; it must lie between 0 and 1.")
    if not block.start.strip():
        raise RecipeError(f"{where}.start is empty; allowed: base, centroid, a model's name, a Point's JSON.")
    made = isinstance(bases[block.base], BaseRecipe)
    if made and block.start != "base":
        raise RecipeError(f"{where}.start is {block.start!r}; models of {block.base!r}, which this recipe makes, can "
                          "start from it alone. Import it, and give it by 'from'.")
    _rates(where, block, recipe.architecture if made else None)


def _method(where: str, block: ModelsRecipe, recipe: Recipe) -> None:
    methods = sorted([*registry.names(METHODS), LORA])
    if block.method not in methods:
        raise RecipeError(f"{where}.method is {block.method!r}.{nearest(block.method, methods)} "
                          f"allowed: {', '.join(methods)}.")
    if block.method == "probe":
        raise RecipeError(f"{where}.method is 'probe', which trains the head alone: the model would be its base. "
                          f"Choose one of {', '.join(m for m in methods if m != 'probe')}.")
    form = recipe.format_of(block)
    if form == "lora" and block.method != LORA:
        raise RecipeError(f"{where}.format is 'lora'; method {block.method!r} trains no adapters. Choose huggingface "
                          "or task-vector.")
    if block.method == LORA and form == "task-vector":
        raise RecipeError(f"{where}.format is 'task-vector'; the method lora is stored as lora or huggingface.")
    if form == "lora" and block.start != "base":
        raise RecipeError(f"{where}.start is {block.start!r}; adapters alone do not hold where they started. Choose "
                          "format huggingface.")
    if block.lora is not None and (block.lora.rank < 1 or block.lora.alpha <= 0 or not 0 <= block.lora.dropout < 1):
        raise RecipeError(f"{where}.lora: rank must be at least 1, alpha above 0, dropout in [0, 1); got "
                          f"{block.lora.rank}, {block.lora.alpha}, {block.lora.dropout}.")


def _duration(where: str, block: ModelsRecipe) -> None:
    if (block.steps is None) == (block.epochs is None):
        came = "neither" if block.steps is None else "both"
        raise RecipeError(f"{where}: {came} of steps and epochs came; give one.")
    if block.steps is not None:
        _at_least(f"{where}.steps", block.steps, 1)
    if block.epochs is not None and block.epochs <= 0:
        raise RecipeError(f"{where}.epochs is {block.epochs}; it must be above 0.")
    if block.evaluate_every is not None:
        _at_least(f"{where}.evaluate_every", block.evaluate_every, 1)
    if block.steps is not None and block.checkpoints >= block.steps:
        raise RecipeError(f"{where}.checkpoints is {block.checkpoints}; fewer than the {block.steps} steps can be "
                          "kept along the way.")


def _rates(where: str, block: BaseRecipe | ModelsRecipe, shape: Architecture | None) -> None:
    _at_least(f"{where}.batch", block.batch, 1)
    _at_least(f"{where}.length", block.length, 3)
    if shape is not None and block.length > shape.positions:
        raise RecipeError(f"{where}.length is {block.length}; architecture.positions allows {shape.positions}.")
    if block.lr <= 0 or block.weight_decay < 0 or not 0 <= block.warmup < 1:
        raise RecipeError(f"{where}: lr must be above 0, weight_decay at least 0, warmup in [0, 1); got "
                          f"{block.lr}, {block.weight_decay}, {block.warmup}.")


def _at_least(where: str, value: int, least: int) -> None:
    if value < least:
        raise RecipeError(f"{where} is {value}; it must be at least {least}.")


def _name(where: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RecipeError(f"{where} is {name!r}; a name has letters, digits, '-', '_' and '.', and names a folder.")
