"""Weight-Space Explorer: fine-tuned language models as points in weight space.

The library without the app::

    import explorer

    ws = explorer.open_workspace("my-workspace")
    explorer.import_folders(ws, ["runs/a", "runs/b"], base="bert-base").result()
    a, b = explorer.resolve(ws, "a"), explorer.resolve(ws, "b")
    line = explorer.path(ws, zero=b, one=a, alphas=[0, 0.5, 1])
    explorer.evaluate(ws, line.points, ws.catalog.task("my-task")).result()

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # whoever uses the library says where events go

_WHERE = {
    "explorer.workflows": ("Workspace", "open_workspace", "resolve", "describe", "gram", "projection", "project",
                           "place",
                           "path", "evaluate", "import_folders", "fetch_datasets", "add_task", "finetune"),
    "explorer.workflows.pictures": ("figure_map", "figure_path"),
    "explorer.types": ("Base", "Checkpoint", "Gram", "MapSpec", "Point", "Probe", "Projection", "Score", "Task"),
    "explorer.errors": ("ExplorerError",),
}
_HOME = {name: module for module, names in _WHERE.items() for name in names}
__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
