"""What every request passes: the host it asks for must be one of ours, and answers tell the browser what it may load.
Files that are sent here are not taken.

Streamlit checks hosts for the WebSocket alone; here every address is checked by the same list (`server.allowedHosts`).
With the policy a browser loads from this server only, so that no name or text can make it ask another one.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from explorer.components import serving

POLICY = "; ".join((
    # Streamlit's page begins with inline scripts, and its components are modules made in the browser
    "default-src 'self'", "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:", "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:", "font-src 'self' data:", "media-src 'self' data: blob:",
    "connect-src 'self' data: blob:", "worker-src 'self' blob:", "frame-src 'self' data: blob:", "object-src 'none'",
    "base-uri 'self'", "form-action 'self'", "frame-ancestors 'self'"))
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN", "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()"}
UPLOADS = "/_stcore/upload_file"
"""Streamlit takes files into memory here from every open page, also from one that shows the sign-in alone; no page of
this app asks for any."""


class Gate:
    """The middleware that does this."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # Streamlit asks WebSockets itself
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Link"] = serving.ahead()
            await send(message)

        refused = None
        if not is_host_allowed(Headers(scope=scope).get("host")):
            refused = PlainTextResponse("This server does not answer under this name (server.allowedHosts).", 403)
        elif UPLOADS in scope["path"]:
            refused = PlainTextResponse("This server takes no uploads; models and tables are named by paths.", 403)
        await (refused or self._app)(scope, receive, sent)


def gate() -> list[Middleware]:
    """The middleware of the app."""
    return [Middleware(Gate)]
