"""Are models of a region as good as those that span it, and better than others? In, In′ and Ex on a task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from explorer import workflows
from explorer.errors import ExplorerError
from explorer.evaluation.work import Ask
from explorer.figures.strips import Strip, by_dimension, by_distance, strips
from explorer.pages._jobs import TICK, active
from explorer.pages._measuring import begin, job_of, lost, status
from explorer.pages._session import BASKET, basket, dark, fail, material, names, plain, workspace
from explorer.statistics.paper import REGIONS, SHARES
from explorer.statistics.regions import Share
from explorer.types import Base, Checkpoint, Point, Probe, Score, Task
from explorer.workflows import regions
from explorer.workflows.regions import Groups, Level, RegionScores

HEIGHT = 450
LEVELS: dict[Level, str] = {"dataset": "Data set", "task": "Task", "general": "General"}
CONCENTRATIONS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)
RANDOM: dict[str, str] = {"whole": "As a whole", "groups": "In every parameter group"}
SHOWN = (("in_ex", "In ≤ Ex", "a model of In has a loss no higher than one of Ex"),
         ("in_prime_ex", "In′ ≤ Ex", "a Point of the hull has a loss no higher than one of Ex"),
         ("in_prime_in", "In′ ≤ In", "a Point of the hull has a loss no higher than one of In"))
TABS = ("Dimension", "Distance", "Points")
CHART = {"displayModeBar": False}


@dataclass(frozen=True)
class View:
    """What is looked at: the groups and how their losses are measured."""

    groups: Groups
    probe: Probe
    names: Mapping[str, str]

    @property
    def asks(self) -> list[Ask]:
        return regions.asks(self.groups, self.probe)

    @property
    def title(self) -> str:
        return f"In, In′ and Ex of {self.groups.said} on {self.groups.task.name}"


def controls(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task]) -> View:
    """One row: the region, the task, and how In′ is drawn."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        level: Level = st.segmented_control("Models that share", list(LEVELS), default="dataset", required=True,
                                            format_func=LEVELS.__getitem__, key="region_level",
                                            persist_state="session", help="Their data set, their task, or nothing: on "
                                            "the general level the others are random directions from the base.")
        trait = choose_trait(ws, base, checkpoints, level)
        task = choose_task(tasks, level, trait)
        samples = st.slider("Hull samples", 5, 500, 20, 5, key="region_samples", persist_state="session", width=170,
                            help="Points of In′: convex mixtures of In's models with random weights. The paper draws "
                            "about five.")
        concentration = st.select_slider("Concentration", CONCENTRATIONS, 1.0, key="region_concentration", width=170,
                                         persist_state="session", format_func=lambda x: f"{x:g}",
                                         help="Of the Dirichlet distribution of their weights. Small: near single "
                                         "models; 1: even over the hull; large: near the centroid.")
        with st.popover("Advanced", icon=":material/tune:"):
            out, random, seed, probe = advanced(level)
    groups = regions.groups(ws, task, level, trait, base=base.id, samples=int(samples), seed=seed, leave_out=out,
                            concentration=float(concentration), random="groups" if random == "groups" else "whole")
    return View(groups, probe, names(checkpoints))


def choose_trait(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], level: Level) -> str | None:
    """Whose region: a data set or a task of the base's models."""
    if level == "general":
        return None
    counts = regions.traits(ws, level, base.id)
    key = f"region_trait_{level}"
    if st.session_state.get(key) not in counts:
        chosen = [c.value(level) for c in checkpoints if c.id in basket()]
        st.session_state[key] = next((v for v in chosen if v in counts), None) or first_trait(ws, level, counts)
    trait: str | None = st.selectbox("Of", list(counts), key=key, persist_state="session", width=200,
                                     format_func=lambda t: f"{t} ({counts[t]})", placeholder="None is known")
    return trait


def first_trait(ws: workflows.Workspace, level: Level, counts: Mapping[str, int]) -> str | None:
    """To begin with: the one of which most is measured, of those with two models and more."""
    several = [t for t, n in counts.items() if n > 1]
    if level == "task" or not several:
        return max(several, key=lambda t: counts[t], default=next(iter(counts), None))
    tasks = {t.name: t for t in ws.catalog.tasks()}
    scored = {t: len(ws.catalog.known_scores(tasks[t], Probe())) if t in tasks else -1 for t in several}
    return max(several, key=lambda t: scored[t])


def choose_task(tasks: Sequence[Task], level: Level, trait: str | None) -> Task:
    """What losses are measured on: the region's own task, unless another one is chosen."""
    by_name = {t.name: t for t in tasks}
    own = [trait] if trait in by_name else sorted(t.name for t in tasks if level == "task" and t.family == trait)
    asked = (level, trait)
    if st.session_state.get("region_task_of") != asked or st.session_state.get("region_task") not in by_name:
        st.session_state["region_task_of"] = asked
        if level == "dataset" or st.session_state.get("region_task") not in (own or by_name):
            st.session_state["region_task"] = (own or sorted(by_name))[0]
    ordered = [*own, *sorted(by_name.keys() - set(own))]
    return by_name[st.selectbox("Losses on", ordered, key="region_task", persist_state="session", width=200,
                                help="The task whose loss is measured; first the region's own.")]


