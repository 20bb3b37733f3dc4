"""Which models are merged, how, and with which weights and options in which layer: a merge as a term of a Point.

The term's id is "merge:" and the canonical JSON {"method": M, "models": {ID: weight}, "options": {NAME: value}}. An id
is a checkpoint's, or "base" for the base itself, whose task vector is 0. Weights and values are settings
(`_settings.py`); an option that each model has its own of may be {ID: value}. Options at their defaults are left out
and models sorted, so that one merge has one id.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from explorer import documents, registry
from explorer.errors import InputError, RecipeError
from explorer.merges import _settings as settings
from explorer.merges._contract import Models, PerModel, Range
from explorer.types import Layout, Tensor, canonical_json

PREFIX = "merge:"
BASE = "base"
"""The id under which the base itself is one of the merged models."""


@dataclass(frozen=True)
class Option:
    """An option of a method: its name as configurations have it, type, default, range, and whether each model may
    have its own value."""

    name: str
    argument: str
    kind: type
    default: Any
    allowed: Range | None
    per_model: bool


@dataclass(frozen=True)
class Method:
    """A merge method with what its signature declares."""

    name: str
    function: Callable[..., Any]
    models: Models
    options: Mapping[str, Option]


@cache
def method(name: str) -> Method:
    """A method by name; UnknownNameError lists the ones there are."""
    function = registry.find("explorer.merges", name)
    hints = typing.get_type_hints(function, include_extras=True)
    takes = next((m for m in _marks(hints["tensors"]) if isinstance(m, Models)), Models())
    found = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            marks = _marks(hints[parameter.name])
            option = Option(parameter.name.rstrip("_"), parameter.name, type(parameter.default), parameter.default,
                            next((m for m in marks if isinstance(m, Range)), None),
                            any(isinstance(m, PerModel) for m in marks))
            found[option.name] = option
    return Method(name, function, takes, found)


@dataclass(frozen=True)
class Recipe:
    """A merge; make one with `of` or `parse`, which check it. Equal merges have equal ids."""

    method: str
    models: Mapping[str, settings.Setting]
    options: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, models: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> Recipe:
        """A merge of models (id → weight) by a method; RecipeError for what it does not take.

        Where the order of two models matters it is that of `models`.
        """
        chosen = method(name)
        takes, n = chosen.models, len(models)
        if n < takes.least or (takes.most is not None and n > takes.most):
            wanted = str(takes.least) if takes.most == takes.least else f"{takes.least} or more"
            raise RecipeError(f"{name} takes {wanted} model{'s' * (wanted != '1')}, not {n}.")
        weights = {i: settings.read(w, f"the weight of {i!r}", float) for i, w in models.items()}
        if takes.even and any(w != 1 for w in weights.values()):
            raise RecipeError(f"{name} takes no weights: all its models count the same.")
        if BASE in models and not takes.whole:
            raise RecipeError(f"{name} merges task vectors, and the base has none; leave it out of the models.")
        known = {o.name: o for o in chosen.options.values()}
        if unknown := [key for key in options or {} if key not in known]:
            raise RecipeError(f"{name} has no option {unknown[0]!r}; it has {', '.join(known) or 'none'}.")
        read = {key: _option(known[key], value, weights) for key, value in (options or {}).items()}
        if takes.turns and list(weights) != sorted(weights):
            option = known[takes.turns]
            read[takes.turns] = settings.mapped(read.get(takes.turns, option.default),
                                                lambda value: settings.rounded(1 - value))
        kept = {key: value for key, value in sorted(read.items()) if value != known[key].default}
        return cls(name, dict(sorted(weights.items())), kept)

    @classmethod
    def parse(cls, term: str, ids: Callable[[str], str] = lambda name: name) -> Recipe:
        """The merge that a term names, its models' names turned into ids; RecipeError for what is none."""
        try:
            raw = documents.read_json(term.removeprefix(PREFIX), constant=lambda c: c)
        except InputError as e:
            raise RecipeError(f"the merge {term[:80]!r} is no JSON: {e}") from e
        if not isinstance(raw, dict) or set(raw) - {"method", "models", "options"} or not (
                isinstance(raw.get("method"), str) and isinstance(raw.get("models"), dict)
                and isinstance(raw.get("options", {}), dict)):
            raise RecipeError(f'{term[:80]!r} is no merge; write merge:{{"method": M, "models": {{"NAME": weight, …}}, '
                              '"options": {…}}.')
        models = [(ids(name), weight) for name, weight in raw["models"].items()]
        if len(dict(models)) < len(models):
            raise RecipeError(f"the merge {term[:80]!r} names a model twice.")
        options = {key: {ids(name): v for name, v in value.items()} if _is_per_model(value) else value
                   for key, value in raw.get("options", {}).items()}
        return cls.of(raw["method"], dict(models), options)

    def as_dict(self) -> dict[str, Any]:
        return {"method": self.method, "models": dict(self.models), "options": dict(self.options)}

    @cached_property
    def id(self) -> str:
        """The term's id in a Point."""
        return PREFIX + canonical_json(self.as_dict())

    def renamed(self, names: Mapping[str, str]) -> str:
        """The term with names for ids, which `parse` reads; the models' order stays."""
        turned = {key: {names.get(i, i): v for i, v in value.items()} if _is_per_model(value) else value
                  for key, value in self.options.items()}
        return PREFIX + json.dumps({"method": self.method, "options": turned,
                                    "models": {names.get(i, i): w for i, w in self.models.items()}},
                                   ensure_ascii=False)

    def check(self, layout: Layout, prefix: str = "") -> None:
        """RecipeError where some parameter of a layout would have no weight."""
        layers = layers_of(layout)
        for tensor in layout.tensors:
            self.at(tensor, layers, prefix)

    def at(self, tensor: Tensor, layers: int, prefix: str = "") -> tuple[list[float], dict[str, Any]]:
        """(the models' weights, the method's keyword arguments) in one parameter of a layout of so many layers.

        `prefix` is the name that models with a head give the backbone: filters may speak of it. RecipeError where a
        model has no weight.
        """
        spelled = (tensor.name, f"{prefix}.{tensor.name}") if prefix else (tensor.name,)
        depth = settings.depth(tensor.group.layer, layers)
        weights = [settings.at(w, spelled, depth) for w in self.models.values()]
        if None in weights:
            lacking = list(self.models)[weights.index(None)]
            raise RecipeError(f"{self.method}: {lacking} has no weight in {tensor.name}; add a case without a filter.")
        options: dict[str, Any] = {}
        for option in method(self.method).options.values():
            value = self.options.get(option.name, option.default)
            if option.per_model:
                own = value if _is_per_model(value) else dict.fromkeys(self.models, value)
                options[option.argument] = [_or(settings.at(own.get(i, option.default), spelled, depth), option.default)
                                            for i in self.models]
            else:
                options[option.argument] = _or(settings.at(value, spelled, depth), option.default)
        return [float(w) for w in weights if w is not None], options


