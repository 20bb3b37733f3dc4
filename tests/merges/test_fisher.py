"""Fisher-weighted merging: what it gives on cases worked out by hand, and the information it goes by."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_merge_methods import vectors

from explorer import workflows
from explorer.errors import InputError, RecipeError
from explorer.evaluation.informing import EXACT, _labels
from explorer.merges._contract import Context
from explorer.merges.fisher import fisher
from explorer.types import Probe
from explorer.weights.fishers import FOLDER, Fishers, file_of, save_fisher
from explorer.weights.opening import open_term, reopen_base
from explorer.workflows import fishers
from explorer.workflows.mergekit import to_mergekit
from explorer.workflows.merging import merge_point
from explorer.workflows.naming import folders


def merged(tensors: list[torch.Tensor], weights: list[float], values: dict[str, tuple[torch.Tensor, float]],
           **options: Any) -> torch.Tensor:
    context = Context("x", tuple(values), torch.zeros_like(tensors[0]), values.__getitem__)
    return fisher([t.clone() for t in tensors], weights, context, key=list(values), **options)


@given(seed=st.integers(0, 10**6), level=st.floats(1e-6, 1e3))
@settings(max_examples=20, deadline=None)
def test_equal_information_is_the_weighted_mean(seed: int, level: float) -> None:
    tensors = vectors(3, seed=seed)
    same = (torch.full_like(tensors[0], level), level)
    for normalize in (True, False):
        made = merged(tensors, [1, 2, 3], {"a": same, "b": same, "c": same}, normalize=normalize)
        assert torch.allclose(made, (tensors[0] + 2 * tensors[1] + 3 * tensors[2]) / 6, atol=1e-6)


def test_it_is_the_joint_minimum_of_quadratic_losses() -> None:
    """Each loss is ½ Σ hᵢ (θ − θᵢ)²: its Fisher information is h, and Σ of the losses is least at Σ hᵢθᵢ / Σ hᵢ."""
    rng = torch.Generator().manual_seed(3)
    ends = [torch.randn(50, generator=rng) for _ in range(3)]
    curves = [torch.rand(50, generator=rng) * 10 ** (4 * torch.rand(50, generator=rng)) for _ in range(3)]

    def loss(theta: torch.Tensor) -> float:
        return float(sum(((h * (theta - e) ** 2).sum() for h, e in zip(curves, ends, strict=True)), torch.zeros(())))

    values = {k: (h, float(h.mean())) for k, h in zip("abc", curves, strict=True)}
    made = merged(ends, [1, 1, 1], values, normalize=False, floor=0.0)
    theta = made.clone().double().requires_grad_()
    sum(((h * (theta - e) ** 2).sum() for h, e in zip(curves, ends, strict=True)), torch.zeros(())).backward()
    assert float(theta.grad.abs().max() / max(h.max() for h in curves)) < 1e-5
    assert loss(made) < 0.9 * loss(sum(ends) / 3)


def test_normalised_information_counts_alike_and_nothing_known_is_the_mean() -> None:
    a, b = torch.tensor([1.0, 1.0, 1.0]), torch.zeros(3)
    one, many = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 300.0, 0.0])
    made = merged([a, b], [1, 1], {"a": (one, 1.0), "b": (many, 100.0)}, floor=0.0)
    assert made.tolist() == [1.0, 0.0, 0.5]
    floored = merged([a, b], [1, 1], {"a": (one, 1.0), "b": (many, 100.0)}, floor=1e5)
    assert floored.tolist() == pytest.approx([0.5, 0.5, 0.5], abs=1e-4)
    for wrong in ([-1, 1], [0, 0]):
        with pytest.raises(RecipeError, match="none may be negative"):
            merged([a, b], wrong, {"a": (one, 1.0), "b": (many, 100.0)})


@pytest.fixture
def own_tasks(ws: Any, zoo: Path) -> Any:
    """The workspace with the data sets that the models name as their own."""
    workflows.add_task(ws, "d0", zoo / "toy.csv", None, ["text"], "y")
    return ws


def test_information_is_the_expectation_over_labels_under_the_model(own_tasks: Any) -> None:
    """The last norm's shift moves a text's mean state as it is, so its gradient is (e_y − p) through the head alone."""
    from explorer.evaluation.encoder import pooled
    from explorer.evaluation.evaluator import resident
    from explorer.evaluation.head import fit_head
    from explorer.evaluation.informing import diagonal

    ws = own_tasks
    m0 = ws.catalog.checkpoint("m0")
    (wanted,) = fishers.informed(ws, [m0], texts=12)
    wanted = replace(wanted, head=Probe(train=40, test=20))
    (base,) = ws.catalog.bases()
    assert base.pooling == "mean"
    evaluator = resident(base, ws.catalog.resolve(base.path), {m0.id: ws.catalog.resolve(m0.path)}, "cpu")
    *counts, values = diagonal(evaluator, wanted)
    assert counts == list(range(1, 13))
    assert values.shape == (base.layout.size,)
    assert (values >= 0).all()
    (train,) = evaluator.rows(workflows.checkpoint_point(m0), wanted.task, wanted.head, ("train",), pooled("mean"))
    labels = evaluator.reader.labels(wanted.task, "train", wanted.head)
    centre, spread = train.mean(0), train.std(0)
    weights, bias = fit_head((train - centre) / spread, labels, len(wanted.task.labels), wanted.head.l2)
    logits = (train[:12] - centre) / spread @ weights + bias
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    matrix, c = weights / spread[:, None], len(wanted.task.labels)
    expected = sum(p[i, y] * (matrix @ (np.eye(c)[y] - p[i])) ** 2 for i in range(12) for y in range(c)) / 12
    last = [t for t in base.layout.tensors if t.name.endswith("output.LayerNorm.bias")][-1]
    found = values[last.offset : last.offset + last.size].double().numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-12)


def test_of_many_labels_some_are_drawn_the_same_ones_each_time() -> None:
    few = torch.log(torch.tensor([0.2, 0.8]))
    assert list(_labels(few, 0)) == [(0, pytest.approx(0.2)), (1, pytest.approx(0.8))]
    many = torch.log_softmax(torch.randn(40, generator=torch.Generator().manual_seed(1)), 0)
    drawn = list(_labels(many, 7))
    assert drawn == list(_labels(many, 7))
    assert drawn != list(_labels(many, 8))
    assert len(drawn) <= EXACT
    assert sum(share for _, share in drawn) == pytest.approx(1)


def test_a_merge_without_information_says_how_to_get_it(own_tasks: Any) -> None:
    ws = own_tasks
    with pytest.raises(RecipeError, match=r"Fisher information of m0, m1 is not estimated yet.*merge --method fisher"):
        merge_point(ws, "fisher", {"m0": 1, "m1": 1})
    with pytest.raises(InputError, match="m3 was trained on d1, which is no task"):
        fishers.informed(ws, [ws.catalog.checkpoint("m3")])
    with pytest.raises(InputError, match="0 texts"):
        fishers.informed(ws, [ws.catalog.checkpoint("m0")], texts=0)
    point = merge_point(ws, "fisher", {"m0": 1, "m1": 1}, {"key": {"m0": "0" * 32, "m1": "1" * 32}})
    (base,) = ws.catalog.bases()
    used = folders(ws, ws.catalog.checkpoints()) | {FOLDER: str(ws.folder / FOLDER)}
    opened = reopen_base(base, ws.catalog.resolve(base.path))
    delta = open_term(point.terms[0][0], {k: Path(v) for k, v in used.items()}, opened)
    with pytest.raises(RecipeError, match=r"0{32} is not in this workspace"):
        delta.flat(base.layout)
    with pytest.raises(RecipeError, match="key of 32 hexadecimal digits"):
        merge_point(ws, "fisher", {"m0": 1, "m1": 1}, {"key": {"m0": "../x", "m1": ""}})
    with pytest.raises(RecipeError, match="mergekit has no method fisher"):
        to_mergekit(ws, point)


def test_the_verb_estimates_merges_and_keeps(cli: Callable[..., Any], workspace: Path, zoo: Path) -> None:
    ws = workflows.open_workspace(workspace)
    workflows.add_task(ws, "d0", zoo / "toy.csv", None, ["text"], "y")
    keys = [w.key for w in fishers.informed(ws, [ws.catalog.checkpoint(m) for m in ("m0", "m1")])]
    ws.close()
    verb = ["merge", "--method", "fisher", "--models", "m0,m1", "--workspace", workspace, "--json"]
    status, out, err = cli(*verb, "--name", "informed")
    assert status == 0, err
    assert sorted(f.stem for f in (workspace / FOLDER).iterdir()) == sorted(keys)  # whole files, nothing half-written
    before = {f: f.stat().st_mtime_ns for f in (workspace / FOLDER).iterdir()}
    (term,) = json.loads(out)["recipe"]["terms"]
    assert all(key in term for key in keys)
    status, out, err = cli(*verb, "--name", "again", "--floor", 0.5, "--weights", "1,[0.5,1]")
    assert status == 0, err
    assert {f: f.stat().st_mtime_ns for f in (workspace / FOLDER).iterdir()} == before


def test_information_is_read_back_as_it_was_written(ws: Any) -> None:
    (base,) = ws.catalog.bases()
    values = torch.rand(base.layout.size, generator=torch.Generator().manual_seed(0)) * 1e-9
    save_fisher(ws.folder / FOLDER, "a" * 32, values, base.layout, {"task": "toy"})
    assert [f.name for f in (ws.folder / FOLDER).iterdir()] == [file_of(Path(), "a" * 32).name]
    stored = Fishers(ws.folder / FOLDER)
    for t in base.layout.tensors:
        found, mean = stored.of("a" * 32, t)
        assert torch.equal(found, values[t.offset : t.offset + t.size].view(t.shape))
        assert mean == pytest.approx(float(values.double().mean()), rel=1e-9)
