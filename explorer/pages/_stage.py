"""What pages must know of being presented: that nothing is begun then, how tall figures are, and what they look like.

A figure that a page remembers is what the picture of its saved view is made of.
"""

from __future__ import annotations

import streamlit as st

STAGE = "stage"
"""Height in pixels of the browser's window in which a story is presented; not there otherwise."""
FIGURES = "figures"
VIEW_TURN = "view_turn"
"""How many views this session was set to: what the browser keeps of one must not go on in the next."""
_USUAL = 765
"""Height of a window that a page without its controls fills."""


def staged() -> bool:
    """Whether a story is being presented: then nothing is measured or fetched."""
    return STAGE in st.session_state


def tall(usual: int, spare: int = 0) -> int:
    """The height of a page's large figure: as usual, and on stage as the window allows.

    `spare` is what the page leaves free below it where its controls are hidden, if that is more than other pages do.
    """
    return max(round(0.75 * usual), usual + spare + int(st.session_state[STAGE]) - _USUAL) if staged() else usual


def remember(key: str, figure: object) -> None:
    """Keep a figure as it is on the page; the first one of a page is the picture of its view."""
    st.session_state.setdefault(FIGURES, {})[key] = figure


def turn() -> int:
    """Changes whenever the session is set to a view."""
    return int(st.session_state.get(VIEW_TURN, 0))
