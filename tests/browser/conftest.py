"""The real app in a real Chromium: one server and one browser a process for all tests of this folder.

Without Chromium the tests are skipped, unless EXPLORER_REQUIRE_BROWSER=1 says that they must run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from opening import PATIENCE, is_error, outside, serving

CHROMIUM = os.environ.get("EXPLORER_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         # a driver has the browser keep where every error came from, so that plotly.js would be read twice
         "--js-flags=--no-enable-lazy-source-positions",
         # each window would draw pages of the browser's own, a quarter of the time of a page's load
         "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,AiModeOmniboxEntryPoint,"
         "OnDeviceModel,OptimizationGuideOnDeviceModel,OptimizationHints,PaintHolding,LensOverlay,AimEnabled,"
         "MediaRouter,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,DestroyProfileOnBrowserClose"]
SHOWN = pytest.StashKey[list[Any]]()
"""The pages that a test opened."""
FORGET = "() => { localStorage.clear(); sessionStorage.clear(); }"


class Window:
    """A window of a browser that test after test opens its first page in, each as somebody who was never there before.

    It keeps what it has fetched and compiled of the app's scripts, without which a page takes twice as long.
    """

    def __init__(self, browser: Any) -> None:
        self._browser, self._page = browser, None

    def taken(self) -> Any:
        """The window's page; of a new window if a test has closed it."""
        if self._page is None or self._page.is_closed():
            self._page = self._browser.new_context().new_page()
        return self._page

    def left(self) -> None:
        """Nothing that this visitor's browser has kept is there for the next one."""
        if self._page is None or self._page.is_closed():
            return
        if not self._page.url.startswith("about:"):
            self._page.evaluate(FORGET)
            self._page.goto(urljoin(self._page.url, "/_stcore/health"))  # of the same address, and no app
        self._page.context.clear_cookies()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if not Path(CHROMIUM).is_file():
        message = "no Chromium: install Debian's package `chromium`, or name one in EXPLORER_CHROMIUM"
        if os.environ.get("EXPLORER_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def served(chromium: Any, made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The address of the app, on a copy of the tiny workspace, and its process."""
    folder = Path(shutil.copytree(made_workspace, tmp_path_factory.mktemp("served") / "ws"))
    with serving(folder) as found:
        yield found


@pytest.fixture(scope="session")
def server(served: tuple[str, int]) -> str:
    return served[0]


@pytest.fixture(scope="session")
def server_pid(served: tuple[str, int]) -> int:
    return served[1]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A test that failed says what its pages showed: a wait that ran out tells nothing by itself."""
    report = yield
    if report.when == "call" and report.failed:
        for page in [p for p in item.stash.get(SHOWN, []) if not p.is_closed()]:
            report.sections.append((f"what {page.url} showed", page.evaluate("document.body.innerText")))
    return report


@pytest.fixture(scope="session")
def window(chromium: Any) -> Window:
    return Window(chromium)


@pytest.fixture
def opened(request: pytest.FixtureRequest, chromium: Any, window: Window, server: str) -> Iterator[Callable[..., Any]]:
    """Opens a page; fails at the end if it logged an error, asked an outside host or showed an exception.

    The first is opened in the `window`; another while that is there is somebody else's, in a browser of their own.
    """
    pages = request.node.stash[SHOWN] = []
    problems: list[str] = []
    listening: list[tuple[Any, str, Callable[[Any], None]]] = []

    def open_page(path: str = "", dark: bool = False, size: tuple[int, int] = (1440, 900), at: str = server) -> Any:
        alone = all(page.is_closed() for page in pages)
        pages.append(page := window.taken() if alone else chromium.new_context().new_page())
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_default_timeout(PATIENCE)
        listeners = {"console": lambda m: problems.append(m.text) if is_error(m) else None,
                     "pageerror": lambda e: problems.append(str(e)),
                     "request": lambda r: problems.append(f"outside: {r.url}") if outside(r.url, at) else None}
        for name, listener in listeners.items():
            page.on(name, listener)
            listening.append((page, name, listener))
        page.goto(f"{at}/{path}")
        page.wait_for_selector('[data-testid="stApp"]')
        return page

    yield open_page
    there = [page for page in pages if not page.is_closed()]
    for page in there:
        problems += page.locator('[data-testid="stException"]').all_inner_texts()
    for page, name, listener in listening:
        page.remove_listener(name, listener)
    window.left()
    for page in there:
        if page is not window.taken():
            page.context.close()
    assert not problems


@pytest.fixture(scope="session")
def bare(chromium: Any, server: str) -> Iterator[Any]:
    """A page of the app's address without the app, where its scripts can be imported; no error may come of them."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page, problems = context.new_page(), list[str]()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("request", lambda r: problems.append(f"outside: {r.url}") if outside(r.url, server) else None)
    page.goto(f"{server}/_stcore/health")
    yield page
    context.close()
    assert not problems
