"""A path through weight space against what it can't avoid, and against loss-landscapes.

    python tests/benchmarks/path.py [--json] [--points 5] [--rounds 7] [--texts 500] [--parameters 28e6]

The demo's base and two of its models; synthetic texts over its vocabulary, lengths as in the demo's data sets, cut at
64 tokens. Everything runs in one process over the same batches (the evaluator's own), in alternation; figures are
medians over the rounds. A busy machine slows down the loops with all cores inside each operation most.

1. Points per second of an Evaluator, features only and with the fit of the head, over the bare forward loop: the same
   batches through the model at one place, nothing formed, pooled or kept. The loop is run in three ways (transformers'
   model and the evaluator's own with all cores inside each operation; the evaluator's own with a batch a core) and the
   fastest is the yardstick.
2. Points per second over those of loss-landscapes' `linear_interpolation`, which adds a step to the parameters of a
   model and calls a metric; both sides measure cross-entropy of one fixed linear head on mean-pooled states, float32.
3. Seconds to form θ(α) in the flat buffer over those of one plain copy of d float32, at the demo's size and a larger.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from explorer import settings
from explorer.evaluation.encoder import Reduction, pooled
from explorer.evaluation.evaluator import Evaluator
from explorer.evaluation.reading import spans
from explorer.evaluation.texts import Batch
from explorer.tasks.prepare import load, write
from explorer.tasks.splits import Row
from explorer.types import Base, Group, Layout, Point, Probe, Task
from explorer.weights.deltas import InMemory, Weights
from explorer.weights.opening import open_base
from explorer.weights.point import FlatPoint

BASE, MODELS, CLASSES = settings.DEMO / "bases" / "M", ("imdb-s0", "airline-tweets-s0"), ("a", "b", "c")
MEDIAN_WORDS, SPREAD = 24, 0.8  # about what the demo's texts have: median 33 tokens, a sixth of them cut at 64


def synthetic_task(folder: Path, texts: int) -> Task:
    """Train and test texts of random words whose lengths are lognormal; a text's label shows in some of its words."""
    rng = np.random.default_rng(0)
    words = [w for w in (BASE / "vocab.txt").read_text(encoding="utf-8").split("\n") if w.isalpha() and len(w) > 2]
    rows = []
    for i in range(2 * texts):
        label = i % len(CLASSES)
        size = int(np.clip(rng.lognormal(np.log(MEDIAN_WORDS), SPREAD), 3, 200))
        chosen = rng.integers(0, len(words) - 100, size) + label * 30
        text = " ".join(words[k] for k in chosen)
        rows.append(Row(text, CLASSES[label], split="train" if i < texts else "test"))
    return write("synthetic", rows, folder)


