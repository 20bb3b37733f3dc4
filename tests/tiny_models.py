"""Tiny real models for the tests: bases of four architectures with their tokenizers, fine-tuned siblings, PEFT
adapters.

Siblings of one group share a planted direction, so that groups are regions; everything is seeded.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(95)))


def bert_config(**changes: Any) -> Any:
    from transformers import BertConfig

    return BertConfig(**{"vocab_size": len(WORDS), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                         "intermediate_size": 64, "max_position_embeddings": 64, **changes})


def save_tokenizer(folder: Path, words: tuple[str, ...] = WORDS) -> None:
    from transformers import BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "vocab.txt"
    source.write_text("\n".join(words))
    BertTokenizerFast(str(source)).save_pretrained(folder)


def bert_base(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A pretrained model's folder: bare backbone with pooler, and its tokenizer."""
    import torch
    from transformers import BertModel

    torch.manual_seed(seed)
    save_tokenizer(folder)
    BertModel(bert_config(**changes)).save_pretrained(folder)
    return folder


def fine_tuned(base: Path, seed: int, group: int) -> Any:
    """A classifier over a base: its backbone moved along the group's direction plus noise of its own."""
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(str(base), num_labels=3)
    direction = torch.Generator().manual_seed(1000 + group)
    own = torch.Generator().manual_seed(2000 + seed)
    backbone = getattr(model, model.base_model_prefix)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape, generator=direction)
                           + 0.004 * torch.randn(parameter.shape, generator=own))
    return model


def annotate(folder: Path, **said: Any) -> None:
    (folder / "explorer.json").write_text(json.dumps(said))


def sibling(base: Path, folder: Path, seed: int, group: int) -> Path:
    fine_tuned(base, seed, group).save_pretrained(folder)
    annotate(folder, dataset=f"d{group}", task="toy", seed=seed, hyper={"lr": 1e-3})
    return folder


def roberta_base(folder: Path, seed: int = 0) -> Path:
    import torch
    from transformers import RobertaConfig, RobertaModel

    torch.manual_seed(seed)
    config = RobertaConfig(vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                           intermediate_size=64, max_position_embeddings=40, pad_token_id=0, type_vocab_size=1)
    save_tokenizer(folder)
    RobertaModel(config).save_pretrained(folder)
    return folder


def distilbert_base(folder: Path, seed: int = 0) -> Path:
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    torch.manual_seed(seed)
    save_tokenizer(folder)
    DistilBertModel(DistilBertConfig(vocab_size=len(WORDS), dim=32, hidden_dim=64, n_layers=2, n_heads=2,
                                     max_position_embeddings=64)).save_pretrained(folder)
    return folder


def gpt2_base(folder: Path, seed: int = 0) -> Path:
    import torch
    from transformers import GPT2Config, GPT2Model

    torch.manual_seed(seed)
    save_tokenizer(folder)
    GPT2Model(GPT2Config(vocab_size=len(WORDS), n_embd=32, n_layer=2, n_head=2, n_positions=64, bos_token_id=2,
                         eos_token_id=3)).save_pretrained(folder)
    return folder


BASES = {"bert": bert_base, "roberta": roberta_base, "distilbert": distilbert_base, "gpt2": gpt2_base}


def adapter(base: Path, folder: Path, model: Any = None, seed: int = 0, **options: Any) -> Any:
    """A trained-looking PEFT LoRA folder over a classifier of the base; returns the model with it merged in."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(seed)
    model = model or AutoModelForSequenceClassification.from_pretrained(str(base), num_labels=3)
    with warnings.catch_warnings():  # PEFT uses names that transformers is about to drop
        warnings.simplefilter("ignore")
        adapted = get_peft_model(model, LoraConfig(**{"r": 4, "lora_alpha": 12, **options}))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if parameter.requires_grad or "lora_" in name:
                parameter.add_(0.05 * torch.randn_like(parameter))
    adapted.save_pretrained(folder)
    return adapted.merge_and_unload()


def toy_table(file: Path, rows: int = 300, seed: int = 0) -> Path:
    """Texts of two classes that share part of their words, as CSV with columns text and y."""
    import random

    rng = random.Random(seed)
    lines = ["text,y"]
    for k in range(rows):
        low, high, label = (0, 60, "pos") if k % 2 else (35, 95, "neg")
        words = [f"w{rng.randrange(low, high)}" for _ in range(rng.randrange(3, 20))]
        lines.append(f"{' '.join(words)},{label}")
    file.write_text("\n".join(lines))
    return file
