"""What the server does before its first visitor and after its last, and what it says of itself at `/healthz`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit.starlette import App

from explorer import logs
from explorer.errors import ExplorerError
from explorer.pages import _session
from explorer.pages._visitor import roles
from explorer.workflows.health import Health, health

_log = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_: App) -> AsyncIterator[None]:
    """Opens the workspace while the first browser is still loading its page; closes it with the server."""
    logs.begin()
    _signing_in()
    opening = asyncio.create_task(asyncio.to_thread(_open))
    try:
        yield
    finally:
        with suppress(asyncio.CancelledError):
            await opening
        await asyncio.to_thread(_session.close)


def routes() -> list[Route]:
    """What is answered to whoever watches over the server."""
    return [Route("/healthz", _healthz)]


async def _healthz(_: Request) -> Response:
    """200 and numbers while the workspace is open, 503 while it is not: no name of a model, file or viewer."""
    try:
        found = await asyncio.to_thread(_health)
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is that the server can't work
        _log.exception("health")
        return JSONResponse({"status": "failed", "error": type(error).__name__}, 503)
    if found is None:
        return JSONResponse({"status": "no workspace"}, 503)
    return JSONResponse({"status": "ok", **asdict(found)})


def _health() -> Health | None:
    ws = _session.held()
    return None if ws is None else health(ws)


def _signing_in() -> None:
    try:
        roles()
    except ExplorerError as error:
        _log.error("sign-in: %s", error)  # every page says that there is an error, and lets nobody in


def _open() -> None:
    try:
        ws = _session.opened()
    except ExplorerError as error:
        _log.warning("workspace", extra={"facts": {"error": str(error)}})  # every page says it too, and how to mend it
    else:
        _log.info("workspace opened", extra={"facts": {"folder": str(ws.folder)}})
