"""The shipped demo: it holds what it promises, opens without texts, and using it leaves the repository clean."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from explorer import settings, workflows
from explorer.catalog import bundle
from explorer.types import MapSpec, Point, Probe
from explorer.workflows import Workspace

MOST = 52 * 2**20


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("demo")
    bundle.unpack(settings.DEMO / "catalog", folder)
    ws = workflows.open_workspace(folder)
    yield ws
    ws.close()


def test_it_is_small() -> None:
    assert sum(f.stat().st_size for f in settings.DEMO.rglob("*") if f.is_file()) <= MOST


def test_it_holds_the_models_it_promises(demo: Workspace) -> None:
    main = workflows.main_base(demo)
    full = [c for c in demo.catalog.checkpoints(main.id) if "-n" not in c.name]
    seeds = Counter(c.dataset for c in full)
    assert len(full) >= 60
    assert sum(n >= 4 for n in seeds.values()) >= 12
    datasets = {c.dataset: c.task for c in full}
    assert sum(n >= 3 for n in Counter(datasets.values()).values()) >= 3
    sizes = {(c.dataset, c.train_size) for c in demo.catalog.checkpoints(main.id) if "-n" in c.name}
    assert len({d for d, _ in sizes}) >= 3
    assert {200, 400, 800, 1600} <= {n for _, n in sizes}
    others = [c for c in demo.catalog.checkpoints() if c.base != main.id]
    assert sum(n >= 3 for n in Counter(c.dataset for c in others).values()) >= 3


def test_every_model_is_there(demo: Workspace) -> None:
    for checkpoint in demo.catalog.checkpoints():
        folder = demo.catalog.resolve(checkpoint.path)
        assert (folder / "task_vector.safetensors").is_file()
        assert json.loads((folder / "explorer.json").read_text())["name"] == checkpoint.name
    for base in demo.catalog.bases():
        assert (demo.catalog.resolve(base.path) / "model.safetensors").is_file()


def test_the_shipped_gram_is_that_of_the_models(demo: Workspace) -> None:
    from explorer.weights.opening import open_delta, reopen_base

    base = workflows.main_base(demo)
    opened = reopen_base(base, demo.catalog.resolve(base.path))
    chosen = demo.catalog.checkpoints(base.id)[::20]
    deltas = np.stack([open_delta(demo.catalog.resolve(c.path), opened).flat(base.layout).double().numpy()
                       for c in chosen])
    shipped = demo.catalog.gram(base.id).subset([c.id for c in chosen]).matrix
    assert np.allclose(shipped, deltas @ deltas.T, rtol=1e-6, atol=1e-6 * shipped.max())


def test_models_of_a_dataset_lie_together(demo: Workspace) -> None:
    """Every model's nearest other model was trained on the same data set: the clusters that the map shows."""
    checkpoints = [c for c in demo.catalog.checkpoints(workflows.main_base(demo).id) if "-n" not in c.name]
    cosines = demo.catalog.gram().subset([c.id for c in checkpoints]).cosines - 2 * np.eye(len(checkpoints))
    same = [c.dataset == checkpoints[j].dataset for c, j in zip(checkpoints, cosines.argmax(axis=1), strict=True)]
    assert np.mean(same) >= 0.95


def test_the_first_screen_waits_for_nothing(demo: Workspace) -> None:
    base = workflows.main_base(demo)
    for method in ("pca", "umap", "tsne", "mds"):
        assert workflows.projection(demo, MapSpec(base.id, method)) is not None, method
    for task in demo.catalog.tasks():
        own = [c for c in demo.catalog.checkpoints(base.id) if c.dataset == task.name]
        assert {c.id for c in own} <= workflows.checkpoint_scores(demo, task).keys()
        assert demo.catalog.scores([Point.of(base.id)], task, Probe())[0] is not None


def test_fine_tuning_helped(demo: Workspace) -> None:
    """A model's probe beats its base's on its own data set, by five points of accuracy on average."""
    base = workflows.main_base(demo)
    gains = []
    for task in demo.catalog.tasks():
        (before,) = demo.catalog.scores([Point.of(base.id)], task, Probe())
        assert before is not None
        after = workflows.checkpoint_scores(demo, task)
        gains += [after[c.id].accuracy - before.accuracy for c in demo.catalog.checkpoints(base.id)
                  if c.dataset == task.name and "-n" not in c.name]
    assert np.mean(gains) >= 0.05


def test_missing_texts_are_said(demo: Workspace) -> None:
    from explorer.errors import UnavailableError

    base = workflows.main_base(demo)
    task = demo.catalog.tasks()[0]
    some = demo.catalog.checkpoints(base.id)[0]
    assert not Path(task.path).is_file()
    with pytest.raises(UnavailableError, match="datasets fetch"):
        workflows.evaluate(demo, [Point.of(base.id, {some.id: 0.123})], task)


def test_using_it_leaves_the_repository_clean(demo: Workspace) -> None:
    def state() -> str:
        return subprocess.run(["git", "status", "--porcelain", "data/demo"], cwd=settings.ROOT, capture_output=True,
                              text=True, check=True).stdout

    before = state()
    workflows.projection(demo, MapSpec(workflows.main_base(demo).id, "pca", 3))
    assert state() == before
    assert demo.folder != settings.DEMO
