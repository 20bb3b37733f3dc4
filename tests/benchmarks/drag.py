"""How soon the marker follows the pointer: the real component in a real browser, beside a bare element moved likewise.

    python tests/benchmarks/drag.py URL

URL is a running app, whose address serves the component's files. For maps of 500 and 5,000 dots in the plane (the
latter by WebGL) and of 500 in space: the time from an α to its picture, median and 95th percentile in milliseconds, and
the same for an empty element that is moved in the same page, which is the bound.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from explorer import settings
from explorer.components import serving
from explorer.figures.maps import Overlay, scatter
from explorer.types import Checkpoint, Projection

CASES = ((500, 2), (5000, 2), (500, 3))

_HARNESS = """async ({root, figure, curve, trail, height, most}) => {
    const box = () => {
        const made = document.createElement('div');
        made.style.cssText = 'position: fixed; left: 0; top: 0; width: 900px; z-index: 99; background: white';
        document.body.append(made);
        return made;
    };
    const { default: mount } = await import(`/${root}explorer.js`);
    const { storeOf } = await import(`/${root}store.js`);
    const common = { link: 'bench', plotly: `/${root}plotly.min.js` };
    const host = box(), other = box();
    other.style.top = `${height}px`;
    mount({ data: { ...common, part: 'map', figure, trail, height, most, selectable: false, label: '' },
        parentElement: host, setTriggerValue: () => {} });
    mount({ data: { ...common, part: 'curve', figure: curve, height: 240, path: 'p', alpha: 0.5, low: 0, high: 1,
        far: false, label: 'α', words: { quantity: 'loss', unknown: '', full: '', first: '', between: '' },
        curve: { alphas: [0, 1], values: [1, 2], halves: [0.1, 0.1], measured: ['full', 'full'], far: false } },
        parentElement: other, setTriggerValue: () => {} });
    const plot = host.querySelector('.wse-plot');
    while (!plot._fullLayout || !other.querySelector('.wse-plot')._fullLayout) {
        await new Promise((done) => setTimeout(done, 50));
    }
    await new Promise((done) => setTimeout(done, 1500));
    const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const store = storeOf('bench'), times = [], bare = [];
    const empty = document.createElement('div');
    document.body.append(empty);
    for (let i = 0; i < 40; i += 1) {
        let start = performance.now();
        empty.style.transform = `translateX(${i}px)`;
        await painted();
        bare.push(performance.now() - start);
        start = performance.now();
        store.set({ alpha: i / 40 });
        await painted();
        times.push(performance.now() - start);
    }
    host.remove(), other.remove(), empty.remove();
    return { times, bare };
}"""


def measure(page: Any, dots: int, dims: int) -> dict[str, float]:
    """Milliseconds from an α to its picture: median and 95th percentile, and those of a bare element."""
    rng = np.random.default_rng(0)
    checkpoints = [Checkpoint(f"id{i}", f"m{i}", "b", "p", "weights", dataset=f"d{i % 30}", task=f"t{i % 5}")
                   for i in range(dots)]
    coords = rng.normal(size=(dots, dims))
    places = coords[:2]
    figure = scatter(Projection(tuple(c.id for c in checkpoints), coords, "pca", "euclidean", (0.1,) * dims),
                     checkpoints, overlay=Overlay(path=places), height=500)
    curve = {"data": [{"x": [0, 1], "y": [1, 2]}], "layout": {"xaxis": {"range": [0, 1]}}}
    given = {"root": serving.address(""), "figure": figure.to_json(), "curve": json.dumps(curve), "height": 500,
             "most": settings.WEBGL_FROM, "trail": {"alphas": [0, 1], "places": places.tolist()}}
    found = page.evaluate(_HARNESS, given)
    return {f"{name} {share}": float(np.quantile(found[key], q))
            for name, key in (("marker", "times"), ("bare", "bare")) for share, q in (("median", 0.5), ("p95", 0.95))}


def main(url: str) -> None:
    from playwright.sync_api import sync_playwright

    flags = ["--headless", "--no-sandbox", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", headless=True, args=flags)
        for dots, dims in CASES:
            page = browser.new_page()
            page.goto(url)
            page.wait_for_selector('[data-testid="stApp"]')
            print(json.dumps({"dots": dots, "dimensions": dims, **measure(page, dots, dims)}))
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
