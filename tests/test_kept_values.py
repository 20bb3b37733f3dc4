"""What is kept for the life of the process is made once, however many ask for it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from explorer.workflows._kept import Kept


def test_of_several_that_ask_at_once_one_makes_the_value_and_the_others_have_it():
    kept: Kept[object] = Kept(2)
    begun, go, made = Event(), Event(), []

    def make() -> object:
        made.append(object())
        begun.set()
        assert go.wait(10)
        return made[-1]

    with ThreadPoolExecutor() as threads:
        first = threads.submit(kept.get, "key", make)
        assert begun.wait(10)
        second = threads.submit(kept.get, "key", make)
        assert kept.get("another", lambda: 1) == 1  # other values are not waited for
        go.set()
        assert first.result(10) is second.result(10) is made[0]
    assert len(made) == 1


def test_who_waited_for_a_value_that_could_not_be_made_makes_it():
    kept: Kept[int] = Kept(2)
    begun, go = Event(), Event()

    def fails() -> int:
        begun.set()
        assert go.wait(10)
        raise ValueError("no")

    with ThreadPoolExecutor() as threads:
        first = threads.submit(kept.get, "key", fails)
        assert begun.wait(10)
        second = threads.submit(kept.get, "key", lambda: 2)
        go.set()
        with pytest.raises(ValueError, match="no"):
            first.result(10)
        assert second.result(10) == 2
