"""What was saved to be shown: views as cards, and stories made of them, ready to be presented."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from explorer import workflows
from explorer.errors import ExplorerError
from explorer.pages._links import STORED
from explorer.pages._pressing import pressed, submitted
from explorer.pages._saving import address
from explorer.pages._session import dark, fail, plain, workspace
from explorer.pages._visitor import editors
from explorer.types import SavedView, Step, Story
from explorer.workflows import stories, telling
from explorer.workflows.stories import Here

ICONS = {"map": ":material/scatter_plot:", "path": ":material/timeline:", "mix": ":material/tune:",
         "merge": ":material/merge:", "clusters": ":material/hive:", "region": ":material/bubble_chart:",
         "barriers": ":material/fence:", "surface": ":material/landscape:", "claims": ":material/fact_check:",
         "start_points": ":material/flag:"}
CHOSEN, ASKED, NEW_TITLE = "story", "story_asked", "story_new"
COLUMNS = 3
STYLE = """<style>
.wse-sketch { display: block; width: 100%; aspect-ratio: 16 / 9; object-fit: contain; border-radius: .35rem;
  background: rgb(127 137 155 / .09); }
[class*="st-key-blank_"] { aspect-ratio: 16 / 9; border-radius: .35rem; background: rgb(127 137 155 / .09);
  align-items: center; justify-content: center; }
[class*="st-key-blank_"] span[role=img] { font-size: 2.6rem; opacity: .55; }
[class*="st-key-card_"] p { overflow-wrap: anywhere; }
</style>"""


def when(made: str) -> str:
    """A time as the list of views shows it, in UTC."""
    at = datetime.fromisoformat(made).astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M}"


def page_name(name: str) -> str:
    return name.replace("_", " ").capitalize()


def card(ws: workflows.Workspace, here: Here, saved: SavedView, story: Story | None) -> None:
    """One view: its picture, what it is, and what can be done with it."""
    with st.container(border=True, key=f"card_{saved.name}", gap="small"):
        thumbnail(saved)
        st.markdown(f"**{plain(saved.title)}**")
        st.caption(f"{page_name(saved.page)} · {when(saved.made)} UTC" + (f"  \n{plain(saved.note)}" if saved.note
                                                                         else ""))
        if said := stories.absent(here, saved.state):
            st.caption(f":material/link_off: {plain(said)}")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(f"explorer/pages/{saved.page}.py", label="Open", icon=":material/open_in_new:",
                         query_params={STORED: saved.view})
            st.button("Add", key=f"add_{saved.name}", icon=":material/playlist_add:",
                      **editors(disabled=story is None, help="As the last step of the story beside." if story else
                                "Begin a story first."), on_click=rearrange, args=(ws, story.name if story else "",
                                                lambda steps: (*steps, Step(saved.name))))
            with st.popover("", icon=":material/more_horiz:", type="tertiary", help="Rename, remove"):
                edited(ws, saved)


def thumbnail(saved: SavedView) -> None:
    if saved.sketch:
        picture = base64.b64encode(saved.sketch.encode()).decode()
        st.html(f'<img class="wse-sketch" alt="" src="data:image/svg+xml;base64,{picture}">')
        return
    with st.container(key=f"blank_{saved.name}", horizontal=True):
        st.markdown(ICONS.get(saved.page, ":material/bookmark:"))


def edited(ws: workflows.Workspace, saved: SavedView) -> None:
    with st.form(f"edit_{saved.name}", border=False):
        fields = [f"view_title_{saved.name}", f"view_note_{saved.name}"]
        st.text_input("Title", saved.title, key=fields[0], max_chars=stories.LONGEST)
        st.text_area("Note", saved.note, key=fields[1])
        if given := submitted("Save", key=f"view_save_{saved.name}", fields=fields, icon=":material/check:",
                              **editors()):
            try:
                stories.change_view(ws, saved, *given)
            except ExplorerError as error:
                fail(error)
            else:
                st.rerun()
    st.button("Remove", key=f"remove_{saved.name}", icon=":material/delete:", on_click=tried,
              args=(stories.remove_view, ws, saved),
              **editors(help="Takes it off this list. Stories that show it keep it."))


def choose(ws: workflows.Workspace) -> Story | None:
    """The story that is looked at: one of those there are, or a new one."""
    known = {s.name: s for s in stories.stories(ws)}
    if (asked := st.session_state.pop(ASKED, None)) in known:
        st.session_state[CHOSEN] = asked
    if known and st.session_state.get(CHOSEN) not in known:
        st.session_state[CHOSEN] = next(reversed(known))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if known:
            st.selectbox("Story", list(reversed(known)), format_func=lambda name: known[name].title, key=CHOSEN,
                         persist_state="session", width="stretch")
        with st.popover("New story", icon=":material/add:"), st.form("new_story", border=False, clear_on_submit=True):
            st.text_input("Title of the story", key=NEW_TITLE, max_chars=stories.LONGEST)
            if given := submitted("Begin", key="new_story_go", fields=[NEW_TITLE], icon=":material/check:",
                                  type="primary", **editors()):
                try:
                    st.session_state[ASKED] = stories.begin_story(ws, *given).name
                except ExplorerError as error:
                    fail(error)
                else:
                    st.rerun()
    return known.get(st.session_state.get(CHOSEN, ""))


def shown(ws: workflows.Workspace, story: Story) -> None:
    """A story: Present, its steps in order with notes, and its link."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if pressed("Present", key="present", of=story.name, icon=":material/play_arrow:", type="primary",
                   disabled=not story.steps,
                   help="Full width, without controls. Arrow or page keys step, N shows notes, F fills the screen, "
                   "Escape ends."):
            st.switch_page("explorer/pages/map.py", query_params={"present": story.name, "step": "1"})
        with st.popover("Link and file", icon=":material/link:", disabled=not story.steps):
            st.caption("Presents the story")
            st.code(address("", {"present": story.name}), language=None)
            st.caption("Speaker's notes, for a second window: follows the presentation")
            st.code(address("", {"present": story.name, "notes": "1"}), language=None)
            look = dark()
            st.caption("One HTML file of about 5 MB that needs no network: maps and paths stay alive, other pages are "
                       "shown as they were when they were saved.")
            st.download_button("Download", lambda: telling.html(ws, story, look).encode(), "story.html", "text/html",
                               icon=":material/download:", key="story_file", on_click="ignore")
        with st.popover("", icon=":material/more_horiz:", type="tertiary", help="Rename, remove"):
            title = st.text_input("Title", story.title, key=f"title_{story.name}", max_chars=stories.LONGEST,
                                  **editors())
            if title != story.title:
                save(ws, replace(story, title=title))
            st.button("Remove the story", icon=":material/delete:", **editors(help="Its views stay."),
                      on_click=tried, args=(stories.remove_story, ws, story))
    told = stories.told(ws, story)
    if not told:
        st.caption("No steps yet: add views from the left.")
    for i, step in enumerate(told):
        one_step(ws, story, i, step)


