"""Signing in for real: an identity provider on this machine, signed tokens, and the app in a browser."""

from __future__ import annotations

import re
import shutil

import pytest
from conftest import PATIENCE, serving
from provider import CLIENT, SECRET, providing
from visiting import at_rest

PEOPLE = {"Ada": {"email": "ada@lab.org", "email_verified": True, "name": "Ada Byron"},
          "Bob": {"email": "bob@lab.org", "email_verified": True, "name": "Bob"},
          "Eve": {"email": "ada@lab.org", "email_verified": False, "name": "Eve"}}
SECRETS = """[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "of a test, which is long enough for it"
client_id = "{client}"
client_secret = "{secret}"
server_metadata_url = "{provider}/.well-known/openid-configuration"

[explorer]
editors = ["ada@lab.org"]
viewers = ["@lab.org"]
contact = "ada@lab.org"
"""


@pytest.fixture(scope="module")
def app(chromium, made_workspace, tmp_path_factory):
    """The app where people sign in, and the provider."""
    folder = tmp_path_factory.mktemp("signing")
    with providing(PEOPLE) as provider:
        def options(port):
            (folder / "secrets.toml").write_text(SECRETS.format(port=port, client=CLIENT, secret=SECRET,
                                                                provider=provider.address))
            return ["--secrets.files", str(folder / "secrets.toml")]

        with serving(shutil.copytree(made_workspace, folder / "ws"), options) as (address, _):
            yield address, provider


@pytest.fixture
def visitor(chromium, app):
    """A browser that has never been here, at a page; no error may come of the app."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page, problems = context.new_page(), list[str]()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda e: problems.append(str(e)))
    yield page
    problems += page.locator('[data-testid="stException"]').all_inner_texts()
    context.close()
    assert not problems


def sign_in(page, name):
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=name).click()


def test_a_viewer_follows_a_link_through_the_sign_in_and_out_again(visitor, app):
    address, provider = app
    visitor.goto(f"{address}/compare?compare_task=toy&compare_a=&evil=//evil.invalid")
    visitor.get_by_text("it opens when you have signed in").wait_for()
    sign_in(visitor, "Bob")
    visitor.get_by_role("button", name="Bob").wait_for()
    visitor.wait_for_selector(".st-key-compare_groups .js-plotly-plot")
    assert re.match(re.escape(address) + r"/compare\?", visitor.url)
    assert "compare_a=&" in visitor.url + "&"
    assert "evil" not in visitor.url
    assert provider.redirects[-1] == f"{address}/oauth2callback"
    assert not [c for c in visitor.context.cookies() if c["name"] == "explorer_return"]
    visitor.goto(f"{address}/stories")
    visitor.get_by_role("button", name="New story").click()
    begin = visitor.get_by_role("button", name="Begin")
    begin.wait_for()
    assert begin.is_disabled()
    at_rest(visitor)
    visitor.keyboard.press("Escape")
    visitor.get_by_role("button", name="Bob").click()
    visitor.get_by_text("Viewer", exact=True).wait_for()
    visitor.get_by_role("button", name="Sign out").click()
    visitor.get_by_role("button", name="Sign in").wait_for()
    visitor.goto(f"{address}/catalog")
    visitor.get_by_role("button", name="Sign in").wait_for()


def test_an_editor_may_change_things(visitor, app):
    visitor.goto(f"{app[0]}/stories")
    sign_in(visitor, "Ada")
    visitor.get_by_role("button", name="New story").click()
    visitor.get_by_label("Title of the story").fill("Mine")
    visitor.get_by_role("button", name="Begin").click()
    visitor.get_by_role("button", name="Present").wait_for()


def test_an_address_that_is_not_verified_opens_nothing(visitor, app):
    visitor.goto(app[0])
    sign_in(visitor, "Eve")
    visitor.get_by_text("does not say that this address is verified").wait_for()
    assert visitor.get_by_role("button", name="Sign out").is_visible()
    assert not visitor.locator(".st-key-map").count()
