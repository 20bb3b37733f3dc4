"""A link outlives signing in: who follows one and has to sign in first comes to what it names, not to the front page.

Streamlit sends everybody who has signed in to the front page. Here the request that begins signing in says, as its
referrer, on which page that was; a cookie keeps it for some minutes, and the way back leads there. Kept are the name of
a page of this app and parameters that it knows, written anew on both ways: no text of a link or of a cookie becomes an
address by itself, and what the parameters hold is read as that of any link is.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.components import serving
from explorer.pages._links import FIRST_PAGE, STORED, VIEWS
from explorer.pages._presenting import NOTES, STEP, STORY
from explorer.workflows.roles import CALLBACK

SIGNING_IN = "/auth/login"
COOKIE = "explorer_return"
MINUTES = 15
LONGEST = 3000
"""Characters that are kept; a browser drops a cookie of 4096. Links of this app are shorter."""
NAMES = frozenset(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))


class Returning:
    """The middleware that does this; requests for other addresses pass it as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root, path = _root(), scope.get("path", "")
        if scope["type"] != "http" or path not in (root + SIGNING_IN, root + CALLBACK):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        begins = path == root + SIGNING_IN
        place = _asked(headers, root) if begins else _kept(headers)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (302, 303, 307):
                answer = MutableHeaders(scope=message)
                if begins:
                    answer.append("set-cookie", _cookie(place, root, scope.get("scheme") == "https"))
                elif place and answer.get("location") == f"{root}/":
                    answer["location"] = f"{root}/{place}"
                    answer.append("set-cookie", _cookie("", root, scope.get("scheme") == "https"))
            await send(message)

        await self._app(scope, receive, sent)


def returning() -> list[Middleware]:
    """The middleware of the app, as `gate` gives its own."""
    return [Middleware(Returning)]


def place_of(path: str, query: str) -> str:
    """A path below the app's root and its parameters → the same as an address of this app, without what it does not
    know; "" for the front page as it begins, and for what is none of its pages."""
    name = path.strip("/")
    if name and name not in NAMES:
        return ""
    known = {*VIEWS.get(name or FIRST_PAGE, {}), STORED, STORY, STEP, NOTES}
    try:
        said = parse_qsl(query, keep_blank_values=True, max_num_fields=200, errors="strict")
        given = {key: value for key, value in said if key in known}
    except ValueError:  # text that is none, or more parameters than a page has
        given = {}
    place = name + (f"?{urlencode(given, quote_via=quote)}" if given else "")
    return place if len(place) <= LONGEST else name


def _asked(headers: Mapping[str, str], root: str) -> str:
    """The place of this app from which a request comes; "" where it comes from elsewhere or does not say."""
    try:
        came = urlsplit(headers.get("referer", ""))
    except ValueError:
        return ""
    if came.scheme not in ("http", "https") or came.netloc != headers.get("host"):
        return ""
    inside = came.path == root or came.path.startswith(f"{root}/")
    return place_of(came.path.removeprefix(root), came.query) if inside else ""


def _kept(headers: Mapping[str, str]) -> str:
    try:
        kept = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    path, _, query = unquote(kept.value).partition("?") if kept else ("", "", "")
    return place_of(path, query)


def _cookie(place: str, root: str, encrypted: bool) -> str:
    """The header that keeps a place, or that forgets it where there is none."""
    lasts = f"Max-Age={60 * MINUTES if place else 0}"
    # the provider sends people back from its own site: with a stricter rule the cookie would not come along
    return (f"{COOKIE}={quote(place, safe='')}; Path={root}{CALLBACK}; {lasts}; HttpOnly; SameSite=Lax"
            f"{'; Secure' if encrypted else ''}")


def _root() -> str:
    return serving.root().rstrip("/")
