"""The language-model head of a base, read from its folder and written out: hidden states → scores of every token.

Covers the masked heads of BERT, RoBERTa and DistilBERT and the next-token heads of decoders whose scores are one
product with a matrix (GPT-2, Llama and its kin). A decoder matrix tied to the embeddings is the Point's own; everything
else of the head is the base's, at every Point alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from explorer.errors import UnavailableError
from explorer.evaluation.reading import Form
from explorer.weights.tensors import Tensors, open_tensors, read_json

# model type → (dense transform, its norm, output matrix, output bias, the layout's word embeddings)
_WORDS = "embeddings.word_embeddings.weight"
_ROBERTA = ("lm_head.dense", "lm_head.layer_norm", "lm_head.decoder.weight", "lm_head.bias", _WORDS)
_MASKED = {
    "bert": ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
             "cls.predictions.decoder.weight", "cls.predictions.bias", _WORDS),
    "roberta": _ROBERTA, "xlm-roberta": _ROBERTA, "camembert": _ROBERTA,
    "distilbert": ("vocab_transform", "vocab_layer_norm", "vocab_projector.weight", "vocab_projector.bias", _WORDS),
}
_CAUSAL = {"gpt2": "wte.weight", "gpt_neo": "wte.weight",
           **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "phi3", "olmo", "olmo2"), "embed_tokens.weight")}
_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu": F.gelu, "relu": F.relu, "gelu_new": lambda x: F.gelu(x, approximate="tanh")}
# Scores are made for so many tokens at a time: 256 of them over 50,000 words are 50 MB.
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class LanguageHead:
    """Hidden states (k, h) → log-probabilities of V tokens; `matrix` (V, h) may be a view of the Point's embeddings."""

    form: Form
    matrix: torch.Tensor
    bias: torch.Tensor | None
    transform: tuple[torch.Tensor, ...] = ()
    activation: str = "gelu"
    eps: float = 1e-12

    def losses(self, hidden: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(cross-entropy in nats, whether the likeliest token is the true one) of k places, each float32 (k,)."""
        losses, right = [], []
        for states, ids in zip(hidden.split(_AT_ONCE), truth.split(_AT_ONCE), strict=True):
            scores = self._scores(states)
            losses.append(F.cross_entropy(scores, ids, reduction="none"))
            right.append((scores.argmax(dim=1) == ids).float())
        if not losses:
            return hidden.new_zeros(0), hidden.new_zeros(0)
        return torch.cat(losses), torch.cat(right)

    def _scores(self, states: torch.Tensor) -> torch.Tensor:
        if self.transform:
            weight, bias, scale, shift = self.transform
            wide = _ACTIVATIONS[self.activation](F.linear(states, weight, bias))
            states = F.layer_norm(wide, scale.shape, scale, shift, self.eps)
        return F.linear(states, self.matrix, self.bias)


def language_head(name: str, folder: Path, prefix: str, views: dict[str, torch.Tensor], device: str) -> LanguageHead:
    """The head that the base `name` keeps in its folder; `views` are the Point's parameters by canonical name.

    UnavailableError where it keeps none, or one of a form that is not written out here.
    """
    config, tensors = read_json(folder / "config.json"), open_tensors(folder)
    kind = str(config.get("model_type"))
    if kind in _MASKED and (head := _masked(kind, config, tensors, prefix, views, device)) is not None:
        return head
    if kind in _CAUSAL and (head := _causal(kind, config, tensors, prefix, views, device)) is not None:
        return head
    if kind not in _MASKED and kind not in _CAUSAL:
        raise UnavailableError(f"base {name!r} is a {kind} model; language-model losses are measured with the heads of "
                               f"{', '.join(sorted({*_MASKED, *_CAUSAL}))}. Choose another way to measure "
                               "(`--head probe`).")
    raise UnavailableError(f"base {name!r} keeps no language-model head; its folder would need the weights of the "
                           f"whole language model ({'cls.predictions.*, ' if kind == 'bert' else ''}lm_head.* or "
                           "vocab_*), not of the bare backbone. Choose another way to measure (`--head probe`).")


def _masked(kind: str, config: dict[str, Any], tensors: Tensors, prefix: str, views: dict[str, torch.Tensor],
            device: str) -> LanguageHead | None:
    dense, norm, matrix, bias, words = _MASKED[kind]
    old = {f"{norm}.weight": f"{norm}.gamma", f"{norm}.bias": f"{norm}.beta"}
    names = (f"{dense}.weight", f"{dense}.bias", f"{norm}.weight", f"{norm}.bias")
    parts = [tensors[n].float().to(device) if n in tensors else tensors[old[n]].float().to(device)
             for n in names if n in tensors or old.get(n) in tensors]
    if len(parts) < 4 or bias not in tensors:
        return None
    activation = str(config.get("activation" if kind == "distilbert" else "hidden_act") or "gelu")
    activation = activation if kind in ("bert", "distilbert") else "gelu"
    if activation not in _ACTIVATIONS:
        raise UnavailableError(f"the language-model head uses {activation!r}; {', '.join(_ACTIVATIONS)} are known.")
    eps = 1e-12 if kind == "distilbert" else float(config.get("layer_norm_eps", 1e-12))
    return LanguageHead("masked", _matrix(matrix, words, config, tensors, prefix, views, device),
                        tensors[bias].float().to(device), tuple(parts), activation, eps)


def _causal(kind: str, config: dict[str, Any], tensors: Tensors, prefix: str, views: dict[str, torch.Tensor],
            device: str) -> LanguageHead | None:
    built = any("CausalLM" in str(a) or "LMHead" in str(a) for a in config.get("architectures") or ())
    if not built and "lm_head.weight" not in tensors:
        return None
    matrix = _matrix("lm_head.weight", _CAUSAL[kind], config, tensors, prefix, views, device)
    return LanguageHead("shifted", matrix, None)


def _matrix(name: str, words: str, config: dict[str, Any], tensors: Tensors, prefix: str,
            views: dict[str, torch.Tensor], device: str) -> torch.Tensor:
    """The output matrix: the Point's embeddings where it is tied to them, else the base's own."""
    if name not in tensors or config.get("tie_word_embeddings") is True:
        return views[words]
    own = tensors[name]
    if "tie_word_embeddings" not in config:  # older configs leave it out: equal matrices are one
        stored = next((tensors[n] for n in (words, f"{prefix}.{words}") if n in tensors), None)
        if stored is not None and torch.equal(stored, own):
            return views[words]
    return own.float().to(device)
