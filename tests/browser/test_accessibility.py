"""Everyone can use it: axe-core finds nothing serious, the keyboard reaches all, looks are kept, words explained."""

from __future__ import annotations

from typing import Any

import pytest

# What is awaited before a page is looked at; pages that only list things are there with their first heading.
PAGES = {
    "": ".st-key-map .js-plotly-plot", "path": ".wse-curve .js-plotly-plot", "mix": ".wse-mixture .wse-row",
    "merge": '[data-testid="stTabs"]', "clusters": ".st-key-cluster_heat .js-plotly-plot",
    "region": ".st-key-region_strips .js-plotly-plot",
    "surface": '[class*="st-key-surface_chart"] .js-plotly-plot',
    "barriers": ".st-key-barrier_matrix .js-plotly-plot",
    "compare": ".st-key-compare_groups .js-plotly-plot",
    "start_points": '[class*="st-key-start_chart"] .js-plotly-plot', "claims": '[data-testid="stMarkdown"] >> text=C12',
    "stories": '[data-testid="stAlert"]', "jobs": "h3", "catalog": '[data-testid="stDataFrame"]', "glossary": "h3",
}
SERIOUS = {"serious", "critical"}


def violations(page: Any) -> list[str]:
    """What axe-core finds serious on a page: the rule and the first of its elements."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response
    assert found["passes"]  # it did look
    return [f"{v['id']} ({len(v['nodes'])}): {v['help']}: {v['nodes'][0]['html'][:200]}"
            for v in found["violations"] if v["impact"] in SERIOUS]


def settled(page: Any, awaited: str) -> None:
    page.wait_for_selector(awaited)
    page.wait_for_function("document.querySelector('.stApp').dataset.testScriptState !== 'running'")
    page.wait_for_timeout(700)


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious_light_or_dark(opened, path):
    page = opened(path)
    settled(page, PAGES[path])
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    settled(page, PAGES[path])
    assert violations(page) == []


def with_look(page: Any, look: str) -> None:
    page.get_by_role("button", name="Help", exact=True).click()
    page.get_by_role("radio", name=look).click()


def test_a_look_is_chosen_kept_and_of_the_projector_without_serious_violations(opened):
    page = opened()
    settled(page, PAGES[""])
    with_look(page, "Dark")
    # while it is loaded anew there is no app to look at
    page.wait_for_function("""() => {
        const app = document.querySelector('.stApp');
        return app && getComputedStyle(app).backgroundColor === 'rgb(17, 21, 29)';
    }""")
    settled(page, PAGES[""])
    with_look(page, "Projector")
    page.wait_for_function("() => getComputedStyle(document.documentElement).fontSize === '18px'")
    page.wait_for_function("() => document.cookie.includes('appearance=projector')")
    page.wait_for_timeout(1000)  # the light theme comes with a new load
    settled(page, PAGES[""])
    page.goto(page.url.split("?")[0] + "claims")
    settled(page, PAGES["claims"])
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "18px"
    assert page.evaluate("getComputedStyle(document.querySelector('.stApp')).color") == "rgb(0, 0, 0)"
    assert violations(page) == []


def test_hints_are_put_away_once(opened):
    page = opened()
    settled(page, PAGES[""])
    page.get_by_text("Two clicks make a path").wait_for()
    page.get_by_role("button", name="Got it").click()
    page.get_by_text("Two clicks make a path").wait_for(state="detached")
    page.wait_for_function("() => document.cookie.includes('hints_seen=yes')")
    page.reload()
    settled(page, PAGES[""])
    assert page.get_by_text("Two clicks make a path").count() == 0


def test_help_explains_the_page_and_leads_to_the_glossary(opened):
    page = opened("region")
    settled(page, PAGES["region"])
    page.get_by_role("button", name="Help", exact=True).click()
    page.get_by_text("Points drawn inside the convex hull of In").wait_for()
    page.get_by_role("link", name="Glossary: all terms").click()
    page.get_by_role("heading", name="Glossary").wait_for()
    page.get_by_label("Find a term").fill("soup")
    page.get_by_label("Find a term").press("Enter")
    page.get_by_text("Adjusted Rand index").wait_for(state="detached")
    assert page.get_by_text("A greedy soup keeps").is_visible()


FOCUSED = """() => {
    const e = document.activeElement, s = getComputedStyle(e);
    const around = [e, e.parentElement, e.closest('[data-rac]'), e.closest('label')].filter(Boolean);
    return {name: e.getAttribute('aria-label') || e.innerText || e.id || '', tag: e.tagName,
            key: e.closest('[class*="st-key-"]')?.className.match(/st-key-(\\S+)/)?.[1] || '',
            classes: e.className?.toString() || '',
            seen: around.some(a => { const t = getComputedStyle(a);
                return (t.outlineStyle !== 'none' && parseFloat(t.outlineWidth) > 0) || t.boxShadow !== 'none'; })};
}"""


def walked(page: Any, steps: int) -> list[dict[str, Any]]:
    """What has the focus after each press of Tab."""
    found = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        page.wait_for_timeout(60)
        found.append(page.evaluate(FOCUSED))
    return found


def test_the_keyboard_reaches_the_map_its_list_and_help(opened):
    page = opened()
    settled(page, PAGES[""])
    found = walked(page, 60)
    text = " ".join(f"{f['name']} {f['classes']} {f['key']}" for f in found)
    for wanted in ("Path", "colour", "method", "wse-map", "Add by name", "frame"):
        assert wanted in text, wanted
    assert [f["name"] or f["classes"] for f in found if f["tag"] != "BODY" and not f["seen"]] == []


def test_models_are_picked_from_the_list_by_keyboard_and_alpha_is_moved(opened):
    page = opened()
    settled(page, PAGES[""])
    for turn in (1, 2):
        page.get_by_role("combobox", name="Add by name").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=f"Selection · {turn}").wait_for()
        page.wait_for_timeout(500)
    slider = page.get_by_role("slider")
    slider.wait_for()
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('.wse-thumb').ariaValueNow === '1'")


@pytest.mark.parametrize("path", ["", "path", "clusters", "region", "claims", "catalog", "glossary"])
def test_a_phone_can_read_it(opened, path):
    page = opened(path, size=(390, 844))
    settled(page, PAGES[path])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
