"""The path benchmark at a small size: that it measures what it says, with room for a busy machine."""

from __future__ import annotations

from path import measure


def test_small_path_benchmark() -> None:
    found = measure(points=2, rounds=2, texts=60, parameters=3e6)
    assert all(value > 0 for name, value in found.items() if "difference" not in name)
    assert found["largest difference of the losses"] < 1e-5
    # the figures that count are measured on a quiet machine; here other tests take the cores in turn
    assert found["features over the fastest bare loop"] > 0.3
    assert found["points per second over loss-landscapes"] > 0.3
    assert min(v for name, v in found.items() if name.startswith("line over copy")) < 4
