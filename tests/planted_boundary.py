"""A tiny real model with a boundary at a known α, on disk: the label is seen through one ReLU, which dies there.

Tokens "good" and "bad" are ±4 along one hidden coordinate and all other words lie at zero. In the only layer one hidden
unit reads that coordinate and writes another one; further units cancel the coordinate itself, so that the label reaches
the output through that unit alone. The fine-tuned model lowers the unit's bias by 4 / α*: at α* it is off for every
token, and from there on all texts look the same. Towards negative α the unit stays on, and the label is seen forever.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tiny_models import annotate, save_tokenizer
from transformers import BertConfig, BertModel

LABEL, SEEN, STEADY, UNIT = 0, 2, 4, 4
READ = 4.0
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", *(f"w{i}" for i in range(40)))


def base_model(folder: Path) -> Path:
    """The base, whose only layer is written by hand; every text of one length has the same states but for its label."""
    save_tokenizer(folder, WORDS)
    model = BertModel(BertConfig(vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                                 intermediate_size=8, max_position_embeddings=32, hidden_act="relu"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        words, layer = model.embeddings.word_embeddings.weight, model.encoder.layer[0]
        for word, side in (("good", 1.0), ("bad", -1.0)):
            words[WORDS.index(word), LABEL], words[WORDS.index(word), LABEL + 1] = side, -side
        reads, writes = layer.intermediate.dense.weight, layer.output.dense.weight
        for unit, (hidden, sign) in enumerate([(LABEL, 1.0), (LABEL, -1.0), (LABEL + 1, 1.0), (LABEL + 1, -1.0)]):
            reads[unit, hidden], writes[hidden, unit] = sign, -sign
        reads[UNIT, LABEL], writes[SEEN, UNIT] = 1.0, 1.0
        # what every token has besides, so that the last normalisation leaves the unit's size to be seen
        layer.output.dense.bias[STEADY], layer.output.dense.bias[STEADY + 1] = 10.0, -10.0
    model.save_pretrained(folder)
    return folder


def tuned(base: Path, folder: Path, boundary: float) -> Path:
    """The base with the unit's bias lowered so that the line from the base through it loses the label at `boundary`."""
    return _moved(base, folder, "encoder.layer.0.intermediate.dense.bias", UNIT, -READ / boundary)


def overflowing(base: Path, folder: Path) -> Path:
    """The base with one bias so far up that float32 ends between α = 1 and α = 32."""
    return _moved(base, folder, "encoder.layer.0.output.dense.bias", SEEN, 2.0**124)


def _moved(base: Path, folder: Path, name: str, place: int, by: float) -> Path:
    model = BertModel.from_pretrained(str(base))
    with torch.no_grad():
        dict(model.named_parameters())[name][place] += by
    model.save_pretrained(folder)
    annotate(folder, dataset="planted", task="planted", seed=0)
    return folder


def table(file: Path, rows: int = 160) -> Path:
    """Texts of one length with one telling word each, as CSV with columns text and y."""
    lines = ["text,y"]
    for k in range(rows):
        telling = "good" if k % 2 else "bad"
        lines.append(f"{telling} w{k % 40} w{(k // 40 + 7 * k) % 40} w{k % 37},{telling}")
    file.write_text("\n".join(lines))
    return file
