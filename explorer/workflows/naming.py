"""Points by name and names of Points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from explorer import documents
from explorer.errors import InputError, RecipeError, UnknownNameError
from explorer.merges._recipe import BASE, Recipe, is_merge
from explorer.types import Base, Checkpoint, Point
from explorer.weights.directions import ZERO, is_generated, parse
from explorer.weights.fishers import FOLDER as FISHERS
from explorer.workflows.opening import Workspace


def main_base(ws: Workspace) -> Base:
    """The base with the most checkpoints; InputError in a workspace without one."""
    bases = ws.catalog.bases()
    if not bases:
        raise InputError("this workspace has no base yet; import checkpoints with `import FOLDER --base FOLDER`.")
    return max(bases, key=lambda b: len(ws.catalog.checkpoints(b.id)))


def checkpoint_point(checkpoint: Checkpoint) -> Point:
    """The Point of a checkpoint: its base plus its whole task vector."""
    return Point.of(checkpoint.base, {checkpoint.id: 1.0})


def resolve(ws: Workspace, text: str) -> Point:
    """A Point from a checkpoint's name or id, a base's name or id, "base" (the main base), or a recipe in JSON.

    A Point that was kept under a name is found by it. A recipe is {"base": B, "terms": {"NAME": coefficient, …}}; its
    names are those of checkpoints, ids of generated directions, or merges (merge:{"method": M, "models": {"NAME":
    weight, …}, "options": {…}}). RecipeError or UnknownNameError says what is wrong.
    """
    if text.lstrip().startswith("{"):
        return _recipe(ws, text)
    if text == "base":
        return Point.of(main_base(ws).id)
    if kept := ws.catalog.points().get(text):
        return kept
    bases = {key: b for b in ws.catalog.bases() for key in (b.name, b.id)}
    try:
        return checkpoint_point(ws.catalog.checkpoint(text))
    except UnknownNameError as e:
        if text in bases:
            return Point.of(bases[text].id)
        raise UnknownNameError("point", text, ["base", *{b.name for b in bases.values()}, *e.known]) from None


def _recipe(ws: Workspace, text: str) -> Point:
    try:
        raw = documents.read_json(text, constant=lambda c: c)
    except InputError as e:
        raise RecipeError(f"the recipe is no JSON: {e}") from e
    if unknown := set(raw) - {"base", "terms"}:
        raise RecipeError(f"the recipe has unknown keys {', '.join(sorted(unknown))}; allowed: base, terms.")
    terms = raw.get("terms", {})
    if not isinstance(terms, dict):
        raise RecipeError(f"the recipe's terms are {terms!r}; an object of name: coefficient is needed.")
    chosen = named_checkpoints(ws, {k: c for k, c in terms.items() if not is_generated(k)}, "recipe")
    made = {k: c for k, c in terms.items() if is_generated(k)}
    Point.of("", made)
    said = raw.get("base", "base")
    if not isinstance(said, str):
        raise RecipeError(f"the recipe's base is {said!r}; a name is needed.")
    base = main_base(ws) if said == "base" else ws.catalog.base(said)
    if alien := [c.name for c in chosen.values() if c.base != base.id]:
        raise RecipeError(f"{', '.join(alien)}: fine-tuned from another base than {base.name!r}.")
    _check_directions(made, base)
    merged = {merge_of(ws, term, base).id: c for term, c in made.items() if is_merge(term)}
    if len(merged) < sum(map(is_merge, made)):
        raise RecipeError("the recipe names a merge twice.")
    others = {term: c for term, c in made.items() if not is_merge(term)}
    return Point.of(base.id, others | merged | {c.id: terms[name] for name, c in chosen.items()})


def merge_of(ws: Workspace, term: str, base: Base) -> Recipe:
    """The merge of a term that names checkpoints of a base, or gives their ids; RecipeError for one it can't be.

    "base" is the base itself.
    """
    def known(name: str) -> str:
        if name == BASE:
            return name
        found = ws.catalog.checkpoint(name)
        if found.base != base.id:
            raise RecipeError(f"{found.name}: fine-tuned from another base than {base.name!r}.")
        return found.id

    recipe = Recipe.parse(term, known)
    recipe.check(base.layout, base.prefix)
    return recipe


def _check_directions(terms: Iterable[str], base: Base) -> None:
    """RecipeError for a generated direction that this base has none of, before a worker is asked for it."""
    for term in terms:
        if term != ZERO and not is_merge(term) and not any(parse(term).touches(t) for t in base.layout.tensors):
            raise RecipeError(f"{term} changes no parameter of {base.name!r}; its groups: "
                              f"{', '.join(map(str, base.layout.groups))}.")


def named_checkpoints(ws: Workspace, terms: Mapping[str, float], what: str) -> dict[str, Checkpoint]:
    """The checkpoint of each name or id; RecipeError for a coefficient that is no finite number, or one named twice.

    `what` is what the terms are called to their user: a recipe, a mixture.
    """
    Point.of("", terms)  # says which name has a coefficient that is no finite number
    chosen = {name: ws.catalog.checkpoint(name) for name in terms}
    if len({c.id for c in chosen.values()}) < len(chosen):
        raise RecipeError(f"the {what} names a checkpoint twice.")
    return chosen


def members(ws: Workspace, points: Iterable[Point]) -> list[Checkpoint]:
    """The checkpoints whose task vectors some Points of one base are made of; random directions need none."""
    points = list(points)
    terms = {i for p in points for i, _ in p.terms}
    used = terms | {i for term in terms if is_merge(term) for i in Recipe.parse(term).models}
    return [c for c in ws.catalog.checkpoints(points[0].base) if c.id in used] if used else []


def folders(ws: Workspace, checkpoints: Iterable[Checkpoint]) -> dict[str, str]:
    """The folder of each checkpoint's task vector by id, as requests to workers name them.

    Beside them, under a name that is no id, the folder of Fisher information if there is one: merges may need it.
    """
    there = {FISHERS: str(ws.folder / FISHERS)} if (ws.folder / FISHERS).is_dir() else {}
    return {c.id: str(ws.catalog.resolve(c.path)) for c in checkpoints} | there


def recipe(ws: Workspace, point: Point) -> dict[str, Any]:
    """A Point's recipe with names for ids, in the form in which `resolve` reads one."""
    names = {c.id: c.name for c in members(ws, [point])}
    return {"base": ws.catalog.base(point.base).name, "terms": {_term(i, names): c for i, c in point.terms}}


