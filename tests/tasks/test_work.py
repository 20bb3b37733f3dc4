"""Fetching as work: it begins when it is told to, and can be stopped before."""

import time
from pathlib import Path

import pytest

from explorer.errors import UnknownNameError
from explorer.tasks.work import Fetching, fetch_datasets
from explorer.types import Progress


def test_it_waits_first_and_can_be_closed(tmp_path: Path) -> None:
    running = fetch_datasets(Fetching(("vader-nyt",), str(tmp_path / "tasks"), after=60))
    assert isinstance(next(running), Progress)
    running.close()
    assert not (tmp_path / "tasks").exists()


def test_errors_of_the_fetching_thread_are_raised(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(UnknownNameError, match="vader-nyt"):
        list(fetch_datasets(Fetching(("vader-nyr",), str(tmp_path), after=0.3)))
    assert time.monotonic() - start >= 0.3
