"""The families of architectures that tests go through, each a config of a few thousand parameters: nothing is fetched.

`Family.available` says what can be measured of it: "probe", "end-to-end", "lm".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiny_models import WORDS, save_tokenizer


@dataclass(frozen=True)
class Family:
    """A model type with the values of its config, and the auto classes of its classifier and its language model."""

    model_type: str
    values: dict[str, Any]
    available: tuple[str, ...] = ("probe", "end-to-end", "lm")
    language: str = "AutoModelForMaskedLM"
    classifier: str = "AutoModelForSequenceClassification"

    def config(self, **more: Any) -> Any:
        from transformers import AutoConfig

        return AutoConfig.for_model(self.model_type, **{**self.values, **more})


_BODY: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
_ENCODER: dict[str, Any] = {"vocab_size": len(WORDS), "max_position_embeddings": 64, "pad_token_id": 0, **_BODY}
_DECODER: dict[str, Any] = {**_ENCODER, "num_key_value_heads": 1, "bos_token_id": 2, "eos_token_id": 3}
_CAUSAL = "AutoModelForCausalLM"
FAMILIES = {
    "BERT": Family("bert", _ENCODER),
    "RoBERTa": Family("roberta", {**_ENCODER, "type_vocab_size": 1}),
    "DistilBERT": Family("distilbert", {"vocab_size": len(WORDS), "dim": 16, "hidden_dim": 24, "n_layers": 2,
                                        "n_heads": 2, "max_position_embeddings": 64, "pad_token_id": 0}),
    "ELECTRA": Family("electra", {**_ENCODER, "embedding_size": 8}),
    "ALBERT": Family("albert", {**_ENCODER, "embedding_size": 8, "hidden_act": "gelu_new"}),
    "DeBERTa-v2": Family("deberta-v2", {
        **_ENCODER, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8,
        "norm_rel_ebd": "layer_norm", "share_att_key": True, "position_biased_input": False, "type_vocab_size": 0}),
    "MPNet": Family("mpnet", _ENCODER),
    "ModernBERT": Family("modernbert", {**_ENCODER, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2,
                                        "eos_token_id": 3, "local_attention": 8}),
    "GPT-2": Family("gpt2", {"vocab_size": len(WORDS), "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64,
                             "bos_token_id": 2, "eos_token_id": 3}, language=_CAUSAL),
    "Llama": Family("llama", {**_DECODER, "tie_word_embeddings": False}, language=_CAUSAL),
    "Qwen2": Family("qwen2", {**_DECODER, "tie_word_embeddings": True}, language=_CAUSAL),
    "Qwen3": Family("qwen3", {**_DECODER, "head_dim": 8, "tie_word_embeddings": True}, language=_CAUSAL),
    "T5": Family("t5", {"vocab_size": len(WORDS), "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2,
                        "num_heads": 2, "pad_token_id": 0, "eos_token_id": 3, "decoder_start_token_id": 0},
                 available=("probe",), language="AutoModelForSeq2SeqLM"),
    "ViT": Family("vit", {**_BODY, "image_size": 8, "patch_size": 4}, available=(), language="",
                  classifier="AutoModelForImageClassification"),
}


def base(family: Family, folder: Path, seed: int = 0) -> Path:
    """A pretrained model's folder: its language model where there is one, stored in bf16, and a tokenizer."""
    import torch
    import transformers

    torch.manual_seed(seed)
    if family.language:
        save_tokenizer(folder)
    made = getattr(transformers, family.language or "AutoModel").from_config(family.config())
    _moved(made, 0.2).to(torch.bfloat16).save_pretrained(folder)
    return folder


def fine_tuned(family: Family, pretrained: Path, folder: Path, seed: int, labels: tuple[str, ...]) -> Any:
    """A classifier over the base, away from it and from how heads begin, written to `folder` and returned."""
    import torch
    import transformers

    torch.manual_seed(seed)
    more: dict[str, Any] = {"pad_token_id": 0} if family.language else {}  # a decoder's classifier needs one
    more |= {"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}}
    model = getattr(transformers, family.classifier).from_pretrained(
        str(pretrained), num_labels=len(labels), dtype=torch.float32, **more)
    _moved(model, 0.05).eval().save_pretrained(folder)
    return model


def _moved(model: Any, by: float) -> Any:
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(by * torch.randn_like(parameter))
    return model
