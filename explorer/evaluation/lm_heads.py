"""The language-model head of a base, read from its folder and written out: hidden states → scores of every token.

Covers the masked heads of BERT, RoBERTa, DistilBERT and architectures like them and the next-token heads of decoders
whose scores are one product with a matrix (GPT-2, Llama, Qwen …), which their configs tell. A decoder matrix tied to
the embeddings is the Point's own; everything else of the head is the base's, at every Point alike. Heads of
encoder-decoders are not covered.
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
from explorer.weights.layout import group_of
from explorer.weights.tensors import Tensors, open_tensors, read_json

# model type → (dense transform, its norm, output matrix, output bias, the layout's word embeddings). What a config says
# of them is `_ACTIVATION` and `_EPS`.
_WORDS = "embeddings.word_embeddings.weight"
_ROBERTA = ("lm_head.dense", "lm_head.layer_norm", "lm_head.decoder.weight", "lm_head.bias", _WORDS)
_BERT = ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions.decoder.weight",
         "cls.predictions.bias", _WORDS)
_MASKED = {
    "bert": _BERT, "deberta": _BERT, "deberta-v2": _BERT,
    "roberta": _ROBERTA, "xlm-roberta": _ROBERTA, "camembert": _ROBERTA, "mpnet": _ROBERTA,
    "albert": ("predictions.dense", "predictions.LayerNorm", "predictions.decoder.weight", "predictions.bias", _WORDS),
    "electra": ("generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head.weight",
                "generator_lm_head.bias", _WORDS),
    "modernbert": ("head.dense", "head.norm", "decoder.weight", "decoder.bias",
                   "embeddings.tok_embeddings.weight"),
    "distilbert": ("vocab_transform", "vocab_layer_norm", "vocab_projector.weight", "vocab_projector.bias", _WORDS),
}
# The key that names the transform's activation (the others have GELU), and those that hold its norm's epsilon.
_ACTIVATION = {"bert": "hidden_act", "deberta": "hidden_act", "deberta-v2": "hidden_act", "albert": "hidden_act",
               "distilbert": "activation", "modernbert": "classifier_activation"}
_EPS = {"distilbert": ("", 1e-12), "modernbert": ("norm_eps", 1e-5), "deberta": ("layer_norm_eps", 1e-7),
        "deberta-v2": ("layer_norm_eps", 1e-7)}
# Transforms that have biases only where their config asks for them.
_BARE = {"modernbert"}
_OUTPUTS = ("lm_head", "embed_out")
# What makes scores more than a product: caps and scales, by parts of their keys.
_SCALED = ("logit_scale", "logits_scaling", "logit_softcapping", "lm_head_multiplier", "output_multiplier")
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
    transform: tuple[torch.Tensor | None, ...] = ()
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
            assert weight is not None
            wide = _ACTIVATIONS[self.activation](F.linear(states, weight, bias))
            states = F.layer_norm(wide, wide.shape[-1:], scale, shift, self.eps)
        return F.linear(states, self.matrix, self.bias)


def language_head(name: str, folder: Path, prefix: str, views: dict[str, torch.Tensor], device: str) -> LanguageHead:
    """The head that the base `name` keeps in its folder; `views` are the Point's parameters by canonical name.

    UnavailableError where it keeps none, or one of a form that is not written out here.
    """
    config, tensors = read_json(folder / "config.json"), open_tensors(folder)
    kind = str(config.get("model_type"))
    if kind in _MASKED and (head := _masked(kind, config, tensors, prefix, views, device)) is not None:
        return head
    if config.get("is_encoder_decoder"):
        raise UnavailableError(f"base {name!r} is a {kind} model, an encoder-decoder: its language model needs a "
                               "second text to each text, which tasks don't have. Choose another way to measure "
                               "(`--head probe`).")
    if kind not in _MASKED and (head := _causal(name, config, tensors, prefix, views, device)) is not None:
        return head
    raise UnavailableError(f"base {name!r} keeps no language-model head; its folder would need the weights of the "
                           f"whole language model ({'cls.predictions.*, ' if kind == 'bert' else ''}lm_head.* or "
                           "vocab_*), not of the bare backbone. Choose another way to measure (`--head probe`).")


def _masked(kind: str, config: dict[str, Any], tensors: Tensors, prefix: str, views: dict[str, torch.Tensor],
            device: str) -> LanguageHead | None:
    dense, norm, matrix, bias, words = _MASKED[kind]
    old = {f"{norm}.weight": f"{norm}.gamma", f"{norm}.bias": f"{norm}.beta"}
    names = (f"{dense}.weight", f"{dense}.bias", f"{norm}.weight", f"{norm}.bias")
    parts = [next((tensors[n].float().to(device) for n in (name, old.get(name, name)) if n in tensors), None)
             for name in names]
    if bias not in tensors or any(p is None and not (kind in _BARE and name.endswith("bias"))
                                  for name, p in zip(names, parts, strict=True)):
        return None
    activation = str(config.get(_ACTIVATION.get(kind, "")) or "gelu")
    if activation not in _ACTIVATIONS:
        raise UnavailableError(f"the language-model head uses {activation!r}; {', '.join(_ACTIVATIONS)} are known.")
    key, usual = _EPS.get(kind, ("layer_norm_eps", 1e-12))
    eps = float(config.get(key, usual))
    return LanguageHead("masked", _matrix(matrix, words, config, tensors, prefix, views, device),
                        tensors[bias].float().to(device), tuple(parts), activation, eps)


def _causal(name: str, config: dict[str, Any], tensors: Tensors, prefix: str, views: dict[str, torch.Tensor],
            device: str) -> LanguageHead | None:
    built = any("CausalLM" in str(a) or "LMHead" in str(a) for a in config.get("architectures") or ())
    output = next((o for o in _OUTPUTS if f"{o}.weight" in tensors), _OUTPUTS[0])
    if not built and f"{output}.weight" not in tensors:
        return None
    if scaled := [k for k, v in config.items() if any(part in k for part in _SCALED) and v not in (None, 1)]:
        raise UnavailableError(f"the language-model head of base {name!r} scales or caps its scores ({scaled[0]}), "
                               "which is not written out here. Choose another way to measure (`--head probe`).")
    words = [n for n, view in views.items() if view.ndim == 2 and len(view) == config.get("vocab_size")
             and group_of(n, 2).kind == "embeddings"]
    if len(words) != 1 and (f"{output}.weight" not in tensors or config.get("tie_word_embeddings")):
        return None
    matrix = _matrix(f"{output}.weight", (words or [""])[0], config, tensors, prefix, views, device)
    bias = tensors[f"{output}.bias"].float().to(device) if f"{output}.bias" in tensors else None
    return LanguageHead("shifted", matrix, bias)


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
