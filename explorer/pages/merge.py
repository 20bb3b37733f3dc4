"""Merges: several models made one, by method, soup or search, and what each task keeps of what its own model gained."""

from __future__ import annotations

import streamlit as st

from explorer.errors import ExplorerError
from explorer.pages import _merge_board, _merge_method, _merge_search, _merge_soup
from explorer.pages._session import fail, workspace

VIEWS = {"Method": _merge_method.draw, "Soup": _merge_soup.draw, "Search": _merge_search.draw,
         "Leaderboard": _merge_board.draw}


def show() -> None:
    ws = workspace()
    view = st.segmented_control("View", list(VIEWS), key="merge_view", default="Method", required=True,
                                persist_state="session", label_visibility="collapsed")
    try:
        VIEWS[view or "Method"](ws)
    except ExplorerError as error:
        fail(error)


show()
