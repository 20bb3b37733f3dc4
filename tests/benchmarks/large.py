"""A catalog of ten thousand models in a real browser: how soon the map is there, how soon a filter, how smooth a drag.

    python tests/benchmarks/large.py [--models 10000]

The catalog is planted (no weights). Seconds from the address to the drawn map in a fresh browser, of a server that
nobody has visited (as it begins it computes the map's coordinates, which are kept), of one that was started again, and
of a second visit to it, the first two as soon as the server answers; from the press on a filter's choice to the drawn
table, median of several; and milliseconds from an α to its picture with that many dots, beside a bare element of the
same page. The drag is measured as the map is drawn, by WebGL, and drawn by SVG as small maps are.

Where the time goes: bytes over the wire, and seconds of the processor that the server, the page, the drawing of WebGL
(without a graphics card a program does it) and the rest of the browser took meanwhile. These tell versions apart on a
busy machine too. "empty" is a visit to a Streamlit page with a heading alone; "load" is the machine's at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

import drag
import page as pages
import planted_large

from explorer import settings

_SETTLED = """() => document.querySelector('[data-testid="stApp"]').dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-stale="true"]')"""
_KINDS = {"--type=renderer": "page", "--type=gpu-process": "webgl", "chrom": "browser", "streamlit": "server"}
"""What a process is, by a word of its command line; the first that fits."""


class Clock:
    """Seconds, and processor seconds of the processes that this one has started, since it was made."""

    def __init__(self) -> None:
        self._begun, self._before = time.perf_counter(), _processors()

    def taken(self) -> dict[str, float]:
        found = {"seconds": time.perf_counter() - self._begun}
        return found | {f"{kind} processor": max(0.0, now - self._before[kind]) for kind, now in _processors().items()}


def _processors() -> Counter[str]:
    found: Counter[str] = Counter()
    for process in psutil.Process().children(recursive=True):
        try:
            line, times = " ".join(process.cmdline()), process.cpu_times()
        except psutil.Error:
            continue  # it has ended meanwhile
        kind = next((kind for word, kind in _KINDS.items() if word in line), None)
        if kind is not None:
            found[kind] += times.user + times.system
    return found


def opened(browser: Any, url: str, there: str = pages.COMPONENT) -> tuple[Any, dict[str, float]]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(5 * pages.PATIENCE)
    wire, clock = pages.Wire(page), Clock()
    page.goto(url)
    page.wait_for_function(pages._THERE, arg=["", there], polling="raf")
    return page, {**clock.taken(), **wire.taken()}


def filtered(page: Any) -> dict[str, Any]:
    """Seconds to the Catalog page, and from choosing a data set in its filter to the table."""
    clock = Clock()
    page.locator('[data-testid="stTopNavLink"][href$="/catalog"]').first.click()
    page.wait_for_function(pages._THERE, arg=["catalog", ".stDataFrame"], polling="raf")
    found: dict[str, Any] = {"catalog": clock.taken()}
    took = []
    for i in range(5):
        page.wait_for_timeout(700)
        page.locator(".st-key-filter_dataset input").click()
        option = page.get_by_role("option", name=f"set{i:02}").first
        option.hover()  # finding it and moving there is not the app's time
        page.wait_for_timeout(300)
        clock = Clock()
        page.mouse.down()
        page.mouse.up()
        page.get_by_text(f"of {(i + 1) * 250:,} by name" if i else "250 by name").wait_for()
        page.wait_for_function(_SETTLED, polling="raf")
        took.append(clock.taken())
        page.keyboard.press("Escape")
    took.sort(key=lambda one: one["seconds"])
    return found | {"filter": took[len(took) // 2], "filter worst": took[-1]["seconds"],
                    "filter median": statistics.median(one["seconds"] for one in took)}


def dragged(browser: Any, url: str, models: int) -> dict[str, Any]:
    """Milliseconds from an α to its picture, drawn by WebGL and by SVG."""
    found = {}
    for name, most in (("webgl", 0), ("svg", models)):
        with patch.object(settings, "WEBGL_FROM", most):
            bare = browser.new_page()
            bare.set_default_timeout(5 * pages.PATIENCE)
            bare.goto(f"{url}/_stcore/health")
            clock = Clock()
            found[name] = drag.measure(bare, models, 2) | clock.taken()
            bare.close()
    return found


def measure(models: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        begun = time.perf_counter()
        workspace = planted_large.build(Path(folder) / "ws", models)
        found: dict[str, Any] = {"models": models, "built": time.perf_counter() - begun}
        browser = playwright.chromium.launch(executable_path=pages.CHROMIUM, headless=True, args=pages.FLAGS)
        script = Path(folder) / "empty.py"
        script.write_text(pages.EMPTY, encoding="utf-8")
        with pages.served(script, workspace) as (url, _):
            page, found["empty"] = opened(browser, url, "h1")
            page.context.close()
        for name in ("first", "again"):
            with pages.served(pages.ROOT / "app.py", workspace) as (url, seconds):
                page, found[name] = opened(browser, url)
                found[name]["server seconds"] = seconds
                if name == "again":
                    found |= filtered(page)
                    page.context.close()
                    page, found["second visit"] = opened(browser, url)
                    page.context.close()
                    found["drag"] = dragged(browser, url, models)
        browser.close()
    return found | {"load": os.getloadavg()[0]}


def rounded(value: Any) -> Any:
    """Two decimals are more than there is to know."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return round(value, 2) if isinstance(value, float) else value


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", type=int, default=10_000)
    print(json.dumps(rounded(measure(options.parse_args().models)), indent=2))
