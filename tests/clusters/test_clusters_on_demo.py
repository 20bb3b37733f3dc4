"""Claims of the paper on the shipped demo: data sets and bases cluster, seeds and training-set sizes do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from explorer import settings, workflows
from explorer.catalog import bundle
from explorer.types import Checkpoint
from explorer.workflows import Workspace


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("demo")
    bundle.unpack(settings.DEMO / "catalog", folder)
    ws = workflows.open_workspace(folder)
    yield ws
    ws.close()


def small(c: Checkpoint) -> bool:
    """Whether a model was trained on a part of its data set."""
    return re.search(r"-n\d+-", c.name) is not None


def ids(ws: Workspace, wanted: Callable[[Checkpoint], bool], base: str | None = "main") -> list[str]:
    chosen = workflows.main_base(ws).id if base == "main" else None
    return [c.id for c in ws.catalog.checkpoints(chosen) if wanted(c)]


@pytest.mark.parametrize("method", ["spectral", "hierarchical", "hdbscan", "kmeans"])
def test_models_cluster_by_data_set(demo: Workspace, method: str) -> None:
    found = workflows.cluster(demo, by="dataset", method=method)
    assert found.agreement.accuracy >= (0.85 if method == "kmeans" else 0.95)
    assert found.nulls["accuracy"].p < 0.01


def test_models_cluster_by_task(demo: Workspace) -> None:
    three = ids(demo, lambda c: not small(c) and c.task in ("topic", "sentiment", "style"))
    found = workflows.cluster(demo, by="task", ids=three)
    assert found.clusters.k == 3
    assert found.agreement.accuracy >= 0.8
    assert found.intervals["accuracy"][0] > found.nulls["accuracy"].q95
    assert len(found.misplaced) == round((1 - found.agreement.accuracy) * len(three))


@pytest.mark.parametrize("method", ["spectral", "hierarchical", "kmeans"])
def test_seeds_do_not_cluster(demo: Workspace, method: str) -> None:
    found = workflows.cluster(demo, by="seed", method=method)
    assert found.agreement.accuracy <= found.nulls["accuracy"].q95
    assert found.nulls["accuracy"].p > 0.05


def test_two_bases_cluster_by_base_and_not_by_data_set(demo: Workspace) -> None:
    assert workflows.cluster(demo, "all", "base").agreement.accuracy == 1
    other = next(b.id for b in demo.catalog.bases() if b.id != workflows.main_base(demo).id)
    shared = {c.dataset for c in demo.catalog.checkpoints(other)}
    both = ids(demo, lambda c: c.dataset in shared and not small(c), None)
    assert workflows.cluster(demo, "all", "base", ids=both).agreement.accuracy == 1
    found = workflows.cluster(demo, "all", "dataset", ids=both)
    assert found.agreement.accuracy <= found.nulls["accuracy"].q95


def test_training_set_sizes_do_not_cluster(demo: Workspace) -> None:
    few = ids(demo, small)
    assert workflows.cluster(demo, by="dataset", ids=few).agreement.accuracy == 1
    found = workflows.cluster(demo, by="train_size", ids=few)
    assert found.agreement.accuracy <= found.nulls["accuracy"].q95


def test_where_data_sets_live(demo: Workspace) -> None:
    cells = {(c.layer, c.kind): c for c in workflows.where(demo)}
    assert cells[None, None].accuracy == workflows.cluster(demo).agreement.accuracy
    assert cells["embeddings", None].accuracy is None  # frozen
    assert cells["0", "attention"].accuracy > cells["0", "attention"].null.q95
