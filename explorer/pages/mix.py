"""Mixtures of several models: weights by slider or by dragging over the map, the loss predicted while they move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.components.map_and_path import compact_json, component_map, component_mixture, heard
from explorer.errors import ExplorerError, ForbiddenError, InputError
from explorer.figures.maps import Facts, Overlay, scatter
from explorer.figures.theme import scale
from explorer.numbers import coefficient, share, weight
from explorer.pages import _readings
from explorer.pages._downloads import offer_figure
from explorer.pages._exporting import offer
from explorer.pages._glossary import said
from explorer.pages._jobs import TICK, active, bar, outcome
from explorer.pages._pressing import pressed, submitted
from explorer.pages._session import (
    basket,
    changed,
    dark,
    fail,
    has_texts,
    map_ids,
    material,
    me,
    names,
    plain,
    thaw,
    workspace,
)
from explorer.pages._stage import remember, staged, tall
from explorer.pages._stage import turn as view_turn
from explorer.pages._visitor import editors
from explorer.pages._walks import warmed
from explorer.paths.mixture import addition, analogy, negation, uniform
from explorer.statistics.compact import compact
from explorer.statistics.passes import value_of
from explorer.statistics.readings import NORMAL
from explorer.statistics.surrogate import Goal, propose
from explorer.statistics.work import Fitted
from explorer.types import Base, Checkpoint, Gram, MapSpec, Point, Probe, Score, Task
from explorer.workflows.mixing import measured_points
from explorer.workflows.probing import URGENT

HEIGHT = 540
LINK = "mix"
MOST = 12
"""Models of one mixture: more sliders than this can't be overlooked."""
CELLS = 44
WIDEST = 4.0
"""Ratio of an interval's limits from which on the map shows no prediction: it would say nothing."""
CANDIDATES = 400


@dataclass(frozen=True)
class Bench:
    """What is on the page: the models that are mixed, the task, and the map they lie on."""

    base: Base
    models: tuple[Checkpoint, ...]
    task: Task
    probe: Probe
    simplex: bool
    gram: Gram
    spec: MapSpec

    @property
    def ids(self) -> list[str]:
        return [c.id for c in self.models]

    @property
    def key(self) -> str:
        return "-".join((*self.ids, self.task.digest, str(self.simplex)))

    def point(self, weights: Sequence[float]) -> Point:
        return Point.of(self.base.id, dict(zip(self.ids, weights, strict=True)))


def controls(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task]) -> Bench:
    """The models, the task and the kind of weights."""
    known, by_id = names(checkpoints), {c.id: c for c in checkpoints}
    if changed("mix_from", basket(by_id), "mix_models") and len(basket(by_id)) > 1:
        st.session_state["mix_models"] = basket(by_id)[:MOST]
    st.session_state.setdefault("mix_models", first_three(checkpoints))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        chosen = st.multiselect("Models", sorted(by_id, key=known.__getitem__), format_func=known.__getitem__,
                                key="mix_models", persist_state="session", max_selections=MOST, width=560)
        by_name = {t.name: t for t in tasks}
        own = [c.dataset for c in checkpoints if c.id in chosen and c.dataset in by_name]
        st.session_state.setdefault("mix_task", own[0] if own else sorted(by_name)[0])
        task = st.selectbox("Task", sorted(by_name), key="mix_task", persist_state="session", width=200)
        kind = st.segmented_control("Weights", ["simplex", "free"], default="simplex", required=True, key="mix_kind",
                                    persist_state="session", format_func=str.capitalize,
                                    help="Simplex: none negative, together 1. Free: any; what they lack to 1 lies on "
                                    "the base.\n\n" + said("hull", "task_arithmetic"))
        thaw(ws, base)
    spec = MapSpec(base.id, "pca", 2, "euclidean", ids=map_ids(ws, base))
    return Bench(base, tuple(by_id[i] for i in chosen), by_name[task], Probe(), kind != "free",
                 ws.catalog.gram(base.id), spec)


