"""Diagonal Fisher information of models on their own tasks, as work for a backend.

The classifier is the encoder with the head of its generalized loss, fitted on train texts and held fixed. It is the
true Fisher information, not the empirical one: the expectation over labels is taken under the model, F = E_x Σ_y
p(y|x) (∂ log p(y|x) / ∂θ)², exactly where a task has few labels and over drawn ones where it has many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from explorer.types import Base, Point, Probe, Progress, Task, canonical_json, digest

if TYPE_CHECKING:
    import torch

    from explorer.evaluation.evaluator import Evaluator
    from explorer.evaluation.texts import Batch

EXACT = 8
"""Labels up to which the expectation is exact; of more, so many are drawn for each text."""


@dataclass(frozen=True)
class Informed:
    """Whose Fisher information: a checkpoint, on the first `texts` train texts of a task, with a head fitted as `head`
    says."""

    checkpoint: str
    task: Task
    texts: int = 200
    head: Probe = field(default_factory=Probe)

    @property
    def key(self) -> str:
        """The name under which it is stored: all that its values depend on."""
        return digest("fisher", canonical_json([self.checkpoint, self.task.digest, min(self.texts, self.task.n_train),
                                                self.head.key, EXACT]))


@dataclass(frozen=True)
class Informing:
    """Fisher information to estimate, in order, and the folder it is written to."""

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    wanted: tuple[Informed, ...]
    out: str
    device: str = "auto"

    def split(self, n: int) -> list[Informing]:
        """At most n parts, none of them empty."""
        if n < 1:
            raise ValueError(f"into {n} parts: at least one is needed")
        return [replace(self, wanted=part) for k in range(n) if (part := self.wanted[k::n])] or [self]

    def remaining(self, results: Iterable[Any]) -> Informing:
        """What is left to do once these results, keys, are there."""
        there = set(results)
        return replace(self, wanted=tuple(w for w in self.wanted if w.key not in there))

    def on(self, device: str) -> Informing:
        """The same work on another device."""
        return replace(self, device=device)


def inform(request: Informing) -> Iterator[Progress | str]:
    """Estimate in order; yields the key of each that is written. Between two texts the worker may be told to stop."""
    from pathlib import Path

    from explorer import settings
    from explorer.weights.fishers import save_fisher

    total, done = sum(min(w.texts, w.task.n_train) for w in request.wanted), 0
    yield Progress(0, total, "loading the model")
    from explorer.evaluation.evaluator import resident

    evaluator = resident(request.base, Path(request.base_folder), {k: Path(v) for k, v in request.folders.items()},
                         settings.device(request.device))
    for wanted in request.wanted:
        for step in diagonal(evaluator, wanted):
            if isinstance(step, int):
                yield Progress(done + step, total, wanted.task.name)
            else:
                about = {"checkpoint": wanted.checkpoint, "task": wanted.task.name, "texts": str(wanted.texts)}
                save_fisher(Path(request.out), wanted.key, step, request.base.layout, about)
        done += min(wanted.texts, wanted.task.n_train)
        yield wanted.key


def diagonal(evaluator: Evaluator, wanted: Informed) -> Iterator[int | torch.Tensor]:
    """Yields how many texts are done, and last the Fisher information, float32 of shape (d,) on the CPU.

    NotFiniteError where the model's states are not finite; UnavailableError if the texts are not here.
    """
    import torch

    point = Point.of(evaluator.base.id, {wanted.checkpoint: 1.0})
    score = _classifier(evaluator, point, wanted)
    how = replace(wanted.head, train=wanted.texts)
    count = evaluator.reader.count(wanted.task, "train", how)
    queue = evaluator.reader.batches(wanted.task, "train", evaluator.reader.length(how), (0, count), 1, "plain")
    model, leaves = _differentiable(evaluator)
    sums = [torch.zeros_like(leaf) for leaf in leaves]
    with _alone(evaluator.base.layout.size):
        for done, batch in enumerate(queue, start=1):
            with torch.enable_grad():
                logp = score(model(**batch.inputs).last_hidden_state.float(), batch)
            for label, share in _labels(logp.detach(), int(batch.rows[0])):
                found = torch.autograd.grad(logp[label], leaves, retain_graph=True, allow_unused=True)
                for total, gradient in zip(sums, found, strict=True):
                    if gradient is not None:
                        total.addcmul_(gradient, gradient, value=share / count)
            yield done
    yield torch.cat([s.flatten() for s in sums]).float().cpu()


def _classifier(evaluator: Evaluator, point: Point, wanted: Informed) -> Callable[[torch.Tensor, Batch], torch.Tensor]:
    """Hidden states of one text → log-probabilities (c,); leaves the encoder at the point."""
    import numpy as np
    import torch

    from explorer.evaluation.encoder import pooled
    from explorer.evaluation.head import fit_head

    pooling = pooled(evaluator.base.pooling)
    (features,) = evaluator.rows(point, wanted.task, wanted.head, ("train",), pooling)
    centre, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 1e-12 * (1 + np.abs(centre)), spread, np.inf)
    labels = evaluator.reader.labels(wanted.task, "train", wanted.head)
    weights, bias = fit_head((features - centre) / scale, labels, len(wanted.task.labels), wanted.head.l2)
    evaluator.encoder.move(point)
    matrix, shift = (torch.from_numpy(v).float().to(evaluator.device)
                     for v in (weights / scale[:, None], bias - (centre / scale) @ weights))
    return lambda hidden, batch: torch.log_softmax(pooling.reduce(hidden, batch)[0] @ matrix + shift, dim=0)


def _labels(logp: torch.Tensor, row: int) -> Iterator[tuple[int, float]]:
    """Labels with their shares of the expectation: every one, or EXACT drawn ones from a stream of the text's own."""
    import torch

    chances = logp.exp().cpu()
    if len(chances) <= EXACT:
        yield from ((label, float(p)) for label, p in enumerate(chances))
        return
    drawn = torch.multinomial(chances, EXACT, replacement=True, generator=torch.Generator().manual_seed(row))
    labels, counts = drawn.unique(return_counts=True)
    yield from ((int(label), int(n) / EXACT) for label, n in zip(labels, counts, strict=True))


def _differentiable(evaluator: Evaluator) -> tuple[Callable[..., Any], list[torch.Tensor]]:
    """The model at the place where the encoder is, and its parameters in the layout's order, as leaves of gradients."""
    from explorer.evaluation.plain_bert import PlainBert
    from explorer.weights.tensors import read_json

    leaves = {name: view.detach().requires_grad_() for name, view in evaluator.encoder.views.items()}
    if PlainBert.knows(raw := read_json(evaluator.folder / "config.json")):
        return PlainBert(raw, leaves), list(leaves.values())
    from torch.func import functional_call

    def model(**inputs: torch.Tensor) -> Any:
        return functional_call(evaluator.encoder.model, leaves, (), inputs)

    return model, list(leaves.values())


class _alone:
    """One thread while a small model works: its operations are too small to be shared."""

    SHARED = 20_000_000

    def __init__(self, size: int) -> None:
        self._size = size

    def __enter__(self) -> None:
        import torch

        self._before = torch.get_num_threads()
        if self._size < self.SHARED:
            torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        import torch

        torch.set_num_threads(self._before)
