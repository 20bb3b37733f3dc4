"""What a user does: every page in both appearances and sizes, and from two clicks on the map to a measured path."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("browser")

MAP = ".st-key-map .js-plotly-plot"
DOTS = MAP + " .scatterlayer path.point"


def dots(page: Any) -> list[tuple[str, float, float]]:
    """(checkpoint id, x, y on the page) of every dot that stands for a checkpoint, once the map is drawn."""
    page.wait_for_selector(DOTS)
    page.wait_for_timeout(500)
    script = """() => {
        const plot = document.querySelector('.st-key-map .js-plotly-plot'), box = plot.getBoundingClientRect();
        const {xaxis: x, yaxis: y} = plot._fullLayout;
        return plot.calcdata.filter(dots => dots[0].trace.customdata).flatMap(dots => dots.map((dot, i) => [
            dots[0].trace.customdata[i][0], box.left + x._offset + x.d2p(dot.x), box.top + y._offset + y.d2p(dot.y)]));
    }"""
    return [tuple(dot) for dot in page.evaluate(script)]


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("path", "awaited"), [("", MAP), ("path", ".st-key-curve .js-plotly-plot"),
                                               ("catalog", '[data-testid="stDataFrame"]')])
def test_every_page_in_both_appearances_and_sizes(opened, path, awaited, dark, size):
    page = opened(path, dark, size)
    page.wait_for_selector(awaited)
    page.wait_for_timeout(700)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    red = int(page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor.match(/\\d+/)[0]"))
    assert (red < 128) == dark


def test_the_map_is_on_screen_soon(opened):
    start = time.monotonic()
    page = opened()
    page.wait_for_selector(DOTS)
    # Five seconds is what a quiet machine must keep; other tests may run beside this one.
    assert time.monotonic() - start < 15


def test_two_clicks_and_a_path(opened):
    page = opened()
    for expected, turn in ((1, 0), (2, -1)):
        _, x, y = sorted(dots(page))[turn]
        page.mouse.click(x, y)
        page.get_by_role("heading", name=f"Selection · {expected}").wait_for()
    page.get_by_role("button", name="Path between two").click()
    page.wait_for_url("**/path")
    page.get_by_text("All 11 points are measured").wait_for()
    script = """() => document.querySelector('.st-key-curve .js-plotly-plot').data
        .find(t => t.name === 'along the path').hovertext.filter(card => card).length"""
    assert page.evaluate(script) == 11


def test_a_map_that_takes_a_job_is_computed_while_the_page_stays_usable(opened):
    page = opened()
    dots(page)
    page.get_by_role("combobox", name="Projection").click()
    page.get_by_role("option", name="t-SNE").click()
    page.get_by_role("heading", name="Selection").wait_for()
    page.wait_for_function("""() => {
        const plot = document.querySelector('.st-key-map .js-plotly-plot');
        return plot && plot.data && !plot.layout.xaxis.title.text;
    }""")
