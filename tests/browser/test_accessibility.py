"""Everyone can use it: the keyboard reaches all, looks are kept, words are explained."""

from __future__ import annotations

from typing import Any

from visiting import at_rest, settled, violations


def with_look(page: Any, look: str) -> None:
    page.get_by_role("button", name="Help", exact=True).click()
    page.get_by_role("radio", name=look).click()


def test_a_look_is_chosen_kept_and_of_the_projector_without_serious_violations(opened):
    page = opened()
    settled(page, "")
    with_look(page, "Dark")
    # while it is loaded anew there is no app to look at
    page.wait_for_function("""() => {
        const app = document.querySelector('.stApp');
        return app && getComputedStyle(app).backgroundColor === 'rgb(17, 21, 29)';
    }""")
    settled(page, "")
    with_look(page, "Projector")
    page.wait_for_function("() => getComputedStyle(document.documentElement).fontSize === '18px'")
    page.wait_for_function("() => document.cookie.includes('appearance=projector')")
    page.wait_for_timeout(1000)  # the light theme comes with a new load
    settled(page, "")
    page.goto(page.url.split("?")[0] + "claims")
    settled(page, "claims")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "18px"
    assert page.evaluate("getComputedStyle(document.querySelector('.stApp')).color") == "rgb(0, 0, 0)"
    assert violations(page) == []


def test_hints_are_put_away_once(opened):
    page = opened()
    settled(page, "")
    page.get_by_text("Two clicks make a path").wait_for()
    page.get_by_role("button", name="Got it").click()
    page.get_by_text("Two clicks make a path").wait_for(state="detached")
    page.wait_for_function("() => document.cookie.includes('hints_seen=yes')")
    page.reload()
    settled(page, "")
    assert page.get_by_text("Two clicks make a path").count() == 0


def test_help_explains_the_page_and_leads_to_the_glossary(opened):
    page = opened("region")
    settled(page, "region")
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
    settled(page, "")
    found = walked(page, 60)
    text = " ".join(f"{f['name']} {f['classes']} {f['key']}" for f in found)
    for wanted in ("Path", "colour", "method", "wse-map", "Add by name", "frame"):
        assert wanted in text, wanted
    assert [f["name"] or f["classes"] for f in found if f["tag"] != "BODY" and not f["seen"]] == []


def test_models_are_picked_from_the_list_by_keyboard_and_alpha_is_moved(opened):
    page = opened()
    settled(page, "")
    for turn in (1, 2):
        page.get_by_role("combobox", name="Add by name").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=f"Selection · {turn}").wait_for()
        at_rest(page)
    slider = page.get_by_role("slider")
    slider.wait_for()
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('.wse-thumb').ariaValueNow === '1'")
