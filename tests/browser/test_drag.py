"""A dragged marker costs about what moving an empty element costs, however many dots the map has."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from drag import CASES, measure


@pytest.mark.parametrize(("dots", "dims"), CASES)
def test_the_marker_keeps_up(bare, dots, dims):
    found = measure(bare, dots, dims)
    # a picture is two frames away in any case; the claim is one and a half times that, with slack for a busy machine
    assert found["marker median"] <= 2.5 * found["bare median"]
