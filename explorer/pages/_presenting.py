"""A story on stage: one live view after the other over the whole window, without controls, and the speaker's notes.

`?present=STORY&step=3` is a step of it. What a view's page offers to be dragged or turned stays alive; nothing is
measured or fetched meanwhile. `?present=STORY&notes=1`, in a second window, follows with the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from explorer.components.map_and_path import heard
from explorer.components.presenting import component_presenting
from explorer.errors import ExplorerError
from explorer.pages._links import PAGE, lacking, name_of, put
from explorer.pages._session import fail, plain, workspace
from explorer.pages._stage import FIGURES, STAGE
from explorer.types import Story
from explorer.workflows import stories
from explorer.workflows.stories import Told

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

STORY, STEP, NOTES = "present", "step", "notes"
SHOWN = "stage_shown"
BAR = "presenting_bar"
WINDOW = 900
"""Pixels of a window's height before the browser has told it."""
FOLLOWED = 1.0
"""Seconds between two looks of the notes' window at the step."""
CHROME = """<style>
[data-testid="stHeader"], [data-testid="stSidebar"], [class*="st-key-controls"],
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-controls"]), .stColumn:has(.st-key-controls_column),
[data-testid="stElementContainer"]:has(> .stHtml > style),
.stMain :is(.stButton, .stDownloadButton, .stPopover, .stForm, .stExpander, .stSelectbox, .stMultiSelect,
  .stNumberInput, .stButtonGroup, .stCheckbox, .stSlider, .stTextInput, .stPageLink) { display: none !important; }
.st-key-presenting_bar { position: absolute; }
.stMainBlockContainer { padding-top: .75rem !important; padding-bottom: 60px !important; }
.stMain [data-testid="stMetricValue"] { font-size: clamp(1.2rem, 1.9vw, 2.2rem); }
.stMain [data-testid="stCaptionContainer"] p { font-size: 1rem; }
html { font-size: 17px !important; }
</style>"""


def asked() -> str | None:
    """The story that the address asks to be presented."""
    found: str | None = st.query_params.get(STORY)
    if found is None:
        st.session_state.pop(STAGE, None)
        st.session_state.pop(SHOWN, None)
    else:
        st.session_state.setdefault(STAGE, WINDOW)
    return found


@st.cache_resource(show_spinner=False)
def _steps() -> dict[str, int]:
    """Where each story's presenter is, for the notes' window."""
    return {}


def present(page: StreamlitPage, pages: Mapping[str, StreamlitPage], name: str) -> None:
    """Shows the step of the address on its page, going there first if another page is open."""
    ws = workspace()
    st.html(CHROME)
    try:
        story = stories.story(ws, name)
    except ExplorerError as error:
        _ended_well(f"This workspace keeps no such story: the link was made on another one. {error}")
        return
    told = stories.told(ws, story)
    if not told:
        _ended_well(f"{story.title} has no steps yet. Add saved views to it on the Stories page.")
        return
    if NOTES in st.query_params:
        _notes(story, told)
        return
    step = _step(len(told))
    saved = told[step - 1].saved
    if saved is not None and saved.page not in pages:
        saved = None
    if saved is not None and name_of(page) != saved.page:
        st.switch_page(pages[saved.page], query_params={STORY: story.name, STEP: str(step)})
    _steps()[story.name] = step
    _bar(story, told, step)
    if saved is None:
        st.warning("The view of this step is kept no more.", icon=":material/link_off:")
        return
    st.session_state[PAGE], st.session_state[FIGURES] = saved.page, {}
    shown = (story.name, step, saved.view)
    if st.session_state.get(SHOWN) != shown:
        put(saved.page, saved.state)
        st.session_state[SHOWN] = shown
    lacking(ws, saved.state)
    page.run()


def _step(count: int) -> int:
    """The step of the address, from 1, within the story."""
    given = st.query_params.get(STEP, "1")
    return max(1, min(int(given) if given.isdecimal() and len(given) < 6 else 1, count))


def _bar(story: Story, told: list[Told], step: int) -> None:
    now = told[step - 1]
    component_presenting(
        key=BAR, story=story.title, title=now.saved.title if now.saved else "", step=step, total=len(told),
        notes=now.notes, window=f"?{STORY}={story.name}&{NOTES}=1", height=st.session_state[STAGE],
        on_stepped=_stepped, on_ended=_ended, on_sized=_sized)
    if st.session_state.pop(_OVER, False):
        st.session_state.pop(STAGE, None)
        st.switch_page("explorer/pages/stories.py")


_OVER = "stage_over"


def _stepped() -> None:
    if isinstance(step := heard(BAR, "stepped"), int):
        st.query_params[STEP] = str(step)


def _ended() -> None:
    st.session_state[_OVER] = True


def _sized() -> None:
    if isinstance(height := heard(BAR, "sized"), int):
        st.session_state[STAGE] = max(360, min(height, 4000))


def _ended_well(said: str) -> None:
    """Says why there is nothing to present, and leads back."""
    st.session_state.pop(STAGE, None)
    fail(said)
    st.markdown("[Saved views and stories](stories)")


def _notes(story: Story, told: list[Told]) -> None:
    """The notes of the presenter's present step, and what comes next; follows by itself."""

    @st.fragment(run_every=FOLLOWED)
    def shown() -> None:
        step = min(_steps().get(story.name, 1), len(told))
        now = told[step - 1]
        st.caption(f"{plain(story.title)} · {step} / {len(told)}")
        st.header(plain(now.saved.title if now.saved else "A view that is kept no more"))
        with st.container(key="stage_notes"):
            st.text(now.notes or "No notes for this step.")
        after = told[step].saved if step < len(told) else None
        st.caption(f"Next: {plain(after.title)}" if after else "This is the last step.")

    st.html("<style>.st-key-stage_notes * { font-size: 1.5rem !important; line-height: 1.5; white-space: pre-wrap; }"
            "</style>")
    shown()
