"""Map and path as figures: for a notebook, the command line, and a file of views that needs no server.

Only what the catalog holds is drawn, unless it is said that missing losses be measured. A view is a page and the values
of its controls; those of Map and Path can be drawn here. plotly is imported when a figure is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from explorer import __version__, registry, workflows
from explorer.errors import InputError, UnavailableError, UnknownNameError
from explorer.paths.alphas import RANGES, grid, interpolation, is_far
from explorer.statistics.passes import mean, value_of
from explorer.statistics.readings import normalised
from explorer.types import Base, Checkpoint, Estimate, Line, MapSpec, Point, Probe, Score, Task
from explorer.workflows.naming import checkpoint_point, describe, main_base, resolve
from explorer.workflows.opening import Workspace

if TYPE_CHECKING:
    from explorer.components.standalone import Slide
    from explorer.figures.curves import Curve
    from explorer.figures.exporting import Figure
    from explorer.figures.theme import Dark

OWN = "its own dataset"
"""Instead of a task: each checkpoint's scores are those on the data set that it was trained on."""
DRAWN = ("map", "path")
"""The pages whose views can be drawn."""
Quantity = Literal["loss", "accuracy"]
_STEPS = {"euclidean": 1, "cosine": 40}


@dataclass(frozen=True)
class Walk:
    """A line on some tasks: as the Path page has it, without a session."""

    line: Line
    names: tuple[str, str]
    tasks: tuple[Task, ...]
    probe: Probe
    quantity: Quantity = "loss"

    def curves(self, ws: Workspace) -> list[Curve]:
        return curves(ws, self.line, self.tasks, self.probe, self.quantity)


def figure_map(ws: Workspace, *, colour: str = "dataset", method: str = "pca", dims: int = 2, metric: str = "cosine",
               base: str | None = None, task: str | None = None, layers: Sequence[str] | None = None,
               kinds: Sequence[str] | None = None, selected: Sequence[str] = (), dark: Dark = False,
               height: int = 640) -> Figure:
    """The map of a base's checkpoints (None: the main base) as a plotly Figure; `selected` are names or ids.

    `task` is what the colours "accuracy" and "loss" are measured on (None: each on its own data set). A map that is not
    stored and takes long is computed, and waited for.
    """
    chosen = main_base(ws) if base is None else ws.catalog.base(base)
    spec = MapSpec(chosen.id, method, dims, "euclidean" if metric == "euclidean" else "cosine",
                   None if layers is None else tuple(sorted(layers)), None if kinds is None else tuple(sorted(kinds)))
    if metric not in _STEPS:
        raise UnknownNameError("metric", metric, list(_STEPS))
    if dims not in (2, 3):
        raise InputError(f"{dims} dimensions: a map has 2 or 3.")
    ids = [ws.catalog.checkpoint(name).id for name in selected]
    return _map(ws, spec, colour, task or OWN, ids, None, dark, height, kept=workflows.kept_points(ws, chosen.id))


def figure_path(ws: Workspace, zero: str | Point, one: str | Point, task: str | Sequence[str], *,
                alphas: Sequence[float] | None = None, quantity: Quantity = "loss", probe: Probe | None = None,
                measure: bool = False, dark: Dark = False, height: int = 440) -> Figure:
    """The loss from `zero` (α = 0) to `one` (α = 1) on a task, or several, as a plotly Figure.

    `alphas` are 0 to 1 in steps of a tenth if None. What has no stored score is left out, or measured with `measure`.
    """
    ends = [resolve(ws, end) if isinstance(end, str) else end for end in (zero, one)]
    chosen = tuple(ws.catalog.task(name) for name in ([task] if isinstance(task, str) else task))
    if not chosen:
        raise InputError("a path is measured on a task; name one.")
    if quantity not in ("loss", "accuracy"):
        raise UnknownNameError("quantity", quantity, ("loss", "accuracy"))
    line = workflows.path(ws, ends[0], ends[1], sorted(set(interpolation(11) if alphas is None else alphas)))
    walk = Walk(line, (describe(ws, ends[0]), describe(ws, ends[1])), chosen, probe or Probe(), quantity)
    if measure:
        for each in chosen:
            workflows.evaluate(ws, [*line.points, Point.of(line.zero.base)], each, walk.probe).result()
    return _curve(ws, walk, walk.curves(ws), dark, height)


