"""Which modules get adapters in each family, and that an import's ΔW is what PEFT merges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import WORDS, save_tokenizer

from explorer.errors import RecipeError, UnavailableError
from explorer.training.recipes import Lora
from explorer.training.whole import Whole, save_adapters, save_whole, whole, with_adapters
from explorer.weights.opening import open_base, open_delta


def _config(kind: str) -> Any:
    import transformers as t

    wide = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 32, "max_position_embeddings": 40, "pad_token_id": 0}
    configs: dict[str, Callable[[], Any]] = {
        "bert": lambda: t.BertConfig(**wide), "roberta": lambda: t.RobertaConfig(**wide, type_vocab_size=1),
        "electra": lambda: t.ElectraConfig(**wide, embedding_size=8),
        "deberta-v2": lambda: t.DebertaV2Config(**wide, relative_attention=True, position_buckets=8,
                                                pos_att_type=["p2c", "c2p"], type_vocab_size=0),
        "distilbert": lambda: t.DistilBertConfig(vocab_size=len(WORDS), dim=16, hidden_dim=32, n_layers=2, n_heads=2,
                                                 max_position_embeddings=40),
        "gpt2": lambda: t.GPT2Config(vocab_size=len(WORDS), n_embd=16, n_layer=2, n_head=2, n_positions=40,
                                     bos_token_id=2, eos_token_id=3)}
    return configs[kind]()


TARGETS = {"bert": ("attention.self.query", "attention.self.value"),
           "roberta": ("attention.self.query", "attention.self.value"),
           "electra": ("attention.self.query", "attention.self.value"),
           "deberta-v2": ("attention.self.query_proj", "attention.self.value_proj"),
           "distilbert": ("attention.q_lin", "attention.v_lin"), "gpt2": ("attn.c_attn",)}


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("families")

    def base(kind: str) -> Path:
        if not (root / kind).is_dir():
            from transformers import AutoModel

            from explorer.training.quiet import quiet

            with torch.random.fork_rng(), quiet():
                torch.manual_seed(0)
                save_tokenizer(root / kind)
                AutoModel.from_config(_config(kind)).save_pretrained(root / kind)
        return root / kind

    return base


def adapted(folder: Path, lora: Lora) -> Whole:
    """A classifier whose adapters were moved away from zero."""
    opened = open_base(folder)
    made = with_adapters(whole(folder, opened.layout, opened.weights.flat(opened.layout), ("no", "yes"), 1), lora, 1,
                         "base")
    draw = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=draw))
    return made


@pytest.mark.parametrize("kind", TARGETS)
def test_adapters_of_each_family_and_what_an_import_makes_of_them(kind: str, bases: Callable[[str], Path],
                                                                  tmp_path: Path):
    folder = bases(kind)
    made = adapted(folder, Lora(rank=2, alpha=6.0))
    inside = {n.partition(".lora_")[0] for n in made.adapters if ".lora_" in n}
    assert len(inside) == 2 * len(TARGETS[kind])
    assert all(n.endswith(TARGETS[kind]) for n in inside)
    assert all(".lora_" in n or n.startswith("pooler.") for n in made.adapters)
    head = {n for n, p in made.model.named_parameters() if p.requires_grad} - {
        f"{made.model.base_model_prefix}.{n}" for n in made.adapters}
    assert head
    assert all(n.startswith(("classifier", "score", "pooler", "pre_classifier")) for n in head), head
    (tmp_path / "lora").mkdir()
    save_adapters(tmp_path / "lora", made, folder)
    save_whole(tmp_path / "merged", made, folder)
    opened = open_base(folder)
    low, full = (open_delta(tmp_path / name, opened).flat(opened.layout) for name in ("lora", "merged"))
    assert low.any()
    assert torch.allclose(low, full, atol=1e-6)
    assert made.adapted.peft_config  # what trains is as it was
    assert any(".lora_" in n for n in made.adapters)


def test_named_targets_dropout_and_wrong_ones(bases: Callable[[str], Path]):
    made = adapted(bases("bert"), Lora(rank=3, targets=("intermediate.dense",), dropout=0.1))
    assert {n.partition(".lora_")[0] for n in made.adapters if "lora_" in n} == {
        f"encoder.layer.{i}.intermediate.dense" for i in range(2)}
    with pytest.raises(RecipeError, match=r"lora\.targets"):
        adapted(bases("bert"), Lora(targets=("nowhere",)))


def test_without_peft_its_package_is_named(monkeypatch: pytest.MonkeyPatch):
    import sys

    from explorer.training.whole import require_peft

    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UnavailableError, match=r"pip install -e '\.\[lora\]'"):
        require_peft()
