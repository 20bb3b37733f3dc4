"""A LoRA folder is the task vector that PEFT's own merge gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import BASES, adapter, sibling

from explorer.types import Layout
from explorer.weights.deltas import LowRank
from explorer.weights.opening import open_base, open_delta
from explorer.weights.point import FlatPoint

LINEAR = {"bert": ["query", "value"], "roberta": ["key", "dense"], "distilbert": ["q_lin", "lin1"],
          "gpt2": ["c_attn", "c_proj"]}


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bases")
    return {name: make(root / name) for name, make in BASES.items()}


def backbone(model: Any, layout: Layout) -> torch.Tensor:
    """The parameters of the merged model's backbone in the layout's order, shape (d,)."""
    state = dict(getattr(model, model.base_model_prefix).named_parameters())
    return torch.cat([state[t.name].detach().float().reshape(-1) for t in layout.tensors])


def check(base: Path, folder: Path, **options: Any) -> LowRank:
    merged = adapter(base, folder, **options)
    opened = open_base(base)
    delta = open_delta(folder, opened)
    assert isinstance(delta, LowRank)
    weights = opened.weights.flat(opened.layout)
    expected = backbone(merged, opened.layout)
    assert not torch.equal(expected, weights), "the adapter changes nothing"
    torch.testing.assert_close(weights + delta.flat(opened.layout), expected, rtol=0, atol=1e-6)
    for tensor in opened.layout.tensors:  # a slice is the part of the whole, wherever it is cut
        whole, part = torch.empty(tensor.size), torch.empty(tensor.size // 2)
        delta.slice(tensor, 0, tensor.size, whole)
        delta.slice(tensor, tensor.size // 3, tensor.size // 3 + len(part), part)
        torch.testing.assert_close(part, whole[tensor.size // 3 : tensor.size // 3 + len(part)], rtol=0, atol=1e-7)
        assert delta.touches(tensor) or not whole.any()
    return delta


@pytest.mark.parametrize("architecture", BASES)
def test_every_architecture(architecture: str, bases: dict[str, Path], tmp_path: Path) -> None:
    check(bases[architecture], tmp_path / "a", target_modules=LINEAR[architecture])


OPTIONS: dict[str, dict[str, Any]] = {
    "task type": {"task_type": "SEQ_CLS"},
    "rank-stabilised": {"use_rslora": True},
    "alpha pattern": {"alpha_pattern": {"layer.0.attention.self.query": 40, "value": 3}},
    "anchored pattern": {"alpha_pattern": {"^bert.encoder.layer.1.attention.self.query": 5}},
    "rank pattern": {"rank_pattern": {"layer.1.attention.self.value": 7, "query": 2}, "use_rslora": True},
    "biases of the targets": {"bias": "lora_only"},
    "all biases": {"bias": "all"},
    "kept head": {"modules_to_save": ["classifier"]},
    "kept norms": {"modules_to_save": ["LayerNorm"]},
    "everything linear": {"target_modules": "all-linear"},
    "the head too": {"target_modules": ["query", "classifier"]},
    "the pooler too": {"target_modules": ["dense"]},
    "embeddings": {"target_modules": ["word_embeddings", "query"]},
    "rank one": {"r": 1},
    "some layers": {"layers_to_transform": [1]},
    "gaussian start": {"init_lora_weights": "gaussian"},
    "orthogonal start": {"init_lora_weights": "orthogonal"},
}


@pytest.mark.parametrize("case", OPTIONS)
def test_every_option(case: str, bases: dict[str, Path], tmp_path: Path) -> None:
    check(bases["bert"], tmp_path / "a", **{"target_modules": ["query", "value"], **OPTIONS[case]})


@pytest.mark.parametrize("targets", [["c_attn"], ["c_proj", "score"], ["wte", "c_fc"], "all-linear"])
def test_transposed_linear_layers(targets: Any, bases: dict[str, Path], tmp_path: Path) -> None:
    check(bases["gpt2"], tmp_path / "a", target_modules=targets)


@pytest.mark.parametrize("told", [True, False])
def test_a_square_transposed_layer_does_not_depend_on_what_the_config_says(told: bool, bases: dict[str, Path],
                                                                            tmp_path: Path) -> None:
    from bad_deltas import adapter_config

    merged = adapter(bases["gpt2"], tmp_path / "a", target_modules=["attn.c_proj"])
    adapter_config(tmp_path / "a", fan_in_fan_out=told)
    opened = open_base(bases["gpt2"])
    theta = opened.weights.flat(opened.layout) + open_delta(tmp_path / "a", opened).flat(opened.layout)
    torch.testing.assert_close(theta, backbone(merged, opened.layout), rtol=0, atol=1e-6)


def test_of_overlapping_patterns_the_first_in_the_file_counts_as_when_peft_loads_it(bases: dict[str, Path],
                                                                                     tmp_path: Path) -> None:
    import warnings

    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    adapter(bases["bert"], tmp_path / "a", target_modules=["query"],
            alpha_pattern={"query": 40, ".*layer.1.*query": 3})
    model = AutoModelForSequenceClassification.from_pretrained(str(bases["bert"]), num_labels=3)
    with warnings.catch_warnings(action="ignore"):
        merged = PeftModel.from_pretrained(model, str(tmp_path / "a")).merge_and_unload()
    opened = open_base(bases["bert"])
    theta = opened.weights.flat(opened.layout) + open_delta(tmp_path / "a", opened).flat(opened.layout)
    torch.testing.assert_close(theta, backbone(merged, opened.layout), rtol=0, atol=1e-6)


def test_an_adapter_of_a_bare_backbone(bases: dict[str, Path], tmp_path: Path) -> None:
    from transformers import AutoModel

    bare = AutoModel.from_pretrained(str(bases["bert"]))
    merged = adapter(bases["bert"], tmp_path / "a", model=bare, target_modules=["query", "output.dense"])
    opened = open_base(bases["bert"])
    state = dict(merged.named_parameters())
    expected = torch.cat([state[t.name].detach().reshape(-1) for t in opened.layout.tensors])
    theta = opened.weights.flat(opened.layout) + open_delta(tmp_path / "a", opened).flat(opened.layout)
    torch.testing.assert_close(theta, expected, rtol=0, atol=1e-6)


def test_an_adapter_in_half_precision_and_as_a_state_dict(bases: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    adapter(bases["bert"], tmp_path / "a", target_modules=["query"])
    opened = open_base(bases["bert"])
    file = tmp_path / "a" / "adapter_model.safetensors"
    state = load_file(file)
    exact = open_delta(tmp_path / "a", opened).flat(opened.layout)
    file.unlink()
    torch.save(state, tmp_path / "a" / "adapter_model.bin")
    torch.testing.assert_close(open_delta(tmp_path / "a", opened).flat(opened.layout), exact, rtol=0, atol=0)
    (tmp_path / "a" / "adapter_model.bin").unlink()
    save_file({k: v.bfloat16() for k, v in state.items()}, file)
    torch.testing.assert_close(open_delta(tmp_path / "a", opened).flat(opened.layout), exact, rtol=2e-2, atol=2e-3)


def test_a_point_halfway_to_an_adapter_averages_products_not_factors(bases: dict[str, Path], tmp_path: Path) -> None:
    from explorer.types import Point

    merged = [adapter(bases["bert"], tmp_path / f"a{i}", seed=i, target_modules=["query"]) for i in range(2)]
    opened = open_base(bases["bert"])
    flat = FlatPoint("b", opened.weights, opened.layout, lambda i: open_delta(tmp_path / i, opened))
    flat.move(Point.of("b", {"a0": 0.5, "a1": 0.5}))
    expected = (backbone(merged[0], opened.layout) + backbone(merged[1], opened.layout)) / 2
    torch.testing.assert_close(flat.theta, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("architecture", BASES)
def test_a_whole_model_of_every_architecture(architecture: str, bases: dict[str, Path], tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    folder = sibling(bases[architecture], tmp_path / "m", seed=1, group=0)
    opened = open_base(bases[architecture])
    model = AutoModelForSequenceClassification.from_pretrained(str(folder))
    theta = opened.weights.flat(opened.layout) + open_delta(folder, opened).flat(opened.layout)
    torch.testing.assert_close(theta, backbone(model, opened.layout), rtol=0, atol=1e-6)
    left_out = {n for n, _ in getattr(model, model.base_model_prefix).named_parameters()} - {
        t.name for t in opened.layout.tensors}
    assert all(n.startswith("pooler.") for n in left_out)