def evaluator() -> tuple[Evaluator, Point, Point]:
    """An evaluator over the demo's base, and the two ends of the path."""
    opened = open_base(BASE)
    made = Evaluator(Base("M", "M", str(BASE), "bert", opened.layout, opened.prefix), BASE, "cpu")
    made.folders.update({name: settings.DEMO / "models" / name for name in MODELS})
    zero, one = (Point.of("M", {name: 1.0}) for name in MODELS)
    return made, zero, one


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternated(works: Mapping[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """(median, least) seconds of each work, one after the other in every round; a first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            seconds[name].append(timed(work))
    return ({name: median(values[1:]) for name, values in seconds.items()},
            {name: min(values[1:]) for name, values in seconds.items()})


def all_cores(work: Callable[[], Any], made: Evaluator) -> Callable[[], Any]:
    """Work with every core inside each operation, as a plain script has it; then as the evaluator has it again."""

    def run() -> None:
        torch.set_num_threads(settings.cores())
        work()
        # the library's threads are set for the whole process, and the evaluator's own take a batch each
        list(made.encoder._cores.map(torch.set_num_threads, [1] * settings.cores()))  # type: ignore[union-attr]

    return run


def forward_pass(rounds: int, texts: int, folder: Path) -> dict[str, float]:
    """Points per second of an evaluator and of the bare loops."""
    from transformers import AutoModel

    made, zero, one = evaluator()
    task, probe, places = synthetic_task(folder, texts), Probe(train=texts, test=texts), count(1)
    theirs = AutoModel.from_pretrained(str(BASE), add_pooling_layer=False, dtype=torch.float32).eval()

    def new() -> Point:
        """A place not visited before."""
        return zero.moved(one, 0.37 + 1e-3 * next(places))

    stretches = [(which, span) for which, cut in (("train", Probe.FIRST[0]), ("test", Probe.FIRST[1]))
                 for span in spans(0, texts, cut)]
    batches = [b for which, span in stretches
               for b in made.reader.batches(task, which, probe.length, span, made._tokens, "plain")]
    nothing = Reduction("nothing", "plain", lambda hidden, batch: hidden[:0, 0, :1])

    def loop(model: Any) -> None:
        with torch.inference_mode():
            for batch in batches:
                model(**batch.inputs)

    seconds, least = alternated({
        "features": lambda: made.rows(new(), task, probe, ("train", "test"), pooled("mean")),
        "score": lambda: made.score(new(), task, probe),
        "bare, transformers": all_cores(lambda: loop(theirs), made),
        "bare, own model": all_cores(lambda: loop(made.encoder.model), made),
        "bare, a batch a core": lambda: list(made.encoder.rows(batches, nothing, "fp32")),
        "first pass": lambda: made.score(new(), task, probe.first()),
    }, rounds)
    bare, bare_least = (min(v for k, v in some.items() if k.startswith("bare")) for some in (seconds, least))
    tokens = sum(b.tokens for b in batches)
    return {**{f"points per second: {k}": 1 / v for k, v in seconds.items()},
            "tokens per second": tokens / seconds["features"],
            "features over the fastest bare loop": bare / seconds["features"],
            "score over the fastest bare loop": bare / seconds["score"],
            "features over the fastest bare loop, best rounds": bare_least / least["features"],
            "score over the fastest bare loop, best rounds": bare_least / least["score"],
            "features over transformers' bare loop": seconds["bare, transformers"] / seconds["features"],
            "first pass over a full score, seconds": seconds["first pass"] / seconds["score"]}


class Classifier(torch.nn.Module):
    """transformers' encoder, mean pooling and one linear head: logits (b, c) of a batch."""

    def __init__(self, backbone: torch.nn.Module, weight: torch.Tensor) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("head", weight)

    def forward(self, batch: Batch) -> torch.Tensor:
        return logits(self.backbone(**batch.inputs).last_hidden_state, batch, self.head)


def logits(hidden: torch.Tensor, batch: Batch, head: torch.Tensor) -> torch.Tensor:
    return F.linear(pooled("mean").reduce(hidden, batch), head)


def peer(rounds: int, points: int, texts: int, folder: Path) -> dict[str, float]:
    """Points per second of loss-landscapes' line and of the same line here, and how far their losses are apart."""
    import loss_landscapes
    from loss_landscapes.metrics import Metric
    from transformers import AutoModel

    made, zero, one = evaluator()
    task = synthetic_task(folder, texts)
    labels = torch.from_numpy(load(task).test.labels)
    batches = made.reader.batches(task, "test", 64, (0, texts), made._tokens, "plain")
    head = 0.1 * torch.randn(len(CLASSES), 128, generator=torch.Generator().manual_seed(0))
    backbone = AutoModel.from_pretrained(str(BASE), add_pooling_layer=False, dtype=torch.float32)
    ends = []
    for point in (zero, one):
        made.encoder.move(point)
        end = Classifier(copy.deepcopy(backbone), head).eval()
        parameters = dict(end.backbone.named_parameters())
        with torch.no_grad():
            for name, view in made.encoder.views.items():
                parameters[name].copy_(view)
        ends.append(end)

    class MeanLoss(Metric):
        def __call__(self, model: Any) -> float:
            total = sum(float(F.cross_entropy(model.forward(b), labels[b.rows], reduction="sum")) for b in batches)
            return total / texts

    def reduce(hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        return F.cross_entropy(logits(hidden, batch, head), labels[batch.rows], reduction="none")[:, None]

    ours, theirs = np.zeros(points), np.zeros(points)

    def here() -> None:
        for i in range(points):
            made.encoder.move(zero.moved(one, (i + 1) / points))
            rows = made.encoder.rows(batches, Reduction("fixed", "plain", reduce), "fp32")
            ours[i] = sum(float(r.sum()) for r in rows) / texts

    def there() -> None:  # without the copy the caller's start is left at the end
        theirs[:] = loss_landscapes.linear_interpolation(ends[0], ends[1], MeanLoss(), steps=points,
                                                         deepcopy_model=True)

    seconds, least = alternated({"here": here, "loss-landscapes": all_cores(there, made)}, rounds)
    return {**{f"points per second: {k}": points / v for k, v in seconds.items()},
            "points per second over loss-landscapes": seconds["loss-landscapes"] / seconds["here"],
            "points per second over loss-landscapes, best rounds": least["loss-landscapes"] / least["here"],
            "largest difference of the losses": float(np.abs(ours - theirs).max())}


def forming(rounds: int, sizes: Sequence[int]) -> dict[str, float]:
    """Seconds to form θ over those of a plain copy, for lines between two models and for mixtures of three."""
    found: dict[str, float] = {}
    torch.set_num_threads(settings.cores())
    for d in sizes:
        layout = Layout.of([("w", (d,), Group("0", "other"))])
        base = torch.randn(d)
        deltas = {name: InMemory(1e-2 * torch.randn(d)) for name in "xyz"}
        flat = FlatPoint("b", Weights({"w": base}, {"w": "w"}), layout, deltas.__getitem__, budget=5 * 4 * d)  # type: ignore[arg-type]
        other, places = torch.empty(d), count(1)
        seconds, _ = alternated({
            "line": lambda flat=flat, places=places: flat.move(
                Point.of("b", {"x": 1.0}).moved(Point.of("b", {"y": 1.0}), 0.3 + 1e-6 * next(places))),
            "copy": lambda other=other, base=base: other.copy_(base),
        }, rounds)
        mixture, _ = alternated({
            "three": lambda flat=flat, places=places: flat.move(
                Point.of("b", {"x": 0.2, "y": 0.3, "z": 1e-6 * next(places)})),
            "copy": lambda other=other, base=base: other.copy_(base),
        }, rounds)
        size = f"{d / 1e6:.3g}M parameters"
        found |= {f"copy of {size}, seconds": seconds["copy"],
                  f"line over copy, {size}": seconds["line"] / seconds["copy"],
                  f"mixture of three over copy, {size}": mixture["three"] / mixture["copy"]}
    return found


def measure(points: int = 5, rounds: int = 7, texts: int = 500, parameters: float = 28e6) -> dict[str, float]:
    """All figures by name."""
    with tempfile.TemporaryDirectory() as place:
        formed = forming(20 * rounds, [open_base(BASE).layout.size, int(parameters)])
        return {**forward_pass(2 * rounds, texts, Path(place)), **peer(rounds, points, texts, Path(place)),
                **formed}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--points", type=int, default=5)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--texts", type=int, default=500)
    options.add_argument("--parameters", type=float, default=28e6)
    options.add_argument("--json", action="store_true", help="one JSON object")
    given = vars(options.parse_args())
    as_json = given.pop("json")
    figures = measure(**given)
    print(json.dumps(figures, indent=2) if as_json else "\n".join(f"{v:12.4g}  {k}" for k, v in figures.items()))
