"""Three short hints on a first visit, over the map; put away with a click, and then not shown to this browser again."""

from __future__ import annotations

import streamlit as st

from explorer.components.remembering import component_remembering

SEEN = "hints_seen"
"""Key in the session, and name of the cookie."""
HINTS = (
    (":material/scatter_plot:", "Every dot is a fine-tuned model", "Near dots were changed alike. Colour and symbol "
     "say which data set a model was trained on."),
    (":material/timeline:", "Two clicks make a path", "The loss between both models appears under the map. Drag α: the "
     "model there is measured."),
    (":material/fact_check:", "Then ask more of them", "Regions, barriers and claims of the paper are pages above. "
     "Help explains the terms."),
)


def hints() -> None:
    """The hints, until they are put away."""
    if SEEN not in st.session_state:
        st.session_state[SEEN] = st.context.cookies.get(SEEN) == "yes"
    if st.session_state.get(f"{SEEN}_now"):
        component_remembering({SEEN: "yes"}, key="remember_hints")
    if st.session_state[SEEN]:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="hints"):
        for column, (icon, title, text) in zip(st.columns(len(HINTS), gap="medium"), HINTS, strict=True):
            column.markdown(f"{icon} **{title}**  \n:small[{text}]")
        st.button("Got it", key="hints_away", type="tertiary", icon=":material/close:", on_click=_away)


def again() -> None:
    """A button that brings the hints back."""
    st.button("Show the hints again", icon=":material/lightbulb:", type="tertiary", disabled=not
              st.session_state.get(SEEN), on_click=lambda: st.session_state.update({SEEN: False, f"{SEEN}_now": False}))


def _away() -> None:
    st.session_state[SEEN] = st.session_state[f"{SEEN}_now"] = True
