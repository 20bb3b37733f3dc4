"""What the server does before its first visitor and after its last: it opens the workspace and closes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from streamlit.starlette import App

from explorer.errors import ExplorerError
from explorer.pages import _session

_log = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_: App) -> AsyncIterator[None]:
    """Opens the workspace while the first browser is still loading its page; closes it with the server."""
    opening = asyncio.create_task(asyncio.to_thread(_open))
    try:
        yield
    finally:
        with suppress(asyncio.CancelledError):
            await opening
        await asyncio.to_thread(_session.close)


def _open() -> None:
    try:
        _session.opened()
    except ExplorerError as error:
        _log.warning("%s", error)  # every page says it too, and offers to try again
