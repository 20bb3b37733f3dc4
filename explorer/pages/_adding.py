"""Adding a model to the selection by its name, however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from explorer.pages._session import select

LISTED, MATCHES = 500, 50
"""Of more models than this no list of all names is sent to the browser: a search names the first so many matches."""


def adding(ids: Sequence[str], chosen: Sequence[str], known: Mapping[str, str]) -> None:
    """A list of all models that are not selected; of many models a search, whose first matches are listed."""
    matches, place = ids, "Add by name …"
    if len(ids) > LISTED:
        words = st.text_input("Search by name", placeholder="Search by name …", key="add_words",
                              label_visibility="collapsed").strip().lower()
        if not words:
            return
        matches = [i for i in ids if words in known[i].lower()]
        if not matches:
            st.caption("No model has this in its name.")
            return
        place = f"Add one of {len(matches):,} …" if len(matches) <= MATCHES else (
            f"Add one of the first {MATCHES} of {len(matches):,} …")
        # names that begin so come first, and one that is this above all
        matches = sorted(matches, key=lambda i: (known[i].lower() != words, not known[i].lower().startswith(words),
                                                 known[i]))[:MATCHES]
    st.selectbox("Add by name", [i for i in matches if i not in chosen], index=None, format_func=lambda i: known[i],
                 placeholder=place, key="add", on_change=_add, label_visibility="collapsed")


def _add() -> None:
    if key := st.session_state.get("add"):
        select([key])
        st.session_state["add"] = None
