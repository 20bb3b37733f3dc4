"""Merges to and from mergekit's YAML configurations (mergekit 0.1.5), without mergekit.

Read are whole-model merges by the methods of `explorer.merges`: `models`, or one slice that spans all layers, with
parameters as values, gradients and filters, for a model, the slice or the whole merge. Anything else is refused by
name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from explorer import documents, registry
from explorer.errors import InputError, RecipeError
from explorer.merges import _settings as settings
from explorer.merges._recipe import BASE, Method, Recipe, is_merge, layers_of, method
from explorer.types import Base, Checkpoint, Point
from explorer.weights.directions import ZERO
from explorer.workflows.merging import ONE, point_of
from explorer.workflows.naming import main_base, members
from explorer.workflows.opening import Workspace

_TOP = ("merge_method", "models", "slices", "base_model", "parameters", "dtype", "out_dtype", "tokenizer_source",
        "name")
_LARGEST = 1 << 20
_IGNORED = ("int8_mask",)
"""Parameters that change mergekit's memory and not its result."""


@dataclass(frozen=True)
class Reading:
    """A configuration as a Point and as a recipe, the name it gives itself, and what should be known of differences."""

    point: Point
    recipe: Recipe
    name: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    """One model of a configuration and its own parameters; `model` is a base only where the workspace has it so."""

    text: str
    model: Base | Checkpoint
    parameters: Mapping[str, Any]


def from_mergekit(ws: Workspace, path: Path) -> list[Point]:
    """The Points of a configuration file, one for each of its documents; RecipeError names what is not supported."""
    return [reading.point for reading in read_mergekit(ws, path)]


def read_mergekit(ws: Workspace, path: Path) -> list[Reading]:
    """The same with names and notes. Models are found by name, id, folder (from the file's or the current one) or hub
    id among the workspace's."""
    if path.stat().st_size > _LARGEST:
        raise RecipeError(f"{path}: {path.stat().st_size} bytes of YAML; at most {_LARGEST} are read.")
    try:
        found = [d for d in documents.read_yaml(path.read_text(encoding="utf-8")) if d is not None]
    except (InputError, UnicodeDecodeError) as e:
        raise RecipeError(f"{path}: not readable as YAML ({e}).") from e
    if not found:
        raise RecipeError(f"{path}: no configuration in it; one with merge_method and models is needed.")
    try:
        return [_document(ws, document, path.absolute().parent) for document in found]
    except RecipeError as e:
        raise RecipeError(f"{path}: {e}") from e


def to_mergekit(ws: Workspace, point: Point) -> str:
    """The configuration with which mergekit writes this Point; RecipeError where it has none.

    Averages become `linear`, other sums of task vectors `task_arithmetic`.
    """
    base = ws.catalog.base(point.base)
    folders = {BASE: str(ws.catalog.resolve(base.path))}
    for checkpoint in members(ws, [point]):
        if checkpoint.format != "weights":
            raise RecipeError(f"{checkpoint.name} is kept as {checkpoint.format}, which mergekit does not read; "
                              "export it as a model folder and import that.")
        folders[checkpoint.id] = str(ws.catalog.resolve(checkpoint.path))
    merges = [term for term, _ in point.terms if is_merge(term)]
    if made := [term for term, _ in point.terms if term not in folders and term != ZERO and not is_merge(term)]:
        raise RecipeError(f"{made[0]} is no model, so mergekit has no configuration for this Point.")
    if merges and point.terms != ((merges[0], 1.0),):
        raise RecipeError("mergekit merges once, and this Point is a sum with a merge in it; export the merge as a "
                          "model folder, import that and take it in its stead.")
    recipe = Recipe.parse(merges[0]) if merges else _as_recipe(point)
    return yaml.safe_dump(_configuration(recipe, folders), sort_keys=False, allow_unicode=True)


def _document(ws: Workspace, raw: Any, folder: Path) -> Reading:
    """One configuration."""
    if not isinstance(raw, dict):
        raise RecipeError(f"a mapping with merge_method and models is needed, not {type(raw).__name__}.")
    _only(raw, _TOP, "of a configuration")
    chosen = _method(raw.get("merge_method"))
    scopes, sources = _sources(ws, raw, folder)
    said = raw.get("base_model")
    if "slices" in raw:
        said = raw["slices"][0].get("base_model", said)
    default = None if said is None else _model(ws, said, folder)
    base, sources = _placed(ws, chosen, default, said, sources)
    if "slices" in raw:
        _whole(raw["slices"][0]["sources"], base)
    for scope in scopes:
        _only(scope, _allowed(chosen, True), f"of {chosen.name}", _IGNORED)
    ids = [BASE if isinstance(s.model, Base) else s.model.id for s in sources]
    if len(set(ids)) < len(ids):
        raise RecipeError("a model is listed twice.")
    models: dict[str, Any] = {}
    own: dict[str, dict[str, Any]] = {}
    for i, source in zip(ids, sources, strict=True):
        _only(source.parameters, _allowed(chosen, False), f"of a model for {chosen.name}", _IGNORED)
        models[i] = 1.0 if chosen.models.even else _setting(
            [source.parameters, *scopes], "weight", f"the weight of {source.text}", float, None)
        if models[i] is None:
            raise RecipeError(f"{source.text} has no weight; give one under its parameters, or for all under "
                              "parameters.")
        for option in chosen.options.values():
            if option.per_model:
                found = _setting([source.parameters, *scopes], option.name, f"{option.name} of {source.text}",
                                 option.kind, option.allowed)
                own.setdefault(option.name, {})[i] = option.default if found is None else found
    shared = {o.name: _setting(scopes, o.name, o.name, o.kind, o.allowed)
              for o in chosen.options.values() if not o.per_model}
    recipe = Recipe.of(chosen.name, models, own | {key: v for key, v in shared.items() if v is not None})
    return Reading(point_of(recipe, base), recipe, _name(raw), _notes(raw, chosen, recipe))


