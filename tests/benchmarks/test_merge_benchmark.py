"""The merge benchmark at a small size: our tensors are mergekit's, where mergekit is at hand."""

from __future__ import annotations

import pytest
from merge import METHODS, command, measure

PROGRAM = command()


@pytest.mark.skipif(PROGRAM is None, reason="mergekit is not installed; it is in an environment of its own, named by "
                    "EXPLORER_MERGEKIT")
def test_merges_are_mergekits() -> None:
    assert PROGRAM is not None
    found = measure(PROGRAM, models=4, hidden=32, layers=3, vocabulary=200, rounds=1)
    assert found["linear"]["largest_difference"] <= 1e-7
    assert found["task_arithmetic"]["largest_difference"] <= 1e-6
    assert found["ties"]["share_beyond_1e-6"] == 0
    for method in METHODS:
        ours, theirs = found[method]["ours"], found[method]["mergekit"]
        assert ours["peak_anonymous_bytes"] <= theirs["peak_anonymous_bytes"]
        assert min(*ours.values(), *theirs.values()) > 0
