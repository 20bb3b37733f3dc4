"""A backbone's parameters, the bases and the checkpoints made from them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from explorer.types._identity import canonical_json, digest

KINDS = ("attention", "feed-forward", "norm", "bias", "embeddings", "other")


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
