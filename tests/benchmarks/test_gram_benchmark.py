"""The Gram benchmark at a small size: its memory bound, its exactness, and that it measures what it says."""

from __future__ import annotations

from gram import measure


def test_small_gram_benchmark() -> None:
    found = measure(checkpoints=5, parameters=4e5, rounds=2)
    assert found["parameters"] > 3e5
    assert found["error_to_norms"] < 1e-7
    assert found["error_elementwise"] < 1e-6
    assert all(found[k] > 0
               for k in ("gram_seconds", "read_seconds", "product_seconds", "ratio", "peak_anonymous_bytes"))
