"""How the Gram grows with n checkpoints and d parameters, beside the stack in memory and the pairwise way.

    python tests/benchmarks/scale.py [--quick] [--threads 1]

Files of n + 1 models of fp32 weights are made in a temporary folder for each (n, d), at most 9 GB at a time, every byte
written (neither sparse nor linked, so that reads are not flattered), and are in the page cache when they are measured.
One JSON object is printed: seconds and peak anonymous memory of the streamed Gram, of adding one checkpoint to the
others, and of one checkpoint's sketch; the bound of reading the bytes once; the naive stack (all rows in memory as
float32, one product) where that takes no more than 4 GB, and pairs in float64, timed on a few and multiplied. From
these come the slopes and the seconds of each part of the cost model. Seconds are those of the processor in one thread,
so that what else runs on the machine is not counted; with more threads they are those of the clock.

Cost model, for n checkpoints of d parameters in t tensors and g groups, 4 bytes each:

    import, checks     n reads of 4 d bytes          6 d n operations              c₁ d n
    Gram, all new      n reads of 4 d bytes          n (n + 1) d operations        (c₂ n + c₃ n (n + 1) / 2) d + c₀ n t
    adding one         n + 2 reads of 4 d bytes      2 n d operations              (c₂ + c₃) n d + c₁ d + c₀ n t
    a sketch           in the read of the checks     5 d operations                c₄ d
    memory             one block, whatever d; 8 g n² bytes for the sums, of an import those of one group

On paper, 100,000 checkpoints of RoBERTa-base (d = 1.25e8, g = 52; 50 TB of weights) and disks that keep up, with
c₀ = 130 µs and c₁ = 5.3, c₂ = 1.8, c₃ = 0.04, c₄ = 12 ns, as one core of a busy machine had them; the model met every
measured case within 27 %, and slopes were 1.08 in n and 0.83 in d for the Gram, 0.92 in n for adding one:

    full Gram          100 TB read, 1.3e18 operations, 2.4e7 s (9 months), 2 TB of inner products; no machine's memory
    sketches           50 TB read, 2.2e5 s (61 hours), 21 GB; adding one 0.5 GB and 2.2 s instead of 50 TB
    1,000 of them      full Gram: 1 TB read, 1.3e14 operations, 54 minutes with the checks, 0.2 GB

`paper` in the output has these figures with the constants that were measured in the run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gram import NOISE, layout, read, sampled
from safetensors.torch import save_file

from explorer.types import Layout, Sketch
from explorer.weights.deltas import Difference, Weights
from explorer.weights.fingerprint import fingerprint
from explorer.weights.gram import gram_rows
from explorer.weights.sketching import Sketching
from explorer.weights.tensors import open_file

CASES = ((16, 4e5), (64, 4e5), (256, 4e5), (16, 4e6), (16, 2.85e7), (1000, 4e5), (64, 4e6), (256, 4e6), (16, 1.25e8),
         (64, 2.85e7))
QUICK = ((4, 1e5), (8, 1e5), (4, 4e5), (8, 4e5))
_STACK = 4 << 30
_PAIRS = 3


def make(folder: Path, shape: Layout, n: int) -> None:
    """A base and n checkpoints near it. Their noise is one vector turned by other amounts: random numbers take longest.
    """
    generator = torch.Generator().manual_seed(0)
    base = {t.name: torch.randn(t.shape, generator=generator) * 0.02 for t in shape.tensors}
    noise = {t.name: torch.randn(t.size, generator=generator) * NOISE for t in shape.tensors}
    save_file(base, folder / "base.safetensors")
    for i in range(n):
        save_file({k: v + noise[k].roll(7919 * (i + 1)).view_as(v) for k, v in base.items()},
                  folder / f"{i}.safetensors")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor in one thread, else of the clock; and what came of it."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    begun = clock()
    value = work()
    return clock() - begun, value


def opened(folder: Path, shape: Layout, n: int) -> list[Difference]:
    def weights(name: object) -> Weights:
        return Weights(open_file(folder / f"{name}.safetensors"), {t.name: t.name for t in shape.tensors})

    base = weights("base")
    return [Difference(weights(i), base) for i in range(n)]


def stack(deltas: list[Difference], shape: Layout) -> torch.Tensor:
    """The naive way: every row in memory, one product."""
    rows = torch.stack([d.flat(shape) for d in deltas])
    return rows @ rows.T


def pairwise(deltas: list[Difference], shape: Layout, pairs: int) -> float:
    """Seconds of all pairs the way of a loop over pairs in float64, from the first few."""
    chosen = list(itertools.islice(itertools.combinations_with_replacement(range(len(deltas)), 2), pairs))

    def some() -> None:
        for i, j in chosen:
            torch.dot(deltas[i].flat(shape).double(), deltas[j].flat(shape).double())

    return timed(some)[0] / len(chosen) * len(deltas) * (len(deltas) + 1) / 2


def case(n: int, parameters: float) -> dict[str, Any]:
    """One (n, d): seconds, and the peak of anonymous memory above what there was before."""
    shape = layout(parameters)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder, shape, n)
        files, buffer = sorted(folder.iterdir()), bytearray(1 << 20)
        read(files, buffer)
        deltas = opened(folder, shape, n)
        found: dict[str, Any] = {"n": n, "d": shape.size, "t": len(shape.tensors), "g": len(shape.groups),
                                 "read": timed(lambda: read(files, buffer))[0]}
        with sampled() as peak:
            before = peak()
            found["gram"], values = timed(lambda: gram_rows(deltas, shape))
            found["memory"] = peak() - before
        found["add one"] = timed(lambda: gram_rows(deltas, shape, new=1))[0]
        base = Weights(open_file(folder / "base.safetensors"), {t.name: t.name for t in shape.tensors})
        found["check"] = timed(lambda: fingerprint(deltas[0], base, shape, "0"))[0]
        sketching = Sketching(shape, Sketch(1024))
        both = timed(lambda: fingerprint(deltas[0], base, shape, "0", sketching.add))[0]
        found["sketch"] = max(both - found["check"], 0.0)
        found["pairwise"] = pairwise(deltas, shape, _PAIRS)
        if 4 * n * shape.size <= _STACK:
            with sampled() as peak:
                before = peak()
                found["stack"], naive = timed(lambda: stack(deltas, shape))
                found["stack memory"] = peak() - before
            exact = values.sum(axis=0)
            norms = np.sqrt(np.diag(exact))
            found["stack error"] = float((np.abs(naive.numpy() - exact) / np.outer(norms, norms)).max())
        return found


def slope(rows: list[dict[str, Any]], of: str, by: str) -> float:
    """The exponent of `of` in `by`, by least squares of logarithms."""
    return float(np.polyfit(np.log([r[by] for r in rows]), np.log([r[of] for r in rows]), 1)[0])


def constants(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Nanoseconds of the cost model: c0 opening a tensor; c1 check, c2 read and difference, c3 product of two rows, c4
    sketch, a value each."""
    from scipy.optimize import nnls

    a = np.array([[r["n"] * r["t"], r["d"] * r["n"], r["d"] * r["n"] * (r["n"] + 1) / 2] for r in rows], dtype=float)
    b = np.array([r["gram"] for r in rows])
    fitted, _ = nnls(a / b[:, None], np.ones(len(b)))  # relative errors
    largest = max(rows, key=lambda r: r["d"])
    return {"c1": 1e9 * largest["check"] / largest["d"], "c0": 1e9 * fitted[0], "c2": 1e9 * fitted[1],
            "c3": 1e9 * fitted[2], "c4": 1e9 * largest["sketch"] / largest["d"],
            "worst misfit": float(np.abs(a @ fitted / b - 1).max())}


