"""The app in this process, on a workspace of tiny real models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
import warm_workers
from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture
def app(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Runs a page ("map", "path", "catalog"), with entries for the session state, until it stands still."""
    from explorer.pages import _session, _visitor

    monkeypatch.setenv("EXPLORER_WORKSPACE", str(workspace))
    monkeypatch.setattr(_visitor, "secrets", dict)  # whatever this checkout's server is set to
    monkeypatch.setattr("explorer.backends.local.subprocess", warm_workers)
    _visitor.forget()
    st.cache_resource.clear()

    def run(page: str = "map", **state: object) -> AppTest:
        tested = AppTest.from_file(str(APP), default_timeout=60)
        for key, value in state.items():
            tested.session_state[key] = value
        return (tested if page == "map" else tested.switch_page(f"explorer/pages/{page}.py")).run()

    yield run
    _session.close()
    _visitor.forget()
    st.cache_resource.clear()


@pytest.fixture
def until() -> Callable[..., None]:
    """Runs a page again when its jobs have ended, and now and then before, until something holds of it."""

    def wait(tested: AppTest, holds: Callable[[], bool], seconds: float = 240) -> None:
        from explorer.pages import _session

        backend, end = _session.opened().backend, time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it never came true"
            soon = time.monotonic() + 2
            time.sleep(0.05)
            while any(job.active for job in backend.jobs()) and time.monotonic() < soon:
                time.sleep(0.05)
            tested.run()

    return wait
