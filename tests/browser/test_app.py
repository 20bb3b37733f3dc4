"""What a user does: from two clicks on the map to a measured path."""

from __future__ import annotations

import re
import time
from typing import Any

from visiting import at_rest

MAP = ".st-key-map .js-plotly-plot"
CURVE = ".wse-curve .js-plotly-plot"
DOTS = MAP + " .scatterlayer path.point"


def dots(page: Any) -> list[tuple[str, float, float]]:
    """(checkpoint id, x, y on the page) of every dot that stands for a checkpoint, once the map is drawn."""
    page.wait_for_selector(DOTS)
    at_rest(page)
    script = """() => {
        const plot = document.querySelector('.st-key-map .js-plotly-plot'), box = plot.getBoundingClientRect();
        const {xaxis: x, yaxis: y} = plot._fullLayout;
        return plot.calcdata.filter(dots => dots[0].trace.customdata).flatMap(dots => dots.map((dot, i) => [
            dots[0].trace.customdata[i][0], box.left + x._offset + x.d2p(dot.x), box.top + y._offset + y.d2p(dot.y)]));
    }"""
    return [tuple(dot) for dot in page.evaluate(script)]


def test_the_map_is_on_screen_soon_and_nothing_offers_to_upload_it(opened):
    start = time.monotonic()
    page = opened()
    page.wait_for_selector(DOTS)
    # Five seconds is what a quiet machine must keep; other tests may run beside this one.
    assert time.monotonic() - start < 15
    dots(page)
    assert page.locator(".modebar-btn").count() > 3
    assert not [t for t in page.locator(".modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
                if "hare" in t or "loud" in t]


def pick(page: Any, turn: int, expected: int) -> str:
    """Clicks the dot of that place in the order of ids, until the selection says so."""
    key, x, y = sorted(dots(page))[turn]
    page.mouse.click(x, y)
    page.get_by_role("heading", name=f"Selection · {expected}").wait_for()
    return str(key)


def measured(page: Any) -> int:
    """How many points of the curve have a value."""
    return int(page.evaluate("""() => {
        const plot = document.querySelector('.wse-curve .js-plotly-plot');
        const line = plot?.data?.find(t => t.customdata);
        return line ? line.y.filter(v => v !== null).length : 0;
    }"""))


def wait_for_points(page: Any, count: int) -> None:
    page.wait_for_function("""(count) => {
        const line = document.querySelector('.wse-curve .js-plotly-plot')?.data?.find(t => t.customdata);
        return line && line.y.filter(v => v !== null).length >= count;
    }""", arg=count)


def reading(page: Any) -> str:
    return str(page.locator(".wse-reading").inner_text())


def test_two_clicks_and_a_path(opened):
    page = opened()
    pick(page, 0, 1)
    pick(page, -1, 2)
    page.get_by_text("All 11 points are measured").wait_for()
    wait_for_points(page, 11)
    page.get_by_role("button", name="Path between two").click()
    page.wait_for_url(re.compile("/path"))
    page.get_by_text("All 11 points are measured").wait_for()
    wait_for_points(page, 11)
    assert measured(page) == 11


def test_alpha_is_dragged_in_the_browser_and_measured_where_it_rests(opened):
    page = opened("path")
    page.get_by_text("All 11 points are measured").wait_for()
    page.wait_for_selector(".wse-map .wse-marker:not([hidden])")
    thumb, marker = page.locator(".wse-thumb"), page.locator(".wse-map .wse-marker")
    start, before = thumb.bounding_box(), marker.bounding_box()
    page.evaluate("""() => {
        window.lags = [];
        let moved = null;
        addEventListener('pointermove', () => { moved = performance.now(); }, true);
        new MutationObserver(() => {
            if (moved === null) return;
            const since = moved;
            moved = null;
            requestAnimationFrame(() => window.lags.push(performance.now() - since));
        }).observe(document.querySelector('.wse-thumb'), { attributes: true, attributeFilter: ['style'] });
    }""")
    page.mouse.move(start["x"] + 10, start["y"] + 10)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(start["x"] + 10 + 1.37 * step, start["y"] + 10)
    page.wait_for_timeout(100)
    assert "between two measured points" in reading(page)
    page.mouse.up()
    assert marker.bounding_box() != before
    lags = sorted(page.evaluate("window.lags"))
    assert len(lags) > 20
    # A quiet machine needs 20 ms; other tests run beside this one.
    assert lags[int(0.95 * len(lags))] < 250
    page.get_by_text("All 12 points are measured").wait_for()
    page.wait_for_function("() => document.querySelector('.wse-reading').textContent.endsWith(' measured')")
    wait_for_points(page, 12)


def test_the_keyboard_moves_alpha_and_a_screen_reader_is_told(opened):
    page = opened("path")
    page.get_by_text("points are measured").wait_for()
    slider = page.get_by_role("slider")
    slider.focus()
    for key, value in (("Home", 0), ("ArrowRight", 0.01), ("Shift+ArrowRight", 0.11), ("ArrowLeft", 0.1), ("End", 1)):
        page.keyboard.press(key)
        page.wait_for_function(f"() => document.querySelector('.wse-thumb').ariaValueNow === '{value}'")
    assert slider.get_attribute("aria-valuetext").startswith("α = 1 · loss")
    page.wait_for_function("() => document.querySelector('[role=status].wse-said').textContent.startsWith('α = 1')")
    page.keyboard.press("Home")
    page.wait_for_function("() => document.querySelector('.wse-said').textContent.startsWith('α = 0')")


def test_shift_click_escape_and_lasso(opened):
    page = opened()
    pick(page, 0, 1)
    page.keyboard.down("Shift")
    pick(page, 2, 2)
    pick(page, 4, 3)
    page.keyboard.up("Shift")
    at_rest(page)
    page.locator(".wse-map").press("Escape")
    page.get_by_text("Click a dot to pick it").wait_for()
    page.wait_for_timeout(500)
    page.locator(MAP).hover()
    page.locator('.modebar-btn[data-val="lasso"]').click()
    left, top, right, bottom = page.evaluate("""() => {
        const plot = document.querySelector('.st-key-map .js-plotly-plot'), box = plot.getBoundingClientRect();
        const {xaxis: x, yaxis: y} = plot._fullLayout;
        return [box.left + x._offset + 2, box.top + y._offset + 2, box.left + x._offset + x._length - 2,
                box.top + y._offset + y._length - 2];
    }""")
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        page.mouse.move(*corner, steps=8)
    page.mouse.up()
    page.get_by_role("heading", name="Selection · 6").wait_for()
    page.wait_for_timeout(500)
    # the tool and the view stay as they were
    assert page.evaluate("document.querySelector('.st-key-map .js-plotly-plot')._fullLayout.dragmode") == "lasso"


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