def advanced(level: Level) -> tuple[bool, str, int, Probe]:
    out = st.toggle("Leave the target out", key="region_out", persist_state="session",
                    help="Without the models that were trained on the task's own data set.")
    random = st.segmented_control("Random directions", list(RANDOM), default="whole", required=True,
                                  format_func=RANDOM.__getitem__, key="region_random", persist_state="session",
                                  disabled=level != "general", help="Ex of the general level: as long as the models' "
                                  "task vectors are on average, as a whole or in every group of parameters.")
    seed = st.number_input("Seed", 0, 9999, 0, key="region_seed", persist_state="session",
                           help="Of the hull samples' weights and of the random directions.")
    train = st.number_input("Train texts", 10, 100_000, 500, 50, key="region_train", persist_state="session",
                            help="Texts of the train split that the head is fitted on.")
    test = st.number_input("Test texts", 10, 100_000, 500, 50, key="region_test", persist_state="session",
                           help="Texts of the test split that the loss is measured on.")
    return bool(out), str(random), int(seed), Probe(train=int(train), test=int(test))


def live(ws: workflows.Workspace, view: View) -> None:
    """Strips and readings, drawn again by themselves while work runs."""
    watching = active(begin(ws, "region", view.asks, view.title))

    @st.fragment(run_every=TICK if watching else None)
    def shown() -> None:
        status(ws, "region", view.asks, view.title)
        found = regions.known(ws, view.groups, view.probe, lost())
        left, right = st.columns([1.55, 1], gap="large")
        with left:
            chart(view, found)
        with right:
            readings(found)
            beside(view.groups.level)
            provenance(view, found)
        if watching and not active(begin(ws, "region", view.asks, view.title)):
            st.rerun()  # what is below is drawn once more, and then nothing by itself

    shown()


def of_groups(view: View, found: RegionScores) -> list[Strip]:
    groups = view.groups
    parts = (("In", groups.inside, found.inside, "models"), ("In′", groups.in_prime, found.in_prime, "hull samples"),
             ("Ex", groups.outside, found.outside,
              "random directions" if groups.level == "general" else "other models"))
    return [Strip(name, [s and s.loss for s in scores], said(view, members.points, members.names),
                  f"{len(scores)} {what}") for name, members, scores, what in parts]


def said(view: View, points: Sequence[Point], known: Sequence[str]) -> list[str]:
    """What the card of a Point says: a model's name, or the largest weights of a mixture."""
    return [name if len(p.terms) == 1 or not name.startswith("In′") else f"{name}: {weights(view, p)}"
            for p, name in zip(points, known, strict=True)]


def weights(view: View, point: Point) -> str:
    falling = sorted(point.terms, key=lambda term: -term[1])
    more = f" + {len(falling) - 4} more" if len(falling) > 4 else ""
    return " + ".join(f"{c:.2f} · {view.names.get(key, key)}" for key, c in falling[:4]) + more


def chart(view: View, found: RegionScores) -> None:
    figure = strips(of_groups(view, found), base=found.base and found.base.loss, dark=dark(), height=HEIGHT,
                    title=f"Loss on {view.groups.task.name} (nats)")
    st.plotly_chart(figure, theme=None, key="region_strips", config=CHART,
                    alt="Losses of In, In′ and Ex as strips of dots, with their means and the base's loss.")


def readings(found: RegionScores) -> None:
    """The three P_B with intervals, and the paper's below each."""
    level = found.groups.level
    for column, (key, name, meaning), theirs in zip(st.columns(3), SHOWN, SHARES[level], strict=True):
        share: Share | None = getattr(found.region, key, None)
        with column:
            st.metric(f"P_B({name})", "–" if share is None else f"{share.value:.1%}", delta_color="off",
                      delta_arrow="off", delta="not yet" if share is None
                      else f"{100 * share.low:.0f} to {100 * share.high:.0f} %",
                      help=f"How often {meaning}, over all pairs; below it the 95 % interval. 50 %: no difference.")
            pairs = "" if share is None else f" · {share.n[0]} × {share.n[1]} pairs"
            st.caption(f"paper {theirs:.1%}{pairs}")


def beside(level: Level) -> None:
    claim = REGIONS[level]
    st.info(plain(f"The paper ({claim.id}, {claim.where}), on RoBERTa-base: {claim.text}."),
            icon=":material/menu_book:")


