"""A surface in the browser: a click measures it, a click on it chooses a place, and the view stays where it is."""

from __future__ import annotations

import time

PATIENCE = 240_000
"""Milliseconds that 81 points may take, on a machine that is busy with other tests."""
CHART = '[class*="st-key-surface_chart"] .js-plotly-plot'


def ranges(page):
    return page.evaluate(f"""() => {{
        const {{xaxis, yaxis}} = document.querySelector(`{CHART}`)._fullLayout;
        return [...xaxis.range, ...yaxis.range];
    }}""")


def moved(page, before):
    """The ranges once they are others and have stayed for a second."""
    last, until = before, time.monotonic() + 60
    while last == before or last != ranges(page):
        assert time.monotonic() < until
        last = ranges(page)
        page.wait_for_timeout(1000)
    return last


def test_a_surface_fills_in_and_a_click_on_it_becomes_a_point(opened):
    page = opened("surface")
    page.get_by_text("9 × 9", exact=True).click()
    page.locator(".st-key-surface-measure button").click()
    page.get_by_text("81 of 81 nodes are measured").wait_for(timeout=PATIENCE)
    page.wait_for_function(f"document.querySelector(`{CHART}`).data.some(t => t.type === 'contour')")
    box = page.locator(f"{CHART} .nsewdrag").bounding_box()
    at = box["x"] + 0.41 * box["width"], box["y"] + 0.37 * box["height"]
    before = ranges(page)
    page.mouse.move(*at)
    page.mouse.wheel(0, -300)
    zoomed = moved(page, before)
    page.mouse.click(*at)
    page.get_by_text("Point at (").wait_for()
    page.wait_for_function("/Loss on toy: [0-9.]+ ±/.test(document.body.innerText)")
    assert ranges(page) == zoomed
    assert page.evaluate(f"document.querySelector(`{CHART}`).data.filter(t => t.name === 'chosen').length") == 1
    page.keyboard.press("Escape")


def test_a_surface_in_three_dimensions_has_its_corners_on_it(opened):
    page = opened("surface")
    page.get_by_text("3-D", exact=True).click()
    page.wait_for_function(f"document.querySelector(`{CHART}`)?.data?.some(t => t.type === 'scatter3d')")
