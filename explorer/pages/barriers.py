"""Barriers on the lines between all pairs of models: their matrix beside the cosines, correlation and basins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import streamlit as st

from explorer import numbers, workflows
from explorer.errors import ExplorerError
from explorer.figures.barriers import against_cosine, card, matrices
from explorer.pages import _readings
from explorer.pages._charts import show_figure
from explorer.pages._downloads import offer_figure
from explorer.pages._glossary import said
from explorer.pages._measuring import live, lost
from explorer.pages._pressing import pressed
from explorer.pages._readings import metric, of_reading, say_estimated, tabled
from explorer.pages._session import (
    ENDS,
    Place,
    basket,
    choices,
    dark,
    fail,
    has_texts,
    marks_of,
    material,
    plain,
    workspace,
)
from explorer.pages._stage import tall
from explorer.paths.alphas import interpolation
from explorer.statistics.barriers import Above, Correlation
from explorer.statistics.readings import NORMAL
from explorer.types import Base, Checkpoint, Point, Probe, Task, digest
from explorer.workflows import pairs
from explorer.workflows.pairs import PairBarriers

FEWEST, MOST, USUAL = 3, 24, 8
HEIGHT = 470
ABOVE: dict[Above, str] = {"mean": "Mean of ends", "line": "Line between ends"}


def usual(checkpoints: Sequence[Checkpoint], tasks: Sequence[Task]) -> list[str]:
    """The selection if a matrix can show it, else the seeds of one data set, then others of its task, then of others.

    The data set is one with a task of its name and the most models on the whole of it.
    """
    if FEWEST <= len(chosen := basket([c.id for c in checkpoints])) <= MOST:
        return chosen
    whole: dict[str, list[Checkpoint]] = {}
    for c in sorted(checkpoints, key=lambda c: (-(c.train_size or 0), c.name)):
        if c.dataset is not None and c.train_size == (whole[c.dataset][0].train_size if c.dataset in whole
                                                      else c.train_size):
            whole.setdefault(c.dataset, []).append(c)
    measurable = {t.name for t in tasks if has_texts(t)} or {t.name for t in tasks}
    if not whole:
        return [c.id for c in checkpoints[:USUAL]]
    first = min(whole, key=lambda d: (d not in measurable, -len(whole[d]), d))
    seeds = whole.pop(first)[:4]
    others = sorted((models[0] for models in whole.values()), key=lambda c: (c.task != seeds[0].task, c.name))
    alike = [c for c in others if c.task == seeds[0].task][:2]
    return [c.id for c in [*seeds, *alike, *(c for c in others if c not in alike)]][:USUAL]


def controls(known: dict[str, Place], checkpoints: Sequence[Checkpoint], tasks: Sequence[Task],
             ) -> tuple[list[str], Task, int, Above, Probe]:
    """Models, task and points a line; how high a line is and how many texts, folded away."""
    by_name = {t.name: t for t in tasks}
    if "barrier_models" not in st.session_state:
        st.session_state["barrier_models"] = usual(checkpoints, tasks)
    kept = [key for key in st.session_state["barrier_models"] if key in known]
    if kept != st.session_state["barrier_models"]:
        st.session_state["barrier_models"] = kept
    if "barrier_task" not in st.session_state or st.session_state["barrier_task"] not in by_name:
        datasets = [known[key].dataset for key in kept]
        st.session_state["barrier_task"] = next((d for d in datasets if d in by_name), sorted(by_name)[0])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        chosen = st.multiselect("Models", list(known), format_func=lambda key: known[key].name, key="barrier_models",
                                persist_state="session", max_selections=MOST, width="stretch")
        with st.container(width=610, horizontal=True, vertical_alignment="bottom", gap="small"):
            picked = basket(known)
            st.button("Selection", icon=":material/select_all:", disabled=len(picked) < 2,
                      on_click=lambda: st.session_state.update(barrier_models=picked[:MOST]),
                      help="Takes the models selected on the map.")
            task = st.selectbox("Task", sorted(by_name), key="barrier_task", persist_state="session", width=165)
            count = st.segmented_control("Points a line", [5, 7, 11], default=5, required=True, key="barrier_points",
                                         persist_state="session", help="Both ends and even steps between them.")
            with st.popover("Advanced", icon=":material/tune:"):
                above = st.segmented_control("Barrier above", list(ABOVE), default="mean", required=True,
                                             format_func=ABOVE.__getitem__, key="barrier_above",
                                             persist_state="session", help="The mean of both ends is Frankle's (2020) "
                                             "and counts half of their difference; the straight line between them does "
                                             "not (Entezari 2022).\n\n" + said("barrier"))
                train = st.number_input("Train texts", 10, 100_000, 500, 50, key="barrier_train",
                                        persist_state="session", help="That the head is fitted on.")
                test = st.number_input("Test texts", 10, 100_000, 500, 50, key="barrier_test",
                                       persist_state="session", help="That the loss is measured on.")
    return (chosen, by_name[task], int(count or 5), "line" if above == "line" else "mean",
            Probe(train=int(train), test=int(test)))


@st.cache_data(show_spinner=False, max_entries=64)
def related_to(_found: PairBarriers, key: str) -> Correlation | str:
    """The rank correlation, which permutes models thousands of times; kept by the numbers it is of."""
    return _found.correlation


def identity(found: PairBarriers) -> str:
    return digest(found.barriers.values.tobytes(), "" if found.cosines is None else found.cosines.tobytes(),
                  found.reason)


def reading(found: PairBarriers, other: PairBarriers) -> None:
    """Barriers in short, and what cosines say of them, also of the other kind of barrier."""
    known = sorted(found.barriers.readings.values(), key=lambda r: r.value)
    left, right = st.columns(2)
    metric("Highest barrier", *of_reading(known[-1] if known else None, f"of {numbers.count(found.done, 'pair')}"),
           words=("barrier",), about="± half its 95 % interval over the test texts.", where=left)
    whole = found.done == found.pairs
    related = related_to(found, identity(found)) if whole else "not all pairs are measured yet"
    if isinstance(related, Correlation):
        metric("Rank correlation", numbers.coefficient(related.rank), correlated(related), words=("rank_correlation",),
               about=f"Of barrier and cosine, over {related.pairs} pairs of {related.models} models. Its 95 % interval "
               "leaves out one model at a time; p permutes models (Mantel), "
               + ("all orders." if related.exact else "10,000 orders."), where=right)
    else:
        metric("Rank correlation", None, "not yet", words=("rank_correlation",), about=plain(related), where=right)
    if whole and isinstance(beside := related_to(other, identity(other)), Correlation):
        st.caption(f"Of barriers above the {ABOVE[other.above].lower()}: {numbers.coefficient(beside.rank)} "
                   f"{correlated(beside)}.")


def correlated(found: Correlation) -> str:
    """Half the 95 % interval of a correlation, and its p."""
    return f"{numbers.half_width(NORMAL * found.stderr, 2)}, {numbers.p_value(found.p)}"


def basins(found: PairBarriers) -> None:
    """Which models barriers up to a limit join."""
    limit = st.slider("Basin limit (nats)", 0.0, 0.5, 0.1, 0.005, key="barrier_limit", persist_state="session",
                      format="%.3f", help=said("basin"))
    if found.done < found.pairs:
        st.caption(f"{found.done} of {found.pairs} pairs are measured; basins are told when all of them are.")
    else:
        st.markdown(f"**{plain(pairs.in_words(found, limit))}**")


def pair_rows(found: PairBarriers) -> list[tuple[int, int]]:
    """Known pairs, the highest barrier first."""
    return sorted(((int(i), int(j)) for i, j in found.barriers.pairs), key=lambda ij: -found.barriers.values[ij])


def scatter(found: PairBarriers, datasets: Sequence[str], chosen: tuple[int, int] | None) -> None:
    rows = [ij for ij in pair_rows(found) if found.cosines is not None and np.isfinite(found.cosines[ij])]
    if not rows or found.cosines is None:
        return
    values, halves = found.barriers.values, NORMAL * found.barriers.stderrs
    cards = [card(found.names[i], found.names[j], values[i, j], halves[i, j], found.cosines[i, j]) for i, j in rows]
    alike = [datasets[i] == datasets[j] != "" for i, j in rows]
    figure = against_cosine([float(found.cosines[ij]) for ij in rows], [float(values[ij]) for ij in rows],
                            [float(halves[ij]) for ij in rows], cards, alike, dark=dark(),
                            chosen=rows.index(chosen) if chosen in rows else None)
    show_figure(figure, key="barrier_scatter", alt="Barrier against cosine, one dot a pair.")


def open_pair(found: PairBarriers, task: Task) -> tuple[int, int] | None:
    """A pair to look at, which can be opened as a path; marked among the dots."""
    rows = pair_rows(found)
    if not rows:
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls_pair"):
        said = {(i, j): f"{found.names[i]} to {found.names[j]} · {numbers.loss(found.barriers.values[i, j])}"
                for i, j in rows}
        chosen = st.selectbox("Pair", rows, key="barrier_pair", width="stretch", format_func=said.__getitem__)
        ends = [found.points[k] for k in reversed(chosen)]
        plain_models = all(not p.terms or (len(p.terms) == 1 and p.terms[0][1] == 1.0) for p in ends)
        if pressed("Open the path", key="barrier_path", of=(ends, task.name), icon=":material/timeline:",
                   disabled=not plain_models,
                   help="Its curve on the Path page; lines between mixtures can't be shown there."):
            st.session_state[ENDS] = tuple(ends)
            st.session_state["tasks"] = [task.name]
            st.switch_page("explorer/pages/path.py")
    return chosen


def table(found: PairBarriers) -> None:
    """The pairs as numbers, to read and to take away."""
    rows = []
    for i, j in combinations(range(len(found.names)), 2):
        at = found.barriers.readings.get((found.barriers.ids[i], found.barriers.ids[j]))
        low, high = at.interval if at else (None, None)
        rows.append({"a": found.names[i], "b": found.names[j], "barrier": at and at.value, "low": low, "high": high,
                     "alpha": at and at.alpha, "cosine": None if found.cosines is None else found.cosines[i, j]})
    frame = pd.DataFrame(rows)
    with st.expander("Pairs as a table", icon=":material/table_rows:"):
        tabled(frame, {**dict.fromkeys(("barrier", "low", "high"), _readings.loss), "alpha": _readings.alpha,
                       "cosine": _readings.coefficient}, {
            "a": "α = 1", "b": "α = 0", "barrier": "Barrier (nats)", "low": "95 % from", "high": "to",
            "alpha": "at α", "cosine": "Cosine"}, height=280)
        st.download_button("Download as CSV", lambda: frame.to_csv(index=False), "barriers.csv", "text/csv",
                           on_click="ignore", icon=":material/download:")


@dataclass(frozen=True)
class View:
    """What is looked at: Points with their data sets, a task, how it is measured, and the α of every line."""

    points: tuple[Point, ...]
    datasets: tuple[str, ...]
    task: Task
    probe: Probe
    alphas: tuple[float, ...]
    above: Above


def show_view(ws: workflows.Workspace, view: View) -> None:
    """Everything, drawn again by itself while work runs."""
    n = len(view.points)
    asks = pairs.asks(view.points, view.task, view.probe, view.alphas)
    said = f"{n * (n - 1) // 2} pairs × {len(view.alphas) - 2} points between their ends, and {n} ends: all measured."

    def drawn() -> None:
        found = pairs.known(ws, view.points, view.task, view.probe, view.alphas, lost(), view.above)
        draw(ws, view, found, found.told("mean" if view.above == "line" else "line"))

    live(ws, "barriers", asks, f"Barriers of {n} models on {view.task.name}", drawn, done=said)


def draw(ws: workflows.Workspace, view: View, found: PairBarriers, other: PairBarriers) -> None:
    """Matrices left, what they say right; `other` is the same with the other way to tell how high a line is."""
    left, right = st.columns([1.75, 1], gap="large")
    with left:
        figure = matrices(found.barriers.values, NORMAL * found.barriers.stderrs, found.cosines, found.names,
                          view.datasets, found.order, looks=marks_of(ws, view.points[0].base), dark=dark(),
                          height=tall(HEIGHT))
        show_figure(figure, key="barrier_matrix",
                    alt="Barriers of all pairs and the cosines of their task vectors, in clustered order.")
        offer_figure(figure, "barriers")
        texts = min(view.probe.test, view.task.n_test) if view.probe.test else view.task.n_test
        said = ("minus the mean of its ends (Frankle 2020), so ends of different loss have one of half their "
                "difference at least" if view.above == "mean"
                else "above the straight line between the losses of its ends (Entezari 2022)")
        st.caption(f"Generalized loss on {plain(view.task.name)}, {texts} test texts. A barrier is the highest loss on "
                   f"a line {said}. In the order of barriers, average linkage.")
        say_estimated(ws, view.points[0].base)
        table(found)
    with right:
        reading(found, other)
        basins(found)
        chosen = open_pair(found, view.task)
        scatter(found, view.datasets, chosen)
        if found.reason:
            st.caption(plain(f"No cosines: {found.reason}"))


def page(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task]) -> None:
    known = choices(ws, base)
    keys, task, count, above, probe = controls(known, checkpoints, tasks)
    if len(keys) < 2:
        st.info("Choose at least two models: a barrier lies between a pair. A matrix shows up to 24.",
                icon=":material/fence:")
        return
    points, alphas = [known[key].point for key in keys], interpolation(count)
    datasets = [known[key].dataset for key in keys]
    show_view(ws, View(tuple(points), tuple(datasets), task, probe, alphas, above))


def show() -> None:
    ws = workspace()
    if (found := material(ws, "A barrier")) is None:
        return
    try:
        page(ws, *found)
    except ExplorerError as error:
        fail(error)


show()