def provenance(view: View, found: RegionScores) -> None:
    """Where the numbers come from."""
    groups, probe = view.groups, view.probe
    limited = f", {groups.limited} of them trained on fewer texts," if groups.limited else ""
    others = (f"{len(found.outside)} random directions from the base" if groups.level == "general"
              else f"{len(found.outside)} models of {len(set(groups.outside.datasets or ['']))} other "
              f"{'data sets' if groups.level == 'dataset' else 'data sets of other tasks'}")
    inside = f"All {len(found.inside)} models" if groups.level == "general" else f"{len(found.inside)} {groups.said}"
    drawn = "models" if groups.inside.datasets is None else "models by data set"
    if found.region is not None and found.region.in_ex.method == "texts":
        drawn += " and texts"
    few = " Few models: the intervals are wide." if len(found.inside) < 6 else ""
    st.caption(plain(f"{inside}{limited} against {others}; {len(found.in_prime)} hull samples "
                     f"(seed {groups.seed}). Loss with a refitted head: {probe.train} train, {probe.test} test texts. "
                     f"Intervals draw {drawn} anew; that of In′ speaks of further draws from this hull.{few}"))
    if found.reasons:
        st.caption(plain(f"{len(found.reasons)} Points have no finite loss and count as above all others: "
                         f"{next(iter(found.reasons.values()))}"))
    if st.button("Show In on the map", icon=":material/scatter_plot:"):
        st.session_state[BASKET] = [p.terms[0][0] for p in groups.inside.points]
        st.switch_page("explorer/pages/map.py")


def below(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], view: View) -> None:
    """Further views of the same region, each computed when it is opened."""
    tabs = st.tabs(TABS, key="region_tabs", on_change="rerun")
    draw = (dimension, distance, table)
    for tab, shown in zip(tabs, draw, strict=True):
        if tab.open:
            with tab:
                shown(ws, view)


def dimension(ws: workflows.Workspace, view: View) -> None:
    """Loss against the dimension of the hull's faces."""
    drawn = regions.faces(view.groups)
    asks = regions.face_asks(view.groups, view.probe, drawn)
    title = f"Faces of the hull of {view.groups.said} on {view.groups.task.name}"
    watching = active(job_of("faces", asks))

    @st.fragment(run_every=TICK if watching else None)
    def shown() -> None:
        status(ws, "faces", asks, title)
        found = regions.by_dimension(ws, view.groups, view.probe, drawn)
        groups = [Strip(f"dimension {f.dimension}", [s and s.loss for s in f.scores],
                        [view.names.get(p.terms[0][0], "") if f.dimension == 0 else weights(view, p)
                         for p in f.points]) for f in found]
        (base,) = ws.catalog.scores([Point.of(view.groups.base)], view.groups.task, view.probe)
        figure = by_dimension([f.dimension for f in found], groups, [f.mean for f in found],
                              base=base and base.loss, dark=dark(),
                              title=f"Loss on {view.groups.task.name} (nats)")
        st.plotly_chart(figure, theme=None, key="region_dimension", config=CHART,
                        alt="Loss against the dimension of the hull's faces.")
        st.caption(f"Dimension 0: the models themselves. Between: {regions.FACES} mixtures of k + 1 models chosen anew "
                   "for each. Highest: In′. Means with 95 % intervals, of further draws from this hull.")
        if watching and not active(begin(ws, "faces", asks, title)):
            st.rerun()

    shown()


def distance(ws: workflows.Workspace, view: View) -> None:
    """Loss against distance from the centroid."""
    found = regions.known(ws, view.groups, view.probe, lost())
    apart = regions.distances(ws, view.groups)
    origin = None
    if found.base is not None:
        _, square = ws.catalog.gram(view.groups.base).inner(view.groups.centroid)
        origin = (math.sqrt(max(square, 0.0)), found.base.loss)
    figure = by_distance(of_groups(view, found), apart, base=origin, dark=dark(),
                         title=f"Loss on {view.groups.task.name} (nats)")
    st.plotly_chart(figure, theme=None, key="region_distance", config=CHART,
                    alt="Loss against distance from the centroid of In.")
    st.caption("Distances are of whole task vectors and come from their inner products alone; a random direction is "
               "taken as at right angles to all models." if view.groups.level == "general" else
               "Distances are of whole task vectors and come from their inner products alone.")


def table(ws: workflows.Workspace, view: View) -> None:
    """Every Point with its loss."""
    found = regions.known(ws, view.groups, view.probe, lost())
    groups = view.groups
    sides = (("In", groups.inside, found.inside), ("In′", groups.in_prime, found.in_prime),
             ("Ex", groups.outside, found.outside))
    rows = [row(name, text, score) for name, members, scores in sides
            for text, score in zip(said(view, members.points, members.names), scores, strict=True)]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=380, column_config={
        "group": st.column_config.TextColumn("Group", width="small"),
        "point": st.column_config.TextColumn("Point", width="large"),
        "loss": st.column_config.NumberColumn("Loss (nats)", format="%.4f"),
        "stderr": st.column_config.NumberColumn("± s.e.", format="%.4f"),
        "accuracy": st.column_config.NumberColumn("Accuracy", format="percent")})


def row(group: str, point: str, score: Score | None) -> dict[str, str | float | None]:
    return {"group": group, "point": point, "loss": score and score.loss, "stderr": score and score.stderr,
            "accuracy": score and score.accuracy}


def show() -> None:
    ws = workspace()
    found = material(ws, "A region")
    if found is None:
        return
    base, checkpoints, tasks = found
    try:
        view = controls(ws, base, checkpoints, tasks)
        live(ws, view)
        below(ws, base, checkpoints, view)
    except ExplorerError as error:
        fail(error)


show()
