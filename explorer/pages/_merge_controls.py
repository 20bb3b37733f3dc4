"""The controls of a merge: which models, by which method, with which weights and options, in which layers."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from explorer import registry, workflows
from explorer.merges._recipe import Method, Option, layers_of, method
from explorer.pages._glossary import said
from explorer.pages._session import basket, changed, first, names, plain
from explorer.paths.mixture import analogy
from explorer.types import Base, Checkpoint, Point, Task
from explorer.workflows.merging import USUAL, merge_point
from explorer.workflows.regions import full_size
from explorer.workflows.retaining import METHODS

MOST = 12
"""Models of one merge: more can't be overlooked."""
WORDS = {"linear": "Linear (mean)", "task_arithmetic": "Task arithmetic", "slerp": "SLERP", "ties": "TIES",
         "dare_linear": "DARE", "dare_ties": "DARE + TIES", "breadcrumbs": "Breadcrumbs",
         "breadcrumbs_ties": "Breadcrumbs + TIES", "model_stock": "Model stock", "karcher": "Karcher mean",
         "fisher": "Fisher-weighted"}
FORMS = {"same": "All alike", "gradient": "Gradient", "layers": "Each"}


@dataclass(frozen=True)
class Wish:
    """A merge as the controls say it: weights are a number or a list over the layers, by model."""

    method: Method
    models: tuple[Checkpoint, ...]
    weights: Mapping[str, Any]
    options: Mapping[str, Any]

    def point(self, ws: workflows.Workspace) -> Point:
        return merge_point(ws, self.method.name, {c.name: self.weights[c.id] for c in self.models}, self.options)

    def command(self, name: str = "NAME") -> str:
        """The command line that makes it."""
        parts = ["merge", "--method", self.method.name, "--models", ",".join(c.name for c in self.models)]
        weights = [self.weights[c.id] for c in self.models]
        if any(w != 1 for w in weights):
            parts.append("--weights=" + ",".join(map(_text, weights)))
        for key, value in self.options.items():
            if value != self.method.options[key].default:
                parts.append(f"--{key.replace('_', '-')}={_text(value)}")
        return shlex.join(["python", "-m", "explorer", *parts, "--name", name])


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def label(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))


def choose(base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task],
           ) -> tuple[list[Checkpoint], str, list[Task]]:
    """One row: the models, the method, the tasks to measure on (none: the models' own)."""
    by_id, known = {c.id: c for c in checkpoints}, names(checkpoints)
    state, picked = st.session_state, basket(by_id)
    if changed("merge_from", picked, "merge_models") and len(picked) > 1:
        state["merge_models"] = picked[:MOST]
    state["merge_models"] = [i for i in state.get("merge_models", spread(checkpoints)) if i in by_id]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.multiselect("Models", sorted(by_id, key=known.__getitem__), format_func=known.__getitem__,
                                key="merge_models", persist_state="session", max_selections=MOST, width="stretch")
        with st.popover("Pick", icon=":material/playlist_add:", help="Models by what they were trained on."):
            pick(checkpoints)
        name = st.selectbox("Method", sorted(registry.names(METHODS), key=list(WORDS).index),
                            format_func=label, key="merge_method", persist_state="session", width=200,
                            help=said("merge", "task_arithmetic", "ties", "dare", "slerp"))
        with st.popover("Measured on", icon=":material/fact_check:"):
            by_name = {t.name: t for t in tasks}
            on = st.multiselect("Tasks", sorted(by_name), key="merge_tasks", persist_state="session",
                                placeholder="The models' own", help="Told where one of the models was trained on "
                                "the task; elsewhere the loss alone.\n\n" + said("retention"))
    return [by_id[i] for i in chosen], str(name), [by_name[t] for t in on]


