"""Every page in light and dark, large and small: it is drawn, fits, has the look asked for, and axe finds nothing."""

from __future__ import annotations

from typing import Any

import pytest
from visiting import DARK, PAGES, fits, is_dark, settled, violations

PHONE = ("", "path", "clusters", "region", "claims", "catalog", "glossary")


def faults(page: Any, path: str, dark: bool, axe: bool = True) -> list[str]:
    """What is wrong with a page as it stands: page, look, width and the check that failed."""
    settled(page, path)
    found = [] if fits(page) else ["is wider than the window"]
    if is_dark(page) != dark:
        found.append("has the other look's background")
    if axe:
        found += [f"axe: {v}" for v in violations(page)]
    where = f"{path or 'map'}, {'dark' if dark else 'light'}, {page.viewport_size['width']} px"
    return [f"{where}: {fault}" for fault in found]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_in_both_looks_and_all_sizes(opened, path):
    page = opened(path)
    found = faults(page, path, dark=False)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1024, "height": 768})
    page.wait_for_function(f"() => ({DARK})()")
    page.wait_for_timeout(300)  # the page's script is run again for the other look
    found += faults(page, path, dark=True)
    if path in PHONE:
        page.set_viewport_size({"width": 390, "height": 844})
        found += faults(page, path, dark=True, axe=False)
    assert not found, "\n".join(found)
