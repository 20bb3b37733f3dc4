"""Tasks, how a loss is measured on them, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from explorer.types._identity import canonical_json, digest

Head = Literal["probe", "end-to-end", "lm"]


@dataclass(frozen=True)
class Task:
    """Labelled text to evaluate on: a Parquet file of (split, text, text_pair, label), split "train" or "test".

    `family` is the paper's task (sentiment, topic, …), `domain` where the text comes from (twitter, news, …).
    `digest` is the hash of all rows; two tasks with the same texts, labels and splits have the same digest.
    """

    name: str
    path: str
    labels: tuple[str, ...]
    n_train: int
    n_test: int
    digest: str
    family: str | None = None
    domain: str | None = None
    source: str = ""


@dataclass(frozen=True)
class Probe:
    """How a loss is measured. Every field is part of a score's identity.

    `head` "probe" is the paper's generalized loss, for which the other fields are described below. "end-to-end" keeps
    the heads the models were trained with: the Point's is Σ cᵢ headᵢ, nothing is fitted and `train` and `l2` have no
    part. "lm" is the loss of the language model in nats a token, for which labels have no part either.

    The encoder is frozen and a multinomial logistic head is fitted on at most `train` texts of the task's train split,
    then scored on at most `test` texts of its test split (0: all). `l2` is the ridge penalty per training example on
    standardised features; `length` is the longest text in tokens. The defaults let a path of eleven Points be evaluated
    in seconds on two CPU cores; the penalty is the one whose test loss hardly depends on whether 500 or all train texts
    are used (the paper fits on all).
    """

    train: int = 500
    test: int = 500
    length: int = 64
    l2: float = 3e-2
    dtype: Literal["fp32", "bf16", "fp16"] = "fp32"
    head: Head = "probe"

    FIRST = (120, 80)
    """Train and test texts of a first pass."""

    @cached_property
    def key(self) -> str:
        # the refitted head is the default and leaves no trace, so that its scores keep their identity
        further = [] if self.head == "probe" else [self.head]
        return digest("probe", canonical_json([self.train, self.test, self.length, self.l2, self.dtype, *further]))

    def first(self) -> Probe:
        """The same measurement on the first few of its texts: what a curve is begun with."""
        train, test = (few if every == 0 else min(few, every)
                       for few, every in zip(self.FIRST, (self.train, self.test), strict=True))
        return replace(self, train=train, test=test)


@dataclass(frozen=True, eq=False)
class Score:
    """Loss of a Point on a task: mean test cross-entropy in nats, its standard error, accuracy, n texts.

    `losses` (n,) float32 are the single examples' losses, kept so that paired intervals can be computed later.
    """

    point: str
    task: str
    probe: str
    loss: float
    stderr: float
    accuracy: float
    n: int
    device: str
    seconds: float
    losses: np.ndarray = field(repr=False, default_factory=lambda: np.zeros(0, np.float32))


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is: `done` of `total` steps, and what it is doing now."""

    done: int
    total: int
    message: str = ""


@dataclass(frozen=True)
class Notice:
    """Something a user should know of work that goes on all the same: smaller batches, a precision that shows."""

    text: str


@dataclass(frozen=True)
class DeviceFacts:
    """What a device does, measured while it evaluated.

    `tokens_per_second` is the running median over forward passes, padding not counted (0.0 before the first one);
    memory is in bytes: the process's own and the machine's, or the accelerator's. `batch_tokens` is the largest batch
    in padded tokens, `points` the number of Points scored so far.
    """

    device: str
    name: str
    dtype: str
    tokens_per_second: float
    memory_used: int
    memory_total: int
    batch_tokens: int
    points: int


@dataclass(frozen=True)
class Estimate:
    """A value along a path with its standard error: "full" of the whole test split, "first" from a first pass."""

    value: float
    stderr: float
    measured: Literal["full", "first"] = "full"

    @property
    def half(self) -> float:
        """Half of the 95 % interval."""
        return 1.96 * self.stderr
