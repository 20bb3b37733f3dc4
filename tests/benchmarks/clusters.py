"""Spectral clustering of many checkpoints, against scikit-learn's on the same likeness.

    python tests/benchmarks/clusters.py [--checkpoints 5000] [--shared 1000] [--groups 50] [--rounds 3]

A planted Gram: `groups` directions and noise, cosine about .2 within a group and 0 between, with float64 products.
Prints one JSON object: seconds of `spectral` for all checkpoints, with k given and by the eigengap; of both on the
first `shared` ones, in alternation, medians over the rounds, with their ratio and whether the partitions are the same;
and of the figures that a page shows of the large clustering (distances, silhouettes, null, interval).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score

from explorer.clusters._geometry import distances, likeness
from explorer.clusters.spectral import spectral
from explorer.statistics.agreement import agreement, silhouettes
from explorer.statistics.nulls import bootstrap_intervals, permutation_nulls
from explorer.types import Gram, Group

DIMENSIONS, SHARE = 1000, 0.5


def planted(checkpoints: int, groups: int, seed: int = 0) -> tuple[Gram, np.ndarray]:
    """A Gram of n task vectors and the group of each."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, groups, checkpoints)
    vectors = SHARE * rng.normal(size=(groups, DIMENSIONS))[own] + rng.normal(size=(checkpoints, DIMENSIONS))
    ids = tuple(f"{i:06d}" for i in range(checkpoints))
    return Gram(ids, (Group("0", "attention"),), (vectors @ vectors.T)[None]), own


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    made = function()
    return time.perf_counter() - start, made


def measure(checkpoints: int, shared: int, groups: int, rounds: int) -> dict[str, Any]:
    """The benchmark's figures."""
    gram, own = planted(checkpoints, groups)
    given, found = timed(lambda: spectral(gram, groups))
    gap, by_gap = timed(lambda: spectral(gram))
    names = [str(g) for g in own]
    apart_in, apart = timed(lambda: silhouettes(distances(gram, "cosine"), found.labels))
    chance, _ = timed(lambda: (permutation_nulls(found.labels, names), bootstrap_intervals(found.labels, names)))
    part = gram.subset(gram.ids[:shared])
    ours, theirs = [], []
    for _ in range(rounds):
        seconds, mine = timed(lambda: spectral(part, groups))
        ours.append(seconds)
        weights = likeness(part, "cosine")
        seconds, other = timed(lambda w=weights: SpectralClustering(groups, affinity="precomputed", random_state=0)
                               .fit_predict(w))
        theirs.append(seconds)
    return {"checkpoints": checkpoints, "groups": groups, "spectral_s": given, "eigengap_s": gap,
            "eigengap_k": by_gap.k, "accuracy": agreement(found.labels, names).accuracy,
            "silhouette": float(np.nanmean(apart)), "silhouette_s": apart_in, "null_and_interval_s": chance,
            "shared": shared, "ours_s": median(ours), "scikit_learn_s": median(theirs),
            "ratio": median(ours) / median(theirs), "same_partition": adjusted_rand_score(mine.labels, other)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", type=int, default=5000)
    parser.add_argument("--shared", type=int, default=1000)
    parser.add_argument("--groups", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    print(json.dumps(measure(**vars(parser.parse_args())), indent=1))


if __name__ == "__main__":
    main()
