"""The way back after signing in: to pages of this app with parameters that it knows, and nowhere else."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.responses import PlainTextResponse, RedirectResponse

from explorer.pages._links import VIEWS
from explorer.pages._returning import COOKIE, LONGEST, NAMES, Returning, place_of

HOST = "127.0.0.1:8501"


def answer(app, path, **headers):
    """What the middleware makes of the app's answer: its headers, and the cookie that keeps a place."""
    sent = []

    async def send(message):
        sent.append(message)

    given = [(b"host", HOST.encode()), *((k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items())]
    scope = {"type": "http", "method": "GET", "path": path, "headers": given, "query_string": b"", "scheme": "http"}
    with ThreadPoolExecutor() as threads:
        threads.submit(asyncio.run, Returning(app)(scope, None, send)).result()
    found = {k.decode(): v.decode("latin-1") for k, v in sent[0]["headers"]}
    return found, SimpleCookie(found.get("set-cookie", "")).get(COOKIE)


def through(referer):
    """Where someone is sent who begins to sign in at that address."""
    _, cookie = answer(RedirectResponse("https://login.lab.org/authorize", 302), "/auth/login", referer=referer)
    found, forgotten = answer(RedirectResponse("/", 302), "/oauth2callback", cookie=f"{COOKIE}={cookie.value}")
    assert forgotten is None or not forgotten.value
    return found["location"]


@pytest.mark.parametrize(("page", "query"), [
    ("path", "zero=m0&one=m1&tasks=toy"), ("", "basket=a%2Cb"), ("merge", "view=abc123"), ("stories", ""),
    ("path", "zero=&one=m%20%22%3B%201"), ("", "present=first&step=3"), ("glossary", "")])
def test_a_link_comes_back_as_it_was(page, query):
    came = urlsplit(through(f"http://{HOST}/{page}?{query}"))
    assert (came.scheme, came.netloc, came.path) == ("", "", f"/{page}")
    assert parse_qsl(came.query, keep_blank_values=True) == parse_qsl(query, keep_blank_values=True)


@pytest.mark.parametrize("referer", [
    "", "https://evil.invalid/path?zero=m0", f"http://{HOST}@evil.invalid/path", f"http://{HOST}//evil.invalid/path",
    f"http://{HOST}/\\evil.invalid", f"javascript://{HOST}/path", f"http://{HOST}/oauth2callback?code=1", "http://[",
    f"http://{HOST}/path/../../x", f"http://{HOST}/path%0d%0aSet-Cookie:x=1", f"http://{HOST}/?next=//evil.invalid",
    "data:text/html,x"])
def test_what_is_no_place_of_this_app_leads_to_the_front_page(referer):
    assert through(referer) == "/"


@given(some.text(max_size=60), some.text(max_size=200))
def test_no_text_leads_elsewhere(path, query):
    """Whatever stands in a link or in a cookie: a page of this app, its parameters, in plain characters."""
    for place in (place_of(path, query), place_of("path", query)):
        found = urlsplit("/" + place)
        assert (found.scheme, found.netloc) == ("", "")
        assert found.path.strip("/") in {"", *NAMES}
        assert place.isascii()
        assert place.isprintable()
        assert set(dict(parse_qsl(found.query))) <= {"view", "present", "step", "notes"}.union(*VIEWS.values())
        assert place_of(found.path, found.query) == place
    sent, _ = answer(RedirectResponse("/", 302), "/oauth2callback", cookie=f"{COOKIE}={quote(path + '?' + query)}")
    assert sent["location"].startswith("/")
    assert not sent["location"].startswith("//")


def test_more_than_a_cookie_holds_keeps_the_page_alone():
    assert place_of("path", f"zero={'x' * LONGEST}") == "path"
    assert place_of("path", "&".join(["zero=1"] * 500)) == "path"


def test_other_answers_pass_as_they_are():
    there = quote("path?zero=m0")
    for app, path in ((PlainTextResponse("well"), "/auth/login"), (RedirectResponse("/", 302), "/path"),
                      (RedirectResponse("https://login.lab.org/", 302), "/oauth2callback")):
        sent, cookie = answer(app, path, cookie=f"{COOKIE}={there}", referer=f"http://{HOST}/path")
        assert cookie is None
        assert sent.get("location") in (None, "/", "https://login.lab.org/")
