"""Walks out of a region: where their Points lie, what is measured, and where they leave."""

from __future__ import annotations

import math

import numpy as np
import pytest
from safetensors.torch import load_file

from explorer import workflows
from explorer.errors import InputError
from explorer.paths.hull import distances_from
from explorer.paths.walks import with_directions
from explorer.types import Checkpoint, Point, Probe
from explorer.weights.directions import ZERO
from explorer.workflows import Workspace, leaving

PROBE = Probe(train=20, test=20)


def models(ws: Workspace, *names: str) -> list[Checkpoint]:
    return [ws.catalog.checkpoint(name) for name in names]


def test_walks_lie_at_their_radii_and_end_at_both_origins(ws: Workspace) -> None:
    found = leaving.walks(ws, models(ws, "m0", "m1", "m2"), 2, (0.5, 1.0, 400.0))
    base = workflows.main_base(ws)
    kinds = [(d.kind, d.seed) for d in found.directions]
    assert kinds == [("random", 0), ("random", 1), ("base", None), ("zero", None)]
    gram = ws.catalog.gram(base.id)
    assert found.spread == pytest.approx(math.sqrt(np.mean(distances_from(gram, found.points, found.centre) ** 2)))
    for direction in found.directions:
        assert direction.points[0] == found.centre
        if direction.kind != "zero":
            wide = with_directions(gram, direction.points, base.layout)
            apart = distances_from(wide, direction.points, found.centre)
            assert apart == pytest.approx(np.array(direction.radii) * found.spread, rel=1e-6)
    to_base, to_zero = found.directions[2:]
    assert to_base.points[-1] == Point.of(base.id)
    assert to_base.radii[-1] == pytest.approx(found.length / found.spread)
    assert to_zero.radii[-1] == pytest.approx(found.norm / found.spread)
    assert dict(to_zero.points[-1].terms) == {ZERO: 1.0}
    assert to_zero.radii[-1] < 400


def test_the_norm_is_that_of_the_weights(ws: Workspace) -> None:
    points = [workflows.resolve(ws, name) for name in ("m0", "m4")]
    middle = points[0].moved(points[1], 0.5)
    found = leaving.weights_norm(ws, middle)
    jobs = len(list(ws.backend.jobs()))
    assert leaving.weights_norm(ws, middle) == found
    assert len(list(ws.backend.jobs())) == jobs, "it is read once"
    layout, parts = workflows.main_base(ws).layout, []
    for name in ("m0", "m4"):
        tensors = load_file(ws.catalog.resolve(ws.catalog.checkpoint(name).path) / "model.safetensors")
        parts.append([tensors.get(t.name, tensors.get(f"bert.{t.name}")) for t in layout.tensors])
    square = sum(float(((a.double() + b.double()) / 2).square().sum()) for a, b in zip(*parts, strict=True))
    assert found == pytest.approx(math.sqrt(square), rel=1e-5)


def test_walks_are_measured_in_one_job_and_read_off(ws: Workspace) -> None:
    task = ws.catalog.task("toy")
    found = leaving.walks(ws, models(ws, "m0", "m1", "m2"), 2, (0.0, 1.0, 4.0))
    before = len(list(ws.backend.jobs()))
    none = leaving.known(ws, found, task, PROBE)
    assert (none.highest, dict(none.leaves), none.mean("random")) == (None, {}, [])
    walked = leaving.measured(ws, found, task, PROBE)
    assert len(list(ws.backend.jobs())) == before + 1
    assert not workflows.unscored(ws, leaving.asks(found, task, PROBE))
    assert set(walked.leaves) == {"random", "base", "zero"}
    assert walked.highest is not None
    assert walked.highest.loss == max(s.loss for s in walked.models if s is not None)
    random = [line for d, line in zip(found.directions, walked.scores, strict=True) if d.kind == "random"]
    for k, (radius, value) in enumerate(walked.mean("random")):
        assert radius == found.directions[0].radii[k]
        assert value.value == pytest.approx(np.mean([line[k].loss for line in random if line[k]]))
    assert walked.mean("random")[0][1].stderr == 0


def test_overflow_is_outside_and_takes_nothing_from_the_rest(ws: Workspace) -> None:
    task = ws.catalog.task("toy")
    found = leaving.walks(ws, models(ws, "m0", "m1", "m2"), 1, (0.0, 1.0, 1e38))
    walked = leaving.measured(ws, found, task, PROBE)
    assert list(walked.lost) == [found.directions[0].points[-1].hash]
    assert [s is not None for s in walked.scores[0]] == [True, True, False]
    assert 0 <= walked.leaves["random"].radius <= 1.0


@pytest.mark.parametrize(("names", "seeds", "radii", "said"), [
    (("m0",), 3, (1.0,), "at least 2"), (("m0", "m1"), 0, (1.0,), "random directions"),
    (("m0", "m1"), 3, (2.0, 1.0), "rise"), (("m0", "m1"), 3, (), "rise"), (("m0", "m1"), 3, (math.inf,), "rise")])
def test_what_can_not_be_walked(ws: Workspace, names: tuple[str, ...], seeds: int, radii: tuple[float, ...],
                                said: str) -> None:
    with pytest.raises(InputError, match=said):
        leaving.walks(ws, models(ws, *names), seeds, radii)
    assert not list(ws.backend.jobs())
