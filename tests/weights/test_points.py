"""Points materialised: the ends are the stored weights, nothing drifts, and every format gives its task vector."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from bad_checkpoints import rewrite, tensors

from explorer.errors import InputError
from explorer.types import Point
from explorer.weights.opening import OpenBase, open_base, open_delta, reopen_base
from explorer.weights.point import FlatPoint
from explorer.weights.saving import save_task_vector


@pytest.fixture(scope="module")
def base(zoo: Path) -> OpenBase:
    return open_base(zoo / "base")


def stored(folder: Path, base: OpenBase) -> torch.Tensor:
    """A model's parameters as its file has them, float32 of shape (d,)."""
    state = {k.removeprefix("bert."): v for k, v in tensors(folder).items()}
    return torch.cat([state[t.name].float().reshape(-1) for t in base.layout.tensors])


def flat_point(zoo: Path, base: OpenBase, **options: Any) -> FlatPoint:
    return FlatPoint("b", base.weights, base.layout, lambda i: open_delta(zoo / i, base), **options)


def test_the_ends_are_the_stored_weights(zoo: Path, base: OpenBase) -> None:
    flat = flat_point(zoo, base)
    assert torch.equal(flat.theta, stored(zoo / "base", base))
    for name in ("m0", "m5"):
        flat.move(Point.of("b", {name: 1.0}))
        torch.testing.assert_close(flat.theta, stored(zoo / name, base), rtol=0, atol=1e-6)
    flat.move(Point.of("b"))
    assert torch.equal(flat.theta, stored(zoo / "base", base))


def test_points_between_and_beyond(zoo: Path, base: OpenBase) -> None:
    flat = flat_point(zoo, base)
    a, b = stored(zoo / "m0", base).double(), stored(zoo / "m3", base).double()
    zero, one = Point.of("b", {"m3": 1.0}), Point.of("b", {"m0": 1.0})
    for alpha in (-31, -0.5, 0.25, 0.5, 1.5, 32):
        flat.move(zero.moved(one, alpha))
        torch.testing.assert_close(flat.theta.double(), b + alpha * (a - b), rtol=0, atol=3e-6 * (1 + abs(alpha)))


def test_a_thousand_moves_leave_no_trace(zoo: Path, base: OpenBase) -> None:
    flat = flat_point(zoo, base)
    home = Point.of("b", {"m1": 0.3, "m4": -2.0})
    flat.move(home)
    first = flat.theta.clone()
    for k in range(1000):
        flat.move(Point.of("b", {f"m{k % 6}": 0.01 * k, "m2": 1 - k}))
    flat.move(home)
    assert torch.equal(flat.theta, first)


def test_a_small_budget_changes_nothing_but_what_is_kept(zoo: Path, base: OpenBase) -> None:
    opened: list[str] = []

    def open_one(name: str) -> Any:
        opened.append(name)
        return open_delta(zoo / name, base)

    size = base.layout.size * 4
    roomy = FlatPoint("b", base.weights, base.layout, open_one, budget=6 * size)
    tight = FlatPoint("b", base.weights, base.layout, open_one, budget=2 * size)
    none = FlatPoint("b", base.weights, base.layout, open_one, budget=0)
    point = Point.of("b", {f"m{i}": 0.1 * (i + 1) for i in range(6)})
    for flat in (roomy, tight, none):
        opened.clear()
        flat.move(point)
        flat.move(point)
        assert len(opened) == (6 if flat is roomy else 12)
    assert torch.equal(roomy.theta, tight.theta)
    assert torch.equal(roomy.theta, none.theta)


def test_a_point_of_another_base_is_refused(zoo: Path, base: OpenBase) -> None:
    with pytest.raises(InputError, match="over base c"):
        flat_point(zoo, base).move(Point.of("c"))