def spelled(ws: Workspace, point: Point) -> str:
    """A Point's recipe as a sum."""
    names = {c.id: c.name for c in members(ws, [point])}
    return ws.catalog.base(point.base).name + "".join(
        f" {'+' if c >= 0 else '−'} {abs(c):g}·{_in_words(term, names)}" for term, c in point.terms)


def describe(ws: Workspace, point: Point) -> str:
    """A Point in words: a name where it has one, else its recipe with names for ids."""
    if named := [name for name, kept in ws.catalog.points().items() if kept == point]:
        return named[0]
    if len(point.terms) == 1 and point.terms[0][1] == 1:
        if is_merge(term := point.terms[0][0]):
            return _in_words(term, {c.id: c.name for c in members(ws, [point])})
        if not is_generated(term):
            return ws.catalog.checkpoint(term).name
    return spelled(ws, point)


def _term(term: str, names: Mapping[str, str]) -> str:
    """A term with names for ids."""
    return Recipe.parse(term).renamed(names) if is_merge(term) else names.get(term, term)


def _in_words(term: str, names: Mapping[str, str]) -> str:
    """A term as people read it: ties(a, 0.5·b; density 0.2) of a merge."""
    if not is_merge(term):
        return names.get(term, term)
    merged = Recipe.parse(term)
    told = [names.get(i, i) if w == 1 else f"{_short(w)}·{names.get(i, i)}" for i, w in merged.models.items()]
    options = "".join(f"; {key} {_short(value)}" for key, value in merged.options.items())
    return f"{merged.method}({', '.join(told)}{options})"


def _short(setting: Any) -> str:
    """One value, or that there are several."""
    if isinstance(setting, (list, dict)):
        return "[…]" if any(isinstance(v, (dict, list)) for v in setting) or isinstance(setting, dict) else (
            "[" + ", ".join(f"{v:g}" for v in setting) + "]")
    return str(setting).lower() if isinstance(setting, bool) else f"{setting:g}"
