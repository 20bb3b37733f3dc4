"""Presses that wait: acted on once, where their buttons stand, with what they were about; else told."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import explorer.pages

PAGES = sorted(Path(explorer.pages.__file__).parent.glob("*.py"))


def script() -> None:
    """A page with a button, a form and controls; `cut` ends its runs before them, as a run is that another takes over
    from."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, RerunException, StopException

    from explorer.pages._pressing import heeded, pressed, stopped, submitted

    state = st.session_state
    done = state.setdefault("done", [])
    with heeded(state.get("page", "map")):
        if cut := state.pop("cut", 0):
            if state.pop("empty", False):
                state["name"] = ""
            if cut == "stop":
                raise StopException
            raise RerunException(RerunData())
        if state.pop("stop", False):
            stopped()
        number = st.number_input("Number", 0, 9, key="number")
        if state.get("there", True) and pressed("Go", key="go", of=number, disabled=state.get("off", False)):
            done.append(number)
        with st.form("form"):
            st.text_input("Name", key="name")
            if given := submitted("Keep", key="keep", fields=["name"]):
                done.append(given)


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_function(script).run()


def state_of(tested: AppTest, **entries: object) -> AppTest:
    for key, value in entries.items():
        tested.session_state[key] = value
    return tested


def done(tested: AppTest) -> list[object]:
    assert not tested.exception
    return list(tested.session_state["done"])


def test_a_press_acts_once(page: AppTest) -> None:
    page.button(key="go").click().run()
    assert done(page) == [0]
    assert done(page.run().run()) == [0]
    page.button(key="go").click().run()
    assert done(page) == [0, 0]
    assert not page.toast


@pytest.mark.parametrize("how", ["rerun", "stop"])
def test_a_press_waits_for_a_run_that_comes_to_it(page: AppTest, how: str) -> None:
    """A run that another one takes over from is ended by either; where it is stopped, the other may be ahead."""
    state_of(page, cut=how).button(key="go").click().run()
    if how == "stop":
        page.run()
    assert done(page) == [0]
    assert not page.toast


def test_a_press_for_something_else_than_is_there_now_is_told(page: AppTest) -> None:
    page.button(key="go").click()
    page.number_input(key="number").set_value(3).run()  # both arrive together, the button was drawn for 0
    assert done(page) == []
    assert "has changed" in page.toast[0].value
    page.button(key="go").click().run()
    assert done(page) == [3]


@pytest.mark.parametrize("entries", [{"there": False}, {"page": "path"}, {"stop": True}])
def test_a_press_whose_button_is_gone_is_told_and_never_fires(page: AppTest, entries: dict[str, object]) -> None:
    state_of(page, **entries).button(key="go").click().run()
    told = [t.value for t in page.toast]
    state_of(page, there=True, page="map").run()
    assert any("not done" in text for text in [*told, *(t.value for t in page.toast)])
    assert done(page) == []
    assert not page.run().toast


def test_a_button_that_is_disabled_by_now_does_not_act(page: AppTest) -> None:
    state_of(page, off=True).button(key="go").click().run()
    assert done(page) == []
    assert page.toast
    state_of(page, off=False).run()
    assert done(page) == []


def test_a_form_gives_what_stood_in_it_when_it_was_sent(page: AppTest) -> None:
    page.text_input(key="name").set_value("mine")
    state_of(page, cut=1, empty=True).button(key="keep").click().run()
    assert done(page) == [("mine",)]


@pytest.mark.parametrize("file", PAGES, ids=lambda p: p.stem)
def test_no_page_reads_a_press_that_can_be_lost(file: Path) -> None:
    """A button is drawn for its callback alone, or by `_pressing`; what `st.button` gives is read nowhere."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    drawn = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    read = [f"{file.name}:{node.lineno}" for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("button", "form_submit_button", "download_button", "chat_input")
            and id(node) not in drawn]
    assert not read, f"{', '.join(read)}: use `pressed` or `submitted`, or a callback"