def first_three(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """To begin with: of the task with most data sets, the model of every other one that saw most texts."""
    by_task: dict[str | None, dict[str | None, Checkpoint]] = {}
    for c in checkpoints:
        best = by_task.setdefault(c.task, {})
        if c.dataset not in best or (c.train_size or 0) > (best[c.dataset].train_size or 0):
            best[c.dataset] = c
    most = max(by_task.values(), key=len)
    spread = [*list(most.values())[::2], *checkpoints]
    return list(dict.fromkeys(c.id for c in spread))[:3]


def weights_of(bench: Bench) -> tuple[str, list[float]]:
    """(identity of where the sliders begin, the weights), kept for each choice of models."""
    kept = st.session_state.setdefault("mix_weights", {})
    given = st.session_state.get("weights", [])
    if changed("mix_bench", bench.key, "weights") or len(given) != len(bench.ids):
        given = list(uniform(bench.ids).values())
    turn, weights = kept.setdefault(bench.key, (0, given))
    st.session_state["weights"] = weights
    return f"{bench.key}-{turn}-{view_turn()}", weights


def move(bench: Bench, weights: Sequence[float]) -> None:
    """Put the sliders somewhere: a preset or a proposal."""
    kept = st.session_state["mix_weights"]
    kept[bench.key] = (kept[bench.key][0] + 1, [float(w) for w in weights])


def presets(bench: Bench) -> None:
    """Centroid, negation, addition, analogy: they set free weights."""
    ids = bench.ids
    offered = {"Centroid": uniform(ids), "− A": negation(ids[0]), "A + B + …": addition(ids, 0.5)}
    if len(ids) > 2:
        offered["C + B − A"] = analogy(ids[0], ids[1], ids[2])
    hints = {"− A": f"Forget what {bench.models[0].name} learned: the base minus its task vector.",
             "A + B + …": "Half of every task vector on top of the base.",
             "C + B − A": "The first is to the second as the third is to this."}
    with st.container(horizontal=True, gap="small", key="controls_presets"):
        for label, weights in offered.items():
            if pressed(label, key=f"preset-{label}", of=tuple(ids),
                       help=plain(hints.get(label, "The mean of all models."))):
                if bench.simplex and label != "Centroid":
                    st.session_state["mix_next"] = ("free", [weights.get(i, 0.0) for i in ids])
                else:
                    move(bench, [weights.get(i, 0.0) for i in ids])
                st.rerun()


def apply_next() -> None:
    """A preset with free weights changes the kind of weights, which is only possible before its control is drawn."""
    if asked := st.session_state.pop("mix_next", None):
        st.session_state["mix_kind"], st.session_state["mix_after"] = asked


def settled(ws: workflows.Workspace, bench: Bench, answer: object) -> None:
    """The weights came to rest: the exact loss is measured, ahead of everything else, and joins the fit."""
    if not isinstance(answer, dict) or len(answer.get("weights", ())) != len(bench.ids):
        return
    weights = [float(w) for w in answer["weights"]]
    turn, _ = st.session_state["mix_weights"][bench.key]
    st.session_state["mix_weights"][bench.key] = (turn, weights)
    measure(ws, bench, weights)


def measure(ws: workflows.Workspace, bench: Bench, weights: Sequence[float]) -> None:
    """Measure one mixture; remembered for the list below."""
    if not has_texts(bench.task) or staged():
        return
    tried: list[list[float]] = st.session_state.setdefault("mix_tried", {}).setdefault("-".join(bench.ids), [])
    if list(weights) not in tried:
        tried.append(list(weights))
    try:
        job = workflows.evaluate(ws, [bench.point(weights)], bench.task, bench.probe, owner=me(),
                                 replaces=f"mix-{me()}", priority=URGENT, title="A mixture")
        st.session_state["mix_job"] = job
        job.wait(1.5)
    except ExplorerError as error:
        fail(error)


def tried(bench: Bench) -> list[list[float]]:
    own = st.session_state.get("mix_tried", {}).get("-".join(bench.ids), [])
    corners = [[float(i == j) for j in range(len(bench.ids))] for i in range(len(bench.ids))]
    return [*corners, *own]


@st.cache_resource(show_spinner=False)
def _made() -> dict[tuple[str, str], tuple[int, Fitted]]:
    """The newest fit of each task and base, and to how many scores: every session of this server has it."""
    return {}


def prediction(ws: workflows.Workspace, bench: Bench) -> tuple[Fitted | None, Job | None, str]:
    """(the newest fit, the job of the next one, why there is none): refitted when there are more scores."""
    known = len(measured_points(ws, bench.base.id, bench.task, bench.probe))
    made = _made().get((bench.task.digest, bench.base.id))
    if made is not None and made[0] == known:
        return made[1], None, ""
    fits = st.session_state.setdefault("mix_fits", {})
    count, job, fitted = fits.get((bench.task.digest, bench.base.id), (0, None, None))
    if job is not None and not active(job) and job.results:
        fitted = job.results[-1]
        _made()[bench.task.digest, bench.base.id] = (count, fitted)
    if count != known and (job is None or not active(job)):
        try:
            job, count = workflows.surrogate(ws, bench.base.id, bench.task, bench.probe, owner=me(),
                                             replaces=f"fit-{me()}"), known
        except (ForbiddenError, InputError) as error:
            return None, None, str(error)
    fits[bench.task.digest, bench.base.id] = (count, job, fitted)
    return fitted, job, ""


def ends(ws: workflows.Workspace, bench: Bench) -> None:
    """The models themselves and the base are measured on the task, once: what every mixture is compared with."""
    begun: set[str] = st.session_state.setdefault("mix_begun", set())
    if bench.key in begun or not has_texts(bench.task) or staged():
        return
    begun.add(bench.key)
    points = [*(Point.of(bench.base.id, {i: 1.0}) for i in bench.ids), Point.of(bench.base.id)]
    try:
        job = workflows.evaluate(ws, points, bench.task, bench.probe, owner=me(), replaces=f"ends-{me()}",
                                 title=f"The models of a mixture on {bench.task.name}")
    except ForbiddenError as error:
        fail(error)
        return
    if active(job):
        st.session_state["mix_job"] = job


def bench_page(ws: workflows.Workspace, bench: Bench) -> None:
    """The map on the left, the panel on the right, what was measured below."""
    ends(ws, bench)
    fitted, job, why = prediction(ws, bench)
    if not staged():
        warmed(bench.base.id)
    left, right = st.columns([1.5, 1], gap="large")
    with right:
        panel(ws, bench, fitted, why)
        if job is not None and active(job):
            waiting(job)
        if (running := st.session_state.get("mix_job")) is not None:
            if active(running):
                waiting(running)
            else:
                outcome(running)
    with left:
        chart(ws, bench)
        provenance(bench, fitted)
    table(ws, bench)


def waiting(job: Job) -> None:
    """A job's bar; the page is drawn again when it is over."""

    @st.fragment(run_every=TICK)
    def shown() -> None:
        if active(job):
            bar(job, "mix")
        else:
            st.rerun()

    shown()


def corners(ws: workflows.Workspace, bench: Bench) -> np.ndarray:
    """Places (1 + k, 2) of the base and the models."""
    models = [Point.of(bench.base.id, {i: 1.0}) for i in bench.ids]
    return workflows.place(ws, bench.spec, [Point.of(bench.base.id), *models])


def chart(ws: workflows.Workspace, bench: Bench) -> None:
    """The Euclidean PCA map, on which a mixture of models lies at the mixture of their places."""
    found = workflows.projection(ws, bench.spec)
    assert found is not None  # PCA is computed at once
    overlay = Overlay(base=workflows.place(ws, bench.spec, [Point.of(bench.base.id)])[0])
    near = corners(ws, bench)
    figure = scatter(found, ws.catalog.checkpoints(bench.base.id), "dataset", facts=Facts(), overlay=overlay,
                     dark=dark(), height=tall(HEIGHT), legend=False, selected=bench.ids, around=near)
    remember("map", figure)
    component_map(figure.to_json(), key="mix_map", height=tall(HEIGHT), link=LINK, selectable=False,
                  label="Map with the mixture's marker; the sliders move it too.",
                  field={"scale": scale(dark()), "title": f"predicted loss on {bench.task.name}", "cells": CELLS,
                         "widest": WIDEST})
    offer_figure(figure, "mix")


def panel(ws: workflows.Workspace, bench: Bench, fitted: Fitted | None, why: str) -> None:
    """Presets, the sliders, and proposals of where to measure next."""
    presets(bench)
    places = corners(ws, bench)
    start, weights = weights_of(bench)
    known = [(row, s) for row, s in zip(tried(bench), scores(ws, bench), strict=True) if s is not None]
    words = {"measured": f"Loss on {bench.task.name}, measured:", "none": why or "The prediction is being fitted …",
             "predicted": f"Loss on {bench.task.name}, predicted:"}
    sent = None if fitted is None else compact_json(compact(fitted.surrogate, bench.gram, bench.ids))
    component_mixture([c.name for c in bench.models], weights, key="mixture", link=LINK, start=start,
                      places=places[1:], origin=places[0], simplex=bench.simplex, surrogate=sent,
                      measured=[{"weights": row, "loss": s.loss, "half": value_of(s).half} for row, s in known],
                      words=words, on_settled=lambda: settled(ws, bench, heard("mixture", "settled")))
    if not has_texts(bench.task):
        st.caption(f"The texts of {plain(bench.task.name)} are not on this machine: nothing new can be measured.")
    with st.container(horizontal=True, gap="small", key="controls_goals"):
        for goal, label, help_ in (("lowest", "Where may the loss be lowest?", "Of 400 mixtures, the one whose "
                                    "interval reaches lowest."),
                                   ("least known", "Where is it least known?", "Of 400 mixtures, the one with the "
                                    "widest interval.")):
            st.button(label, key=f"goal-{goal}", disabled=fitted is None, help=help_, icon=":material/search:",
                      on_click=go_to, args=(ws, bench, fitted, goal))


def go_to(ws: workflows.Workspace, bench: Bench, fitted: Fitted | None, goal: Goal) -> None:
    """Moves the sliders to the proposed mixture and measures it."""
    assert fitted is not None
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.full(len(bench.ids), 0.7), CANDIDATES)
    if not bench.simplex:
        rows = rows * rng.uniform(0, 1.6, (CANDIDATES, 1)) + rng.normal(scale=0.15, size=rows.shape)
    rows = rows.round(3)
    best = propose(fitted.surrogate, bench.gram, [bench.point(row) for row in rows], goal)
    weights = [float(w) for w in rows[best.index]]
    move(bench, weights)
    measure(ws, bench, weights)


