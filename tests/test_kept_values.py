"""What is kept for the life of the process: who makes a value may be answered by another thread meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from explorer.workflows._kept import Kept


def test_a_value_may_come_from_another_thread_while_it_is_made():
    """As a job keeps its result under the key that somebody waits for the job with."""
    kept: Kept[int] = Kept(2)
    with ThreadPoolExecutor() as threads:
        def made() -> int:
            return threads.submit(kept.get, "key", lambda: 1).result(10)

        assert kept.get("key", made) == 1
    assert kept.get("key", lambda: 2) == 1
