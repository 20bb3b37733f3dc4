"""What every page with a view offers in the header: its link, and to save it for later or for a story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import streamlit as st

from explorer import workflows
from explorer.catalog import views
from explorer.errors import ExplorerError
from explorer.figures.sketches import sketch
from explorer.figures.theme import appearance
from explorer.pages._links import STORED, VIEWS, name_of, parameters, state
from explorer.pages._pressing import submitted, waits
from explorer.pages._session import dark, fail, plain, workspace
from explorer.pages._stage import FIGURES
from explorer.pages._visitor import editors
from explorer.types import Drawings
from explorer.workflows import stories

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

STYLE = """<style>
[data-testid="stLayoutWrapper"]:has(> .st-key-share), .st-key-share {
  position: fixed; top: .55rem; right: 7rem; width: auto !important; z-index: 1000000; }
.st-key-share button { background: transparent; }
</style>"""


def share(page: StreamlitPage) -> None:
    """The popover of a page that has views; what it holds is drawn when it is opened."""
    name = name_of(page)
    if name not in VIEWS:
        return
    st.html(STYLE)

    @st.fragment
    def shown() -> None:
        with st.container(key="share"):
            opened = st.popover("Share", icon=":material/share:", type="tertiary", key="share_open",
                                on_change="rerun")
            if opened.open or waits("share_save"):
                with opened, st.container(width=430):
                    offered(workspace(), page, name)

    shown()


def offered(ws: workflows.Workspace, page: StreamlitPage, name: str) -> None:
    """The links, and the form to save the view."""
    now = state(name)
    short = {STORED: views.add_view(ws.catalog.database, name, now)}
    given = parameters(name)
    st.markdown("**Link to this view**")
    st.code(address(name, given), language=None, wrap_lines=False)
    if given != short:
        st.caption("Short")
        st.code(address(name, short), language=None, wrap_lines=False)
    with st.form("share_form", border=False, clear_on_submit=True):
        st.text_input("Title", placeholder=suggested(ws, page.title, now), key="share_title",
                      max_chars=stories.LONGEST)
        st.text_area("Note", key="share_note", height=70)
        given_form = submitted("Save view", key="share_save", fields=["share_title", "share_note"], of=(name, now),
                               icon=":material/bookmark_add:", type="primary", **editors())
    if given_form is not None:
        title, note = given_form
        try:
            saved = stories.save_view(ws, name, now, title or suggested(ws, page.title, now), note, picture(),
                                      drawings())
        except ExplorerError as error:
            fail(error)
        else:
            st.success(f"Saved as {plain(saved.title)}.", icon=":material/bookmark:")
    st.page_link("explorer/pages/stories.py", label="Saved views and stories", icon=":material/slideshow:")


def address(name: str, given: dict[str, str]) -> str:
    """The full address of a page with these parameters."""
    here = urlsplit(st.context.url or "")
    root = st.get_option("server.baseUrlPath").strip("/")
    path = "/".join(part for part in ("", root, name) if part or not root) if root else f"/{name}"
    start = f"{here.scheme}://{here.netloc}" if here.netloc else ""
    return f"{start}{path}?{urlencode(given)}"


def suggested(ws: workflows.Workspace, title: str, now: dict[str, Any]) -> str:
    """A title that says what is looked at."""
    names = {c.id: c.name for c in ws.catalog.checkpoints()}
    ends = [names.get(str(now.get(key)), "base") for key in ("zero", "one") if now.get(key) is not None]
    tasks = now.get("tasks") or [now[key] for key in ("mix_task", "region_task", "barrier_task", "surface_task")
                                 if key in now and isinstance(now[key], str)]
    parts = [title, " to ".join(ends) if len(ends) == 2 else "", f"on {', '.join(tasks)}" if tasks else ""]
    return " ".join(part for part in parts if part)[:stories.LONGEST]


def picture() -> str:
    """An SVG of the first figure of the page as it is now; empty where there is none."""
    kept = st.session_state.get(FIGURES, {})
    first = next(iter(kept.values()), None)
    return "" if first is None else sketch(first)


def drawings() -> Drawings:
    """The figures of the page as they are now."""
    kept: dict[str, Any] = st.session_state.get(FIGURES, {})
    return Drawings(appearance(dark()).value, tuple(figure.to_json() for figure in kept.values()))
