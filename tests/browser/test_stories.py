"""Views that are saved become a story, which is presented: live, by keys, without measuring, also after a restart."""

from __future__ import annotations

from typing import Any

from opening import serving
from test_app import CURVE, MAP, dots, pick

STAGE = ".wse-bar"


def save(page: Any, title: str) -> None:
    """Saves the view that is on the screen."""
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("textbox", name="Title").fill(title)
    page.get_by_role("button", name="Save view").click()
    page.get_by_text(f"Saved as {title}").wait_for()
    page.keyboard.press("Escape")


def at_step(page: Any, step: int, awaited: str) -> None:
    page.wait_for_function(f"() => document.querySelector('{STAGE} .wse-count')?.textContent.startsWith('{step} /')")
    page.wait_for_selector(awaited)


def story_of_two(page: Any, address: str) -> None:
    """A map with two models selected, the path between them with α at 0.25, and a story of both."""
    pick(page, 0, 1)
    pick(page, 3, 2)
    page.get_by_text("points are measured").wait_for()
    save(page, "Two models")
    page.get_by_role("button", name="Path between two").click()
    page.wait_for_url("**/path**")
    page.get_by_text("points are measured").wait_for()
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function("() => location.search.includes('alpha=0.2')")
    save(page, "Between them")
    page.goto(f"{address}/stories")
    page.get_by_text("Saved views · 2").wait_for()
    page.locator(".wse-sketch").nth(1).wait_for()
    page.get_by_role("button", name="New story").click()
    page.get_by_role("textbox", name="Title of the story").fill("A talk")
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("No steps yet").wait_for()
    for step, card in enumerate((1, 0), 1):
        page.get_by_role("button", name="Add", exact=True).nth(card).click()
        page.get_by_role("textbox", name=f"Notes to step {step}").wait_for()
    page.get_by_role("textbox", name="Notes to step 2").fill("Drag it slowly.")
    page.get_by_role("textbox", name="Notes to step 2").blur()


def test_a_story_is_made_presented_and_there_after_a_restart(opened, workspace):
    with serving(workspace) as (address, _):
        page = opened(at=address)
        dots(page)
        story_of_two(page, address)
        page.get_by_role("button", name="Present").click()
        at_step(page, 1, MAP)
        page.wait_for_function("() => location.search.includes('present=')")
        assert page.get_by_role("combobox").count() == 0
        assert not page.locator('[data-testid="stHeader"]').is_visible()
        page.keyboard.press("ArrowRight")
        at_step(page, 2, CURVE)
        page.get_by_text("α = 0.2 ·").first.wait_for()
        page.keyboard.press("n")
        page.get_by_text("Drag it slowly.").wait_for()
        link = page.url.removeprefix(f"{address}/")
        page.close()
    with serving(workspace) as (address, _):
        page = opened(link, at=address)
        at_step(page, 2, CURVE)
        drag(page)
        page.keyboard.press("ArrowLeft")
        at_step(page, 1, MAP)
        page.keyboard.press("PageDown")
        at_step(page, 2, CURVE)
        page.get_by_text("α = 0.2 ·").first.wait_for()
        notes = opened(f"?{link.split('?')[1].split('&')[0]}&notes=1", at=address)
        notes.get_by_text("Drag it slowly.").wait_for()
        notes.get_by_text("This is the last step.").wait_for()
        page.keyboard.press("PageUp")
        at_step(page, 1, MAP)
        notes.get_by_text("Next: Between them").wait_for()
        notes.close()
        page.keyboard.press("Escape")
        page.get_by_role("heading", name="Saved views · 2").wait_for()
        assert page.locator(STAGE).count() == 0
        page.close()


def drag(page: Any) -> None:
    """α follows the pointer, and nothing is measured where it rests: the reading stays one between measured points."""
    thumb = page.locator(".wse-thumb")
    start = thumb.bounding_box()
    page.mouse.move(start["x"] + 10, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(start["x"] + 97, start["y"] + 10, steps=12)
    page.mouse.up()
    assert thumb.bounding_box()["x"] > start["x"] + 60
    page.get_by_text("between two measured points").first.wait_for()
    page.wait_for_timeout(2500)
    assert "between two measured points" in page.locator(".wse-reading").inner_text()