def _sources(ws: Workspace, raw: Mapping[str, Any], folder: Path) -> tuple[list[Mapping[str, Any]], list[_Source]]:
    """(parameters from the narrowest scope to the widest, the models with their own)."""
    if ("models" in raw) == ("slices" in raw):
        raise RecipeError("give one of models and slices.")
    scopes = [_mapping(raw.get("parameters"), "parameters")]
    listed, keys = raw.get("models"), ["model", "parameters"]
    if "slices" in raw:
        slices = raw["slices"]
        if not isinstance(slices, list) or len(slices) != 1 or not isinstance(slices[0], dict):
            raise RecipeError("slices must be a list of one slice that spans all layers: models of other layers are no "
                              "points over this base.")
        _only(slices[0], ("sources", "base_model", "parameters"), "of a slice")
        scopes.insert(0, _mapping(slices[0].get("parameters"), "parameters"))
        listed, keys = slices[0].get("sources"), ["model", "parameters", "layer_range"]
    if not isinstance(listed, list) or not listed:
        raise RecipeError("no models are listed.")
    found = []
    for entry in listed:
        if not isinstance(entry, dict) or "model" not in entry:
            raise RecipeError(f"{str(entry)[:80]!r} is no model; write model: NAME, and parameters if wanted.")
        _only(entry, keys, "of a model")
        found.append(_Source(str(entry["model"]), _model(ws, entry["model"], folder),
                             _mapping(entry.get("parameters"), "parameters")))
    return scopes, found


def _placed(ws: Workspace, chosen: Method, default: Base | Checkpoint | None, said: Any,
            sources: list[_Source]) -> tuple[Base, list[_Source]]:
    """(the base, the models that are merged in their order): what `base_model` means to the method."""
    bases = {s.model.base for s in sources if isinstance(s.model, Checkpoint)}
    bases |= {s.model.id for s in sources if isinstance(s.model, Base)}
    bases |= {default.base if isinstance(default, Checkpoint) else default.id} if default else set()
    if len(bases) > 1:
        names = ", ".join(sorted(ws.catalog.base(i).name for i in bases))
        raise RecipeError(f"the models belong to several bases ({names}); merge those of one.")
    base = ws.catalog.base(bases.pop()) if bases else main_base(ws)
    if not chosen.models.whole:
        if not isinstance(default, Base):
            came = "none is named" if default is None else f"{said} is a checkpoint"
            raise RecipeError(f"{chosen.name} needs a base_model that is a base of this workspace ({base.name}); "
                              f"{came}.")
        return base, [s for s in sources if not isinstance(s.model, Base)]
    if default is None:
        if chosen.models.turns:
            raise RecipeError(f"{chosen.name} needs a base_model: the model from which it starts.")
        return base, sources
    if default not in [s.model for s in sources]:
        sources = [_Source(str(said), default, {}), *sources]
    if chosen.models.turns:
        sources = sorted(sources, key=lambda s: s.model != default)
    return base, sources


def _model(ws: Workspace, said: Any, folder: Path) -> Base | Checkpoint:
    """The base or checkpoint that a configuration's model is in this workspace."""
    if not isinstance(said, str):
        raise RecipeError(f"the model {said!r} is no name; write a name, a folder or a hub id. Adapters on a model "
                          "(lora) are imported as checkpoints of their own.")
    known: list[Base | Checkpoint] = [*ws.catalog.bases(), *ws.catalog.checkpoints()]
    if named := [m for m in known if said in (m.name, m.id)]:
        return named[0]
    places = {(root / Path(said).expanduser()).resolve() for root in (folder, Path.cwd())}
    repo, _, revision = said.partition("@")
    cached = f"models--{repo.replace('/', '--')}"
    for model in known:
        path = ws.catalog.resolve(model.path)
        if path.resolve() in places or (cached in path.parts and path.name.startswith(revision)):
            return model
    raise RecipeError(f"model {said!r} is not in this workspace; add it with `import {said} --base BASE`, then try "
                      "again.")


