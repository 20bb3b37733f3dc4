"""Live probing under strain: two viewers, hasty ones, a worker that is killed, many dots, three dimensions."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from test_app import dots, pick, reading, wait_for_points


def choose(page: Any, box: str, name: str) -> None:
    page.get_by_role("combobox", name=box).click()
    page.get_by_role("option", name=name, exact=True).click()


def custom_range(page: Any, points: int) -> None:
    page.get_by_text("Custom", exact=True).click()
    field = page.get_by_label("Points", exact=True)
    field.fill(str(points))
    field.press("Enter")


def workers(server_pid: int) -> list[psutil.Process]:
    found = psutil.Process(server_pid).children(recursive=True)
    return [p for p in found if "explorer.backends._worker" in " ".join(p.cmdline())]


def test_two_viewers_drag_their_own_paths_and_see_each_others_jobs(opened):
    first, second = opened("path"), opened("path")
    for page, name in ((first, "m2"), (second, "m4")):
        page.wait_for_selector(".wse-curve .js-plotly-plot")
        choose(page, "To (α = 1)", name)
        page.get_by_text("points are measured").wait_for()
    custom_range(first, 150)
    first.get_by_role("button", name="Cancel").wait_for()
    # while the first viewer's long path runs, the second one's single point is ahead of it
    slider = second.get_by_role("slider")
    slider.focus()
    second.keyboard.press("Home")
    for _ in range(3):
        second.keyboard.press("ArrowRight")
    second.wait_for_function("() => /α = 0.03 .* measured$/.test(document.querySelector('.wse-reading').textContent)")
    second.get_by_role("link", name="Jobs").click()
    second.get_by_role("heading", name="Ended").wait_for()
    second.get_by_text("another viewer's").first.wait_for()
    second.get_by_text("yours").first.wait_for()
    assert first.locator(".wse-curve").count() == 1
    assert reading(first).startswith("α = 0.5")
    # it may have ended by itself
    first.evaluate("() => [...document.querySelectorAll('button')]"
                   ".find(b => b.textContent.includes('Cancel'))?.click()")


def test_hasty_selections_leave_no_stale_job(opened):
    page = opened()
    places = sorted(dots(page))
    for turn in range(20):
        _, x, y = places[turn % len(places)]
        page.mouse.click(x, y)
        page.wait_for_timeout(60)
    page.wait_for_timeout(1500)
    jobs = opened("jobs")
    jobs.get_by_text("Nothing runs at the moment").wait_for()
    jobs.get_by_role("heading", name="Workers").wait_for()


def test_a_killed_worker_is_told_of_and_its_path_goes_on(opened, server_pid):
    page = opened("path")
    page.wait_for_selector(".wse-curve .js-plotly-plot")
    custom_range(page, 201)
    told = page.get_by_text("ended with SIGKILL").first
    for name in ("m3", "m1", "m5", "m2"):
        choose(page, "To (α = 1)", name)
        # the bar of this path, not of the one before it
        if not eventually(page.get_by_text(f" to {name} on toy").first.is_visible):
            continue
        for process in workers(server_pid):
            os.kill(process.pid, signal.SIGKILL)
        # on a fast machine the path may have been over before the worker was
        if eventually(told.is_visible):
            break
    else:
        pytest.fail("no killed worker was told of")
    wait_for_points(page, 201)
    page.get_by_text("points are measured").wait_for()


def eventually(holds: Callable[[], bool], seconds: float = 40) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False


def test_three_dimensions_show_the_path_and_follow_alpha(opened):
    page = opened("path")
    page.get_by_text("points are measured").wait_for()
    page.get_by_text("3-D", exact=True).click()
    page.wait_for_function("() => document.querySelector('.wse-map .js-plotly-plot')?._fullLayout?.scene?._scene")
    marker = page.locator(".wse-map .wse-marker")
    marker.wait_for()
    before = marker.bounding_box()
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    page.wait_for_timeout(200)
    after = marker.bounding_box()
    assert after != before
    # and along the path back again, by the marker itself
    page.mouse.move(after["x"] + 11, after["y"] + 11)
    page.mouse.down()
    page.mouse.move(before["x"] + 11, before["y"] + 11, steps=5)
    page.mouse.up()
    assert reading(page).startswith("α = 0.")


SOLID = """() => {
    const plot = document.querySelector('.st-key-map .js-plotly-plot'), box = plot.getBoundingClientRect();
    const {_size: size, scene} = plot._fullLayout, {projection, view, model} = scene._scene.glplot.cameraParams;
    const times = (m, v) => [0, 1, 2, 3].map(row => v.reduce((sum, w, col) => sum + m[4 * col + row] * w, 0));
    return plot.data.filter(t => t.customdata).flatMap(t => t.customdata.map((id, i) => {
        const at = ['x', 'y', 'z'].map((axis, k) => plot._fullData.find(f => f.uid === t.uid || f.name === t.name)
            [axis][i] * scene._scene.dataScale[k]);
        const p = times(projection, times(view, times(model, [...at, 1])));
        return [id[0], box.left + size.l + 0.5 * (1 + p[0] / p[3]) * size.w,
                box.top + size.t + 0.5 * (1 - p[1] / p[3]) * size.h];
    }));
}"""


def test_models_are_picked_in_space_and_in_the_plane_again(opened):
    page = opened()
    pick(page, 0, 1)
    page.get_by_text("3-D", exact=True).click()
    page.wait_for_function("() => document.querySelector('.st-key-map .js-plotly-plot')?._fullLayout?.scene?._scene")
    page.wait_for_timeout(2500)
    for _, x, y in sorted(page.evaluate(SOLID), reverse=True):
        page.mouse.move(x, y)
        page.wait_for_timeout(600)
        page.mouse.down()
        page.wait_for_timeout(300)  # picking reads a frame that was drawn meanwhile
        page.mouse.up()
        if eventually(page.get_by_role("heading", name="Selection · 2").is_visible, 4):
            break
    page.get_by_role("heading", name="Selection · 2").wait_for()
    page.get_by_text("2-D", exact=True).click()
    page.wait_for_selector(".st-key-map .scatterlayer path.point")
    page.locator(".wse-thumb").focus()
    page.keyboard.press("Escape")
    page.get_by_text("Click a dot to pick it").wait_for()
    pick(page, 1, 1)


def test_picking_two_then_a_third_begins_anew(opened):
    page = opened()
    pick(page, 0, 1)
    pick(page, 1, 2)
    page.wait_for_selector(".wse-curve .js-plotly-plot")
    page.wait_for_timeout(800)
    pick(page, 3, 1)
    page.wait_for_selector(".wse-curve", state="detached")
