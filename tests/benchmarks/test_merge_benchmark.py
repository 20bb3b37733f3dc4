"""The merge benchmark at a small size: our tensors are mergekit's, where mergekit is at hand."""

from __future__ import annotations

import pytest
from merge import METHODS, agreement, command, measure

PROGRAM = command()


needed = pytest.mark.skipif(PROGRAM is None, reason="mergekit is not installed; it is in an environment of its own, "
                            "named by EXPLORER_MERGEKIT")


@needed
def test_merges_are_mergekits() -> None:
    assert PROGRAM is not None
    found = measure(PROGRAM, models=4, hidden=32, layers=3, vocabulary=200, rounds=1)
    assert found["linear"]["largest_difference"] <= 1e-7
    assert found["task_arithmetic"]["largest_difference"] <= 1e-6
    assert found["ties"]["share_beyond_1e-6"] <= 1e-4  # the edge of the trim
    for method in METHODS:
        ours, theirs = found[method]["ours"], found[method]["mergekit"]
        assert ours["peak_anonymous_bytes"] <= theirs["peak_anonymous_bytes"]
        assert min(*ours.values(), *theirs.values()) > 0


@needed
def test_what_is_written_gives_mergekits_tensors() -> None:
    assert PROGRAM is not None
    for name, found in agreement(PROGRAM).items():
        assert found["largest_difference"] <= 1e-6, name
