"""The streamed Gram against its two unavoidable costs: reading the bytes once, and the bare matrix product.

    python tests/benchmarks/gram.py [--checkpoints 16] [--parameters 28.5e6] [--rounds 5]

Makes a base and n checkpoints of fp32 weights in a temporary folder (about 1.9 GB, removed at the end), measures in
alternation, and prints one JSON object: seconds, their ratio, the peak of anonymous memory while `gram_rows` runs, and
the error against a float64 reference. All in one process; the files are in the page cache before the first round.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from explorer.types import Group, Layout
from explorer.weights.deltas import Difference, Weights
from explorer.weights.gram import gram_rows
from explorer.weights.tensors import open_file

NOISE = 1e-3


def layout(parameters: float) -> Layout:
    """A BERT-shaped layout of about this many parameters: word embeddings and as many layers as fit."""
    width = 512 if parameters >= 8e6 else 64
    rows: list[tuple[str, tuple[int, ...], Group]] = []
    left, layer = int(parameters * 0.7), 0
    while left > 0:
        for kind, shape in (("q", (width, width)), ("k", (width, width)), ("v", (width, width)), ("o", (width, width)),
                            ("up", (4 * width, width)), ("down", (width, 4 * width))):
            group = Group(str(layer), "attention" if len(kind) == 1 else "feed-forward")
            rows += [(f"layer.{layer}.{kind}.weight", shape, group),
                     (f"layer.{layer}.{kind}.bias", shape[:1], Group(str(layer), "bias"))]
        layer += 1
        left -= 12 * width * width
    body = Layout.of(rows).size
    embeddings = ("embeddings.weight", (max(1, int(parameters - body) // width), width),
                  Group("embeddings", "embeddings"))
    return Layout.of([embeddings, *rows])


def make(folder: Path, shape: Layout, n: int) -> None:
    """A base and n checkpoints near it; half of their task vectors share a direction, so not all products are noise."""
    torch.manual_seed(0)
    base = {t.name: torch.randn(t.shape) * 0.02 for t in shape.tensors}
    shared = {t.name: torch.randn(t.shape) * NOISE for t in shape.tensors}
    save_file(base, folder / "base.safetensors")
    for i in range(n):
        save_file({k: v + torch.randn_like(v) * NOISE + (i % 2) * shared[k] for k, v in base.items()},
                  folder / f"{i}.safetensors")


def read(files: list[Path], buffer: bytearray) -> None:
    """Every byte of the files, once, into one buffer."""
    for file in files:
        with file.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):  # type: ignore[attr-defined]
                pass


def product(block: torch.Tensor, d: int) -> None:
    """The bare float32 product of n vectors of d values with each other, a cached block at a time."""
    for _ in range(d // block.shape[1]):
        torch.mm(block, block.T)


def anonymous() -> int:
    """Bytes of anonymous memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise OSError("no RssAnon in /proc/self/status")


@contextmanager
def sampled() -> Iterator[Callable[[], int]]:
    """Gives a function: the peak of anonymous memory inside the block, sampled every 5 ms."""
    peak, over = [anonymous()], threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            peak[0] = max(peak[0], anonymous())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: peak[0]
    finally:
        over.set()
        thread.join()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value


def reference(deltas: list[tuple[Weights, Weights]], shape: Layout) -> np.ndarray:
    """The whole Gram with every difference and product in float64, shape (n, n)."""
    total = np.zeros((len(deltas), len(deltas)))
    for tensor in shape.tensors:
        for lo in range(0, tensor.size, 1 << 18):
            rows = np.stack([mine.whole(tensor)[lo : lo + (1 << 18)].double().numpy()
                             - base.whole(tensor)[lo : lo + (1 << 18)].double().numpy() for mine, base in deltas])
            total += rows @ rows.T
    return total


def measure(checkpoints: int = 16, parameters: float = 28.5e6, rounds: int = 5) -> dict[str, float]:
    """Seconds (medians of alternating rounds), their ratio, peak memory in bytes, and relative errors."""
    shape = layout(parameters)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder, shape, checkpoints)
        files = sorted(folder.iterdir())

        def weights(name: str) -> Weights:
            return Weights(open_file(folder / f"{name}.safetensors"), {t.name: t.name for t in shape.tensors})

        base = weights("base")
        mine = [weights(str(i)) for i in range(checkpoints)]
        deltas = [Difference(w, base) for w in mine]
        buffer, block = bytearray(1 << 20), torch.randn(checkpoints, 1 << 16)
        read(files, buffer)
        seconds: dict[str, list[float]] = {"gram": [], "read": [], "product": []}
        with sampled() as peak:
            for _ in range(rounds):
                took, values = timed(lambda: gram_rows(deltas, shape))
                seconds["gram"].append(took)
                seconds["read"].append(timed(lambda: read(files, buffer))[0])
                seconds["product"].append(timed(lambda: product(block, shape.size))[0])
        exact = reference([(w, base) for w in mine], shape)
        found = values.sum(axis=0)
        norms = np.sqrt(np.diag(exact))
        middle = {k: median(v) for k, v in seconds.items()}
        return {"checkpoints": checkpoints, "parameters": shape.size, **{f"{k}_seconds": v for k, v in middle.items()},
                "ratio": middle["gram"] / (middle["read"] + middle["product"]),
                "ratio_of_the_best": min(seconds["gram"]) / (min(seconds["read"]) + min(seconds["product"])),
                "peak_anonymous_bytes": peak(),
                "error_to_norms": float((np.abs(found - exact) / np.outer(norms, norms)).max()),
                "error_to_largest": float(np.abs(found - exact).max() / np.abs(exact).max()),
                "error_elementwise": float((np.abs(found - exact) / np.abs(exact)).max())}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--checkpoints", type=int, default=16)
    options.add_argument("--parameters", type=float, default=28.5e6)
    options.add_argument("--rounds", type=int, default=5)
    print(json.dumps(measure(**vars(options.parse_args())), indent=2))
