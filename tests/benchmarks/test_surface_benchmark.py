"""The surface benchmark at a small size: that it measures what it says."""

from __future__ import annotations

from surface import MODELS, demo, planted


def test_planted_surfaces_are_compared_with_the_full_grid() -> None:
    found = planted(4, 0.4)
    for figures in found.values():
        assert figures["evaluations"] == round(figures["share of the full grid's"] * 17 * 17)
        assert figures["share of the full grid's"] <= 0.4
        assert 0 <= figures["within the estimated error"] <= 1
    # cliffs as narrow as a square of this lattice need more; at 33 × 33 tests/paths holds all of them to it
    assert max(found[name]["rms error over the full grid's"] for name in ("bowl", "valley", "basins")) <= 0.5


def test_the_demos_plane_is_measured() -> None:
    found = demo(2, 1.0, MODELS, None, 30, 5)
    assert found["evaluations"] == 25
    assert found["rms error, share of the range"] < 1
    assert found["seconds an evaluation"] > 0
