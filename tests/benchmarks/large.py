"""A catalog of ten thousand models in a real browser: how soon the map is there, how soon a filter, how smooth a drag.

    python tests/benchmarks/large.py [--models 10000]

The catalog is planted (no weights). Seconds from the address to the drawn map in a fresh browser, of a server that
nobody has visited (the first visit computes the map's coordinates, which are kept) and of one that was started again;
from a click on a filter's choice to the drawn table, median of several; and milliseconds from an α to its picture with
that many dots.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import drag
import page as pages
import planted_large

_SETTLED = """() => document.querySelector('[data-testid="stApp"]').dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-stale="true"]')"""


def opened(browser: Any, url: str) -> tuple[Any, dict[str, float]]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(pages.PATIENCE)
    wire, begun = pages.Wire(page), time.perf_counter()
    page.goto(url)
    page.wait_for_function(pages._THERE, arg=["", pages.COMPONENT], polling="raf")
    return page, {"seconds": time.perf_counter() - begun, **wire.taken()}


def filtered(page: Any) -> dict[str, float]:
    """Seconds to the Catalog page, and from choosing a data set in its filter to the table."""
    begun = time.perf_counter()
    page.locator('[data-testid="stTopNavLink"][href$="/catalog"]').first.click()
    page.wait_for_function(pages._THERE, arg=["catalog", ".stDataFrame"], polling="raf")
    found = {"catalog seconds": time.perf_counter() - begun}
    took = []
    for i in range(5):
        page.wait_for_timeout(700)
        page.locator(".st-key-filter_dataset input").click()
        option = page.get_by_role("option", name=f"set{i:02}").first
        option.wait_for()
        begun = time.perf_counter()
        option.click()
        page.get_by_text(f"of {(i + 1) * 250:,} by name" if i else "250 by name").wait_for()
        page.wait_for_function(_SETTLED, polling="raf")
        took.append(time.perf_counter() - begun)
        page.keyboard.press("Escape")
    return found | {"filter seconds": statistics.median(took), "filter worst": max(took)}


def measure(models: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        begun = time.perf_counter()
        workspace = planted_large.build(Path(folder) / "ws", models)
        found: dict[str, Any] = {"models": models, "built": time.perf_counter() - begun}
        browser = playwright.chromium.launch(executable_path=pages.CHROMIUM, headless=True, args=pages.FLAGS)
        for name in ("first", "again"):
            with pages.served(pages.ROOT / "app.py", workspace) as (url, seconds):
                page, found[name] = opened(browser, url)
                found[name]["server seconds"] = seconds
                if name == "again":
                    found |= filtered(page)
                    bare = browser.new_page()
                    bare.goto(url)
                    bare.wait_for_selector('[data-testid="stApp"]')
                    found["drag"] = {dots: drag.measure(bare, dots, 2) for dots in (5000, models)}
        browser.close()
    return found


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", type=int, default=10_000)
    print(json.dumps(measure(options.parse_args().models), indent=2))
