"""The verb `cluster`: a planted zoo is recovered, shuffled labels are chance, and bad input is told plainly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted_workspace import LAYOUT, OTHER, add_base, add_models, workspace
from planted_zoo import zoo as planted_zoo
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score

from explorer import workflows
from explorer.errors import InputError
from explorer.workflows import Workspace

Cli = Callable[..., tuple[int, str, str]]
Ask = Callable[..., Any]
N = 72


def said(planted: Any) -> list[dict[str, Any]]:
    """What is known of each planted model; of the last two not the domain, and one alone has its method."""
    shuffled = np.random.default_rng(0).permutation(N)
    rows = []
    for i, (dataset, task) in enumerate(zip(planted.datasets, planted.tasks, strict=True)):
        rows.append({"dataset": dataset, "task": task, "seed": i, "train_size": 100 * (1 + i % 3),
                     "domain": None if i >= N - 2 else f"w{i % 4}",
                     "method": "full" if i < 40 else ("probe" if i < N - 1 else "bitfit"),
                     "columns": {"shuffled": planted.datasets[shuffled[i]], "flavour": task.upper()}})
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with 72 planted models of base A."""
    path = tmp_path_factory.mktemp("planted") / "ws"
    ws, planted = workspace(path), planted_zoo()
    add_base(ws, "A")
    add_models(ws, "A", planted.vectors, said(planted))
    ws.close()
    return path


@pytest.fixture
def ask(asking: Callable[[Path], Ask], folder: Path) -> Ask:
    def run(*arguments: object, at: Path = folder) -> Any:
        return asking(at)("cluster", *arguments)

    return run


