"""The clusters benchmark at a small size: it finds what is planted, and the same as scikit-learn."""

from __future__ import annotations

from clusters import measure


def test_small_clusters_benchmark() -> None:
    found = measure(checkpoints=1600, shared=120, groups=6, rounds=1)  # more than the whole spectrum is computed for
    assert found["accuracy"] == found["same_partition"] == 1
    assert found["eigengap_k"] == 6
    assert all(found[key] > 0 for key in ("spectral_s", "eigengap_s", "ours_s", "scikit_learn_s", "ratio"))