def spread(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """To begin with: models of two data sets of each of the two tasks that have most data sets."""
    first: dict[str | None, dict[str | None, str]] = {}
    for c in full_size(checkpoints):
        first.setdefault(c.task, {}).setdefault(c.dataset, c.id)
    most = sorted(first.values(), key=len, reverse=True)[:2]
    some = [i for of in most for i in list(of.values())[:2]]
    return some if len(some) > 1 else [c.id for c in checkpoints][:2]


def pick(checkpoints: Sequence[Checkpoint]) -> None:
    """Models by data set or task."""
    models = full_size(checkpoints)

    def put(ids: Sequence[str]) -> None:
        st.session_state["merge_models"] = list(ids)[:MOST]

    for column, word in (("dataset", "All models of a data set"), ("task", "One model of each data set of a task")):
        values = sorted({str(c.value(column)) for c in models if c.value(column) is not None})
        value = st.selectbox(word, values, key=f"merge_pick_{column}", index=None, placeholder="Choose …")
        of = [c for c in models if value is not None and str(c.value(column)) == value]
        first = {c.dataset: c.id for c in reversed(of)}
        ids = [c.id for c in of] if column == "dataset" else list(first.values())[::-1]
        st.button(f"Take {min(len(ids), MOST)}", key=f"merge_take_{column}", disabled=not ids, on_click=put,
                  args=(ids,))


def settle(base: Base, models: Sequence[Checkpoint], name: str) -> Wish:
    """The panel of weights and options."""
    chosen = method(name)
    if chosen.function.__module__.endswith(("linear", "task_arithmetic")):
        presets(models)
    layered = not chosen.models.even or bool(chosen.models.turns)
    form = "same"
    if layered and layers_of(base.layout) > 1:
        form = st.segmented_control("Over the layers", list(FORMS), default="same", required=True, key="merge_form",
                                    persist_state="session", format_func=FORMS.__getitem__,
                                    help="A gradient runs from a first layer's value to a last one's.") or "same"
    weights: dict[str, Any] = {c.id: 1.0 for c in models}
    if not chosen.models.even:
        low = 0.0 if chosen.models.informed else -1.0
        linked(f"w-{name}", [c.id for c in models], form, low, 2.0, layers_of(base.layout))
        weights = over_layers(f"w-{name}", {c.id: c.name for c in models}, form, low, 2.0, 1.0, layers_of(base.layout))
    flat = [v for w in weights.values() for v in (w if isinstance(w, list) else [w])]
    st.session_state["merge_weights"] = flat
    options: dict[str, Any] = {}
    for option in chosen.options.values():
        if option.name == chosen.models.turns:
            given = {option.name: f"{option.name}: from {models[0].name} to {models[-1].name}"}
            options |= over_layers(f"o-{name}", given, form, 0.0, 1.0, 0.5, layers_of(base.layout))
        elif option.kind is not str:
            options[option.name] = asked(option, name)
    return Wish(chosen, tuple(models), weights, options)


def linked(key: str, ids: Sequence[str], form: str, low: float, high: float, layers: int) -> None:
    """Puts the weights of a link where their sliders, or the table of single layers, take them from."""
    if not first("merge_weights"):
        return
    given = [min(max(float(v), low), high) for v in st.session_state.get("merge_weights", [])]
    if form == "layers":
        st.session_state[f"merge-{key}-begin"] = given if len(given) == len(ids) * layers else None
        return
    ends = {"same": ("",), "gradient": ("-first", "-last")}[form]
    keys = [f"merge-{key}-{i}{end}" for i in ids for end in ends]
    if len(given) == len(keys):
        st.session_state.update(zip(keys, given, strict=True))


def over_layers(key: str, rows: Mapping[str, str], form: str, low: float, high: float, default: float,
                layers: int) -> dict[str, Any]:
    """One value a row, two that begin and end a gradient, or one for every layer."""
    if form == "layers":
        columns = [f"Layer {i}" for i in range(layers)]
        begin = st.session_state.get(f"merge-{key}-begin") or []
        if len(begin) != len(rows) * layers:
            begin = [default] * (len(rows) * layers)
        frame = pd.DataFrame([[word, *begin[i * layers:(i + 1) * layers]] for i, word in enumerate(rows.values())],
                             columns=["Model", *columns])
        config: dict[str, Any] = {c: st.column_config.NumberColumn(c, min_value=low, max_value=high, step=0.01,
                                                                   format="%.2f") for c in columns}
        edited = st.data_editor(frame, hide_index=True, disabled=["Model"], column_config=config,
                                key=f"merge-{key}-table-{hash((*rows, *begin))}")
        return {i: [float(v) for v in row] for i, row in zip(rows, edited[columns].to_numpy(), strict=True)}
    found: dict[str, Any] = {}
    for i, word in rows.items():
        if form == "same":
            found[i] = slider(f"merge-{key}-{i}", plain(word), low, high, default)
            continue
        first, last = st.columns(2)
        with first:
            start = slider(f"merge-{key}-{i}-first", f"{plain(word)}, first", low, high, default)
        with last:
            found[i] = [start, slider(f"merge-{key}-{i}-last", "last", low, high, default)]
    return found


def slider(key: str, word: str, low: float, high: float, default: float, step: float = 0.05) -> float:
    st.session_state.setdefault(key, float(default))
    return float(st.slider(word, float(low), float(high), key=key, step=step, persist_state="session"))


def asked(option: Option, name: str) -> Any:
    """An option as a form field: a toggle, a slider where its range is short, a number elsewhere."""
    key, word = f"merge-o-{name}-{option.name}", option.name.replace("_", " ").capitalize()
    default = USUAL.get(name, {}).get(option.name, option.default)
    if option.kind is bool:
        st.session_state.setdefault(key, default)
        return st.toggle(word, key=key, persist_state="session")
    if option.name == "lambda":
        return slider(key, "λ, the scale of the whole", 0.0, 2.0, default)
    if option.kind is float and option.allowed and option.allowed.high <= 1 and option.name != "tol":
        return slider(key, f"{word}", option.allowed.low, option.allowed.high, default, 0.01)
    st.session_state.setdefault(key, default)
    if option.kind is int:
        return st.number_input(word, 0, 10_000, key=key, persist_state="session")
    high = float(option.allowed.high) if option.allowed and math.isfinite(option.allowed.high) else None
    return st.number_input(word, 0.0, high, key=key, format="%.3g", step=0.01, persist_state="session")


def presets(models: Sequence[Checkpoint]) -> None:
    """Centroid, addition, negation and analogy, as sums of task vectors."""
    ids = [c.id for c in models]
    offered: dict[str, tuple[dict[str, float], str]] = {
        "Mean": (dict.fromkeys(ids, 1 / len(ids)), "The centroid of the models."),
        "A + B + …": (dict.fromkeys(ids, 0.5), "Half of every task vector on top of the base."),
        "− A": ({ids[0]: -1.0}, f"Forget what {models[0].name} learned: the base minus its task vector.")}
    if len(ids) > 2:
        offered["C + B − A"] = (analogy(*ids[:3]), "The first is to the second as the third is to this.")

    def put(weights: Mapping[str, float]) -> None:
        state = st.session_state
        state["merge_method"], state["merge_form"] = "task_arithmetic", "same"
        state["merge-o-task_arithmetic-lambda"], state["merge-o-task_arithmetic-normalize"] = 1.0, False
        state.update({f"merge-w-task_arithmetic-{i}": weights.get(i, 0.0) for i in ids})

    with st.container(horizontal=True, gap="small"):
        for word, (weights, why) in offered.items():
            st.button(word, key=f"merge-preset-{word}", help=plain(why), on_click=put, args=(weights,))
