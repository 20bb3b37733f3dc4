"""The controls of the Start points page: targets, size, starts, and how models are trained from them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import workflows
from explorer.catalog import runs
from explorer.numbers import count
from explorer.pages._glossary import said
from explorer.pages._session import basket, changed, has_texts
from explorer.types import Base, Checkpoint, Task, Tuning
from explorer.workflows import starting
from explorer.workflows.starting import Plan

FULL = 0
"""The size of a whole train split, as widgets hold it."""
SIZES = (100, 200, 500, 1000, 2000, FULL)
METHODS = {"bitfit": "BitFit", "full": "Full", "probe": "Head only"}
KINDS = {"base": "Base", "centroid": "Centroid", "region": "Region", "nearest": "Nearest", "best": "Best",
         "hull": "Hull samples"}
TUNING = "start_tuning"
"""The key of the tuning whose numbers the controls begin with, put there by who leads here."""


def controls(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task],
             ) -> Plan | None:
    """One row; how models are trained is folded away. None without a target."""
    by_name = {t.name: t for t in tasks}
    defaults(ws, base, checkpoints, by_name)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        targets = st.multiselect("Targets", sorted(by_name), key="start_targets", persist_state="session",
                                 width="stretch", help="Data sets to train on. Models trained on a target are left out "
                                 "of all its starts.")
        size = st.selectbox("Train texts", SIZES, key="start_size", persist_state="session", width=120,
                            format_func=lambda n: count(n) if n else "All")
        method = st.segmented_control("What trains", list(METHODS), key="start_method", required=True,
                                      persist_state="session", format_func=METHODS.__getitem__,
                                      help="Full: all layers and the head.\n\n" + said("bitfit"))
        with st.popover("Advanced", icon=":material/tune:"):
            tuning, seeds = advanced(str(method))
            region, samples = places(checkpoints)
    kinds = st.pills("Starts", list(KINDS), selection_mode="multi", key="start_kinds", persist_state="session",
                     format_func=KINDS.__getitem__, help="Centroid: the mean of all models not trained on the target. "
                     "Region: of those of its task. Nearest: the model of the lowest stored loss on it. Best: of the "
                     "lowest stored mean loss on other tasks. Hull samples: random mixtures of all.\n\n"
                     + said("centroid", "hull"))
    if not targets:
        return None
    ordered = [k for k in KINDS if k in {*kinds, "base"}]
    return starting.plan(ws, [by_name[t] for t in targets], ordered, tuning, [int(size) or None], seeds, base=base.id,
                         region=region, samples=samples)


def defaults(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: dict[str, Task]) -> None:
    """What controls begin with: the stored runs used last, if there are any, else one target and usual numbers."""
    known = runs.tunings(ws.catalog.database)
    state, asked = st.session_state, st.session_state.pop(TUNING, None)
    if asked in known:
        show(known[asked])
    if "start_steps" not in state:
        state["start_targets"], state["start_size"] = state.get("start_targets"), state.get("start_size")
        made = [r for r in runs.runs_of(ws.catalog.database, base.id) if r.tuning == next(iter(known))] if known else []
        of_digest = {t.digest: t.name for t in tasks.values()}
        there = sorted({of_digest[r.task] for r in made if r.task in of_digest})
        sizes = [r.size or FULL for r in made if (r.size or FULL) in SIZES]
        if state["start_targets"] is None:
            state["start_targets"] = there or usual(checkpoints, tasks)
        if state["start_size"] is None:
            state["start_size"] = FULL if not sizes or FULL in sizes else max(sizes)
        state.setdefault("start_kinds", ["base", "centroid"])
        show(known[made[0].tuning] if made else Tuning(steps=100, lr=starting.RATES["bitfit"]))
    state["start_targets"] = [t for t in state["start_targets"] or () if t in tasks]


def usual(checkpoints: Sequence[Checkpoint], tasks: dict[str, Task]) -> list[str]:
    """The data set of the selection, or the first one that has texts."""
    chosen = [c.dataset for c in checkpoints if c.id in basket() and c.dataset in tasks]
    here = [t.name for t in tasks.values() if has_texts(t)] or list(tasks)
    return [chosen[0] if chosen and chosen[0] else here[0]]


def show(tuning: Tuning) -> None:
    """Puts a tuning's numbers into the controls."""
    st.session_state.update(start_method=tuning.method, start_steps=tuning.steps, start_rate=tuning.lr,
                            start_batch=tuning.batch, start_length=tuning.length, start_patience=tuning.patience)
    changed("start_rate", tuning.method, "start_rate")


def advanced(method: str) -> tuple[Tuning, list[int]]:
    if changed("start_rate", method, "start_rate"):
        st.session_state["start_rate"] = starting.RATES[method]
    seeds = st.number_input("Seeds", 1, 50, 3, key="start_seeds", persist_state="session",
                            help="Each draws the head, the order of texts and dropout anew, alike for every start.")
    steps = st.number_input("Steps", 1, 100_000, key="start_steps", persist_state="session")
    rate = st.number_input("Rate", 1e-7, 1.0, key="start_rate", persist_state="session", format="%.2g", step=1e-3)
    batch = st.number_input("Texts a step", 1, 1024, key="start_batch", persist_state="session")
    length = st.number_input("Longest text (tokens)", 4, 4096, key="start_length", persist_state="session")
    patience = st.number_input("Patience", 0, 20, key="start_patience", persist_state="session",
                               help="Training stops when the loss on a held-out tenth of the train texts got no better "
                               "so many times, of twenty looks; 0: never.")
    return (Tuning(method, int(steps), float(rate), int(batch), int(length), patience=int(patience)),
            list(range(int(seeds))))


def places(checkpoints: Sequence[Checkpoint]) -> tuple[str | None, int]:
    families = sorted({c.task for c in checkpoints if c.task is not None})
    region = st.selectbox("Region of", ["", *families], key="start_region", persist_state="session",
                          format_func=lambda t: t or "the target's task",
                          help="Whose models the start Region is the centroid of.")
    samples = st.number_input("Hull samples", 1, 20, starting.HULL, key="start_samples", persist_state="session",
                              help=said("hull"))
    return region or None, int(samples)
