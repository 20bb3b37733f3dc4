"""What surrounds every page: the styles that the theme has no setting for, the choice of a look, help and glossary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from explorer.components.map_and_path import component_ahead
from explorer.components.remembering import component_remembering, component_watching
from explorer.figures.theme import DARK, PROJECTOR
from explorer.pages._glossary import PAGES, lines
from explorer.pages._hints import again
from explorer.pages._links import name_of
from explorer.pages._session import APPEARANCE, dark, on_projector
from explorer.pages._signing import badge

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

LOOKS = {"system": ("As the system", ":material/computer:"), "light": ("Light", ":material/light_mode:"),
         "dark": ("Dark", ":material/dark_mode:"), "projector": ("Projector", ":material/videocam:")}
THEMES: dict[str, Literal["System", "Light", "Dark"]] = {"system": "System", "light": "Light", "dark": "Dark",
                                                         "projector": "Light"}
WORDS = frozenset({"catalog", "claims", "glossary", "jobs", "stories"})
"""Pages on which nothing is drawn as they begin."""
STYLE = """
.stMainBlockContainer { padding-left: 2rem; padding-right: 2rem }
/* room in the header for what every page offers there */
.stAppHeader { padding-right: 13.5rem }
/* one height for all kinds of controls in a row, so that their labels stand on one line */
.stMainBlockContainer [data-testid="stButtonGroup"] button[data-variant] { min-height: 2.5rem }
.stMainBlockContainer .stCheckbox {
  min-height: 2.5rem; margin-bottom: 0 !important; display: flex; align-items: center }
[data-testid="stLayoutWrapper"]:has(> .st-key-frame), .stElementContainer:has(> .st-key-frame), .st-key-frame {
  position: fixed; top: .55rem; right: .75rem; width: auto !important; z-index: 1000000 }
.st-key-frame button { background: transparent }
/* what is not seen takes no place */
[data-testid="stLayoutWrapper"]:has(> .st-key-ahead), .stElementContainer:has(> .st-key-ahead), .st-key-ahead {
  position: fixed; width: 0 !important; height: 0 }
:is(button, a, input, [role=tab], [role=radio], [role=slider], summary):focus-visible {
  outline: 2px solid var(--st-primary-color, currentColor); outline-offset: 2px }
[data-testid="stMain"]:focus-visible { outline: 2px solid currentColor; outline-offset: -2px }
/* quiet text and tags that can be read on light and dark; Streamlit's are too pale for small type */
.stApp [data-testid="stCaptionContainer"], .stApp [data-testid="stCaptionContainer"] :is(p, li, strong) {
  color: inherit }
.stApp [data-testid="stCaptionContainer"] { opacity: .8 }
.stApp [data-tag] { background: color-mix(in srgb, currentColor 12%, transparent) !important }
.stApp [data-tag], .stApp [data-tag] * { color: inherit }
.stApp ::placeholder { color: inherit; opacity: .75 }
/* what is drawn again stays as it is until then, instead of fading on every tick of a measurement */
.stApp [data-stale="true"] { opacity: 1 !important; transition: none !important }
/* the interval under a figure is never cut: where its column is narrow it takes a second line */
.stMetric [data-testid="stMetricDelta"], .stMetric [data-testid="stMetricDelta"] * { white-space: normal;
  overflow: visible; text-overflow: clip; height: auto }
