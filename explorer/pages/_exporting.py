"""Exporting a Point from any page: format and folder, the command that does the same, progress, and the result."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.errors import ExplorerError
from explorer.pages._jobs import TICK, active, bar, outcome
from explorer.pages._pressing import pressed
from explorer.pages._session import fail, has_texts, me, plain
from explorer.pages._visitor import editors
from explorer.types import Point
from explorer.weights.exporting import Exported
from explorer.workflows.exporting import FOLDER, archive, command

FORMATS = {"hf": "Model folder", "task-vector": "Task vector", "lora": "LoRA adapter", "projector": "Projector vectors"}
SAID = {"hf": "What `AutoModel.from_pretrained` loads: fp32 weights, tokenizer, model card.",
        "task-vector": "What fine-tuning changed, fp32: what an import here reads.",
        "lora": "What PEFT loads onto the base: exact for sums of adapters, else cut to a rank; the card has errors.",
        "projector": "All models and this point as vectors.tsv and metadata.tsv for TensorBoard's projector."}
NO_HEAD = "no head"
DOWNLOAD = 64 << 20
"""Bytes of an export that is small enough to be sent through the browser."""


def offer(ws: workflows.Workspace, point: Point, key: str, *, name: str = "", task: str | None = None) -> None:
    """A button that opens the export of a Point; `key` tells several on a page apart.

    `name` is what the folder is called to begin with, and the Point in the command (else its recipe); `task` is the one
    offered first for a fitted head.
    """
    with st.popover("Export", icon=":material/output:", help="Write this point as a folder."):
        try:
            _form(ws, point, key, name, task)
        except ExplorerError as error:
            fail(error)


def _form(ws: workflows.Workspace, point: Point, key: str, name: str, task: str | None) -> None:
    form = str(st.segmented_control("Format", list(FORMATS), default="hf", required=True, key=f"{key}-format",
                                    format_func=FORMATS.__getitem__))
    st.caption(SAID[form])
    head, rank = None, None
    if form == "hf":
        there = [t.name for t in ws.catalog.tasks() if has_texts(t)]
        chosen = st.selectbox("Classification head for", [NO_HEAD, *there], key=f"{key}-head",
                              index=there.index(task) + 1 if task in there else 0,
                              help="The head that the generalized loss fits on this task is written too.")
        head = None if chosen == NO_HEAD else ws.catalog.task(chosen)
    if form == "lora" and not st.toggle("Exact", key=f"{key}-exact", help="For sums of LoRA checkpoints only; others "
                                        "are cut to rank 16 with this too."):
        rank = int(st.number_input("Rank", 1, 512, 16, key=f"{key}-rank"))
    said = st.text_input("Folder", _folder(name or point.hash[:8], form), key=f"{key}-out-{form}",
                         help="A name puts it into the workspace's exports folder; a path anywhere on the server.")
    out = _place(ws, said)
    force = ws.permit.editor and out.exists() and st.checkbox(
        "Replace what is there", key=f"{key}-force", help="Only a folder that an export made is ever replaced.")
    st.code(command(ws, point, name, out, format=form, task=head, rank=rank, force=bool(force)), language="bash",
            wrap_lines=True)
    if pressed("Export", type="primary", key=f"{key}-go", of=(point, form), icon=":material/output:",
               **editors(disabled=not said.strip())):
        st.session_state[f"{key}-job"] = workflows.export(ws, point, out, format=form, force=bool(force), task=head,
                                                          rank=rank, owner=me())
    _running(key)


def _running(key: str) -> None:
    """The export's progress, then where it is."""
    job: Job | None = st.session_state.get(f"{key}-job")
    if job is None:
        return

    @st.fragment(run_every=TICK if active(job) else None)
    def shown() -> None:
        if active(job):
            bar(job, key)
            return
        outcome(job)
        for made in (r for r in job.results if isinstance(r, Exported)):
            st.success(f"Written to {plain(made.folder)}", icon=":material/check:")
            for note in made.notes:
                st.caption(plain(note))
            _download(Path(made.folder), key)

    shown()


def _download(folder: Path, key: str) -> None:
    if folder.is_dir() and sum(f.stat().st_size for f in folder.iterdir()) <= DOWNLOAD:
        st.download_button("Download as a zip", lambda: archive(folder), f"{folder.name}.zip", "application/zip",
                           key=f"{key}-zip", on_click="ignore", icon=":material/download:")


def _folder(name: str, form: str) -> str:
    """A folder's name from a Point's."""
    bare = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "point"
    return bare if form == "hf" else f"{bare}-{form}"


def _place(ws: workflows.Workspace, said: str) -> Path:
    path = Path(said.strip()).expanduser()
    return path if path.is_absolute() else ws.folder / FOLDER / path
