"""Recipes from YAML: a file is read, built and checked, or refused with its name, the place, and what is allowed."""

from __future__ import annotations

from pathlib import Path

from explorer import documents
from explorer.errors import InputError, RecipeError
from explorer.training.checks import check
from explorer.training.reading import build
from explorer.training.recipes import Recipe


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
    try:
        raw = next(iter(documents.read_yaml(text)), None)
    except InputError as error:
        raise RecipeError(str(error)) from error
    recipe: Recipe = build(Recipe, raw, "recipe")
    check(recipe)
    return recipe
