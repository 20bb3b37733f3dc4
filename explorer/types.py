"""Frozen values that cross folders: what a checkpoint, a Point, a Gram, a task and a score are.

Nothing here reads a file, a database or a weight. Letters used for shapes all over the project:
n checkpoints, d parameters, g parameter groups, k map dimensions, m points of a path, c classes, b examples.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from explorer.errors import InputError, RecipeError, UnknownNameError

Metric = Literal["cosine", "euclidean"]
KINDS = ("attention", "feed-forward", "norm", "bias", "embeddings", "other")


def digest(*parts: str | bytes) -> str:
    """Hex digest (32 characters of SHA-256) that identifies a value by its content."""
    h = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        h.update(len(raw).to_bytes(8, "little"))
        h.update(raw)
    return h.hexdigest()[:32]


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


# --------------------------------------------------------------------------- parameters


@dataclass(frozen=True, order=True)
class Group:
    """A parameter group: one kind of parameter (see KINDS) in one layer ("embeddings", "0", "1", …, "final")."""

    layer: str
    kind: str

    def __str__(self) -> str:
        return f"{self.layer}/{self.kind}"


@dataclass(frozen=True)
class Tensor:
    """One named parameter of the shared backbone; `offset` is its place in the flat vector of d values."""

    name: str
    shape: tuple[int, ...]
    group: Group
    offset: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """The shared backbone's parameters in order: heads and poolers left out, tied weights once.

    Two models can be compared, and their task vectors combined, exactly when their layouts are equal.
    """

    tensors: tuple[Tensor, ...]

    @property
    def size(self) -> int:
        """d, the number of parameters."""
        return sum(t.size for t in self.tensors)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The g groups in the order in which they first occur."""
        return tuple(dict.fromkeys(t.group for t in self.tensors))

    @cached_property
    def key(self) -> str:
        """Identity by names and shapes."""
        return digest(canonical_json([[t.name, list(t.shape)] for t in self.tensors]))

    def as_json(self) -> str:
        return canonical_json([[t.name, list(t.shape), t.group.layer, t.group.kind] for t in self.tensors])

    @classmethod
    def from_json(cls, text: str) -> Layout:
        return cls.of((name, tuple(shape), Group(layer, kind)) for name, shape, layer, kind in json.loads(text))

    @classmethod
    def of(cls, rows: Iterable[tuple[str, tuple[int, ...], Group]]) -> Layout:
        tensors, offset = [], 0
        for name, shape, group in rows:
            tensors.append(Tensor(name, shape, group, offset))
            offset += tensors[-1].size
        return cls(tuple(tensors))


# --------------------------------------------------------------------------- models


