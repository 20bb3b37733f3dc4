"""The README.md of an exported folder: where the model comes from, what it scored, what its numbers depend on, how to
load it.

Values are given; nothing is looked up here. Names come from data, so they are quoted for YAML and for Markdown tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.types import Score


@dataclass(frozen=True)
class Input:
    """A model that went into the Point: its name, the hash of its weights, and what it was trained on."""

    name: str
    hash: str
    dataset: str | None = None
    seed: int | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """A stored score: the task's name, how it was measured in words, and the score."""

    task: str
    how: str
    score: Score


@dataclass(frozen=True)
class Loss:
    """A matrix and the relative error with which it is kept, in Frobenius norm."""

    name: str
    error: float


@dataclass(frozen=True, eq=False)
class Card:
    """All that a card says. `inputs` are the base first, then the models; `versions` by package.

    `carried`: a fitted head is inside of the model, not beside it.
    """

    title: str
    method: str
    spelled: str
    recipe: Mapping[str, Any]
    inputs: tuple[Input, ...]
    pooling: str
    length: int
    scores: tuple[Row, ...]
    versions: Mapping[str, str]
    task: str | None = None
    carried: bool = False

    def text(self, form: str, *, head: bool, notes: Sequence[str], losses: Sequence[Loss] = ()) -> str:
        """Markdown with front matter; `head`: a fitted head is in the folder; `losses` are those of matrices."""
        loading = {"hf": self._model(head), "task-vector": _TASK_VECTOR,
                   "lora": _LORA.format(base=self.inputs[0].name)}
        scored = ["Of the Point itself, before its matrices were cut:"] if losses else []
        parts = [self._front(form), f"# {_cell(self.title)}", self._what(form), *(f"> {note}" for note in notes),
                 "## How to load it", loading[form],
                 "## Recipe", f"```json\n{json.dumps(self.recipe, indent=1, ensure_ascii=False)}\n```",
                 "## Scores", *scored, self._scores(),
                 *(["## Relative errors", _errors(losses)] if losses else []), "## Made of", self._inputs(),
                 "## Versions", ", ".join(f"{name} {version}" for name, version in self.versions.items())]
        return "\n\n".join(parts) + "\n"

    def _front(self, form: str) -> str:
        tags = ["merge", "weight-space", self.method] if len(self.inputs) > 2 else ["weight-space", self.method]
        library = {"hf": "transformers", "lora": "peft"}.get(form)
        lines = ["---", "base_model:", *(f"- {json.dumps(i.name, ensure_ascii=False)}" for i in self.inputs[:1]),
                 *([f"library_name: {library}"] if library else []), "tags:",
                 *(f"- {json.dumps(t)}" for t in dict.fromkeys(tags)), "---"]
        return "\n".join(lines)

    def _what(self, form: str) -> str:
        kind = {"hf": "A model" if self.carried else "An encoder", "lora": "A low-rank adapter",
                "task-vector": "A task vector (fine-tuned minus base weights)"}[form]
        made = len(self.inputs) - 1
        of = f"of {made} fine-tuned model{'s' * (made != 1)}" if made else "itself"
        told = [f"{kind} over the base **{_cell(self.inputs[0].name)}**: {self.method} {of}.",
                f"In full: `{self.spelled.replace('`', chr(39))}`."]
        if self.task and form == "hf":
            told.append(f"Its classification head is linear and was fitted on train texts of **{_cell(self.task)}**, "
                        "the encoder frozen.")
        return " ".join(told)

    def _model(self, head: bool) -> str:
        if head and self.carried:
            return (_CLASSIFIER.format(length=self.length) +
                    "\n\nThe head's first layer takes 2⁻¹⁴ of the states, where tanh is linear to float32's rounding:"
                    " keep the weights in float32 or bfloat16, not in float16.")
        code = _ENCODER.format(length=self.length)
        pooled = _MEAN if self.pooling == "mean" else _FIRST
        return f"```python\n{code}{pooled}{_HEAD if head else ''}```"

    def _scores(self) -> str:
        if not self.scores:
            return "None was measured."
        rows = ["| task | loss (nats) | ± s.e. | accuracy | n | measured with |", "|---|---|---|---|---|---|"]
        rows += [f"| {_cell(r.task)} | {r.score.loss:.6f} | {r.score.stderr:.6f} | {r.score.accuracy:.4f} | "
                 f"{r.score.n} | {_cell(r.how)} |" for r in self.scores]
        return "\n".join(rows)

    def _inputs(self) -> str:
        rows = ["| model | trained on | seed | hash of its weights |", "|---|---|---|---|"]
        rows += [f"| {_cell(i.name)} | {_cell(i.dataset or '')} | {'' if i.seed is None else i.seed} | `{i.hash}` |"
                 for i in self.inputs]
        return "\n".join(rows)


def _errors(losses: Sequence[Loss]) -> str:
    rows = ["| matrix | relative error |", "|---|---|", *(f"| {_cell(x.name)} | {x.error:.2e} |" for x in losses)]
    return "\n".join(rows)


def _cell(text: str) -> str:
    """Text in a line of Markdown, as it is."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in " ".join(text.split()))


_CLASSIFIER = """```python
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = AutoModelForSequenceClassification.from_pretrained(FOLDER).eval()
batch = tokenizer(texts, padding=True, truncation=True, max_length={length}, return_tensors="pt")
with torch.no_grad():
    logits = model(**batch).logits
```"""
_ENCODER = """import torch
from transformers import AutoModel, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = AutoModel.from_pretrained(FOLDER).eval()
batch = tokenizer(texts, padding=True, truncation=True, max_length={length}, return_tensors="pt")
with torch.no_grad():
    states = model(**batch).last_hidden_state
"""
_MEAN = """weight = batch["attention_mask"][:, :, None]
pooled = (states * weight).sum(1) / weight.sum(1)
"""
_FIRST = """pooled = states[:, 0]
"""
_HEAD = """from safetensors.torch import load_file
head = load_file(FOLDER + "/head.safetensors")
logits = pooled @ head["weight"].T + head["bias"]  # classes in the order of id2label in config.json
"""
_TASK_VECTOR = """`python -m explorer import FOLDER --base BASE`, or by hand: every tensor of
`task_vector.safetensors` is what is to be added to the base's parameter of that name; parameters that are not in it
stay as they are."""
_LORA = """```python
from peft import PeftModel
from transformers import AutoModel
model = PeftModel.from_pretrained(AutoModel.from_pretrained(BASE), FOLDER)  # BASE: the folder or hub id of {base}
model = model.merge_and_unload()
```"""