@media (max-width: 700px) {
  .stMainBlockContainer { padding-left: 1rem; padding-right: 1rem }
  /* on a phone two controls or two figures share a row, and rows of controls are as high as they need */
  .stMainBlockContainer .stHorizontalBlock { gap: .6rem }
  [data-testid="stLayoutWrapper"]:has(> [class*="st-key-controls_"]), [class*="st-key-controls_"] {
    height: auto !important; flex: 0 0 auto !important }
  .stMainBlockContainer .stHorizontalBlock > .stColumn:has(.stMetric):not(:has(.wse, .stDataFrame, .stAlert)) {
    min-width: calc(50% - .6rem); flex: 1 1 calc(50% - .6rem) }
  /* heads of columns that stand below each other here */
  .st-key-heads { display: none }
}
"""
ON_DARK = f"""
.stApp button:is([kind="primary"], [kind="primaryFormSubmit"]):enabled * {{ color: {DARK.paper} }}
"""
"""The dark theme's accent is bright, so what stands on it is dark."""
CONTRAST = f"""
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-controls_"]), [class*="st-key-controls_"] {{
  height: auto !important; flex: 0 0 auto !important }}
html {{ font-size: 18px !important }}
.stApp, .stApp :is(p, li, label, h1, h2, h3, h4, button, input, textarea, td, th, summary, span) {{
  color: {PROJECTOR.text} }}
.stApp [data-testid="stCaptionContainer"], .stApp [data-testid="stCaptionContainer"] :is(p, li, strong) {{
  color: {PROJECTOR.quiet} !important; opacity: 1 }}
.stApp :is(button, input, textarea, details, [role="group"]) {{ border-color: {PROJECTOR.quiet} }}
.stApp button:is([kind="primary"], [kind="primaryFormSubmit"]):enabled, .stApp [data-tag] {{
  background: {PROJECTOR.accent} !important; color: {PROJECTOR.paper}; border-color: {PROJECTOR.accent} }}
.stApp button:is([kind="primary"], [kind="primaryFormSubmit"]):enabled *, .stApp [data-tag] * {{
  color: {PROJECTOR.paper} }}
.stApp button[data-selected="true"] {{ background: {PROJECTOR.accent} !important }}
.stApp button[data-selected="true"] * {{ color: {PROJECTOR.paper} }}
.stApp button:disabled * {{ color: #5b6270 }}
.stApp [data-testid="stMarkdownContainer"] a {{ text-decoration: underline; color: {PROJECTOR.accent} }}
.wse {{ --st-text-color: {PROJECTOR.text}; --st-primary-color: {PROJECTOR.accent}; --st-border-color: #7a8190 }}
.wse-reading, .wse-row, .wse-far, .wse-predicted {{ font-size: 18px }}
"""


def style() -> None:
    """The styles alone; a presentation has these and nothing else of the frame."""
    look = CONTRAST if on_projector() else ON_DARK if dark() else ""
    st.html(f"<style>{STYLE}{look}</style>")


def ahead(page: StreamlitPage) -> None:
    """What the browser can begin with while the page is worked on."""
    if name_of(page) not in WORDS:
        with st.container(key="ahead"):
            component_ahead(key="chart_library")


def frame(page: StreamlitPage, names: Sequence[str]) -> None:
    """Help at the right end of the header: the look of the app, the terms of this page, the glossary, the hints.

    `names` are those of all pages.
    """
    name = name_of(page)
    with st.container(key="frame"):
        opened = st.popover("Help", icon=":material/help:", type="tertiary", key="frame_open", on_change="rerun")
        if opened.open:
            with opened:
                look(["", *names])
                terms(name)
        badge()
        component_watching(key="watching")  # last: it takes a place in the column


def look(pages: Sequence[str]) -> None:
    """The choice of a look, which the browser remembers; a light or a dark theme comes with a new load of the page."""
    on_projector()  # what the browser remembers is the first choice
    st.session_state[f"{APPEARANCE}_shown"] = st.session_state[APPEARANCE]

    def choose() -> None:
        st.session_state[APPEARANCE] = st.session_state[f"{APPEARANCE}_shown"] or "system"
        st.session_state[f"{APPEARANCE}_chosen"] = True

    st.segmented_control("Look", list(LOOKS), format_func=lambda name: f"{LOOKS[name][1]} {LOOKS[name][0]}",
                         key=f"{APPEARANCE}_shown", required=True, on_change=choose)
    if st.session_state.pop(f"{APPEARANCE}_chosen", False):
        chosen = st.session_state[APPEARANCE]
        component_remembering({APPEARANCE: chosen}, key="remember_look", theme=THEMES[chosen], pages=pages)


def terms(page: str) -> None:
    """The terms of a page, the way to all of them, and to the hints."""
    if known := PAGES.get(page, ()):
        st.markdown("**Terms of this page**")
        with st.container(height=300, border=False):
            st.markdown(lines(known))
    st.page_link("explorer/pages/glossary.py", label="Glossary: all terms", icon=":material/menu_book:")
    if page == "map":
        again()