def figures_of(ws: Workspace, page: str, state: Mapping[str, Any], *, dark: Dark = False,
               alphas: Sequence[float] | None = None) -> dict[str, Figure]:
    """The figures of a view by name: "map", and "curve" where it has a path. InputError for other pages.

    `alphas` are those of the path where they are not what the view's controls say.
    """
    spec, walk = _read(ws, page, state, alphas)
    figures = {"map": _map_of(ws, page, state, spec, walk, dark)}
    if walk is not None:
        figures["curve"] = _curve(ws, walk, walk.curves(ws), dark, 440)
    return figures


def slide(ws: Workspace, page: str, state: Mapping[str, Any], *, title: str = "", note: str = "", dark: Dark = False,
          alphas: Sequence[float] | None = None) -> Slide:
    """A view as `components.standalone` shows it, its α to be dragged along what is measured."""
    from explorer.components.standalone import Slide

    spec, walk = _read(ws, page, state, alphas)
    drawn = _map_of(ws, page, state, spec, walk, dark).to_json()
    named = title or (f"{walk.names[0]} to {walk.names[1]}" if walk else ws.catalog.base(spec.base).name)
    if walk is None:
        return Slide(named, note, drawn)
    found, at = walk.curves(ws), walk.line.alphas
    known = [(a, v) for a, v in zip(at, found[0].values, strict=True) if v is not None]
    knots = {"alphas": [a for a, _ in known], "values": [v.value for _, v in known],
             "halves": [v.half for _, v in known], "measured": [v.measured for _, v in known], "far": is_far(at)}
    alpha = state.get("alpha", 0.5)
    words = {"quantity": walk.quantity, "percent": walk.quantity == "accuracy", "unknown": "not measured",
             "full": "measured", "first": "first pass", "between": "between two measured points"}
    curve = {"figure": _curve(ws, walk, found, dark, 440).to_json(), "curve": knots, "path": walk.line.one.hash,
             "words": words, "alpha": alpha if at[0] <= alpha <= at[-1] else at[0], "low": at[0], "high": at[-1],
             "label": f"α on the path from {walk.names[0]} (0) to {walk.names[1]} (1)"}
    trail = _trail(ws, spec, walk.line)
    return Slide(named, note, drawn, trail, curve)


def html(slides: Sequence[Slide], *, title: str = "", dark: Dark = False) -> str:
    """Views as one HTML file, in the colours of the app."""
    from explorer.components.standalone import standalone

    return standalone(slides, title=title, colours=colours(dark))


def colours(look: Dark | str) -> dict[str, str]:
    """What `components.standalone` needs to know of a look: an appearance, or its name."""
    from explorer.figures.theme import Appearance, surface

    s = surface(Appearance(look) if isinstance(look, str) else look)
    return {"paper": s.paper, "text": s.text, "quiet": s.quiet, "accent": s.accent, "line": s.grid}