def provenance(bench: Bench, fitted: Fitted | None) -> None:
    """Where the prediction comes from and how far it can be trusted."""
    if fitted is None:
        st.caption("Drag the marker over the map, or move the sliders.")
        return
    told = fitted.calibration
    st.caption(f"Background: predicted by a Gaussian process on {told.n} measured points of {plain(bench.task.name)}, "
               f"blank where its 90 % interval spans more than a factor of {WIDEST:g}. Leaving each point out, "
               f"{share(told.inside, 0)} lie in their 90 % interval; rank correlation of predicted and measured "
               f"{coefficient(told.rank)}.")


def scores(ws: workflows.Workspace, bench: Bench) -> list[Score | None]:
    return ws.catalog.scores([bench.point(row) for row in tried(bench)], bench.task, bench.probe)


def table(ws: workflows.Workspace, bench: Bench) -> None:
    """What was measured, and a name for what is worth keeping."""
    rows = [{"mixture": workflows.describe(ws, bench.point(row)), **{c.name: w for c, w in zip(bench.models, row,
                                                                                              strict=True)},
             "loss": s.loss if s else None, "half": NORMAL * s.stderr if s else None,
             "accuracy": s.accuracy if s else None}
            for row, s in zip(tried(bench), scores(ws, bench), strict=True)]
    _readings.tabled(rows, {"loss": _readings.loss, "half": _readings.loss, "accuracy": _readings.percent,
                            **dict.fromkeys((c.name for c in bench.models), weight)}, {
        "mixture": st.column_config.TextColumn("Point", width="large"),
        "loss": f"Loss on {bench.task.name} (nats)", "half": "± (95 %)", "accuracy": "Accuracy"})
    with st.form("keep", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Keep the present mixture as", placeholder="A name …", key="mix_name", width=320)
        point = bench.point(weights_of(bench)[1])
        if given := submitted("Keep", key="mix_keep", fields=["mix_name"], of=point, icon=":material/bookmark_add:",
                              **editors(
                help="A kept Point can be measured, put on a path and exported (`python -m explorer export NAME DIR`) "
                     "by its name.")):
            try:
                (name,) = given
                workflows.keep(ws, name, point)
                st.toast(f"Kept as {plain(name)}.", icon=":material/bookmark:")
            except ExplorerError as error:
                fail(error)
    offer(ws, point, "mix-export", name="mixture", task=bench.task.name)


def show() -> None:
    ws = workspace()
    if (found := material(ws, "A mixture")) is None:
        return
    apply_next()
    try:
        bench = controls(ws, *found)
        if not bench.models:
            st.info("Choose the models to mix, here or on the map.", icon=":material/tune:")
            return
        if after := st.session_state.pop("mix_after", None):
            weights_of(bench)
            move(bench, after)
            measure(ws, bench, after)
        bench_page(ws, bench)
    except ExplorerError as error:
        fail(error)


show()