def is_merge(term: str) -> bool:
    """Whether a Point's term is a merge."""
    return term.startswith(PREFIX)


def layers_of(layout: Layout) -> int:
    """How many numbered layers a layout has."""
    return len({t.group.layer for t in layout.tensors if t.group.layer.isdecimal()})


def _option(option: Option, value: Any, models: Mapping[str, Any]) -> Any:
    """An option's one form; of values by model those that are the default are left out, equal ones are one value."""
    if not (_is_per_model(value) and option.per_model):
        return settings.read(value, option.name, option.kind, option.allowed)
    if alien := set(value) - set(models):
        raise RecipeError(f"{option.name} has a value for {alien.pop()!r}, which is none of the merged models.")
    read = {i: settings.read(v, f"{option.name} of {i!r}", option.kind, option.allowed) for i, v in value.items()}
    every = [read.get(i, option.default) for i in models]
    if all(v == every[0] for v in every):
        return every[0]
    return {i: v for i, v in sorted(read.items()) if v != option.default}


def _is_per_model(value: Any) -> bool:
    """A mapping of models to values, and no single case of filter and value."""
    return isinstance(value, Mapping) and not (set(value) <= {"filter", "value"} and "value" in value)


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _marks(hint: Any) -> tuple[Any, ...]:
    return getattr(hint, "__metadata__", ())