def one_step(ws: workflows.Workspace, story: Story, i: int, step: stories.Told) -> None:
    """A row: its place and title, moving and removing it, and its notes."""
    saved = step.saved
    with st.container(border=True, key=f"step_{i}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            icon = ICONS.get(saved.page, "") if saved else ":material/link_off:"
            title = plain(saved.title) if saved else ":material/link_off: A view that is kept no more"
            st.markdown(f"{i + 1}\u2002{icon} {title}", width="stretch")
            for by, name, sign, off in ((-1, "Up", "arrow_upward", i == 0),
                                        (1, "Down", "arrow_downward", i == len(story.steps) - 1)):
                st.button("", key=f"{name}_{i}", icon=f":material/{sign}:", type="tertiary",
                          **editors(disabled=off, help=f"{name}: step {i + 1}"), on_click=rearrange,
                          args=(ws, story.name, partial(stories.moved, place=i, by=by)))
            st.button("", key=f"out_{i}", icon=":material/close:", type="tertiary",
                      **editors(help=f"Take step {i + 1} out"), on_click=rearrange,
                      args=(ws, story.name, lambda steps: (*steps[:i], *steps[i + 1:])))
        # the key holds what is written, so that a row that moves brings its notes along
        key = f"notes_{story.name}_{i}_{story.steps[i].view}_{step.notes}"
        st.text_area(f"Notes to step {i + 1}", step.notes, placeholder="Speaker's notes …", height=68, key=key,
                     label_visibility="collapsed", on_change=noted, args=(ws, story.name, i, key), **editors())


def noted(ws: workflows.Workspace, name: str, place: int, key: str) -> None:
    """Write the notes of a step as they were typed, before anything else that was asked for."""
    notes = st.session_state[key]
    rearrange(ws, name, lambda steps: (*steps[:place], replace(steps[place], notes=notes), *steps[place + 1:]))


def rearrange(ws: workflows.Workspace, name: str, change: Callable[[tuple[Step, ...]], tuple[Step, ...]]) -> None:
    """Change a story's steps as they are now; a callback, so that quick clicks one after the other all count."""
    now = stories.story(ws, name)
    tried(stories.change_story, ws, replace(now, steps=change(now.steps)))


def tried(verb: Callable[..., object], *args: object) -> None:
    """A verb as a callback: what it refuses is said on the page."""
    try:
        verb(*args)
    except ExplorerError as error:
        fail(error)


def save(ws: workflows.Workspace, story: Story) -> None:
    try:
        stories.change_story(ws, story)
    except ExplorerError as error:
        fail(error)
    else:
        st.rerun()


def show() -> None:
    ws = workspace()
    saved = stories.saved_views(ws)
    if not saved and not stories.stories(ws):
        st.info("Nothing is saved yet. On any page with a figure, open **Share** at the top right and save the view; "
                "saved views come here, and become a story in any order.", icon=":material/slideshow:")
        return
    st.html(STYLE)
    here = stories.here(ws)
    left, right = st.columns([1.9, 1], gap="large")
    with right:
        st.subheader("Story")
        story = choose(ws)
        if story is not None:
            shown(ws, story)
        else:
            st.caption("A story is saved views in an order, to be presented. Begin one, then add views to it.")
    with left:
        st.subheader(f"Saved views · {len(saved)}")
        for first in range(0, len(saved), COLUMNS):
            for column, view in zip(st.columns(COLUMNS), saved[first:first + COLUMNS], strict=False):
                with column:
                    card(ws, here, view, story)


show()