def settings(ws: Workspace, page: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a figure was made of: page and view, the base, the models with the hashes of their weights, versions."""
    from importlib.metadata import version

    base = _base(ws, state)
    shown = _shown(ws, base, state) if base else []
    return {"page": page, "state": dict(state),
            "base": None if base is None else {"id": base.id, "name": base.name},
            "models": [{"id": c.id, "name": c.name} for c in shown],
            "tasks": [{"name": t.name, "digest": t.digest} for t in ws.catalog.tasks()],
            "versions": {"explorer": __version__, **{name: version(name) for name in ("plotly", "torch", "numpy")}}}


def image(figure: Figure, form: str = "png", size: str = "two-columns") -> bytes:
    """A figure as a picture's bytes; see `figures.exporting.image`."""
    from explorer.figures import exporting

    try:
        return exporting.image(figure, form, size)
    finally:
        exporting.close()


def table(figure: Figure, form: Literal["csv", "parquet"]) -> bytes:
    """What a figure shows as a table: a file's bytes."""
    import io

    import pandas as pd

    from explorer.figures.exporting import rows

    frame, file = pd.DataFrame(rows(figure)), io.BytesIO()
    if form == "csv":
        frame.to_csv(file, index=False)
    else:
        for column in frame.columns:  # a file of columns has one type in each
            kinds = {type(v) for v in frame[column] if v is not None and v == v}
            if len(kinds) > 1 and not kinds <= {int, float}:
                frame[column] = frame[column].map(lambda v: None if v is None or v != v else str(v))
        frame.to_parquet(file, index=False)
    return file.getvalue()


def curves(ws: Workspace, line: Line, tasks: Sequence[Task], probe: Probe, quantity: Quantity) -> list[Curve]:
    """One curve a task; several are each minus the base's value, with their mean over them first."""
    from explorer.figures.curves import Curve

    made = []
    for task in tasks:
        (origin,) = ws.catalog.scores([Point.of(line.zero.base)], task, probe)
        found = workflows.curve(ws, line, task, probe, quantity)
        if len(tasks) > 1:
            found = _above(found, ws.catalog.scores(line.points, task, probe), origin, quantity)
        made.append(Curve(task.name, found, None if origin is None else value_of(origin, quantity)))
    if len(made) > 1:
        made.insert(0, Curve("mean over the tasks", [mean(row) for row in zip(*(c.values for c in made), strict=True)]))
    return made


def _above(found: Sequence[Estimate | None], scores: Sequence[Score | None], base: Score | None,
           quantity: Quantity) -> list[Estimate | None]:
    """Values minus the base's; losses of the same texts have the standard error of their paired difference."""
    if base is None:
        return [None] * len(found)
    less: list[Estimate | None] = []
    for value, score in zip(found, scores, strict=True):
        if value is None or score is None or quantity == "accuracy":
            less.append(None if value is None else replace(value, value=value.value - value_of(base, quantity).value))
        else:
            gap = normalised(score, base)
            less.append(Estimate(gap.value, gap.stderr))
    return less


def _curve(ws: Workspace, walk: Walk, found: Sequence[Curve], dark: Dark, height: int) -> Figure:
    from explorer.figures.curves import Axis, loss_curve

    at = walk.line.alphas
    unit = "Loss (nats)" if walk.quantity == "loss" else "Accuracy"
    return loss_curve(Axis(at, min(at), max(at), *walk.names, is_far(at)), found, quantity=walk.quantity, dark=dark,
                      title=f"{unit} on {walk.tasks[0].name}" if len(found) == 1 else f"{unit} minus the base's",
                      show_base=bool(walk.line.zero.terms and walk.line.one.terms), height=height)


def _map_of(ws: Workspace, page: str, state: Mapping[str, Any], spec: MapSpec, walk: Walk | None, dark: Dark) -> Figure:
    """The map of a view that was read."""
    selected = [str(key) for key in state.get("basket", ())] if page == "map" else []
    return _map(ws, spec, str(state.get("colour", "dataset")), str(state.get("scores_on", OWN)), selected, walk, dark,
                640, ends=page == "path", kept=_kept(ws, spec, page, state))


def _map(ws: Workspace, spec: MapSpec, colour: str, task: str, selected: Sequence[str], walk: Walk | None, dark: Dark,
         height: int, *, ends: bool = False, kept: Mapping[str, Point] | None = None) -> Figure:
    import numpy as np

    from explorer.figures.maps import Facts, Overlay, scatter

    shown = [c for c in ws.catalog.checkpoints(spec.base) if spec.ids is None or c.id in spec.ids]
    found = workflows.projection(ws, spec)
    if found is None:
        found = workflows.project(ws, spec).result()[0]
    gram = ws.catalog.gram(spec.base).select(spec.layers, spec.kinds)
    facts = Facts(dict(zip(gram.ids, gram.norms.tolist(), strict=True)), _scores(ws, task, shown), task)
    places, kept, between = None, kept or {}, [walk.line.zero, walk.line.one] if walk else []
    if spec.method == "pca":
        places = workflows.place(ws, spec, [Point.of(spec.base), *between, *kept.values()])
    trail = None if walk is None else _trail(ws, spec, walk.line)
    overlay = Overlay(base=None if places is None else places[0],
                      path=None if trail is None else np.array(trail["places"]), approximate=spec.method != "pca",
                      ends=places[1:3] if ends and places is not None and walk else None,
                      kept={} if places is None else dict(zip(kept, places[1 + len(between):], strict=True)),
                      end_names=walk.names if walk else ("", ""))
    return scatter(found, shown, colour, facts=facts, overlay=overlay, selected=selected, dark=dark, height=height)


def _scores(ws: Workspace, task: str, shown: Sequence[Checkpoint]) -> Mapping[str, Score]:
    if task != OWN:
        return workflows.checkpoint_scores(ws, ws.catalog.task(task))
    tasks = {t.name: t for t in ws.catalog.tasks()}
    found: dict[str, Score] = {}
    for name in {c.dataset for c in shown if c.dataset in tasks}:
        known = workflows.checkpoint_scores(ws, tasks[str(name)])
        found |= {c.id: known[c.id] for c in shown if c.dataset == name and c.id in known}
    return found


def _trail(ws: Workspace, spec: MapSpec, line: Line) -> dict[str, Any] | None:
    """The path on a map, {"alphas", "places"}; None where it can't be placed. UMAP's transform is waited for."""
    steps = {"pca": _STEPS[spec.metric], "umap": 10}.get(spec.method)
    if steps is None:
        return None
    low, high = max(min(line.alphas), -1.0), min(max(line.alphas), 2.0)
    at = [low + (high - low) * i / steps for i in range(steps + 1)]
    points = [line.zero.moved(line.one, a) for a in at]
    try:
        places = (workflows.place(ws, spec, points) if spec.method == "pca"
                  else workflows.place_job(ws, spec, points).result()[-1])
    except UnavailableError:
        return None
    return {"alphas": at, "places": places.tolist()}


def _base(ws: Workspace, state: Mapping[str, Any]) -> Base | None:
    bases = {b.id: b for b in ws.catalog.bases()}
    return bases.get(str(state.get("base", ""))) or (main_base(ws) if bases else None)


def _kept(ws: Workspace, spec: MapSpec, page: str, state: Mapping[str, Any]) -> dict[str, Point]:
    """The kept Points that a view of the Map shows: the first ones, as many as there were when it was made."""
    held = state.get("map_points", 0) if page == "map" else 0
    return dict(list(workflows.kept_points(ws, spec.base).items())[:held])


def _shown(ws: Workspace, base: Base, state: Mapping[str, Any]) -> list[Checkpoint]:
    """The models that a view shows: the first ones, as many as there were when it was made."""
    held = state.get("models")
    return ws.catalog.checkpoints(base.id)[:held if isinstance(held, int) else None]


def _read(ws: Workspace, page: str, state: Mapping[str, Any],
          alphas: Sequence[float] | None) -> tuple[MapSpec, Walk | None]:
    """The map of a view, and its path if it has one."""
    if page not in DRAWN:
        raise InputError(f"views of the page {page!r} can't be drawn here; those of {' and '.join(DRAWN)} can.")
    if (base := _base(ws, state)) is None:
        raise InputError("this workspace has no base yet; there is nothing to draw.")
    everything, shown = ws.catalog.checkpoints(base.id), _shown(ws, base, state)
    ids = tuple(c.id for c in shown) if len(shown) < len(everything) else None
    if page == "path":
        spec = MapSpec(base.id, "pca", state.get("path_dims") or 2, "euclidean", ids=ids)
        return spec, _path(ws, base, state, alphas)
    method = str(state.get("method", "pca"))
    if method not in (known := registry.names("explorer.projections")):
        raise UnknownNameError("projection method", method, known)
    spec = MapSpec(base.id, method, state.get("dims") or 2, "euclidean" if state.get("metric") == "euclidean" else
                   "cosine", tuple(sorted(state["layers"])) if state.get("layers") else None,
                   tuple(sorted(state["kinds"])) if state.get("kinds") else None, ids)
    by_id, tasks = {c.id: c for c in shown}, {t.name: t for t in ws.catalog.tasks()}
    ends = [by_id[key] for key in state.get("basket", ()) if key in by_id]
    if len(ends) != 2 or not tasks:
        return spec, None
    own = [c.dataset for c in ends if c.dataset in tasks]
    task = tasks.get(str(state.get("map_task", ""))) or tasks[str(own[0]) if own else sorted(tasks)[0]]
    line = workflows.path(ws, checkpoint_point(ends[0]), checkpoint_point(ends[1]), alphas or grid(0, 1, 11))
    return spec, Walk(line, (ends[0].name, ends[1].name), (task,), Probe())


def _path(ws: Workspace, base: Base, state: Mapping[str, Any], alphas: Sequence[float] | None) -> Walk | None:
    """The path of a view of the Path page; None without both ends and a task."""
    tasks = tuple(ws.catalog.task(name) for name in state.get("tasks", ()))
    if not tasks or "one" not in state:
        return None
    ends = [Point.of(base.id) if not state.get(key) else resolve(ws, str(state[key])) for key in ("zero", "one")]
    names = tuple("base" if not p.terms else describe(ws, p) for p in ends)
    given = RANGES.get(str(state.get("range", next(iter(RANGES)))))
    at = alphas or given or grid(float(state.get("low", -1)), float(state.get("high", 2)), int(state.get("points", 13)))
    quantity: Quantity = "accuracy" if state.get("quantity") == "accuracy" else "loss"
    return Walk(workflows.path(ws, ends[0], ends[1], sorted(at)), (names[0], names[1]), tasks,
                Probe(head=state.get("head", "probe")), quantity)
