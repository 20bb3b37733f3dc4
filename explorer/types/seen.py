"""What is remembered of the folder that a model was read from, to tell later whether it still is that model's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

Facts = tuple[str, int, int, int]


@dataclass(frozen=True)
class Files:
    """A model's files, (name, bytes, time of change in ns, inode) of each, and what lies beside its weights: hashes of
    its head, its config and its tokenizer, of those that it has."""

    listed: tuple[Facts, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Files:
        """From `text`; of a list alone, as catalogs had it before, nothing is known beside the weights."""
        said = json.loads(text or "[]")
        listed, beside = (said["files"], said["beside"]) if isinstance(said, dict) else (said, {})
        return cls(tuple((name, size, changed, inode) for name, size, changed, inode in listed), beside)

    @property
    def text(self) -> str:
        return json.dumps({"files": self.listed, "beside": dict(self.beside)})

    def then(self, now: Files) -> Files:
        """After `now` was found; a part that is not there any more keeps its hash, for when it comes back."""
        return Files(now.listed, {**self.beside, **now.beside})

    def unlike(self, now: Files) -> list[str]:
        """The parts beside the weights that are others now; what was not there before may come."""
        return [part for part, was in self.beside.items() if now.beside.get(part, was) != was]


@dataclass(frozen=True)
class Seen:
    """The files of a model's weights as they were when those were last known to be the model's own.

    `files` is the text of `Files`, empty where nothing is known yet; `folder` is where they lie on this machine. `base`
    is the id of a checkpoint's base, empty for a base. `norm` and `likeness`, of adapters alone, tell one whose B A
    comes out with other last bits on another machine.
    """

    model: str
    name: str
    folder: str
    files: str
    base: str = ""
    norm: float | None = None
    likeness: float | None = None
