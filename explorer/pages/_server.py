"""What the server does before its first visitor and after its last, and what it says of itself at `/healthz`.

While the first browser is still loading Streamlit, the workspace is opened, what the first pages need is imported, and
the first map is drawn: a visitor who comes before that waits for it a few seconds, then the page makes it itself.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import pkgutil
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict

import psutil
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit.starlette import App

from explorer import logs, pages
from explorer.components import serving
from explorer.errors import ExplorerError
from explorer.pages import _session
from explorer.pages._visitor import roles
from explorer.workflows.health import Health, health

_log = logging.getLogger(__name__)
LIBRARIES = ("scipy.stats", "sklearn.cluster", "pandas.io.formats.style")
"""What clusters are found and compared with, and tables of readings written: two seconds to import."""
NOBODY, DRAWN = 10.0, 3.0
"""Seconds until what later pages need is imported: after the first map where nobody comes, and after somebody came,
whose browser has the machine to itself while it draws."""


@asynccontextmanager
async def lifespan(_: App) -> AsyncIterator[None]:
    """Opens the workspace while the first browser is still loading its page; closes it with the server."""
    logs.begin()
    _signing_in()
    send_at_once()
    ending = threading.Event()
    packing = asyncio.create_task(asyncio.to_thread(serving.packed))
    opening = asyncio.create_task(asyncio.to_thread(_begin, ending))
    try:
        yield
    finally:
        ending.set()
        with suppress(asyncio.CancelledError):
            await opening
            await packing
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


def send_at_once() -> None:
    """Asks for no delay of small packets (TCP_NODELAY) on what this process listens at; connections inherit it.

    asyncio asks for it itself, but not where the socket was made without naming its protocol, as Streamlit makes its
    own: there each second packet of an answer would wait for the receipt of the first, up to 40 ms.
    """
    try:
        for one in psutil.Process().net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.fd >= 0:
                # a second descriptor of it, so that closing ours leaves it open
                with socket.fromfd(one.fd, one.family, one.type) as listening:
                    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (psutil.Error, OSError) as error:  # where a process may not list what it listens at, pages are slower
        _log.warning("packets may be delayed", extra={"facts": {"error": str(error)}})


def _signing_in() -> None:
    try:
        roles()
    except ExplorerError as error:
        _log.error("sign-in: %s", error)  # every page says that there is an error, and lets nobody in


def _begin(ending: threading.Event) -> None:
    """Opens the workspace and makes ready what visitors will ask for, the most urgent first."""
    try:
        with _session.making_ahead():
            if not _open():
                return
            _first_map()
        _keep_out_of_collections()
        if not _ended_first(ending):
            _libraries()
            _keep_out_of_collections()
    except Exception:  # noqa: BLE001 - whatever it is, pages do it when they are asked, and say there what is wrong
        _log.exception("preparing")


def _ended_first(ending: threading.Event) -> bool:
    """Waits as long as the first visitor needs the machine; whether the server ended meanwhile."""
    latest = time.monotonic() + NOBODY
    while not _session.visited() and time.monotonic() < latest:
        if ending.wait(0.1):
            return True
    return ending.wait(DRAWN)


def _open() -> bool:
    try:
        ws = _session.opened()
    except ExplorerError as error:
        _log.warning("workspace", extra={"facts": {"error": str(error)}})  # every page says it too, and how to mend it
        return False
    _log.info("workspace opened", extra={"facts": {"folder": str(ws.folder)}})
    return True


def _first_map() -> None:
    drawing = importlib.import_module("explorer.pages._map_drawing")
    if (ws := _session.held()) is not None:
        drawing.first_map(ws)


def _libraries() -> None:
    """Imports what the other pages import when they are first opened, and LIBRARIES."""
    for module in pkgutil.iter_modules(pages.__path__):
        if module.name.startswith("_"):
            importlib.import_module(f"{pages.__name__}.{module.name}")
    for name in LIBRARIES:
        importlib.import_module(name)


def _keep_out_of_collections() -> None:
    """What is there now stays: Streamlit collects garbage after every run of a page, and would look at all of it."""
    gc.collect()
    gc.freeze()
