"""The verbs `figure` and `export-html`: views as pictures, tables, settings, or one HTML file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from explorer.catalog import views
from explorer.errors import InputError, UnknownNameError
from explorer.numbers import size
from explorer.types import SavedView
from explorer.verbs.printing import Answer
from explorer.weights.hidden import whole_file
from explorer.workflows import Workspace, pictures, stories, telling

_LISTS = ("basket", "tasks", "layers", "kinds")
_MODELS = ("basket", "zero", "one")
_NUMBERS = ("dims", "path_dims", "low", "high", "points", "alpha", "models")


def figure_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    out = _free(args)
    (view,) = _views(ws, args, most=1)
    page = view.page
    if args.format == "json":
        return _written(out, json.dumps(pictures.settings(ws, page, view.state), indent=2, ensure_ascii=False).encode(),
                        {"page": page})
    figures = telling.figures(ws, view, args.dark)
    name = "map" if args.map else "curve" if args.curve or page == "path" else next(iter(figures))
    if name not in figures:
        raise InputError("there is no path in this view; a path needs --set basket=A,B on the map, or --set zero=A "
                         "--set one=B --set tasks=T on the path.")
    if args.format in ("csv", "parquet"):
        made = pictures.table(figures[name], args.format)
    else:
        made = pictures.image(figures[name], args.format, args.size)
    return _written(out, made, {"page": page, "figure": name, "format": args.format})


def export_html_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    out = _free(args)
    if args.story is not None and (args.view or args.page or args.set):
        raise InputError("--story takes the views of the story; leave out the page, --view and --set.")
    if args.story is not None:
        slides = telling.slides(ws, stories.story(ws, args.story), args.dark)
    else:
        shown = _views(ws, args)
        for view in shown:
            if view.page not in pictures.DRAWN:
                telling.drawings(ws, view)  # refuses one that has none; in a story it says so in its place
        slides = [telling.slide(ws, view, args.dark) for view in shown]
    made = pictures.html(slides, title=args.title or args.story or "", dark=args.dark).encode()
    return _written(out, made, {"views": len(slides)})


def _views(ws: Workspace, args: argparse.Namespace, most: int = 100) -> list[SavedView]:
    """The views that --view names, or the page with what --set says."""
    changes = _changes(ws, args.set or ())
    if not args.view:
        if args.page is None:
            raise InputError("say what is drawn: map or path with --set KEY=VALUE, or --view ID.")
        return [SavedView("", "", args.page, changes, "")]
    if len(args.view) > most:
        raise InputError(f"{len(args.view)} views, but a picture shows one; export-html takes several.")
    found = [_view(ws, name) for name in args.view]
    if args.page is not None and any(view.page != args.page for view in found):
        raise InputError(f"the view is one of the page {found[0].page}, not of {args.page}.")
    if changes and (alien := [view for view in found if view.page not in pictures.DRAWN]):
        raise InputError(f"the figures of {alien[0].title or alien[0].view!r} are kept as they were; --set changes "
                         f"views of {' and '.join(pictures.DRAWN)}.")
    return [replace(view, state={**view.state, **changes}) for view in found]


def _view(ws: Workspace, name: str) -> SavedView:
    """A view by its short id, or a saved one by title or identity."""
    for saved in stories.saved_views(ws):
        if name in (saved.name, saved.title):
            return saved
    if (kept := views.view(ws.catalog.database, name)) is None:
        raise UnknownNameError("view", name, [s.title for s in stories.saved_views(ws)])
    return SavedView("", name, kept[0], kept[1], "")


def _changes(ws: Workspace, given: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE as the state of a page: lists by commas, models by name."""
    state: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError(f"--set {text!r}: write KEY=VALUE, as in colour=task.")
        parts = [p.strip() for p in value.split(",") if p.strip()] if key in _LISTS else [value]
        if key in _MODELS:
            parts = ["" if p in ("", "base") else ws.catalog.checkpoint(p).id for p in parts]
        if key in _NUMBERS:
            state[key] = _number(key, value)
        else:
            state[key] = parts if key in _LISTS else parts[0]
    return state


def _number(key: str, value: str) -> int | float:
    try:
        return float(value) if key in ("low", "high", "alpha") else int(value)
    except ValueError:
        raise InputError(f"--set {key}={value!r}: a number is needed.") from None


def _free(args: argparse.Namespace) -> Path:
    """The file to be written; InputError before anything is made if it is in the way."""
    out = Path(args.out).expanduser()
    if out.is_dir() or (out.exists() and not args.force):
        raise InputError(f"{args.out} is there already; name another file" + ("." if out.is_dir() else
                                                                              ", or give --force."))
    return out


def _written(out: Path, made: bytes, value: dict[str, Any]) -> Answer:
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out) as making:
        making.write_bytes(made)
    return value | {"file": str(out), "bytes": len(made)}, f"{out} ({size(len(made))})"
