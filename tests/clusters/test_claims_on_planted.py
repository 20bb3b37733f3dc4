"""The claims on clusters over planted models, where what is true is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from planted_workspace import add_base, add_models, workspace
from planted_zoo import zoo

from explorer import workflows
from explorer.types import Finding, Probe
from explorer.workflows import Workspace, claims

CLAIMS = ("C1", "C2", "C3", "C4", "C5", "C6")


def said(datasets: tuple[str, ...], tasks: tuple[str, ...]) -> list[dict[str, object]]:
    """Metadata: seeds and sizes in turn within each data set, and one domain that data sets of every task are from."""
    seen: dict[str, int] = {}
    rows: list[dict[str, object]] = []
    for dataset, task in zip(datasets, tasks, strict=True):
        turn = seen[dataset] = seen.get(dataset, -1) + 1
        wide = int(dataset[1:]) % 4 == 0  # one data set of every task
        rows.append({"dataset": dataset, "task": task, "domain": "twitter" if wide else f"own {dataset}",
                     "seed": turn % 3, "train_size": 100 * 2 ** (turn // 3)})
    return rows


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Finding]]:
    ws = workspace(tmp_path_factory.mktemp("claims"))
    first, second = zoo(task=1.2, noise=0.5), zoo(datasets=2, seed=1, noise=0.5)
    add_base(ws, "first")
    add_base(ws, "second")
    known = add_models(ws, "first", first.vectors, said(first.datasets, first.tasks))
    common = np.random.default_rng(2).normal(size=second.vectors.shape[1]) / 10  # what a base's models share
    add_models(ws, "second", second.vectors + common, said(second.datasets, second.tasks), known=known)
    yield {e.finding.claim: e.finding for e in claims.ledger(ws, workflows.main_base(ws), Probe(), CLAIMS)}
    ws.close()


def test_what_was_planted_is_found(findings: dict[str, Finding]) -> None:
    assert {c: f.verdict for c, f in findings.items()} == {
        "C1": "agrees", "C2": "agrees", "C3": "agrees", "C4": "differs", "C5": "agrees", "C6": "agrees"}
    assert findings["C1"].figures[0].value == 1.0
    assert findings["C2"].figures[0].value == 1.0
    assert findings["C5"].figures[0].value == 1.0
    # raw weights of one base are as far apart as its task vectors, which were planted apart
    assert "every method" in findings["C4"].said or "depends on the method" in findings["C4"].said


def test_seeds_and_sizes_are_within_chance(findings: dict[str, Finding]) -> None:
    for claim, name in (("C1", "by seed (control)"), ("C6", "by training size")):
        figure = next(f for f in findings[claim].figures if f.name == name)
        assert figure.value <= figure.chance
        assert figure.low <= figure.value <= figure.high


def test_every_figure_has_its_interval_chance_and_sample(findings: dict[str, Finding]) -> None:
    for finding in findings.values():
        assert finding.figures
        for figure in finding.figures:
            assert figure.low <= figure.value + 1e-9
            assert figure.high >= figure.value - 1e-9
            assert figure.chance is not None
            assert figure.n > 1
        assert finding.page == "clusters"
        assert finding.sample


def test_shuffled_models_are_no_region(tmp_path: Path) -> None:
    made = zoo(noise=0.5)
    order = np.random.default_rng(0).permutation(len(made.vectors))
    ws: Workspace = workspace(tmp_path)
    add_base(ws, "first")
    add_models(ws, "first", made.vectors[order], said(made.datasets, made.tasks))
    found = {e.finding.claim: e.finding for e in claims.ledger(ws, workflows.main_base(ws), Probe(), ["C1", "C2"])}
    ws.close()
    assert {f.verdict for f in found.values()} == {"differs"}
    assert found["C1"].figures[0].value <= found["C1"].figures[0].chance + 0.1
