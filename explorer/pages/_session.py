"""What every page needs: the one workspace of the server, the appearance, safe text, the selection basket.

The selection is a list of checkpoint ids in the session, in the order in which they were picked, never the state of
a chart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import streamlit as st

from explorer import workflows
from explorer.errors import ExplorerError
from explorer.types import Base, Checkpoint, Task

FETCH_AFTER = 10.0
"""Seconds from opening the workspace to fetching the texts it lacks: the first map has the machine to itself."""
BASKET = "basket"
ENDS = "path_ends"


@st.cache_resource(show_spinner="Opening the workspace …")
def _opened() -> workflows.Workspace:
    ws = workflows.open_workspace(backend="local")
    # The demo ships without texts: they arrive when its map and stored scores are on screen, not before.
    workflows.fetch_demo_texts(ws, after=FETCH_AFTER)
    return ws


def workspace() -> workflows.Workspace:
    """The workspace that all sessions of this server share; where it can't be opened the page says why and stops."""
    try:
        return _opened()
    except ExplorerError as error:
        st.subheader("The workspace can't be opened")
        fail(error)
        st.button("Try again", icon=":material/refresh:", type="primary")
        st.stop()


def fail(error: BaseException | str) -> None:
    """Shows an error's message as text, whatever it holds."""
    st.error(plain(str(error)), icon=":material/error:")


def plain(text: str) -> str:
    """Markdown that shows `text` as it is: names come from data and must not become format, links or icons."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def dark() -> bool:
    """Whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"


def basket(known: Iterable[str] | None = None) -> list[str]:
    """The selected checkpoints' ids, in order; with `known`, those of them that are known."""
    chosen: list[str] = st.session_state.setdefault(BASKET, [])
    return list(chosen) if known is None else [key for key in chosen if key in set(known)]


def select(keys: Sequence[str]) -> None:
    """One key joins the selection, or leaves it if it was there; several keys replace it."""
    chosen = basket()
    if len(keys) == 1:
        chosen = [k for k in chosen if k != keys[0]] if keys[0] in chosen else [*chosen, keys[0]]
    elif keys:
        chosen = list(dict.fromkeys(keys))
    st.session_state[BASKET] = chosen


def clear() -> None:
    st.session_state[BASKET] = []


def chosen_base(ws: workflows.Workspace) -> Base | None:
    """The base that the session looks at: the one chosen on the map, else the one with most checkpoints, if any."""
    bases = {base.id: base for base in ws.catalog.bases()}
    if not bases:
        return None
    return bases.get(st.session_state.get("base", "")) or workflows.main_base(ws)


def nothing_yet(message: str) -> None:
    """What a page shows when it has nothing to show, and the way to mend that."""
    st.info(message, icon=":material/inbox:")
    st.page_link("explorer/pages/catalog.py", label="Open the catalog", icon=":material/inventory_2:")


def names(checkpoints: Sequence[Checkpoint]) -> dict[str, str]:
    """Names by id."""
    return {c.id: c.name for c in checkpoints}


def has_texts(task: Task) -> bool:
    """Whether a task's texts are on this machine, so that missing scores can be computed."""
    return Path(task.path).is_file()
