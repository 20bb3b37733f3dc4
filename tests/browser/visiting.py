"""What the tests in a browser share: the pages there are, when one stands still, and what is wrong with its looks."""

from __future__ import annotations

from typing import Any

# What is awaited before a page is looked at; pages that only list things are there with their first heading.
PAGES = {
    "": ".st-key-map .js-plotly-plot", "path": ".wse-curve .js-plotly-plot", "mix": ".wse-mixture .wse-row",
    "merge": '.stApp:has([data-testid="stTabs"]) .st-key-merge_view',
    "clusters": ".st-key-cluster_heat .js-plotly-plot",
    "region": ".st-key-region_strips .js-plotly-plot",
    "surface": '[class*="st-key-surface_chart"] .js-plotly-plot',
    "barriers": ".st-key-barrier_matrix .js-plotly-plot",
    "compare": ".st-key-compare_groups .js-plotly-plot",
    "start_points": '[class*="st-key-start_chart"] .js-plotly-plot', "claims": '[data-testid="stMarkdown"] >> text=C12',
    "stories": '[data-testid="stAlert"]', "jobs": "h3", "catalog": '[data-testid="stDataFrame"]', "glossary": "h3",
}
SERIOUS = {"serious", "critical"}
DARK = "() => +getComputedStyle(document.querySelector('.stApp')).backgroundColor.match(/\\d+/)[0] < 128"
REST = """(quiet) => new Promise((done) => {
    let last = performance.now();
    const end = last + 10000, moved = () => { last = performance.now(); };
    const watch = new MutationObserver(moved);
    watch.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    const turning = (a) => a.playState === 'running' && a.effect?.getComputedTiming().endTime !== Infinity;
    const look = setInterval(() => {
        const app = document.querySelector('.stApp');
        if (!app || app.dataset.testScriptState === 'running' || document.getAnimations().some(turning)) moved();
        if (performance.now() - last < quiet && performance.now() < end) return;
        clearInterval(look);
        watch.disconnect();
        done();
    }, 50);
})"""


def at_rest(page: Any, quiet: int = 400) -> None:
    """Waits until the script has run and nothing changed for `quiet` ms: what is drawn anew takes no clicks or keys."""
    page.wait_for_function("document.querySelector('.stApp')?.dataset.testScriptState !== 'running'")
    page.evaluate(REST, quiet)


def settled(page: Any, path: str) -> None:
    """Waits until that page is there and stands still."""
    page.wait_for_selector(PAGES[path])
    at_rest(page)


def violations(page: Any) -> list[str]:
    """What axe-core finds serious on a page: the rule and the first of its elements."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response
    assert found["passes"]  # it did look
    return [f"{v['id']} ({len(v['nodes'])}): {v['help']}: {v['nodes'][0]['html'][:200]}"
            for v in found["violations"] if v["impact"] in SERIOUS]


def fits(page: Any) -> bool:
    """Nothing is cut off at the sides."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def is_dark(page: Any) -> bool:
    return bool(page.evaluate(DARK))
