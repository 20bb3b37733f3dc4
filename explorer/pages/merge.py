"""Merges: several models made one, by method, soup or search, and what each task keeps of what its own model gained."""

from __future__ import annotations

import importlib
import importlib.util

import streamlit as st

from explorer.errors import ExplorerError
from explorer.pages._session import fail, workspace

VIEWS = {"Method": "method", "Soup": "soup", "Search": "search", "Leaderboard": "board"}


def module(view: str) -> str:
    return f"explorer.pages._merge_{VIEWS[view]}"


def show() -> None:
    ws = workspace()
    there = [view for view in VIEWS if importlib.util.find_spec(module(view))]
    view = st.segmented_control("View", there, key="merge_view", default=there[0], required=True,
                                persist_state="session", label_visibility="collapsed")
    try:
        importlib.import_module(module(str(view))).draw(ws)
    except ExplorerError as error:
        fail(error)


show()
