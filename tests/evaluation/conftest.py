"""An evaluator over the tiny base, and its task as the catalog gives it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.types import Base, Point, Task


@pytest.fixture(scope="session")
def known(made_workspace: Path) -> dict[str, Any]:
    """What the made workspace knows: `base`, `task`, and checkpoint name → (Point, folder)."""
    from explorer.catalog import Catalog
    from explorer.workflows import checkpoint_point

    catalog = Catalog(made_workspace)
    models = {c.name: (checkpoint_point(c), catalog.resolve(c.path)) for c in catalog.checkpoints()}
    found = {"base": catalog.bases()[0], "folder": catalog.resolve(catalog.bases()[0].path),
             "task": catalog.task("toy"),
             "models": models}
    catalog.close()
    return found


@pytest.fixture
def evaluator(known: dict[str, Any]) -> Callable[..., Any]:
    """Makes an Evaluator that knows every model of the zoo."""
    from explorer.evaluation.evaluator import Evaluator

    def make(**options: Any) -> Evaluator:
        made = Evaluator(known["base"], known["folder"], **{"device": "cpu", **options})
        made.folders.update({point.terms[0][0]: folder for point, folder in known["models"].values()})
        return made

    return make


@pytest.fixture
def task(known: dict[str, Any]) -> Task:
    return known["task"]


@pytest.fixture
def base(known: dict[str, Any]) -> Base:
    return known["base"]


@pytest.fixture
def point(known: dict[str, Any]) -> Callable[[str], Point]:
    """The Point of a model by name."""
    return lambda name: known["models"][name][0]
