"""One merge by a method of choice, on the map and on the tasks of its models."""

from __future__ import annotations

import streamlit as st

from explorer import workflows
from explorer.pages._session import material


def draw(ws: workflows.Workspace) -> None:
    if material(ws, "A merge") is None:
        return
    st.info("Choose the models to merge.", icon=":material/merge:")
