"""One merge by a method of choice: what each task keeps of its own model's gain, and where the merge lies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from explorer import numbers, workflows
from explorer.backends import Job
from explorer.errors import ExplorerError, RecipeError
from explorer.figures.merges import Series, retained
from explorer.pages import _measuring, _readings
from explorer.pages._charts import show_figure
from explorer.pages._downloads import offer_figure
from explorer.pages._jobs import active, outcome, watch
from explorer.pages._merge_controls import Wish, choose, label, settle
from explorer.pages._merge_views import compare, place, take_away
from explorer.pages._pressing import pressed
from explorer.pages._readings import metric, tabled
from explorer.pages._session import dark, fail, has_texts, material, me, plain
from explorer.pages._visitor import editors
from explorer.statistics.readings import NORMAL
from explorer.types import Point
from explorer.workflows import fishers, retaining
from explorer.workflows.retaining import Bench, Kept


def draw(ws: workflows.Workspace) -> None:
    if (found := material(ws, "A merge")) is None:
        return
    base, checkpoints, tasks = found
    models, name, on = choose(base, checkpoints, tasks)
    if not models:
        st.info("Choose the models to merge, here or on the map.", icon=":material/merge:")
        return
    bench = retaining.bench(ws, models, on)
    left, right = st.columns([1, 1.9], gap="large")
    with left:
        wish = settle(base, models, name)
    with right:
        point = made(ws, wish)
        if point is not None:
            live(ws, bench, point, label(name))
    if point is not None:
        below(ws, bench, wish, point)


def made(ws: workflows.Workspace, wish: Wish) -> Point | None:
    """The merge's Point; where Fisher information is lacking, the way to it."""
    try:
        if wish.method.models.informed and not informed(ws, wish):
            return None
        return wish.point(ws)
    except RecipeError as error:
        st.info(plain(str(error)), icon=":material/info:")
        return None


def informed(ws: workflows.Workspace, wish: Wish) -> bool:
    """Whether every model's Fisher information is there; shows how it is estimated, or offers to."""
    wanted = fishers.informed(ws, wish.models)
    missing = fishers.lacking(ws, wanted)
    job: Job | None = st.session_state.get("merge_fisher_job")
    if not missing:
        return True
    if job is not None and active(job):
        watch(job, "merge-fisher")
        return False
    if job is not None:
        outcome(job)
    away = [w.task.name for w in missing if not has_texts(w.task)]
    texts, of = wanted[0].texts, len(missing)
    st.info(plain(f"Fisher information of {of} of {len(wanted)} models is not estimated yet. It says how much each "
                  f"value of a model matters to its own task: the expected square of the gradient over {texts} train "
                  "texts, labels drawn from the model itself, with the head of its generalized loss."),
            icon=":material/functions:")
    if away:
        st.caption(f"The texts of {plain(', '.join(away))} are not on this machine.")
    elif pressed(f"Estimate it for {of} model{'s' * (of > 1)} (about {max(1, round(of * 12 / 60))} min)",
                 type="primary", key="merge-fisher", of=tuple(wish.models), icon=":material/play_arrow:", **editors()):
        try:
            st.session_state["merge_fisher_job"] = fishers.inform(ws, wanted, owner=me())
            st.rerun()
        except ExplorerError as error:
            fail(error)
    return False


def live(ws: workflows.Workspace, bench: Bench, point: Point, name: str) -> None:
    """Progress, readings and the figure, drawn again by themselves while losses are measured."""
    asks, title = bench.asks([point]), f"A merge of {len(bench.models)} models"

    def draw() -> None:
        found = retaining.kept(ws, bench, [point] if point == bench.centroid else [point, bench.centroid])
        readings(found)
        chart(bench, found, name)
        st.caption(provenance(bench, found))

    if bench.tasks:
        _measuring.live(ws, "merge", asks, title, draw)
    else:
        st.info("None of these models was trained on a task of this workspace; choose tasks under Measured on.",
                icon=":material/fact_check:")


def readings(found: Kept) -> None:
    """Mean and worst retention, and the plain mean's."""
    merge, mean = found.standing(0), found.standing(len(found.scores) - 1)
    columns = st.columns(3)
    for column, title, share, under, words, about in (
            (columns[0], "Mean retention", merge.mean, None, ("retention",), "Over the tasks, in losses. 95 % interval "
             "by resampling the test texts."),
            (columns[1], "Worst retention", merge.worst, merge.worst_task, ("retention",),
             "Of the task that keeps least."),
            (columns[2], "Plain mean of the models", mean.mean, None, ("retention", "centroid"),
             "Mean retention of the centroid, with which every method is to be compared.")):
        metric(title, None if share is None else numbers.share(share.value, 0), "not measured" if share is None else
               numbers.share_between(share.low, share.high) + (f" · {under}" if under else ""), words=words,
               about=about, where=column)


