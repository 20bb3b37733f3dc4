"""A map of many dots, drawn by WebGL: it looks and is used like one of few, and a drag draws nothing of it again."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.components import serving
from explorer.figures.maps import Overlay, scatter
from explorer.types import Checkpoint, Projection

MANY, MOST, HEIGHT = 120, 100, 500

_MOUNT = """async ({root, figure, most, trail, height}) => {
    window.crowd?.remove();
    const host = window.crowd = document.createElement('div');
    host.style.cssText = 'position: fixed; left: 0; top: 0; width: 900px; z-index: 99; background: white';
    document.body.append(host);
    const style = document.createElement('link');
    Object.assign(style, { rel: 'stylesheet', href: `/${root}explorer.css` });
    host.append(style);
    const within = document.createElement('div');
    host.append(within);
    window.sent = [];
    const { default: mount } = await import(`/${root}explorer.js`);
    window.show = (figure) => mount({ data: { link: 'crowd', plotly: `/${root}plotly.min.js`, part: 'map', figure, most,
        trail, height, selectable: true, label: 'map' }, parentElement: within,
        setTriggerValue: (name, value) => window.sent.push([name, value]) });
    window.show(figure);
}"""
_READY = """(type) => {
    const plot = window.crowd.querySelector('.wse-plot'), trace = plot._fullData?.find(t => t.customdata);
    return trace?.type === type && plot._fullLayout.xaxis.d2p !== undefined && plot._fullLayout._size.w > 0;
}"""
_LOOKS = """() => window.crowd.querySelector('.wse-plot')._fullData.map(t => [t.name, t.mode, t.marker?.color,
    t.marker?.symbol, t.marker?.size, t.marker?.opacity, t.marker?.line?.width, t.line?.color, t.visible])"""
_PLACES = """() => {
    const plot = window.crowd.querySelector('.wse-plot'), box = plot.getBoundingClientRect();
    const {xaxis: x, yaxis: y} = plot._fullLayout;
    return plot._fullData.filter(t => t.customdata).flatMap(t => t.customdata.map((id, i) =>
        [id[0], box.left + x._offset + x.d2p(t.x[i]), box.top + y._offset + y.d2p(t.y[i])]));
}"""
_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def figure(count: int, **given: Any) -> str:
    checkpoints = [Checkpoint(f"id{i}", f"m{i}", "b", "p", "weights", dataset=f"d{i % 4}", task=f"t{i % 2}")
                   for i in range(count)]
    side = int(np.ceil(np.sqrt(count)))
    coords = np.array([(i % side, i // side) for i in range(count)], float)
    projection = Projection(tuple(c.id for c in checkpoints), coords, "pca", "euclidean", (0.5, 0.2))
    overlay = Overlay(base=np.array([0.5, 0.5]), path=coords[[0, 13]], kept={"kept": np.array([2.5, 2.5])})
    made: str = scatter(projection, checkpoints, overlay=overlay, height=HEIGHT, **given).to_json()
    return made


@pytest.fixture
def crowd(bare: Any) -> Any:
    """Shows a map of so many dots; what it says and sends."""
    def show(count: int = MANY, most: int = MOST, **given: Any) -> Any:
        bare.evaluate(_MOUNT, {"root": serving.address(""), "figure": figure(count, **given), "most": most,
                               "height": HEIGHT, "trail": {"alphas": [0, 1], "places": [[0, 0], [2, 1]]}})
        bare.wait_for_function(_READY, arg="scattergl" if count > most else "scatter")
        bare.evaluate(_FRAME)
        return bare

    yield show
    bare.evaluate("() => window.crowd.remove()")


def place(page: Any, key: str) -> tuple[float, float]:
    return next((x, y) for i, x, y in page.evaluate(_PLACES) if i == key)


def test_dots_look_the_same(crowd):
    fine = crowd(most=MANY).evaluate(_LOOKS)
    page = crowd()
    assert page.evaluate(_LOOKS) == fine
    # and they are there: a dot's middle has its colour
    x, y = place(page, "id48")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shown = picture.getpixel((round(x), round(y)))
    wanted = next(colour for name, _, colour, *_ in fine if name == "d0")
    assert np.abs(np.subtract(shown, [int(wanted[i:i + 2], 16) for i in (1, 3, 5)])).max() < 30


def test_a_dot_is_pointed_at_and_clicked(crowd):
    page = crowd()
    page.mouse.move(*place(page, "id30"))
    page.wait_for_function("() => window.crowd.querySelector('.hoverlayer')?.textContent.includes('m30')")
    page.mouse.down()
    page.evaluate(_FRAME)  # picking reads a frame that was drawn meanwhile
    page.mouse.up()
    page.wait_for_function("() => window.sent.length === 1")
    assert page.evaluate("() => window.sent") == [["picked", {"ids": ["id30"], "how": "click"}]]


def test_a_lasso_takes_the_dots_in_it(crowd):
    page = crowd()
    page.locator('.modebar-btn[data-val="lasso"]').click()
    (left, top), (right, bottom) = place(page, "id33"), place(page, "id13")  # of eleven a row
    corners = [(left - 8, top - 8), (right + 8, top - 8), (right + 8, bottom + 8), (left - 8, bottom + 8)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        page.mouse.move(*corner, steps=6)
    page.mouse.up()
    page.wait_for_function("() => window.sent.length === 1")
    name, picked = page.evaluate("() => window.sent[0]")
    assert (name, picked["how"]) == ("picked", "replace")
    assert sorted(picked["ids"]) == ["id11", "id12", "id13", "id22", "id23", "id24", "id33", "id34", "id35"]


def test_the_tool_stays_when_the_map_is_drawn_again(crowd):
    page = crowd()
    page.locator('.modebar-btn[data-val="lasso"]').click()
    page.evaluate("() => { window.plot = window.crowd.querySelector('.wse-plot'); }")
    page.evaluate("(figure) => window.show(figure)", figure(MANY, selected=["id30"]))
    page.wait_for_function("() => window.crowd.querySelector('.wse-plot')._fullData?.some(t => t.name === 'selected')")
    assert page.evaluate("""() => window.plot === window.crowd.querySelector('.wse-plot')
        && window.plot._fullLayout.dragmode""") == "lasso"


def test_a_large_selection_turns_the_others_grey(crowd):
    page = crowd(selected=[f"id{i}" for i in range(0, 8)])
    looks = page.evaluate("""() => window.crowd.querySelector('.wse-plot')._fullData.filter(t => t.customdata)
        .map(t => [t.selectedpoints.length, t.unselected.marker.opacity])""")
    assert looks == [[2, 0.6]] * 4


def test_a_drag_draws_no_dot_again(crowd):
    page = crowd()
    page.evaluate("""() => { window.drawn = 0;
        window.crowd.querySelector('.wse-plot').on('plotly_afterplot', () => { window.drawn += 1; }); }""")
    marker = page.locator(".wse-marker")
    page.evaluate("""async (root) => (await import(`/${root}store.js`)).storeOf('crowd').set({ alpha: 0.2 })""",
                  serving.address(""))
    marker.wait_for()
    before = marker.bounding_box()
    page.mouse.move(before["x"] + 11, before["y"] + 11)
    page.mouse.down()
    page.mouse.move(*place(page, "id13"), steps=10)
    page.mouse.up()
    assert marker.bounding_box()["x"] > before["x"] + 20
    assert page.evaluate("() => window.drawn") == 0


def test_a_map_goes_from_many_to_few_and_back(crowd):
    page = crowd()
    for count, kind, canvases in ((MOST, "scatter", 0), (MANY, "scattergl", 3)):
        page.evaluate("(figure) => window.show(figure)", figure(count))
        page.wait_for_function(_READY, arg=kind)
        assert page.locator(".wse-plot .gl-canvas").count() == canvases
    page.mouse.move(*place(page, "id30"))
    page.wait_for_function("() => window.crowd.querySelector('.hoverlayer')?.textContent.includes('m30')")