def _setting(scopes: Iterable[Mapping[str, Any]], key: str, what: str, kind: type, allowed: Any) -> Any:
    """A parameter from the narrowest scope that has it, from wider ones where that has no case; None if none does."""
    found = None
    for scope in scopes:
        if key in scope:
            wider = settings.read(scope[key], what, kind, allowed)
            found = wider if found is None else settings.within(found, wider)
    return None if found is None else settings.read(found, what, kind, allowed)


def _method(name: Any) -> Method:
    known = [n for n in registry.names("explorer.merges") if not method(n).models.informed]
    if name not in known:
        raise RecipeError(f"merge_method {name!r} is not supported; supported: {', '.join(known)}.")
    return method(str(name))


def _allowed(chosen: Method, whole: bool) -> list[str]:
    """The parameters a method has for the whole merge, or for one of its models."""
    names = [o.name for o in chosen.options.values() if (whole or o.per_model) and o.name != "seed"]
    return names if chosen.models.even else ["weight", *names]


def _only(raw: Mapping[str, Any], allowed: Iterable[str], where: str, ignored: Iterable[str] = ()) -> None:
    if unknown := [key for key in raw if key not in {*allowed, *ignored}]:
        raise RecipeError(f"{unknown[0]!r} is not supported as a key {where}; supported: "
                          f"{', '.join(allowed) or 'none'}.")


def _mapping(raw: Any, what: str) -> Mapping[str, Any]:
    if raw is not None and not isinstance(raw, dict):
        raise RecipeError(f"{what} is {str(raw)[:60]!r}; a mapping of names to values is needed.")
    return raw or {}


def _whole(sources: Iterable[Mapping[str, Any]], base: Base) -> None:
    """RecipeError for a slice that is not all layers of every model."""
    layers = layers_of(base.layout)
    for source in sources:
        if source.get("layer_range") != [0, layers]:
            raise RecipeError(f"layer_range {source.get('layer_range')} of {source['model']}: only whole models are "
                              f"merged, [0, {layers}] here.")


def _name(raw: Mapping[str, Any]) -> str | None:
    name = raw.get("name")
    if name is not None and not isinstance(name, str):
        raise RecipeError(f"the name {name!r} is no text.")
    return name


def _notes(raw: Mapping[str, Any], chosen: Method, recipe: Recipe) -> tuple[str, ...]:
    notes = []
    for key in ("dtype", "out_dtype"):
        if (dtype := raw.get(key)) not in (None, "float32", "float16", "bfloat16"):
            raise RecipeError(f"{key} {dtype!r} is not supported; supported: float32, float16, bfloat16.")
        if dtype in ("float16", "bfloat16"):
            notes.append(f"{key} {dtype}: merges are computed and written in float32 here.")
    if raw.get("tokenizer_source", "base") != "base":
        raise RecipeError(f"tokenizer_source {raw['tokenizer_source']!r} is not supported; supported: base (all models "
                          "have the base's tokenizer).")
    if "seed" in chosen.options and recipe.options.get("density", 1.0) != 1.0:
        notes.append(f"{chosen.name}: which values are dropped is drawn anew (seed 0), as in every run of "
                     "mergekit.")
    return tuple(notes)


def _as_recipe(point: Point) -> Recipe:
    """A sum of task vectors as the merge that writes it best."""
    terms = dict(point.terms)
    rest = 1.0 - sum(c for term, c in terms.items() if term != ZERO) - terms.pop(ZERO, 0.0)
    if abs(rest) <= ONE and terms:
        return Recipe.of("linear", terms, {"normalize": False})
    if terms and all(term != ZERO for term, _ in point.terms):
        return Recipe.of("task_arithmetic", terms)
    return Recipe.of("linear", terms | {BASE: settings.rounded(rest)}, {"normalize": False})


def _configuration(recipe: Recipe, folders: Mapping[str, str]) -> dict[str, Any]:
    """The keys and values of a merge's YAML; `folders` by id."""
    chosen = method(recipe.method)
    if chosen.models.informed:
        raise RecipeError(f"mergekit has no method {recipe.method}; export this Point as a model folder instead.")
    if "seed" in chosen.options and recipe.options.get("density", 1.0) != 1.0:
        raise RecipeError(f"{recipe.method} drops values at random, and mergekit would draw others; export this Point "
                          "as a model folder instead.")
    models = []
    for i, weight in recipe.models.items():
        own = {} if chosen.models.even else {"weight": weight}
        for key, value in recipe.options.items():
            if isinstance(value, Mapping):
                own[key] = value.get(i, chosen.options[key].default)
        models.append({"model": folders[i]} | ({"parameters": own} if own else {}))
    shared = {key: value for key, value in recipe.options.items() if not isinstance(value, Mapping) and key != "seed"}
    if chosen.models.turns:
        shared = {chosen.models.turns: chosen.options[chosen.models.turns].default} | shared
    start = [folders[next(iter(recipe.models))]] if chosen.models.turns else []
    base = start or ([] if chosen.models.whole else [folders[BASE]])
    return ({"merge_method": recipe.method} | ({"base_model": base[0]} if base else {}) | {"models": models}
            | ({"parameters": shared} if shared else {}) | {"dtype": "float32"})
