"""Merges as Points over real tiny models: computed, placed, evaluated, written, named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from explorer import workflows
from explorer.errors import RecipeError, UnknownNameError
from explorer.merges._contract import Context
from explorer.merges._recipe import Recipe, is_merge, method
from explorer.registry import names
from explorer.types import Point, Probe, digest
from explorer.weights.fishers import FOLDER, save_fisher
from explorer.weights.opening import open_term, reopen_base
from explorer.weights.point import FlatPoint
from explorer.workflows.merging import gram_with_merges, merge_point
from explorer.workflows.naming import recipe

FAST = Probe(train=20, test=20)
EVERY = [(name, {"density": 0.5} if "density" in method(name).options else {}) for name in names("explorer.merges")]


def merged(ws: Any, name: str, options: dict[str, Any]) -> Point:
    """The merge of as many models as the method takes, up to four."""
    models = [f"m{i}" for i in range(min(4, method(name).models.most or 4))]
    # a gradient keeps sums of task vectors from being plain Points
    weights = {m: 1 if method(name).models.even else [1, 0.5] for m in models}
    if option := method(name).models.informed:
        options = options | {option: {m: stored_fisher(ws, m) for m in models}}
    return merge_point(ws, name, weights, options)


def stored_fisher(ws: Any, model: str) -> str:
    """The key of Fisher information that is drawn for a model, and stored."""
    layout, key = ws.catalog.bases()[0].layout, digest("drawn", model)
    generator = torch.Generator().manual_seed(int(key[:8], 16))
    save_fisher(ws.folder / FOLDER, key, torch.rand(layout.size, generator=generator), layout, {})
    return key


def opened(ws: Any) -> tuple[Any, dict[str, Path]]:
    (base,) = ws.catalog.bases()
    return (reopen_base(base, ws.catalog.resolve(base.path)),
            {c.id: ws.catalog.resolve(c.path) for c in ws.catalog.checkpoints()} | {FOLDER: ws.folder / FOLDER})


@pytest.mark.parametrize(("name", "options"), EVERY, ids=[n for n, _ in EVERY])
def test_slices_are_those_of_the_whole(ws: Any, name: str, options: dict[str, Any]) -> None:
    base, folders = opened(ws)
    ((term, coefficient),) = merged(ws, name, options).terms
    assert is_merge(term)
    assert coefficient == 1
    whole = open_term(term, folders, base).flat(base.layout)
    assert torch.isfinite(whole).all()
    assert whole.norm() > 0
    pieces, streamed = open_term(term, folders, base), torch.empty(base.layout.size, dtype=torch.float64)
    for tensor in base.layout.tensors:
        for lo in range(0, tensor.size, 37):
            hi = min(lo + 37, tensor.size)
            pieces.slice(tensor, lo, hi, streamed[tensor.offset + lo : tensor.offset + hi])
    assert torch.equal(streamed, whole.double())


def test_every_parameter_is_the_methods_of_its_layer(ws: Any) -> None:
    base, folders = opened(ws)
    point = merge_point(ws, "ties", {"m0": [0.2, 1], "m3": [{"filter": "query", "value": 0}, {"value": 1}]},
                        {"density": {"m0": 0.3, "m3": [0.1, 0.9]}})
    ids = sorted(ws.catalog.checkpoint(m).id for m in ("m0", "m3"))
    m0 = ws.catalog.checkpoint("m0").id
    delta = open_term(point.terms[0][0], folders, base)
    models = {i: open_term(i, folders, base).flat(base.layout) for i in ids}
    for tensor in base.layout.tensors:
        part = slice(tensor.offset, tensor.offset + tensor.size)
        last = tensor.group.layer == "1"
        weights = {m0: 1.0 if last else 0.2}
        weights |= {i: 0.0 if "query" in tensor.name else 1.0 for i in ids if i != m0}
        density = {i: 0.3 if i == m0 else 0.9 if last else 0.1 for i in ids}
        expected = method("ties").function([models[i][part].clone() for i in ids], [weights[i] for i in ids],
                                           Context(tensor.name, tuple(ids), torch.zeros(tensor.size)),
                                           density=[density[i] for i in ids])
        found = torch.empty(tensor.size)
        delta.slice(tensor, 0, tensor.size, found)
        assert torch.allclose(found, expected, atol=1e-7), tensor.name


def test_sums_of_task_vectors_are_plain_points(ws: Any) -> None:
    ids = {m: ws.catalog.checkpoint(m).id for m in ("m0", "m1", "m2")}
    base = workflows.main_base(ws).id
    assert merge_point(ws, "linear", {"m0": 1, "m1": 3}) == Point.of(base, {ids["m0"]: 0.25, ids["m1"]: 0.75})
    assert merge_point(ws, "linear", {"m0": 1, "base": 3}) == Point.of(base, {ids["m0"]: 0.25})
    assert merge_point(ws, "linear", {"m0": 2, "m1": -1}, {"normalize": False}) == Point.of(
        base, {ids["m0"]: 2, ids["m1"]: -1})
    assert merge_point(ws, "linear", {"m0": 2}, {"normalize": False}) == Point.of(base, {ids["m0"]: 2, "zero": -1})
    assert merge_point(ws, "task_arithmetic", {"m2": -1}, {"lambda": 0.5}) == Point.of(base, {ids["m2"]: -0.5})
    assert merge_point(ws, "task_arithmetic", {"m0": 3, "m1": 1}, {"normalize": True}) == Point.of(
        base, {ids["m0"]: 0.75, ids["m1"]: 0.25})
    with pytest.raises(RecipeError, match="sum to 0"):
        merge_point(ws, "linear", {"m0": 1, "m1": -1})


@pytest.mark.parametrize("name", ["linear", "task_arithmetic"])
def test_a_gradient_of_one_value_is_the_sum_itself(ws: Any, name: str) -> None:
    base, folders = opened(ws)
    weights = {"m0": 0.25, "m1": 0.5}
    plain = merge_point(ws, name, weights, {"normalize": False})
    almost = {m: [w, w + 1e-11] for m, w in weights.items()}
    term = merge_point(ws, name, almost, {"normalize": False})
    flat = FlatPoint(plain.base, base.weights, base.layout, lambda i: open_term(i, folders, base))
    flat.move(plain)
    theta = flat.theta.clone()
    flat.move(term)
    assert torch.allclose(flat.theta, theta, atol=1e-6)


def test_a_merge_has_its_place_among_the_models(ws: Any) -> None:
    base, folders = opened(ws)
    points = [merged(ws, "ties", {"density": 0.3}), merged(ws, "slerp", {}),
              Point.of(workflows.main_base(ws).id, {"zero": 0.5, ws.catalog.checkpoint("m0").id: 1})]
    gram = gram_with_merges(ws, points)
    vectors = {i: open_term(i, folders, base).flat(base.layout).double().numpy() for i in gram.ids}
    stacked = np.stack([vectors[i] for i in gram.ids])
    assert len(gram.ids) == 9
    assert np.allclose(gram.matrix, stacked @ stacked.T, rtol=1e-9)
    for point in points:
        p = sum(c * vectors[i] for i, c in point.terms)
        row, square = gram.inner(point)
        assert np.allclose(row, stacked @ p, rtol=1e-9)
        assert square == pytest.approx(float(p @ p))
    jobs = len(list(ws.backend.jobs()))
    assert np.array_equal(gram_with_merges(ws, points[::-1]).values, gram.values)
    assert len(list(ws.backend.jobs())) == jobs, "a pass is made once"
    plain = merge_point(ws, "linear", {"m0": 1, "m1": 1})
    assert gram_with_merges(ws, [plain]).ids == workflows.gram(ws).ids


@pytest.mark.parametrize("name", ["ties", "dare_ties", "karcher"])
def test_a_merge_is_evaluated_and_paths_lead_to_it(ws: Any, name: str) -> None:
    point, task = merged(ws, name, dict(EVERY)[name]), ws.catalog.task("toy")
    line = workflows.path(ws, workflows.resolve(ws, "m0"), point, [0, 0.5, 1])
    workflows.evaluate(ws, line.points, task, FAST).result()
    scores = ws.catalog.scores([*line.points, workflows.resolve(ws, "base")], task, FAST)
    assert all(s is not None and np.isfinite(s.loss) for s in scores[:3])
    assert len({s.loss for s in scores[:3] if s}) == 3


def test_an_exported_merge_is_the_point_that_is_evaluated(ws: Any, tmp_path: Path) -> None:
    base, folders = opened(ws)
    flat = FlatPoint(workflows.main_base(ws).id, base.weights, base.layout, lambda i: open_term(i, folders, base))
    for k, point in enumerate([merged(ws, "ties", {"density": 0.3}), merged(ws, "model_stock", {}),
                               merge_point(ws, "linear", {f"m{i}": 1 for i in range(6)}),
                               merge_point(ws, "linear", {"m0": 2, "m1": -3}, {"normalize": False}),
                               workflows.resolve(ws, "m4"), workflows.resolve(ws, "base")]):
        workflows.export(ws, point, tmp_path / str(k)).result()
        flat.move(point)
        written = load_file(tmp_path / str(k) / "model.safetensors")
        assert set(written) == {t.name for t in base.layout.tensors}
        for tensor in base.layout.tensors:
            mine = flat.theta[tensor.offset : tensor.offset + tensor.size].view(tensor.shape)
            assert torch.allclose(written[tensor.name], mine, atol=1e-6), tensor.name
        if len(point.terms) == 1 and not is_merge(point.terms[0][0]):
            assert all(torch.equal(written[t.name].flatten(), flat.theta[t.offset : t.offset + t.size])
                       for t in base.layout.tensors)
    told = json.loads((tmp_path / "0" / "explorer.json").read_text())["recipe"]
    assert workflows.resolve(ws, json.dumps(told)) == merged(ws, "ties", {"density": 0.3})


def test_a_merge_is_named_described_and_resolved(ws: Any) -> None:
    point = merge_point(ws, "ties", {"m1": 1, "m0": 0.5}, {"density": {"m0": 0.2, "m1": 0.4}, "normalize": False})
    text = json.dumps(recipe(ws, point))
    assert '\\"m0\\"' in text
    assert workflows.resolve(ws, text) == point
    said = workflows.describe(ws, point)
    assert said.startswith("ties(")
    assert all(part in said for part in ("0.5·m0", "m1", "density […]", "normalize false"))
    half = workflows.resolve(ws, "m2").moved(point, 0.5)
    assert workflows.resolve(ws, json.dumps(recipe(ws, half))) == half
    assert "0.5·ties(" in workflows.describe(ws, half)
    workflows.keep(ws, "tied", point)
    assert workflows.describe(ws, point) == "tied"
    slerp = merge_point(ws, "slerp", {"m5": 1, "m0": 1}, {"t": 0.2})
    assert workflows.resolve(ws, json.dumps(recipe(ws, slerp))) == slerp


@pytest.mark.parametrize(("term", "words"), [
    ('merge:{"method":"ties","models":{"m9":1}}', "unknown checkpoint 'm9'"),
    ('merge:{"method":"tied","models":{"m0":1}}', "unknown merge method 'tied'"),
    ('merge:{"method":"ties","models":{"m0":{"filter":"query","value":1}}}', "has no weight in"),
    ("merge:ties", "is no JSON"),
])
def test_a_recipe_with_a_bad_merge_is_refused(ws: Any, term: str, words: str) -> None:
    with pytest.raises((RecipeError, UnknownNameError), match=words):
        workflows.resolve(ws, json.dumps({"base": "base", "terms": {term: 1}}))


def test_bad_merges_are_refused(ws: Any) -> None:
    one = ws.catalog.checkpoint("m0").id
    for models, options, words in (({"m0": 1, one: 1}, {}, "twice"), ({"m0": "heavy"}, {}, "the weight of"),
                                   ({"m0": 1}, {"density": 1.5}, "density is 1.5; 0 to 1"), ({}, {}, "1 or more")):
        with pytest.raises(RecipeError, match=words):
            merge_point(ws, "ties", models, options)
    with pytest.raises(RecipeError, match="slerp takes 2 models, not 1"):
        merge_point(ws, "slerp", {"m0": 1})


def test_recipes_of_other_folders_of_the_same_models_are_one_point(ws: Any) -> None:
    first = merge_point(ws, "ties", {"m0": 1, "m1": 1}, {"density": 0.2})
    again = merge_point(ws, "ties", {ws.catalog.checkpoint("m1").id: 1.0, "m0": 1}, {"density": 0.2, "lambda": 1})
    assert first == again
    assert Recipe.parse(first.terms[0][0]).options == {"density": 0.2}