@pytest.fixture
def refused(cli: Cli, folder: Path) -> Callable[..., str]:
    """What is said on bad input, which ends with status 2."""

    def run(*arguments: object, at: Path = folder) -> str:
        status, out, err = cli("cluster", *arguments, "--workspace", at, "--json")
        assert (status, out) == (2, "")
        return err

    return run


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A workspace with two bases of one layout, 12 models each over the same two data sets."""
    ws, rng = workspace(tmp_path / "mixed"), np.random.default_rng(1)
    rows = [{"dataset": f"d{i % 2}"} for i in range(12)]
    add_base(ws, "A")
    add_base(ws, "B")
    centres = rng.normal(size=(2, LAYOUT.size)) * 2
    known = add_models(ws, "A", centres[0] + rng.normal(size=(12, LAYOUT.size)), rows)
    add_models(ws, "B", centres[1] + rng.normal(size=(12, LAYOUT.size)), rows, known=known)
    ws.close()
    return tmp_path / "mixed"


@pytest.mark.parametrize(("by", "groups"), [("dataset", 12), ("task", 3), ("flavour", 3), ("columns.flavour", 3)])
def test_both_planted_levels_are_recovered(ask: Ask, by: str, groups: int) -> None:
    answer = ask("--by", by)
    assert (answer["accuracy"], answer["ari"], answer["nmi"]) == (1, 1, pytest.approx(1))
    assert (answer["k"], answer["n"], answer["left_out"]) == (groups, N, 0)
    assert set(answer["f1"].values()) == {1.0}
    assert answer["null"]["mean"] < 0.7
    assert answer["null"]["p"] < 0.01
    assert answer["unit"] == ("model" if by == "dataset" else "dataset")
    assert answer["interval"]["accuracy"] == [1, 1]
    assert answer["misplaced"] == []
    assert np.array_equal(np.diag(np.diag(answer["confusion"])), answer["confusion"])
    assert answer["spread"]["within"] < answer["spread"]["between"]


def test_shuffled_labels_lie_inside_their_null(ask: Ask) -> None:
    answer = ask("--by", "shuffled")
    assert answer["accuracy"] <= answer["null"]["q95"]
    assert answer["null"]["p"] > 0.05
    assert answer["nulls"]["group_silhouette"]["p"] > 0.05
    low, high = answer["interval"]["accuracy"]
    assert low <= answer["accuracy"] <= high
    assert len(answer["misplaced"]) == round((1 - answer["accuracy"]) * N)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "raw-euclidean"])
def test_figures_equal_those_of_explicit_task_vectors(ask: Ask, metric: str) -> None:
    answer, planted = ask("--by", "shuffled", "--metric", metric), planted_zoo()
    labels = [answer["labels"][f"A-{i}"] for i in range(N)]
    groups = [row["columns"]["shuffled"] for row in said(planted)]
    vectors = planted.vectors + (7.0 if metric == "raw-euclidean" else 0.0)  # a base, which must cancel
    if metric == "cosine":
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert answer["ari"] == pytest.approx(adjusted_rand_score(groups, labels), abs=1e-8)
    assert answer["nmi"] == pytest.approx(normalized_mutual_info_score(groups, labels), abs=1e-8)
    assert answer["silhouette"] == pytest.approx(silhouette_score(vectors, labels), abs=1e-8)
    assert answer["group_silhouette"] == pytest.approx(silhouette_score(vectors, groups), abs=1e-8)
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    same = np.equal.outer(np.array(groups), np.array(groups))
    assert answer["spread"]["within"] == pytest.approx(apart[same & ~np.eye(N, dtype=bool)].mean(), abs=1e-8)
    assert answer["spread"]["between"] == pytest.approx(apart[~same].mean(), abs=1e-8)


@pytest.mark.parametrize("method", ["spectral", "kmeans", "hierarchical", "hdbscan"])
def test_every_method_and_the_eigengap(ask: Ask, method: str) -> None:
    answer = ask("--method", method)
    assert answer["method"] == method
    assert answer["ari"] > 0.9
    found = ask("--method", method, "--by", "task", "-k", "eigengap")
    assert found["k"] == (12 if method == "hdbscan" else 3)


def test_a_number_of_clusters_may_be_given(ask: Ask) -> None:
    answer = ask("-k", 5)
    assert answer["k"] == len(set(answer["labels"].values())) == 5
    assert sum(cluster is not None for cluster in answer["matched"].values()) == 5
    assert np.sum(answer["confusion"]) == N


def test_models_without_a_group_are_left_out_and_counted(ask: Ask) -> None:
    answer = ask("--by", "domain")
    assert (answer["n"], answer["left_out"]) == (N - 2, 2)
    assert {f"A-{N - 1}", f"A-{N - 2}"}.isdisjoint(answer["labels"])
    alone = ask("--by", "method")
    assert (alone["groups"], alone["left_out"], alone["alone"]) == (["full", "probe"], 1, [f"A-{N - 1}"])


def test_groups_that_are_numbers_are_in_their_order(ask: Ask) -> None:
    assert ask("--by", "train_size")["groups"] == ["100", "200", "300"]


def test_selections(ask: Ask) -> None:
    answer = ask("--only", "task=t0,t1", "--only", "columns.flavour=T1")
    assert answer["n"] == 24
    assert answer["groups"] == ["d4", "d5", "d6", "d7"]
    assert answer["accuracy"] == 1
    part = ask("--layers", "1", "--kinds", "norm", "--by", "task")
    assert part["spread"] != ask("--by", "task")["spread"]


def test_the_grid_is_that_of_the_single_selections(ask: Ask) -> None:
    cells = {(c["layer"], c["kind"]): c for c in ask("--by", "shuffled", "--grid")["where"]}
    assert set(cells) == {(None, None), (None, "attention"), (None, "norm"), ("0", None), ("1", None),
                          ("0", "attention"), ("1", "norm")}
    assert cells[None, None]["parameters"] == LAYOUT.size
    one, whole = ask("--by", "shuffled", "--layers", "1", "--kinds", "norm"), ask("--by", "shuffled")
    assert (cells["1", "norm"]["accuracy"], cells["1", "norm"]["q95"]) == (one["accuracy"], one["null"]["q95"])
    assert cells[None, None]["accuracy"] == whole["accuracy"]


def test_the_grid_is_empty_where_nothing_moved(tmp_path: Path) -> None:
    ws, vectors = workspace(tmp_path / "ws"), np.random.default_rng(0).normal(size=(6, 400))
    vectors[:, 200:] = 0
    add_base(ws, "A")
    add_models(ws, "A", vectors, [{"dataset": f"d{i // 3}"} for i in range(6)])
    cells = {(c.layer, c.kind): c.accuracy for c in workflows.where(ws)}
    ws.close()
    assert cells["1", "norm"] is None
    assert cells["0", "attention"] == cells[None, None]


def test_the_table_says_what_json_says(cli: Cli, folder: Path) -> None:
    status, out, _ = cli("cluster", "--by", "shuffled", "--workspace", folder, "--grid")
    assert status == 0
    assert "12 clusters of 72 models by shuffled (spectral, cosine)" in out
    assert "misplaced: A-" in out
    assert "by layer and kind" in out


def test_real_models(ask: Ask, made_workspace: Path) -> None:
    answer = ask("--by", "dataset", at=made_workspace)
    assert answer["labels"] == {f"m{i}": answer["labels"]["m0" if i < 3 else "m3"] for i in range(6)}
    assert answer["accuracy"] == 1


def test_two_bases_cluster_by_base(ask: Ask, mixed: Path) -> None:
    answer = ask("--base", "all", "--by", "base", at=mixed)
    assert (answer["accuracy"], answer["groups"], answer["n"]) == (1, ["A", "B"], 24)
    assert ask("--base", "all", "--by", "dataset", at=mixed)["accuracy"] < 0.8


def test_bases_that_can_not_be_mixed(refused: Callable[..., str], mixed: Path) -> None:
    assert "inner products" in refused("--base", "all", "--metric", "raw-euclidean", at=mixed)
    assert "--base all" in refused("--by", "base", at=mixed)
    ws = workspace(mixed)
    add_base(ws, "C", OTHER)
    add_models(ws, "C", np.ones((2, 100)), [{}, {}], OTHER)
    ws.close()
    assert "different architectures" in refused("--base", "all", "--by", "base", at=mixed)


def test_bad_input_is_told_plainly(refused: Callable[..., str], folder: Path, tmp_path: Path) -> None:
    assert "which is 72" in refused("-k", 73)
    assert "from 2" in refused("-k", 1)
    assert "from 2" in refused("-k", "-3")
    assert "'eigengap'" in refused("-k", "many")
    assert "leave k = 4 out" in refused("--method", "hdbscan", "-k", 4)
    assert "Did you mean shuffled" in refused("--by", "shufled")
    assert "two models or more" in refused("--by", "seed")
    assert "only 't1' has" in refused("--by", "task", "--only", "dataset=d4")
    assert "spectral" in refused("--method", "spectrall")
    assert "unknown metric" in refused("--metric", "manhattan")
    assert "no checkpoint is left" in refused("--only", "task=t9")
    assert "COLUMN=VALUE" in refused("--only", "task")
    assert "unknown base" in refused("--base", "Z")
    assert "unknown layer" in refused("--layers", "9")
    assert "no base yet" in refused(at=tmp_path / "new")


def test_only_checkpoints_of_the_base_can_be_chosen(mixed: Path) -> None:
    ws: Workspace = workspace(mixed)
    try:
        with pytest.raises(InputError, match="B-0: no checkpoint of the base"):
            workflows.cluster(ws, "A", ids=["id-A-0", "id-B-0"])
        with pytest.raises(InputError, match="no checkpoints"):
            workflows.cluster(ws, "A", ids=[])
        with pytest.raises(InputError, match="k = 'lots'"):
            workflows.cluster(ws, "A", k="lots")  # type: ignore[arg-type]
    finally:
        ws.close()


def test_clusters_without_groups(folder: Path) -> None:
    ws = workspace(folder)
    found = workflows.cluster(ws, by=None)
    ws.close()
    assert found.clusters.k == 3  # the coarser level, by the eigengap
    assert found.agreement is None
    assert len(found.names) == N
    assert found.silhouette is not None
