"""The app where people sign in: before, as viewer, as editor; and as ever where nobody does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.backends import Work
from explorer.errors import InputError, UnavailableError
from explorer.pages import _session, _visitor
from explorer.workflows import stories

APP = Path(__file__).parents[2] / "app.py"
SECRETS = {
    "auth": {"redirect_uri": "http://localhost:8501/oauth2callback", "cookie_secret": "s" * 40, "client_id": "explorer",
             "client_secret": "secret", "server_metadata_url": "https://login.lab.org/.well-known/openid-configuration"},
    "explorer": {"editors": ["ada@lab.org"], "viewers": ["@lab.org"], "contact": "ada@lab.org",
                 "limits": {"jobs": 2, "points": 3}}}
ADA = {"is_logged_in": True, "email": "Ada@lab.org", "email_verified": True, "name": "Ada", "sub": "1"}
BOB = {"is_logged_in": True, "email": "bob@lab.org", "email_verified": True, "name": "Bob *B*", "sub": "2"}


@pytest.fixture
def secrets(app, monkeypatch):
    """Sets the secrets of the server; without any, nobody signs in."""
    def set_to(given):
        monkeypatch.setattr(_visitor, "secrets", lambda: given)
        _visitor.forget()

    monkeypatch.setattr(_visitor, "is_authlib_installed", lambda: True)
    set_to(SECRETS)
    yield set_to
    _visitor.forget()


@pytest.fixture
def visit(app, secrets):
    """A page as a visitor sees it, of whom the provider says `user` (None: not signed in)."""
    def run(page="map", user=None, **state):
        tested = AppTest.from_file(str(APP), default_timeout=60)
        tested.user = user or {}
        for key, value in state.items():
            tested.session_state[key] = value
        return (tested if page == "map" else tested.switch_page(f"explorer/pages/{page}.py")).run()

    return run


def button(tested: AppTest, label: str):
    return next(b for b in tested.button if re.search(label, b.label))


def words(tested: AppTest) -> str:
    return " ".join(e.value for kind in (tested.markdown, tested.title, tested.caption, tested.error) for e in kind)


def test_where_nobody_signs_in_nothing_is_different(visit, secrets):
    secrets({})
    tested = visit("catalog")
    assert not [b for b in tested.button if "Sign" in b.label]
    assert not button(tested, "^Import$").disabled
    assert _session.opened() is _session._mine(_session.opened(), _visitor.EVERYTHING)


@pytest.mark.parametrize("page", ["map", "catalog"])
def test_who_is_not_signed_in_sees_how_to_and_nothing_else(visit, page):
    tested = visit(page)
    assert [b.label for b in tested.button] == ["Sign in"]
    assert not tested.exception
    assert not tested.caption
    assert _session.held() is None


@pytest.mark.parametrize("user", [{**BOB, "email": "eve@evil.org"}, {**BOB, "email_verified": False},
                                  {**ADA, "email_verified": False}, {**ADA, "is_logged_in": "yes"}])
def test_strangers_and_unverified_addresses_see_no_page(visit, user):
    tested = visit(user=user)
    assert [b.label for b in tested.button] in (["Sign out"], ["Sign in"])
    assert _session.held() is None
    if user["is_logged_in"] is True:
        assert "No access" in words(tested)
        assert "Ask ada" in words(tested)


@pytest.mark.parametrize("given", [{**SECRETS, "explorer": {"editor": ["ada@lab.org"]}}, {"auth": SECRETS["auth"]},
                                   {"explorer": SECRETS["explorer"]}])
def test_settings_that_are_wrong_let_nobody_in(visit, secrets, given):
    secrets(given)
    tested = visit(user=ADA)
    assert "Nobody can sign in yet" in words(tested)
    assert "editor" not in words(tested)
    assert not tested.button
    assert _session.held() is None


def test_a_host_that_is_not_answered_and_a_package_that_is_not_there_are_told(visit, secrets, monkeypatch):
    secrets({**SECRETS, "auth": {**SECRETS["auth"], "redirect_uri": "https://explorer.lab.org/oauth2callback"}})
    with pytest.raises(InputError, match="--allow-host"):
        _visitor.roles()
    secrets(SECRETS)
    monkeypatch.setattr(_visitor, "is_authlib_installed", lambda: False)
    with pytest.raises(UnavailableError, match="Authlib"):
        _visitor.roles()
    assert "Nobody can sign in yet" in words(visit(user=ADA))


def test_secrets_that_cannot_be_read_are_not_taken_for_none(tmp_path):
    file = tmp_path / "secrets.toml"
    file.write_text("[auth\n", encoding="utf-8")
    before = st.get_option("secrets.files")
    st.secrets._reset()
    st.config.set_option("secrets.files", [str(file)])
    try:
        with pytest.raises(InputError, match="can't be read"):
            _visitor.secrets()
    finally:
        st.config.set_option("secrets.files", before)
        st.secrets._reset()


def test_a_viewer_sees_who_they_are_and_cannot_change_anything(visit):
    tested = visit("catalog", BOB)
    assert not tested.exception
    assert "Looks at everything and measures up to 3 points" in words(tested)
    assert not button(tested, "Sign out").disabled
    for label in ("^Import$", "^Add$"):
        assert button(tested, label).disabled
        assert "Editors only; ask ada@lab.org" in button(tested, label).help
    ws = _session.opened()
    stories.begin_story(ws, "Tuesday")
    tested = visit("stories", BOB)
    assert button(tested, "Begin").disabled
    assert button(tested, "Remove the story").disabled


def test_what_a_page_forgets_to_disable_is_refused_in_a_line(visit, monkeypatch):
    monkeypatch.setattr(_visitor, "editors", lambda **given: {"disabled": False, "help": None})
    tested = visit("catalog", BOB)
    tested.text_area[0].set_value("somewhere")
    button(tested, "^Import$").click().run()
    assert not tested.exception
    assert "importing models is for editors" in words(tested).replace("\\", "")
    stories.begin_story(_session.opened(), "Tuesday")
    tested = visit("stories", BOB)
    button(tested, "Remove the story").click().run()
    assert not tested.exception
    assert "is for editors" in words(tested).replace("\\", "")
    assert stories.stories(_session.opened())


def test_an_editor_may(visit):
    tested = visit("catalog", ADA)
    assert not button(tested, "^Import$").disabled
    assert "May do everything here" in words(tested)


def test_a_path_beyond_a_viewers_points_is_refused_in_a_line(visit):
    tested = visit("map", BOB)
    for _ in range(2):
        tested.selectbox(key="add").select_index(0).run()
    assert not tested.exception
    assert "a viewer may ask for 3" in words(tested).replace("\\", "")


def test_what_is_more_than_a_viewers_points_cannot_be_asked_for(visit):
    tested = visit("region", BOB, auto=False)
    measure = button(tested, "^Measure")
    assert measure.disabled
    assert "Viewers may measure up to 3 points at once" in measure.help
    assert not button(visit("region", ADA, auto=False), "^Measure").disabled


def test_a_viewer_may_not_end_anothers_job(visit, monkeypatch):
    tested = visit("jobs", BOB)
    backend = _session.opened().backend
    monkeypatch.setattr(backend, "_run", lambda job: None)
    for owner in ("", _visitor.roles().permit(BOB).owner):
        backend.submit(Work("Waits", "explorer.evaluation.work:evaluate", None), owner=owner)
    tested = visit("jobs", BOB)
    assert [(b.disabled, b.help) for b in tested.button if b.label == "Cancel"] == [
        (True, "Not yours. Editors only; ask ada@lab.org."), (False, "")]
    assert [b.disabled for b in visit("jobs", ADA).button if b.label == "Cancel"] == [False, False]
    for job in backend.jobs():
        job.end("cancelled")
