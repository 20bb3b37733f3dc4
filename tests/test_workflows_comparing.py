"""Two models compared: geometry against the weights themselves, tensors, paired differences, the verb."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer import workflows
from explorer.errors import InputError
from explorer.types import Point, Probe
from explorer.workflows import comparing

FEW = Probe(train=20, test=20)


def ends(ws: Any, a: str = "m0", b: str = "m3") -> tuple[Point, Point]:
    return workflows.resolve(ws, a), workflows.resolve(ws, b)


def test_groups_add_up_to_the_whole_and_agree_with_the_tensors(ws: Any) -> None:
    a, b = ends(ws)
    found = comparing.geometry(ws, a, b)
    gram = workflows.gram(ws)
    i, j = (gram.ids.index(p.terms[0][0]) for p in (a, b))
    assert found.whole.cosines[0] == pytest.approx(gram.cosines[i, j])
    assert found.whole.norms[0] == pytest.approx(gram.norms[[i, j]])
    job = comparing.tensors(ws, a, b)
    job.result()
    changed = comparing.changed(job)
    assert len(changed) == len(ws.catalog.base(a.base).layout.tensors)
    assert np.sqrt(sum(c.difference**2 for c in changed)) == pytest.approx(found.whole.distances[0], rel=1e-5)
    assert np.sqrt(sum(c.a**2 for c in changed)) == pytest.approx(found.whole.norms[0, 0], rel=1e-5)
    assert [c.difference for c in changed] == sorted((c.difference for c in changed), reverse=True)


def test_scores_are_paired_and_the_barrier_is_read_when_it_is_measured(ws: Any) -> None:
    a, b = ends(ws)
    task = ws.catalog.task("toy")
    assert comparing.barrier(ws, a, b, task, FEW) is None
    (empty,) = comparing.scores(ws, a, b, probe=FEW)
    assert empty.difference is None
    workflows.evaluate(ws, [b.moved(a, k / 6) for k in range(7)], task, FEW).result()
    from explorer.paths.alphas import interpolation

    workflows.evaluate(ws, [b.moved(a, alpha) for alpha in interpolation(7)], task, FEW).result()
    (both,) = comparing.scores(ws, a, b, probe=FEW)
    assert both.difference is not None
    assert both.difference.paired
    assert both.difference.value == pytest.approx(both.a.loss - both.b.loss, abs=1e-6)
    assert comparing.barrier(ws, a, b, task, FEW) is not None


def test_what_can_not_be_compared_is_refused(ws: Any) -> None:
    a, _ = ends(ws)
    with pytest.raises(InputError, match="two different"):
        comparing.geometry(ws, a, a)
    with pytest.raises(InputError, match="bases"):
        comparing.check(ws, a, Point.of("other"))


def test_metadata_names_every_column_once(ws: Any) -> None:
    rows = comparing.facts(ws.catalog.checkpoint("m0"), ws.catalog.checkpoint("m3"))
    columns = [c for c, _, _ in rows]
    assert len(set(columns)) == len(columns)
    assert comparing.facts(ws.catalog.checkpoint("m0"), None)[0][2] is None


def test_the_verb(ask: Callable[..., Any], cli: Callable[..., Any], shared: Path) -> None:
    made = ask("compare", "m0", "m3", "--tensors", 3)
    assert len(made["tensors"]) == 3
    assert made["distance"] > 0
    assert {"group", "a", "b", "cosine", "distance"} == set(made["groups"][0])
    assert made["barrier"] is None
    status, out, _ = cli("compare", "m0", "m1", "--workspace", shared)
    assert status == 0
    assert "cosine" in out
    for bad in (("m0", "m0"), ("m0", "nobody"), ("m0", "m1", "--tensors", -1), ("m0", "m1", "--task", "none")):
        status, _, err = cli("compare", *bad, "--workspace", shared)
        assert status == 2
        assert len(err.strip().splitlines()) == 1
