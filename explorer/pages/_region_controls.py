"""The controls of the Region page: which region, on which task, and how In′ is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from explorer import workflows
from explorer.errors import InputError
from explorer.numbers import figures
from explorer.pages._glossary import said
from explorer.pages._region_view import View
from explorer.pages._session import basket, changed, names
from explorer.types import Base, Checkpoint, Probe, Task
from explorer.workflows import regions
from explorer.workflows.regions import Level

LEVELS: dict[Level, str] = {"dataset": "Data set", "task": "Task", "general": "General"}
CONCENTRATIONS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)
RANDOM: dict[str, str] = {"whole": "As a whole", "groups": "In every parameter group"}
EVERY = ""
"""The choice of all data sets: of the regions of all, or as the tasks that one region is measured on."""


def controls(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task],
             ) -> list[View]:
    """One row. Several views where all data sets are chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        level: Level = st.segmented_control("Models that share", list(LEVELS), default="dataset", required=True,
                                            format_func=LEVELS.__getitem__, key="region_level",
                                            persist_state="session", help="Their data set, their task, or nothing: on "
                                            "the general level the others are random directions from the base.\n\n"
                                            + said("region", "in", "ex"))
        trait = choose_trait(ws, base, checkpoints, level)
        chosen = choose_tasks(ws, base, tasks, level, trait)
        if st.session_state.get("region_concentration", 1.0) not in CONCENTRATIONS:
            del st.session_state["region_concentration"]
        samples = st.slider("Hull samples", 5, 500, 20, 5, key="region_samples", persist_state="session", width=170,
                            help="The paper draws about five.\n\n" + said("in_prime", "hull"))
        concentration = st.select_slider("Concentration", CONCENTRATIONS, 1.0, key="region_concentration", width=170,
                                         persist_state="session", format_func=figures,
                                         help="1: even over the hull.\n\n" + said("concentration"))
        with st.popover("Advanced", icon=":material/tune:"):
            full = st.toggle("Full training size only", value=True, key="region_full", persist_state="session",
                             help="Without models that were trained on fewer texts than others of their data set, as "
                             "in the paper.")
            out, random, seed, probe = advanced(level)
    known, ids = names(checkpoints), {c.id for c in regions.full_size(checkpoints)} if full else None
    return [View(regions.groups(ws, task, level, trait or None, base=base.id, samples=int(samples), seed=seed,
                                leave_out=out, concentration=float(concentration),
                                random="groups" if random == "groups" else "whole", ids=ids), probe, known)
            for task in chosen]


def choose_trait(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], level: Level) -> str | None:
    """Whose region: a data set or a task of the base's models."""
    if level == "general":
        return None
    counts = regions.traits(ws, level, base.id)
    key = f"region_trait_{level}"
    options = [*counts, *([EVERY] if level == "dataset" and len(counts) > 1 else [])]
    if st.session_state.get(key) not in options:
        chosen = [c.value(level) for c in checkpoints if c.id in basket()]
        st.session_state[key] = next((v for v in chosen if v in counts), None) or first_trait(ws, level, counts)
    trait: str | None = st.selectbox("Of", options, key=key, persist_state="session", width=200,
                                     format_func=lambda t: f"{t} ({counts[t]})" if t else "Every data set",
                                     placeholder="None is known")
    return trait


def first_trait(ws: workflows.Workspace, level: Level, counts: Mapping[str, int]) -> str | None:
    """To begin with: the one of which most is measured, of those with two models and more."""
    several = [t for t, n in counts.items() if n > 1]
    if level == "task" or not several:
        return max(several, key=lambda t: counts[t], default=next(iter(counts), None))
    tasks = {t.name: t for t in ws.catalog.tasks()}
    scored = {t: len(ws.catalog.known_scores(tasks[t], Probe())) if t in tasks else -1 for t in several}
    return max(several, key=lambda t: scored[t])


def choose_tasks(ws: workflows.Workspace, base: Base, tasks: Sequence[Task], level: Level, trait: str | None,
                 ) -> list[Task]:
    """What losses are measured on: the region's own task, unless another one is chosen, or all of its own."""
    by_name = {t.name: t for t in tasks}
    trained = [t for t, n in regions.traits(ws, "dataset", base.id).items() if n > 1 and t in by_name]
    if level == "dataset" and trait == EVERY:
        if not trained:
            raise InputError("no data set has two models and texts to measure them on: choose a task of another.")
        st.selectbox("Losses on", ["its own"], disabled=True, width=200,
                     help="Each region is measured on its data set.")
        return [by_name[t] for t in trained]
    own = [t for t in trained if level == "general" or (trait and trait in (t, by_name[t].family))]
    before = st.session_state.get("region_task")
    keeps = level != "dataset" and before in (EVERY, *own)
    if not keeps and (changed("region_task", (level, trait), "region_task") or before not in (EVERY, *by_name)):
        st.session_state["region_task"] = (own or sorted(by_name))[0]
    options = [*own, *([EVERY] if level != "dataset" and len(own) > 1 else []), *sorted(by_name.keys() - set(own))]
    if st.session_state["region_task"] not in options:
        st.session_state["region_task"] = options[0]
    picked = st.selectbox("Losses on", options, key="region_task", persist_state="session", width=200,
                          format_func=lambda t: t or f"All {len(own)} of its data sets",
                          help="The task whose loss is measured; first the region's own.")
    return [by_name[t] for t in own] if picked == EVERY else [by_name[picked]]


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