@dataclass(frozen=True)
class Base:
    """A pretrained model from which task vectors are measured. `path` is a Hugging Face folder.

    `prefix` is the name under which models with a head keep this backbone ("bert", "roberta", "transformer" …).
    """

    id: str
    name: str
    path: str
    model_type: str
    layout: Layout
    prefix: str = ""
    pooling: Literal["mean", "cls"] = "mean"
    note: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A fine-tuned model: where it lies, how it is stored, and what is known of its making.

    `id` is the hash of its weights (so a copy has the same id), `name` is unique in a workspace and shown to users.
    `format` says how Δ is obtained: "weights" (θ − θ_base), "lora" (B A · scale), "task-vector" (stored Δ).
    """

    id: str
    name: str
    base: str
    path: str
    format: Literal["weights", "lora", "task-vector"]
    dataset: str | None = None
    task: str | None = None
    domain: str | None = None
    seed: int | None = None
    train_size: int | None = None
    method: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    STANDARD = ("dataset", "task", "domain", "seed", "train_size", "method")

    def value(self, column: str) -> Any:
        """Metadata by column name, standard or further; None where it is not known."""
        return getattr(self, column) if column in self.STANDARD else self.columns.get(column)


# --------------------------------------------------------------------------- points


@dataclass(frozen=True)
class Point:
    """A place in weight space: base + Σ cᵢ Δᵢ. Its canonical JSON is its identity.

    `base` and the keys of `terms` are ids (content hashes); `terms` is sorted by id and holds no zero, so the same
    place written in two ways is one Point. Coefficients are kept to 12 significant digits, so that the α of a grid
    (0.30000000000000004) and the α a person types (0.3) name the same Point.
    """

    base: str
    terms: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, base: str, terms: Mapping[str, float] | None = None) -> Point:
        """Canonical Point; RecipeError where a coefficient is not a finite number."""
        kept = []
        for key, raw in (terms or {}).items():
            if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not abs(raw) <= sys.float_info.max:
                raise RecipeError(f"the coefficient of {key!r} is {str(raw)[:40]}; a finite number is needed.")
            if value := float(f"{raw:.12g}"):
                kept.append((key, value))
        return cls(base, tuple(sorted(kept)))

    def as_dict(self) -> dict[str, Any]:
        return {"base": self.base, "terms": dict(self.terms)}

    @cached_property
    def hash(self) -> str:
        return digest("point", canonical_json(self.as_dict()))

    def coefficients(self, ids: Sequence[str]) -> np.ndarray:
        """The coefficient of each of `ids`, shape (n,); InputError if a term is none of them."""
        known = dict(self.terms)
        if missing := known.keys() - set(ids):
            raise InputError(f"the Point uses checkpoints outside the selection: {', '.join(sorted(missing))}.")
        return np.array([known.get(i, 0.0) for i in ids])

    def moved(self, other: Point, alpha: float) -> Point:
        """self + α (other − self): 0 is self, 1 is other. Paper: θ(α) = θ_B + α (θ_A − θ_B)."""
        if self.base != other.base:
            raise InputError("the two ends have different bases; a line needs both ends on one base.")
        mine, theirs = dict(self.terms), dict(other.terms)
        mixed = {k: (1 - alpha) * mine.get(k, 0.0) + alpha * theirs.get(k, 0.0) for k in mine.keys() | theirs.keys()}
        return Point.of(self.base, mixed)


@dataclass(frozen=True)
class Path:
    """Points along a line: α = 0 is `zero` (the paper's B), α = 1 is `one` (A)."""

    zero: Point
    one: Point
    alphas: tuple[float, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        return tuple(self.zero.moved(self.one, a) for a in self.alphas)


# --------------------------------------------------------------------------- geometry


@dataclass(frozen=True, eq=False)
class Gram:
    """Inner products of task vectors per parameter group: values[g, i, j] = ⟨Δᵢ, Δⱼ⟩ over group g, float64."""

    ids: tuple[str, ...]
    groups: tuple[Group, ...]
    values: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.ids)
        if self.values.shape != (len(self.groups), n, n) or self.values.dtype != np.float64:
            raise ValueError(f"values must be float64 of shape {(len(self.groups), n, n)}, got "
                             f"{self.values.dtype} of {self.values.shape}")

    @cached_property
    def matrix(self) -> np.ndarray:
        """Sum over the groups, shape (n, n)."""
        return self.values.sum(axis=0)

    @cached_property
    def norms(self) -> np.ndarray:
        """‖Δᵢ‖, shape (n,)."""
        return np.sqrt(np.maximum(np.diag(self.matrix), 0.0))

    @cached_property
    def cosines(self) -> np.ndarray:
        """Cosine similarity, shape (n, n); a zero task vector has cosine 0 with every other and 1 with itself."""
        safe = np.where(self.norms > 0, self.norms, 1.0)
        cosines = np.clip(self.matrix / np.outer(safe, safe), -1.0, 1.0)
        np.fill_diagonal(cosines, 1.0)
        return cosines

    def select(self, layers: Iterable[str] | None = None, kinds: Iterable[str] | None = None) -> Gram:
        """The groups of the given layers and kinds (None: all); UnknownNameError, InputError if none is left."""
        layers, kinds = _chosen("layer", layers, (g.layer for g in self.groups)), _chosen(
            "kind", kinds, (g.kind for g in self.groups))
        keep = [i for i, g in enumerate(self.groups) if g.layer in layers and g.kind in kinds]
        if not keep:
            raise InputError(f"no parameters in layers {sorted(layers)} of kinds {sorted(kinds)}.")
        return Gram(self.ids, tuple(self.groups[i] for i in keep), self.values[keep])

    def subset(self, ids: Sequence[str]) -> Gram:
        """The Gram of some of the checkpoints, in the order given."""
        place = {i: k for k, i in enumerate(self.ids)}
        if missing := [i for i in ids if i not in place]:
            raise InputError(f"no Gram row for {', '.join(missing[:5])}: run `gram` first.")
        rows = [place[i] for i in ids]
        return Gram(tuple(ids), self.groups, self.values[np.ix_(range(len(self.groups)), rows, rows)])

    def inner(self, point: Point) -> tuple[np.ndarray, float]:
        """(⟨p, Δⱼ⟩ for all j, ‖p‖²) of a linear Point's task vector p = Σ cᵢ Δᵢ."""
        c = point.coefficients(self.ids)
        row = self.matrix @ c
        return row, float(c @ row)


def _chosen(what: str, asked: Iterable[str] | None, known: Iterable[str]) -> set[str]:
    everything = set(known)
    if asked is None:
        return everything
    chosen = set(asked)
    for name in chosen - everything:
        raise UnknownNameError(what, name, everything)
    return chosen


@dataclass(frozen=True, eq=False)
class Projection:
    """Map coordinates of n checkpoints: coords (n, k). `explained` is the share of variance per axis (PCA only)."""

    ids: tuple[str, ...]
    coords: np.ndarray
    method: str
    metric: Metric
    explained: tuple[float, ...] | None = None


# --------------------------------------------------------------------------- tasks and scores


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
    """How a generalized loss is measured. Every field is part of a score's identity.

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

    @cached_property
    def key(self) -> str:
        return digest("probe", canonical_json([self.train, self.test, self.length, self.l2, self.dtype]))


@dataclass(frozen=True, eq=False)
class Score:
    """Generalized loss of a Point on a task: mean test cross-entropy in nats, its standard error, accuracy, n texts.

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
class MapSpec:
    """What a map shows: every field is part of a stored projection's identity.

    `base` is a base's id; `layers` and `kinds` select parameter groups, `ids` checkpoints (None: all of the base).
    """

    base: str
    method: str = "pca"
    dims: int = 2
    metric: Metric = "cosine"
    layers: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    seed: int = 0

    @cached_property
    def key(self) -> str:
        return digest("map", canonical_json([self.base, self.method, self.dims, self.metric, self.layers, self.kinds,
                                             self.ids, self.seed]))


# --------------------------------------------------------------------------- work


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is: `done` of `total` steps, and what it is doing now."""

    done: int
    total: int
    message: str = ""
