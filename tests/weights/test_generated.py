"""Generated directions as terms of Points: materialised, named, evaluated, exported and kept out of predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer import workflows
from explorer.errors import RecipeError, UnavailableError
from explorer.types import Point, Probe
from explorer.weights.directions import Slices, parse
from explorer.weights.opening import OpenBase, open_base, open_term
from explorer.weights.point import FlatPoint
from explorer.workflows.mixing import measured_points


@pytest.fixture(scope="module")
def base(zoo: Path) -> OpenBase:
    return open_base(zoo / "base")


@pytest.fixture
def flat(zoo: Path, base: OpenBase) -> FlatPoint:
    folders = {f"m{i}": zoo / f"m{i}" for i in range(6)}
    return FlatPoint("b", base.weights, base.layout, lambda term: open_term(term, folders, base))


@pytest.mark.parametrize("term", ["random:xavier:3", "random:xavier:3:0/bias", "random:filter:3"])
def test_a_random_direction_is_added_to_the_base(term: str, base: OpenBase, flat: FlatPoint) -> None:
    slices = Slices(parse(term), base.layout, lambda t, lo, hi: base.weights.whole(t)[lo:hi].double().numpy())
    wanted = np.concatenate([slices.slice(t, 0, t.size) for t in base.layout.tensors])
    flat.move(Point.of("b", {term: 2.0}))
    moved = (flat.theta - base.weights.flat(base.layout)).double().numpy()
    assert np.abs(moved - 2 * wanted).max() < 1e-6
    assert np.abs(wanted).max() > 1e-3
    # and beside a checkpoint's task vector
    flat.move(Point.of("b", {"m1": 1.0, term: 2.0}))
    both = flat.theta.clone()
    flat.move(Point.of("b", {"m1": 1.0}))
    assert np.abs((both - flat.theta).double().numpy() - 2 * wanted).max() < 1e-6


def test_base_plus_zero_has_no_weights(flat: FlatPoint, base: OpenBase) -> None:
    flat.move(Point.of("b", {"zero": 1.0}))
    assert not flat.theta.any()
    flat.move(Point.of("b", {"zero": 0.25}))
    torch.testing.assert_close(flat.theta, 0.75 * base.weights.flat(base.layout), rtol=0, atol=1e-6)


def test_recipes_name_directions_as_they_are(ws: Any) -> None:
    said = {"base": ws.catalog.bases()[0].name, "terms": {"m1": 1.0, "random:xavier:7": -0.5, "zero": 0.25}}
    point = workflows.resolve(ws, json.dumps(said))
    assert dict(point.terms) == {ws.catalog.checkpoint("m1").id: 1.0, "random:xavier:7": -0.5, "zero": 0.25}
    assert "0.5·random:xavier:7" in workflows.describe(ws, point)
    alone = workflows.resolve(ws, '{"terms": {"random:xavier:7": 1}}')
    assert "random:xavier:7" in workflows.describe(ws, alone)


@pytest.mark.parametrize("term", ["random:xavier:x", "random:xavier:1:99/bias", "random:"])
def test_directions_that_there_are_none_of_are_refused(ws: Any, term: str) -> None:
    with pytest.raises(RecipeError, match=r"random:xavier:SEED|its groups"):
        workflows.resolve(ws, json.dumps({"terms": {term: 1.0}}))


def test_a_direction_is_evaluated_kept_and_no_part_of_predictions(ws: Any) -> None:
    task, probe = ws.catalog.task("toy"), Probe(train=20, test=20)
    said = ('{"terms": {"random:xavier:1": 3}}', '{"terms": {"zero": 1}}', "m0")
    points = [workflows.resolve(ws, text) for text in said]
    workflows.evaluate(ws, points, task, probe).result()
    scores = ws.catalog.scores(points, task, probe)
    assert all(s is not None and np.isfinite(s.loss) for s in scores)
    assert scores[1].loss == pytest.approx(np.log(2))  # a model without weights tells the two classes not apart
    base = ws.catalog.bases()[0].id
    assert [p for p, _ in measured_points(ws, base, task, probe)] == [points[2]]


def test_a_direction_has_no_trained_head(ws: Any) -> None:
    point = workflows.resolve(ws, '{"terms": {"random:xavier:1": 1}}')
    with pytest.raises(UnavailableError, match="no model and has no head"):
        workflows.evaluate(ws, [point], ws.catalog.task("toy"), Probe(head="end-to-end")).result()


def test_a_point_with_a_direction_is_exported(ws: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    point = workflows.resolve(ws, '{"terms": {"m0": 1, "zero": 1}}')
    workflows.export(ws, point, tmp_path / "out").result()
    said = json.loads((tmp_path / "out" / "explorer.json").read_text())
    assert said["recipe"]["terms"] == {"m0": 1.0, "zero": 1.0}
    made = load_file(tmp_path / "out" / "model.safetensors")
    assert max(float(v.abs().max()) for v in made.values()) < 0.1  # the task vector alone
