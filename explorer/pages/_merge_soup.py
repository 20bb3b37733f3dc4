"""Greedy soup on the Merge page: the walk, why models were left out, and what the soup is worth on other texts."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import numbers, workflows
from explorer.backends import Job
from explorer.errors import ExplorerError
from explorer.figures.soups import Turn, soup_walk
from explorer.numbers import about
from explorer.pages import _readings
from explorer.pages._charts import show_figure
from explorer.pages._exporting import offer
from explorer.pages._jobs import active, bar, outcome, redrawn
from explorer.pages._pressing import pressed, submitted
from explorer.pages._probing import fetch
from explorer.pages._readings import metric, tabled
from explorer.pages._session import changed, dark, fail, has_texts, material, me, names, nothing_yet, plain
from explorer.pages._visitor import editors
from explorer.statistics.readings import NORMAL, Difference
from explorer.types import Base, Checkpoint, Task
from explorer.workflows import souping
from explorer.workflows.regions import full_size
from explorer.workflows.souping import Found, Plan

SECONDS = 1.2
WORDS = {"soup": "The soup", "best": "Best single model", "uniform": "Mean of all", "base": "The base"}


def draw(ws: workflows.Workspace) -> None:
    """The whole view."""
    if (found := material(ws, "A soup")) is None:
        return
    base, checkpoints, tasks = found
    chosen = controls(base, checkpoints, tasks)
    if chosen is None:
        return
    models, task, by = chosen
    if len(models) < 2:
        st.info("Choose at least two models.", icon=":material/soup_kitchen:")
        return
    if not has_texts(task):
        fetch(ws, [task.name], "soup")
        return
    wanted = souping.plan(ws, [c.name for c in models], task, by=by)
    live(ws, wanted)


def controls(base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task],
             ) -> tuple[list[Checkpoint], Task, str] | None:
    """Task, models (to begin with: those trained on it) and what is compared."""
    by_name, by_id, known = {t.name: t for t in tasks}, {c.id: c for c in checkpoints}, names(checkpoints)
    own = {t: [c.id for c in checkpoints if c.dataset == t] for t in by_name}
    offered = sorted((t for t in by_name if by_name[t].n_test >= souping.FEWEST), key=lambda t: (not own[t], t))
    if not offered:
        nothing_yet(f"A soup needs a task with at least {souping.FEWEST} test texts.")
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("Task", offered, key="soup_task", persist_state="session", width=220)
        if changed("soup_models", (base.id, name), "soup_models"):
            trained = [by_id[i] for i in own[name] if by_id[i].base == base.id]
            st.session_state["soup_models"] = [c.id for c in full_size(trained)]
        chosen = st.multiselect("Models", sorted(by_id, key=known.__getitem__), format_func=known.__getitem__,
                                key="soup_models", persist_state="session", width="stretch",
                                help="To begin with: the models trained on the task's data set.")
        by = st.segmented_control("Compare", ["loss", "accuracy"], default="loss", required=True, key="soup_by",
                                  format_func=str.capitalize, persist_state="session",
                                  help="What must not get worse on validation texts. Wortsman et al. take accuracy.")
    return [by_id[i] for i in chosen if i in by_id], by_name[name], str(by)


def live(ws: workflows.Workspace, wanted: Plan) -> None:
    """Progress, the walk and the outcome, drawn again by themselves while it is cooked."""

    def draw() -> None:
        found = souping.found(ws, wanted)
        progress(ws, wanted, found)
        left, right = st.columns([1.6, 1], gap="large")
        with left:
            show_figure(figure(found), key="soup_chart", alt="The soup as it is made, model by model.")
        with right:
            readings(found)
            provenance(found)

    redrawn(lambda: job_of(wanted), draw)
    found = souping.found(ws, wanted)
    if found.walk.steps:
        table(found)
        keeping(ws, found)


def job_of(wanted: Plan) -> Job | None:
    kept: tuple[object, Job] | None = st.session_state.get("soup_job")
    return kept[1] if kept is not None and kept[0] == _key(wanted) else None


def _key(wanted: Plan) -> object:
    return wanted.points, wanted.task.digest, wanted.by


def progress(ws: workflows.Workspace, wanted: Plan, found: Found) -> None:
    """One line: what runs, the button for what is missing, or how it went."""
    job = job_of(wanted)
    with st.container(horizontal=True, vertical_alignment="center", height=44, border=False, gap="small"):
        if job is not None and active(job):
            bar(job, "soup")
            return
        if not found.missing:
            st.caption(f"{len(found.walk.taken)} of {len(wanted.points)} models are taken; scores are kept in the "
                       "catalog.")
        elif pressed(f"Make the soup ({about(seconds(found))})", type="primary", key="soup-go", of=_key(wanted),
                     icon=":material/soup_kitchen:"):
            try:
                st.session_state["soup_job"] = (_key(wanted), souping.start(ws, wanted, owner=me(),
                                                                           replaces=f"soup-{me()}"))
            except ExplorerError as error:
                fail(error)
            else:
                st.rerun()
    if job is not None:
        outcome(job)


def seconds(found: Found) -> float:
    """At most so long: every model left out costs three points on its line."""
    known = [s.seconds for s in found.singles if s is not None]
    pace = sorted(known)[len(known) // 2] if known else SECONDS
    count = sum(s is None for s in found.singles) + 4 * (len(found.singles) - 1) + 4
    return pace * count


def figure(found: Found) -> object:
    plan, percent = found.plan, found.plan.by == "accuracy"
    turns = []
    stepped = {s.model: s for s in found.walk.steps}
    order = found.walk.order or tuple(i for i, s in enumerate(found.singles) if s is not None)
    for i in order:
        single, step = found.singles[i], stepped.get(i)
        if single is None:
            continue
        turns.append(Turn(plan.names[i], single.accuracy if percent else single.loss,
                          None if step is None else step.score.accuracy if percent else step.score.loss,
                          bool(step and step.taken), "" if step is None else _why(found, i)))
    what = "Accuracy" if percent else "Loss (nats)"
    return soup_walk(turns, title=f"{what} on validation texts of {plan.task.name}", percent=percent, dark=dark())


def _why(found: Found, model: int) -> str:
    """Why a model was taken or left out."""
    step = next(s for s in found.walk.steps if s.model == model)
    if step.change is None:
        return "the best alone: the soup begins with it"
    change = f"{numbers.difference(step.change.value, NORMAL * step.change.stderr)} to the soup before"
    barrier = found.walk.barriers.get(model)
    if step.taken or barrier is None:
        return change
    return f"{change}; barrier {numbers.loss(barrier.value, NORMAL * barrier.stderr)}"


def readings(found: Found) -> None:
    """The soup beside the best single model, on texts that chose nothing."""
    best, soup = found.outcomes.get("best"), found.outcomes.get("soup")
    left, right = st.columns(2)
    uniform = found.outcomes.get("uniform")
    metric("Soup, loss", None if soup is None else numbers.loss(soup.loss), _interval(found.differences.get("soup")),
           words=("soup", "generalized_loss"), about="On test texts that chose nothing. Below: minus the best single "
           "model's, with the paired 95 % interval over texts.", where=left)
    metric("Mean of all, loss", None if uniform is None else numbers.loss(uniform.loss),
           _interval(found.differences.get("uniform")), words=("soup",),
           about="The uniform soup. Below: minus the best single model's.", where=right)
    if found.outcomes:
        tabled([{"which": WORDS[k], "loss": s.loss, "half": NORMAL * s.stderr, "accuracy": s.accuracy}
                for k, s in found.outcomes.items()],
               {"loss": _readings.loss, "half": _readings.loss, "accuracy": _readings.percent},
               {"which": "On test texts", "loss": "Loss (nats)", "half": "± (95 %)", "accuracy": "Accuracy"})
    if soup is not None and best is not None and soup.point == best.point:
        st.caption("The soup is the best single model: no other made it better.")
    st.info(plain("Wortsman et al. 2022, CLIP ViT-B/32 on ImageNet: greedy soup 81.03 %, best single model 80.38 %."),
            icon=":material/menu_book:")


def _interval(difference: Difference | None) -> str:
    if difference is None:
        return "not yet"
    low, high = difference.interval
    half = NORMAL * difference.stderr
    return (f"{numbers.fixed(difference.value, numbers.decimals(half), sign=True)} "
            f"({numbers.between(low, high, sign=True)})")


def provenance(found: Found) -> None:
    plan = found.plan
    chosen = min(plan.probe.test or plan.validation.n_test, plan.validation.n_test)
    fitted = min(plan.probe.train or plan.task.n_train, plan.task.n_train)
    st.caption(plain(f"Chosen on {chosen} validation texts, the last half of the test split of {plan.task.name}, which "
                     f"no model was trained on; told on {plan.final.test} texts of the first half. Heads are fitted on "
                     f"{fitted} train texts. Barriers: five points from the soup to the model, on validation texts."))


def table(found: Found) -> None:
    rows = []
    for step in found.walk.steps:
        single, barrier = found.singles[step.model], found.walk.barriers.get(step.model)
        rows.append({"model": found.plan.names[step.model], "taken": step.taken,
                     "alone": single.loss if single else None, "with": step.score.loss,
                     "accuracy": step.score.accuracy, "change": step.change.value if step.change else None,
                     "half": NORMAL * step.change.stderr if step.change else None,
                     "barrier": barrier.value if barrier else None,
                     "barrier_half": NORMAL * barrier.stderr if barrier else None})
    tabled(rows, {**dict.fromkeys(("alone", "with", "half", "barrier", "barrier_half"), _readings.loss),
                  "change": _readings.change, "accuracy": _readings.percent}, {
        "model": st.column_config.TextColumn("Model, in the order of its turn", width="medium"), "taken": "Taken",
        "accuracy": "Accuracy with it", "alone": "Loss alone (nats)", "with": "Loss with it", "change": "Change",
        "half": "± (95 %)", "barrier": "Barrier (nats)", "barrier_half": "± (95 %) "})


def keeping(ws: workflows.Workspace, found: Found) -> None:
    """A name for a finished soup, and its export."""
    soup = found.walk.soup
    if soup is None or not found.walk.done:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.form("soup-keep", border=False, width=420), st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Keep the soup as", placeholder="A name …", key="soup_name", width=280)
            if given := submitted("Keep", key="soup_keep", fields=["soup_name"], of=soup,
                                  icon=":material/bookmark_add:", **editors()):
                try:
                    (name,) = given
                    workflows.keep(ws, name, soup)
                    st.toast(f"Kept as {plain(name)}.", icon=":material/bookmark:")
                except ExplorerError as error:
                    fail(error)
        offer(ws, soup, "soup-export", name=f"soup-{found.plan.task.name}", task=found.plan.task.name)
