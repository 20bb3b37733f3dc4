"""Routes of the app's server for the browser side: our JavaScript and the plotly.js of the installed package.

Addresses hold a hash of what they name, so that browsers may keep it for good and never show an old one.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

import anyio
import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

BROWSER = Path(__file__).parent / "browser"
# found without importing it: the library itself is for figures alone
PLOTLY = Path(str(find_spec("plotly").origin)).parent / "package_data" / "plotly.min.js"  # type: ignore[union-attr]
PREFIX = "explorer-files"
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_packing = Lock()


@cache
def version() -> str:
    """Hash of everything that is served, 16 characters."""
    files = [*sorted(BROWSER.iterdir()), PLOTLY]
    # the library's own file is known by its size and date: hashing five megabytes would delay the first page
    parts = [f.read_bytes() if f.parent == BROWSER else str(f.stat().st_size).encode() for f in files]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def address(name: str) -> str:
    """The address of a file below the app's own, without a leading slash."""
    return f"{PREFIX}/{version()}/{name}"


def routes() -> list[Route]:
    """What the server must answer besides Streamlit's own addresses."""
    return [Route(f"/{PREFIX}/{{version}}/{{name}}", _file)]


def ahead() -> str:
    """The `Link` header of a page that will draw: the chart library is fetched while Streamlit's own files are."""
    return f"<{root()}{address(PLOTLY.name)}>; rel=preload; as=script; fetchpriority=low"


def root() -> str:
    """The path below which the app lies on its server, with slashes around it."""
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}/" if base else "/"


def packed() -> bytes:
    """The chart library compressed, once for all visitors: it takes a tenth of a second."""
    with _packing:
        return _packed()


@cache
def _packed() -> bytes:
    return gzip.compress(PLOTLY.read_bytes(), 4)


async def _file(request: Request) -> Response:
    """One of our files or plotly.js, by its exact name; everything else is not there."""
    known = {f.name: f for f in BROWSER.iterdir()} | {PLOTLY.name: PLOTLY}
    found = known.get(request.path_params["name"])
    if found is None:
        return PlainTextResponse("there is no such file", 404)
    current = request.path_params["version"] == version()
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache"}
    kind = _TYPES[found.suffix]
    if found == PLOTLY and "range" not in request.headers and "gzip" in request.headers.get("accept-encoding", ""):
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(await anyio.to_thread.run_sync(packed), media_type=kind, headers=headers)
    return FileResponse(found, media_type=kind, headers=headers)
