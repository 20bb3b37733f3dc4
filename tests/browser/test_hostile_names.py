"""A workspace full of attacks, shown on every page of the real app: inert everywhere, and readable."""

from __future__ import annotations

from urllib.parse import quote

import hostile
import pytest
from opening import serving
from visiting import PAGES, at_rest

ADDRESSES = {"": f"?colour={quote(hostile.SCRIPT)}&alpha=1e999&models={'9' * 400}",
             "path": f"?zero={quote(hostile.PICTURE)}&low=nan&points={'9' * 400}&tasks=%00,..%2Fetc",
             "merge": f"?view={quote(hostile.SQL)}", "surface": f"?surface_task={quote(hostile.PATHS)}&place=1,inf"}
"""What the address of a page says; each is a link that somebody could send."""
INERT = """(outside) => {
    const found = [];
    if (window.hit) found.push('a script ran');
    for (const e of document.querySelectorAll('script')) if (/hit=1/.test(e.textContent)) found.push('a script');
    for (const e of document.querySelectorAll('.hostile, img[src="x"], iframe')) found.push(e.outerHTML.slice(0, 200));
    for (const e of document.querySelectorAll('a, img, image, use, link')) {
        const to = ['href', 'src', 'xlink:href'].map((k) => e.getAttribute(k) ?? '').join(' ');
        if (to.includes(outside) || /javascript:/i.test(to)) found.push(e.outerHTML.slice(0, 200));
    }
    const seen = document.body.innerText;
    if (/[\\u202a-\\u202e\\u2066-\\u2069\\u0007]/.test(seen)) found.push('characters that turn or ring');
    return found;
}"""

SEEN = """() => document.body.textContent + [...document.querySelectorAll('input')].map((e) => e.value).join(' ')"""


@pytest.fixture(scope="module")
def address(chromium, zoo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    with serving(hostile.build(zoo, folder)) as (at, _):
        yield at


def test_hostile_names_are_inert_on_every_page(opened, address):
    page, said, seen = opened(at=address), {}, ""
    dialogs: list[str] = []
    page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    for path in PAGES:
        page.goto(f"{address}/{path}{ADDRESSES.get(path, '')}")
        page.wait_for_selector('[data-testid="stApp"]')
        page.locator(PAGES[path]).or_(page.locator('[data-testid="stAlert"], h3')).first.wait_for()
        at_rest(page)
        if path == "":
            for dot in page.locator(".st-key-map .scatterlayer .point").all()[:2]:
                dot.click(force=True)
                at_rest(page, 250)
        found = page.evaluate(INERT, hostile.OUTSIDE)
        found += page.locator('[data-testid="stException"]').all_inner_texts()
        said[path or "map"] = found
        seen += page.evaluate(SEEN)
    assert not {path: found for path, found in said.items() if found}
    assert not dialogs
    for name in hostile.NAMES[:5]:  # they are shown as they are written
        assert " ".join(name.split())[:30] in seen
