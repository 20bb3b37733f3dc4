"""How soon pages are there, and how much they send: the demo in a real browser, beside an empty Streamlit page.

    python tests/benchmarks/page.py [--json]

Server, its workers and the browser share two cores. A cold server has just begun to answer and nobody has visited it;
the browser's cache is empty then and warm for the switches, which are clicks in the navigation. A page is there when
its script has run to the end and its large figure is drawn. Bytes are what came over the wire, files (compressed) and
messages, until then. The empty page is an app of two pages with a heading each, measured in the same way.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("EXPLORER_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--js-flags=--no-enable-lazy-source-positions"]
"""The last makes a browser that is driven by a program as quick as one that is not: for the driver it keeps where every
error came from, and plotly.js, which raises a few while it is read, would be read twice (1.5 s of the processor; 0.75 s
with the flag, and without a driver with or without it)."""
COMPONENT, PATIENCE = ".wse .main-svg", 60_000
PAGES: Mapping[str, str] = {
    "path": COMPONENT, "mix": COMPONENT, "clusters": COMPONENT, "region": COMPONENT, "barriers": COMPONENT,
    "compare": COMPONENT, "surface": COMPONENT, "merge": ".stMainBlockContainer .stButton",
    "claims": ".stMainBlockContainer .stMarkdown", "start_points": COMPONENT, "stories": ".stMainBlockContainer p",
    "jobs": ".stMainBlockContainer p", "catalog": ".stDataFrame", "map": COMPONENT}
"""Pages in the order in which they are visited, and what is drawn last on each."""
EMPTY = """import streamlit as st
def one(): st.title("One")
def two(): st.title("Two")
st.navigation([st.Page(one, title="One", url_path="one", default=True),
               st.Page(two, title="Two", url_path="two")], position="top").run()
"""
_THERE = """([path, selector]) => {
    const here = location.pathname.replace(/^\\//, '');
    const app = document.querySelector('[data-testid="stApp"]');
    return here === path && app && app.dataset.testScriptState === 'notRunning'
        && !document.querySelector('[data-stale="true"]') && document.querySelector(selector) !== null;
}"""


@contextmanager
def served(script: Path, workspace: Path) -> Iterator[tuple[str, float]]:
    """An app on two cores: its address, and the seconds until it answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)], cwd=ROOT,
        env=os.environ | {"EXPLORER_WORKSPACE": str(workspace), "EXPLORER_DEVICE": "cpu"}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        while not _answers(f"http://127.0.0.1:{port}/_stcore/health"):
            if process.poll() is not None or time.perf_counter() - begun > 60:
                raise RuntimeError(f"{script.name} did not start.")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


class Wire:
    """Bytes that a page of a browser has received."""

    def __init__(self, page: Any) -> None:
        self.files = self.messages = 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._file)
        session.on("Network.webSocketFrameReceived", self._message)

    def _file(self, event: dict[str, Any]) -> None:
        self.files += int(event["encodedDataLength"])

    def _message(self, event: dict[str, Any]) -> None:
        payload = event["response"]["payloadData"]
        binary = event["response"]["opcode"] == 2
        self.messages += len(base64.b64decode(payload)) if binary else len(payload.encode())

    def taken(self) -> dict[str, int]:
        """Bytes since this was last asked."""
        found = {"files": self.files, "messages": self.messages}
        self.files = self.messages = 0
        return found


def visit(browser: Any, url: str, first: str, pages: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Seconds and bytes of the first visit, "first", and of a switch to each page by its link."""
    from playwright.sync_api import TimeoutError

    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    wire, found = Wire(page), {}
    begun = time.perf_counter()
    page.goto(url)
    page.wait_for_function(_THERE, arg=["", first], polling="raf")
    found["first"] = {"seconds": time.perf_counter() - begun, **wire.taken()}
    for name, selector in pages.items():
        page.wait_for_timeout(600)
        wire.taken()
        link = page.locator(f'[data-testid="stTopNavLink"][href$="/{"" if name == "map" else name}"]').first
        begun = time.perf_counter()
        link.click()
        try:
            page.wait_for_function(_THERE, arg=["" if name == "map" else name, selector], polling="raf")
        except TimeoutError as error:
            raise RuntimeError(f"the page {name} was not there within {PATIENCE / 1000:.0f} s: {error}") from error
        found[name] = {"seconds": time.perf_counter() - begun, **wire.taken()}
    context.close()
    return found


def measure(workspace: Path, pages: Sequence[str] = tuple(PAGES)) -> dict[str, dict[str, float]]:
    """All of it on a copy of a workspace; "server" and "empty server" are the seconds until an app answers."""
    from playwright.sync_api import sync_playwright

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # children inherit it
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        script = Path(folder) / "empty.py"
        script.write_text(EMPTY, encoding="utf-8")
        with served(script, workspace) as (url, seconds):
            empty = visit(browser, url, "h1", {"two": "h1"})
            found = {"empty server": {"seconds": seconds}, "empty first": empty["first"], "empty": empty["two"]}
        with served(ROOT / "app.py", workspace) as (url, seconds):
            found["server"] = {"seconds": seconds}
            found |= visit(browser, url, COMPONENT, {name: PAGES[name] for name in pages})
        browser.close()
    return found


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """The figures with their ratios to the empty page's."""
    lines = [f"{'':16}{'seconds':>9}{'× empty':>9}{'files kB':>10}{'messages kB':>13}"]
    for name, row in found.items():
        like = {"server": "empty server", "first": "empty first"}.get(name, "empty")
        ratio = "" if name.startswith("empty") else f"{row['seconds'] / found[like]['seconds']:.1f}"
        sent = "" if "files" not in row else f"{row['files'] / 1e3:>10,.0f}{row['messages'] / 1e3:>13,.0f}"
        lines.append(f"{name:16}{row['seconds']:>9.2f}{ratio:>9}{sent}")
    return "\n".join(lines)


def main() -> None:
    from explorer import settings
    from explorer.catalog import bundle

    with tempfile.TemporaryDirectory() as folder:
        bundle.unpack(settings.DEMO / "catalog", Path(folder))
        found = measure(Path(folder))
    print(json.dumps(found) if "--json" in sys.argv else table(found))


if __name__ == "__main__":
    main()