FORMATS = ["bare", "prefixed without a head", "sharded", "state dict", "old state dict", "wrapped state dict",
           "old names",
           "float16", "bfloat16", "float64", "another file name"]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_way_to_store_a_model(kind: str, zoo: Path, base: OpenBase, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(zoo / "m2", tmp_path / "m"))
    state, file = tensors(folder), folder / "model.safetensors"
    tolerance = 0.0
    if kind == "bare":
        rewrite(folder, {k.removeprefix("bert."): v for k, v in state.items() if k.startswith("bert.")})
    elif kind == "prefixed without a head":
        rewrite(folder, {k: v for k, v in state.items() if k.startswith("bert.")})
    elif kind == "sharded":
        from transformers import BertForSequenceClassification

        model = BertForSequenceClassification.from_pretrained(str(folder))
        file.unlink()
        model.save_pretrained(folder, max_shard_size="30KB")
        assert len(list(folder.glob("*.safetensors"))) > 2
    elif "state dict" in kind:
        file.unlink()
        torch.save({"state_dict": state} if kind == "wrapped state dict" else state, folder / "pytorch_model.bin",
                   _use_new_zipfile_serialization=kind != "old state dict")
    elif kind == "old names":
        rewrite(folder, {k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v
                         for k, v in state.items()} | {"bert.embeddings.position_ids": torch.arange(64)[None]})
    elif kind == "another file name":
        file.rename(folder / "weights.safetensors")
    else:
        rewrite(folder, {k: v.to(getattr(torch, kind)) for k, v in state.items()})
        tolerance = {"float16": 1e-3, "bfloat16": 1e-2, "float64": 0.0}[kind]
    theta = base.weights.flat(base.layout) + open_delta(folder, base).flat(base.layout)
    torch.testing.assert_close(theta, stored(zoo / "m2", base), rtol=tolerance, atol=1e-7)


@pytest.mark.parametrize("quantize", [False, True])
def test_a_stored_task_vector(quantize: bool, zoo: Path, base: OpenBase, tmp_path: Path) -> None:
    delta = open_delta(zoo / "m3", base).flat(base.layout)
    named = {t.name: delta[t.offset : t.offset + t.size].view(t.shape) for t in base.layout.tensors
             if t.group.kind != "embeddings"}
    save_task_vector(tmp_path / "tv", named, quantize=quantize)
    found = open_delta(tmp_path / "tv", base)
    for t in base.layout.tensors:
        out = torch.full((t.size,), 9.0)
        found.slice(t, 0, t.size, out)
        expected = named[t.name].reshape(-1) if t.name in named else torch.zeros(t.size)
        assert found.touches(t) == (t.name in named)
        if quantize:
            limit = expected.abs().max() / 127
            assert (out - expected).abs().max() <= limit
        else:
            assert torch.equal(out, expected)
        part = torch.empty(t.size - t.size // 2)
        found.slice(t, t.size // 2, t.size, part)
        assert torch.equal(part, out[t.size // 2 :])
    kept = torch.cat([v.reshape(-1) for v in named.values()])
    again = torch.cat([found.flat(base.layout)[t.offset : t.offset + t.size] for t in base.layout.tensors
                       if t.name in named])
    assert torch.cosine_similarity(kept, again, dim=0) > 0.999
    assert [p.name for p in (tmp_path / "tv").iterdir()] == ["task_vector.safetensors"]


def test_reopening_a_base_gives_the_same_weights(zoo: Path, base: OpenBase) -> None:
    from explorer.types import Base

    known = Base("b", "base", str(zoo / "base"), "bert", base.layout, base.prefix)
    again = reopen_base(known, zoo / "base")
    assert torch.equal(again.weights.flat(base.layout), base.weights.flat(base.layout))


def test_the_layout_leaves_heads_and_poolers_out_and_names_its_groups(zoo: Path, base: OpenBase) -> None:
    names = [t.name for t in base.layout.tensors]
    assert len(set(names)) == len(names)
    assert not any("pooler" in n or "classifier" in n for n in names)
    assert {g.layer for g in base.layout.groups} == {"embeddings", "0", "1"}
    assert {g.kind for g in base.layout.groups} == {"embeddings", "attention", "feed-forward", "norm", "bias"}
    assert base.prefix == "bert"


def test_tied_weights_occur_once(tmp_path: Path) -> None:
    from tiny_models import gpt2_base
    from transformers import GPT2LMHeadModel

    folder = gpt2_base(tmp_path / "gpt2")
    opened = open_base(folder)
    GPT2LMHeadModel.from_pretrained(str(folder)).save_pretrained(tmp_path / "lm")
    delta = open_delta(tmp_path / "lm", opened).flat(opened.layout)
    assert not delta.any()
    assert sum(t.shape == (100, 32) for t in opened.layout.tensors) == 1
