"""Signing in for real: an identity provider on this machine, signed tokens, and the app in a browser."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.request import urlopen

import pytest
from opening import PATIENCE, serving
from provider import CLIENT, SECRET, providing
from visiting import at_rest

from explorer import workflows

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
    """The app where people sign in, the provider, and the models that there are."""
    folder = tmp_path_factory.mktemp("signing")
    workspace = shutil.copytree(made_workspace, folder / "ws")
    ws = workflows.open_workspace(workspace)
    models = [c.id for c in ws.catalog.checkpoints()]
    ws.close()
    with providing(PEOPLE) as provider:
        def options(port):
            (folder / "secrets.toml").write_text(SECRETS.format(port=port, client=CLIENT, secret=SECRET,
                                                                provider=provider.address))
            return ["--secrets.files", str(folder / "secrets.toml")]

        with serving(workspace, options) as (address, _):
            yield address, provider, models


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
    address, provider, models = app
    link = f"{address}/compare?compare_a={models[4]}&compare_b={models[1]}&compare_task=toy"
    visitor.goto(f"{link}&evil=//evil.invalid")
    visitor.get_by_text("it opens when you have signed in").wait_for()
    sign_in(visitor, "Bob")
    visitor.get_by_role("button", name="Bob").wait_for()
    visitor.wait_for_selector(".st-key-compare_groups .js-plotly-plot")
    assert visitor.url == link
    assert provider.redirects[-1] == f"{address}/oauth2callback"
    assert not [c for c in visitor.context.cookies() if c["name"] == "explorer_return"]
    visitor.goto(f"{address}/catalog")
    visitor.get_by_role("tab", name="Import").click()
    sending = visitor.get_by_test_id("stFormSubmitButton").get_by_role("button", name="Import")
    sending.wait_for()
    assert sending.is_disabled()
    at_rest(visitor)
    visitor.get_by_role("button", name="Bob").click()
    visitor.get_by_text("Looks at everything and measures up to 400 points").wait_for()
    visitor.get_by_role("button", name="Sign out").click()
    visitor.get_by_role("button", name="Sign in").wait_for()
    visitor.goto(f"{address}/catalog")
    visitor.get_by_role("button", name="Sign in").wait_for()


def test_an_editor_may_change_things(visitor, app):
    visitor.goto(f"{app[0]}/compare")
    sign_in(visitor, "Ada")
    visitor.wait_for_selector(".st-key-compare_groups .js-plotly-plot")
    at_rest(visitor)
    visitor.get_by_role("button", name="Share").click()
    visitor.get_by_role("button", name="Save view").click()
    visitor.get_by_text("Saved as").wait_for()


def test_an_address_that_is_not_verified_opens_nothing(visitor, app):
    visitor.goto(app[0])
    sign_in(visitor, "Eve")
    visitor.get_by_text("does not say that this address is verified").wait_for()
    visitor.get_by_role("button", name="Sign out").wait_for()
    assert not visitor.locator(".st-key-map").count()


def test_what_is_answered_without_signing_in_names_nobody_and_nothing(app):
    """After people have been here: whoever watches over the server learns numbers."""
    address, _, models = app
    names = ("lab.org", "Byron", "Bob", "toy", *models, str(Path.cwd()))
    for path in ("healthz", "_stcore/health", "_stcore/metrics", "_stcore/host-config", "", "compare?compare_task=toy"):
        with urlopen(f"{address}/{path}", timeout=30) as answered:
            text = answered.read().decode()
        assert not [name for name in names if name in text], path