def chart(bench: Bench, found: Kept, name: str) -> None:
    tasks = [t.name for t in bench.tasks if bench.own(t) and t.name not in found.board.dropped]
    if not tasks:
        return
    words = (name, "plain mean")
    rows = [[s.by_task.get(t) for t in tasks] + ([s.mean] if len(tasks) > 1 else []) for s in found.board.standings]
    figure = retained([*tasks, *(["mean of the tasks"] if len(tasks) > 1 else [])],
                      [Series(words[i], row) for i, row in enumerate(rows)], dark=dark(), strong=int(len(tasks) > 1))
    show_figure(figure, key="merge_chart", alt="Share of each own model's gain that the merge keeps, by task.")
    offer_figure(figure, "merge")


def provenance(bench: Bench, found: Kept) -> str:
    texts = sorted({s.n for s in found.scores[0].values()})
    span = "–".join(map(str, sorted({*texts[:1], *texts[-1:]}))) or str(bench.probe.test)
    said = [f"Generalized loss: head fitted on {bench.probe.train or 'all'} train texts, measured on {span} test texts "
            "of each task."]
    if alone := [t.name for t in bench.tasks if not bench.own(t)]:
        said.append(f"No model of {', '.join(alone)} among those merged: see the table.")
    said += [f"{task}: no retention, {why}." for task, why in found.board.dropped.items()]
    return plain(" ".join(said))


def below(ws: workflows.Workspace, bench: Bench, wish: Wish, point: Point) -> None:
    """Numbers, place, other methods, and what can be taken away."""
    tabs = st.tabs(("Table", "Place", "Compare methods", "Take away"), key="merge_tabs", on_change="rerun")
    if tabs[0].open:
        with tabs[0]:
            table(ws, bench, point)
    if tabs[1].open:
        with tabs[1]:
            place(ws, bench, point)
    if tabs[2].open:
        with tabs[2]:
            compare(ws, bench)
    if tabs[3].open:
        with tabs[3]:
            take_away(ws, wish.command, point)


def table(ws: workflows.Workspace, bench: Bench, point: Point) -> None:
    """Losses and accuracies of the merge beside own model, base and plain mean."""
    found = retaining.kept(ws, bench, [point, bench.centroid])
    lines = []
    for name in [t.name for t in bench.tasks]:
        own, model = found.owns.get(name, (None, None))
        scores = {"merge": found.scores[0].get(name), "model": model, "mean": found.scores[1].get(name),
                  "base": found.bases.get(name)}
        share = found.standing(0).by_task.get(name)
        lines.append({"task": name, "own": own, "half": NORMAL * m.stderr if (m := scores["merge"]) else np.nan,
                      **{f"{key}_{what}": getattr(s, what, np.nan) for key, s in scores.items()
                         for what in ("loss", "accuracy")},
                      **{key: getattr(share, key, np.nan) for key in ("value", "low", "high")}})
    frame = pd.DataFrame(lines)
    words = {"merge": "Merge", "model": "Own model", "mean": "Plain mean", "base": "Base"}
    tabled(frame, {"half": _readings.loss, **{f"{k}_loss": _readings.loss for k in words},
                   **{f"{k}_accuracy": _readings.percent for k in words},
                   **dict.fromkeys(("value", "low", "high"), _readings.whole_percent)}, {
        "task": "Task", "own": "Own model", "half": "± (95 %)",
        **{f"{k}_loss": f"{w}: loss (nats)" for k, w in words.items()},
        **{f"{k}_accuracy": f"{w}: accuracy" for k, w in words.items()},
        "value": "Retention", "low": "95 % from", "high": "to"}, order=[
        "task", "own", "merge_loss", "half", "model_loss", "mean_loss", "base_loss", "merge_accuracy",
        "model_accuracy", "mean_accuracy", "base_accuracy", "value", "low", "high"])
    st.download_button("Download as CSV", lambda: frame.to_csv(index=False), "merge.csv", "text/csv", on_click="ignore",
                       icon=":material/download:")
