"""The contract of every training method, and which parameters BitFit trains in six architectures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer import registry
from explorer.training.classifier import encoder
from explorer.training.fitting import trained_names
from explorer.training.recipes import METHODS


@pytest.mark.parametrize("name", registry.names(METHODS))
def test_names_parameters_of_the_backbone_once(name: str, made: Path):
    backbone = encoder(made / "bases" / "M")
    chosen = registry.find(METHODS, name)(backbone)
    assert bool(chosen) == (name != "probe")
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= {n for n, _ in backbone.named_parameters()}


def test_full_can_take_the_embeddings_in(made: Path):
    backbone = encoder(made / "bases" / "M")
    full = registry.find(METHODS, "full")
    assert len(full(backbone, embeddings=True)) == len(list(backbone.named_parameters()))


def _bert() -> Any:
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                intermediate_size=32))


def _roberta() -> Any:
    from transformers import RobertaConfig, RobertaModel

    return RobertaModel(RobertaConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                      intermediate_size=32))


def _distilbert() -> Any:
    from transformers import DistilBertConfig, DistilBertModel

    return DistilBertModel(DistilBertConfig(vocab_size=40, dim=16, hidden_dim=32, n_layers=2, n_heads=2))


def _electra() -> Any:
    from transformers import ElectraConfig, ElectraModel

    return ElectraModel(ElectraConfig(vocab_size=40, embedding_size=8, hidden_size=16, num_hidden_layers=2,
                                      num_attention_heads=2, intermediate_size=32))


def _deberta() -> Any:
    from transformers import DebertaV2Config, DebertaV2Model

    return DebertaV2Model(DebertaV2Config(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                          intermediate_size=32, relative_attention=True, position_buckets=8,
                                          norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"]))


def _gpt2() -> Any:
    from transformers import GPT2Config, GPT2Model

    return GPT2Model(GPT2Config(vocab_size=40, n_embd=16, n_layer=2, n_head=2))


ENCODER = tuple(f"encoder.layer.{{i}}.{part}.bias" for part in (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"))
DEBERTA = tuple(part.replace("self.query", "self.query_proj").replace("self.key", "self.key_proj").replace(
    "self.value", "self.value_proj") for part in ENCODER)
DISTILBERT = tuple(f"transformer.layer.{{i}}.{part}.bias" for part in (
    "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1",
    "ffn.lin2", "output_layer_norm"))
GPT2 = tuple(f"h.{{i}}.{part}.bias" for part in (
    "ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"))
BIASES: dict[str, tuple[Callable[[], Any], tuple[str, ...], tuple[str, ...]]] = {
    "bert": (_bert, ENCODER, ("embeddings.LayerNorm.bias",)),
    "roberta": (_roberta, ENCODER, ("embeddings.LayerNorm.bias",)),
    "distilbert": (_distilbert, DISTILBERT, ("embeddings.LayerNorm.bias",)),
    "electra": (_electra, ENCODER, ("embeddings.LayerNorm.bias", "embeddings_project.bias")),
    "deberta-v2": (_deberta, DEBERTA, ("embeddings.LayerNorm.bias", "encoder.LayerNorm.bias")),
    "gpt2": (_gpt2, GPT2, ("ln_f.bias",)),
}


@pytest.mark.parametrize("architecture", BIASES)
def test_bitfit_trains_the_biases_and_nothing_else(architecture: str):
    make, layer, beside = BIASES[architecture]
    backbone = make()
    wanted = {name.format(i=i) for i in (0, 1) for name in layer} | set(beside)
    found = registry.find(METHODS, "bitfit")(backbone)
    assert set(found) == wanted
    assert len(found) == 2 * len(layer) + len(beside)
    count = sum(p.numel() for n, p in backbone.named_parameters() if n in wanted)
    assert count == sum(p.numel() for n, p in backbone.named_parameters() if p.ndim == 1 and n.endswith("bias")
                        and not n.startswith("pooler."))
    assert trained_names("bitfit", backbone) == wanted


@pytest.mark.parametrize("architecture", BIASES)
def test_full_trains_the_layers(architecture: str):
    backbone = BIASES[architecture][0]()
    found = set(registry.find(METHODS, "full")(backbone))
    assert not any("embeddings." in n or n.startswith(("wte", "wpe", "pooler")) for n in found)
    assert found >= {n for n, _ in backbone.named_parameters() if ".layer." in n or n.startswith("h.")}


def test_only_biases_and_the_head_move(made: Path):
    import torch

    from explorer.training.batching import tokenise
    from explorer.training.classifier import Classifier
    from explorer.training.fitting import fit
    from explorer.types import Tuning

    base = made / "bases" / "M"
    for method in ("bitfit", "probe"):
        backbone = encoder(base)
        before = {n: p.detach().clone() for n, p in backbone.named_parameters()}
        model = Classifier(backbone, 16, 2, seed=0)
        head = model.head.weight.detach().clone()
        tokens = tokenise(base, ["good film", "bad road", "moon", "star"], [None] * 4, 12)
        names = trained_names(method, backbone)
        list(fit(model, names, tokens, torch.tensor([0, 1, 0, 1]).numpy(), Tuning(method, 3, 0.05, 2, 12), seed=0,
                 device="cpu"))
        moved = {n for n, p in backbone.named_parameters() if not torch.equal(p, before[n])}
        # the bias of keys shifts every attention score of a query alike: it has no gradient but rounding's
        assert {n for n in names if "key" not in n} <= moved <= names
        assert not torch.equal(head, model.head.weight)
