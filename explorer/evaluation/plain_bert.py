"""The BERT and RoBERTa encoders, computed straight from a mapping of names to parameters.

transformers takes some four seconds to import, most of the wait for a first loss; the two architectures that fine-tuned
encoders mostly have are short enough to be written out. Tests hold them against transformers. Every other architecture,
and any option that is not written out here, goes through transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

_KNOWN = {"model_type": ("bert", "roberta"), "hidden_act": ("gelu", None), "is_decoder": (False, None),
          "position_embedding_type": ("absolute", None), "add_cross_attention": (False, None),
          "quantization_config": (None,)}


class Hidden(NamedTuple):
    """What an encoder returns: the last layer's states, shape (b, s, h) for b texts of s tokens."""

    last_hidden_state: torch.Tensor


class PlainBert:
    """An encoder whose parameters, by canonical name, may be views into a flat buffer."""

    def __init__(self, config: Mapping[str, Any], parameters: Mapping[str, torch.Tensor]) -> None:
        self._p = parameters
        self._layers, self._heads = config["num_hidden_layers"], config["num_attention_heads"]
        self._eps = config.get("layer_norm_eps", 1e-12)
        self.config = SimpleNamespace(max_position_embeddings=config["max_position_embeddings"])
        pad = config.get("pad_token_id", 1) if config["model_type"] == "roberta" else None
        self.embeddings = SimpleNamespace(padding_idx=pad)

    @staticmethod
    def knows(config: Mapping[str, Any]) -> bool:
        """Whether a config describes an encoder that is written out here."""
        return all(config.get(key) in allowed for key, allowed in _KNOWN.items())

    def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor,
                 token_type_ids: torch.Tensor | None = None) -> Hidden:
        """Token ids and mask of shape (b, s), padded on the right."""
        # without padding no mask is needed, and attention is faster; asking a GPU would mean waiting for it
        padded = attention_mask.device.type != "cpu" or not bool(attention_mask.all())
        mask = attention_mask[:, None, None, :].bool() if padded else None
        hidden = self._embed(input_ids, token_type_ids)
        for layer in range(self._layers):
            hidden = self._layer(hidden, mask, f"encoder.layer.{layer}")
        return Hidden(hidden)

    def _embed(self, ids: torch.Tensor, types: torch.Tensor | None) -> torch.Tensor:
        pad = self.embeddings.padding_idx
        if pad is None:
            positions = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        else:
            text = ids.ne(pad)
            positions = text.cumsum(dim=1) * text + pad
        table = self._p["embeddings.token_type_embeddings.weight"]
        hidden = F.embedding(ids, self._p["embeddings.word_embeddings.weight"])
        hidden = hidden + (table[0] if types is None else F.embedding(types, table))
        hidden = hidden + F.embedding(positions, self._p["embeddings.position_embeddings.weight"])
        return self._norm(hidden, "embeddings.LayerNorm")

    def _layer(self, hidden: torch.Tensor, mask: torch.Tensor | None, name: str) -> torch.Tensor:
        b, s, h = hidden.shape
        query, key, value = (
            self._linear(hidden, f"{name}.attention.self.{part}").view(b, s, self._heads, -1).transpose(1, 2)
            for part in ("query", "key", "value"))
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = self._linear(attended.transpose(1, 2).reshape(b, s, h), f"{name}.attention.output.dense")
        hidden = self._norm(mixed + hidden, f"{name}.attention.output.LayerNorm")
        wide = F.gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._norm(self._linear(wide, f"{name}.output.dense") + hidden, f"{name}.output.LayerNorm")

    def _linear(self, values: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(values, self._p[f"{name}.weight"], self._p[f"{name}.bias"])

    def _norm(self, values: torch.Tensor, name: str) -> torch.Tensor:
        weight = self._p[f"{name}.weight"]
        return F.layer_norm(values, weight.shape, weight, self._p[f"{name}.bias"], self._eps)
