"""The parsers of the verbs that draw, compare and pass on: figure, export-html, compare, log."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Verbs = argparse._SubParsersAction
Verb = Callable[..., argparse.ArgumentParser]


def add(verbs: Verbs, verb: Verb) -> None:
    """Add them; `verb` makes a parser with the options that all verbs have."""
    p = verb(verbs, "figure", "the map or a path as a picture or a table")
    p.add_argument("page", nargs="?", choices=("map", "path"), help="what is drawn, where --view does not say it")
    _view(p)
    p.add_argument("--curve", action="store_true", help="the loss curve instead of the map (of a path: the default)")
    p.add_argument("--map", action="store_true", help="the map of a path instead of its curve")
    p.add_argument("--format", default="png", choices=("png", "svg", "pdf", "csv", "parquet", "json"),
                   help="json: the settings it was made of (default png)")
    p.add_argument("--size", default="two-columns", choices=("column", "two-columns", "slide"),
                   help="3.3 or 6.9 inches wide, or 16:9 (default two-columns)")
    _file(p)

    p = verb(verbs, "export-html", "views as one HTML file that needs no network")
    p.add_argument("page", nargs="?", choices=("map", "path"), help="what is shown, where --view does not say it")
    _view(p)
    p.add_argument("--story", metavar="NAME", help="the views of a story, in its order")
    p.add_argument("--title", help="of the file")
    _file(p)

    p = verb(verbs, "compare", "two models side by side: metadata, norms, tensors, barrier, scores")
    p.add_argument("a", metavar="A")
    p.add_argument("b", metavar="B")
    p.add_argument("--task", help="the barrier is that on this task (default: the data set of A, if it is a task)")
    p.add_argument("--tensors", type=int, metavar="N", default=0,
                   help="the N tensors that differ most; reads the weights (default 0: none)")

    p = verb(verbs, "log", "stored scores to Weights & Biases, MLflow or trackio, one run a model")
    p.add_argument("to", choices=("wandb", "mlflow", "trackio"))
    p.add_argument("--project", default="weight-space", help="project or experiment (default weight-space)")
    p.add_argument("--tasks", metavar="T1,T2", default="all", help="only scores on these tasks (default all)")
    p.add_argument("--offline", action="store_true", help="write to this machine alone")


def _view(p: argparse.ArgumentParser) -> None:
    p.add_argument("--view", action="append", metavar="ID", help="a view by its short id or the title it was saved "
                   "under")
    p.add_argument("--set", action="append", metavar="KEY=VALUE", help="a setting of the view, as in a link "
                   "(zero=NAME, tasks=T1,T2, colour=task, method=umap); may be repeated")
    p.add_argument("--dark", action="store_true", help="in the colours of the dark look")


def _file(p: argparse.ArgumentParser) -> None:
    p.add_argument("--out", required=True, metavar="FILE")
    p.add_argument("--force", action="store_true", help="replace the file if it is there")