def paper(c: dict[str, float], n: int, d: float = 1.25e8, g: int = 52) -> dict[str, float]:
    """The cost model's figures, with measured constants."""
    check = c["c1"] * d * n * 1e-9
    return {"n": n, "gram seconds": check + (c["c2"] * n + c["c3"] * n * (n + 1) / 2) * d * 1e-9,
            "gram bytes read": 8 * n * d, "gram operations": n * (n + 1.0) * d, "gram bytes kept": 4.0 * g * n * n,
            "sketch seconds": check + c["c4"] * d * n * 1e-9, "sketch bytes read": 4 * n * d,
            "sketch bytes kept": 4.0 * 1024 * g * n}


def measure(cases: tuple[tuple[int, float], ...] = CASES) -> dict[str, Any]:
    """All cases, their slopes and what follows from them."""
    rows = []
    for n, d in cases:
        rows.append(case(n, d))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    small, few = min(r["d"] for r in rows), min(r["n"] for r in rows)
    by_n, by_d = [r for r in rows if r["d"] == small], [r for r in rows if r["n"] == few]
    found = constants(rows)
    return {"cases": rows, "slopes": {"gram by n": slope(by_n, "gram", "n"), "gram by d": slope(by_d, "gram", "d"),
                                      "add one by n": slope(by_n, "add one", "n"),
                                      "add one by d": slope(by_d, "add one", "d"),
                                      "read by d": slope(by_d, "read", "d"),
                                      "pairwise by n": slope(by_n, "pairwise", "n")},
            "nanoseconds": found, "paper": [paper(found, n) for n in (1000, 10_000, 100_000)]}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="small cases, in seconds")
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    print(json.dumps(measure(QUICK if given.quick else CASES), indent=2))
