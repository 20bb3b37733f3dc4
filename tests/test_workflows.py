"""The verbs that command line and pages share, on the tiny workspace."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from explorer import workflows
from explorer.errors import InputError, JobError, UnavailableError, WorkspaceError
from explorer.evaluation.work import Scored
from explorer.types import MapSpec, Point, Probe
from explorer.weights.arrivals import NewBase, NewCheckpoint, Refused
from explorer.workflows import Workspace

PROBE = Probe(train=60, test=30)


@pytest.mark.parametrize("backend", ["inline", "local"])
def test_only_points_without_a_score_are_evaluated_and_each_once(backend: str, workspace: Path) -> None:
    ws = workflows.open_workspace(workspace, backend=backend)
    try:
        task = ws.catalog.task("toy")
        zero, one = workflows.resolve(ws, "m0"), workflows.resolve(ws, "m4")
        line = workflows.path(ws, zero, one, [0.0, 0.5, 1.0, 0.5])
        first = workflows.evaluate(ws, line.points, task, PROBE).result()
        assert [s.point for s in first if isinstance(s, Scored)] == list(dict.fromkeys(line.points))
        more = workflows.path(ws, zero, one, [0.0, 0.25, 0.5, 0.75, 1.0])
        second = workflows.evaluate(ws, more.points, task, PROBE).result()
        assert [s.point for s in second if isinstance(s, Scored)] == [more.points[1], more.points[3]]
        assert workflows.evaluate(ws, more.points, task, PROBE).result() == []
        assert all(s is not None for s in ws.catalog.scores(more.points, task, PROBE))
    finally:
        ws.close()


def test_scores_of_a_path_that_fails_are_kept_up_to_there(ws: Workspace) -> None:
    task, zero = ws.catalog.task("toy"), workflows.resolve(ws, "m0")
    far = workflows.path(ws, Point.of(zero.base), zero, [0.0, 1.0, 1e38, 0.5])
    with pytest.raises(JobError, match="not finite"):
        workflows.evaluate(ws, far.points, task, PROBE).result()
    assert [s is not None for s in ws.catalog.scores(far.points, task, PROBE)] == [True, True, False, False]


def test_every_checkpoint_on_a_task(ws: Workspace) -> None:
    task = ws.catalog.task("toy")
    for job in workflows.score_checkpoints(ws, task, PROBE):
        job.result()
    assert workflows.checkpoint_scores(ws, task, PROBE).keys() == {c.id for c in ws.catalog.checkpoints()}


def test_describe_and_resolve_belong_together(ws: Workspace) -> None:
    assert workflows.describe(ws, workflows.resolve(ws, "m3")) == "m3"
    assert workflows.describe(ws, workflows.resolve(ws, "base")) == "base"
    mixed = workflows.resolve(ws, '{"terms": {"m0": 0.5, "m1": -2}}')
    for part in ("base", "0.5·m0", "− 2·m1"):
        assert part in workflows.describe(ws, mixed)
    assert workflows.resolve(ws, '{"terms": {"m0": 1}}') == workflows.resolve(ws, "m0")


def test_import_yields_the_base_first_and_each_outcome(zoo: Path, tmp_path: Path) -> None:
    ws = workflows.open_workspace(tmp_path / "ws")
    (tmp_path / "empty").mkdir()
    job = workflows.import_folders(ws, [str(zoo / "m0"), str(tmp_path / "empty"), str(zoo / "m1")], str(zoo / "base"))
    kinds = [type(r) for r in job.result()]
    ws.close()
    assert kinds == [Refused, NewBase, NewCheckpoint, NewCheckpoint]
    assert (job.done, job.total) == (job.total, job.total)


def test_checkpoints_added_later_get_the_same_gram(zoo: Path, made_workspace: Path, tmp_path: Path) -> None:
    ws = workflows.open_workspace(tmp_path / "ws")
    for i in range(6):
        workflows.import_folders(ws, [str(zoo / f"m{i}")], str(zoo / "base") if i == 0 else None).result()
    one_by_one = workflows.gram(ws)
    ws.close()
    whole = workflows.open_workspace(made_workspace)
    at_once = workflows.gram(whole)
    whole.close()
    assert one_by_one.ids == at_once.ids
    np.testing.assert_allclose(one_by_one.values, at_once.values, rtol=1e-12)


def test_two_bases_live_side_by_side(ws: Workspace, zoo: Path, tmp_path: Path) -> None:
    from tiny_models import bert_base, sibling

    other = bert_base(tmp_path / "other", seed=9)
    sibling(other, tmp_path / "x0", seed=0, group=0)
    workflows.import_folders(ws, [str(tmp_path / "x0")], str(other)).result()
    assert {b.name for b in ws.catalog.bases()} == {"base", "other"}
    assert workflows.main_base(ws).name == "base"
    assert len(workflows.gram(ws, "other").ids) == 1
    assert len(workflows.gram(ws, "all").ids) == 7
    with pytest.raises(InputError, match="another base"):
        workflows.resolve(ws, '{"base": "base", "terms": {"x0": 1}}')
    with pytest.raises(InputError, match="different bases"):
        workflows.path(ws, workflows.resolve(ws, "m0"), workflows.resolve(ws, "x0"), [0.0, 1.0])
    new = workflows.import_folders(ws, [str(zoo / "m0"), str(tmp_path / "x0")]).result()
    assert all("several bases" in r.reason or "duplicate" in r.reason for r in new)


def test_the_same_task_vector_over_two_bases_is_two_models(tmp_path: Path) -> None:
    from tiny_models import adapter, bert_base

    bases = [bert_base(tmp_path / f"b{i}", seed=i) for i in range(2)]
    adapter(bases[0], tmp_path / "lora", target_modules=["query"])
    ws = workflows.open_workspace(tmp_path / "ws")
    workflows.import_folders(ws, [str(tmp_path / "lora")], str(bases[0])).result()
    shutil.copytree(tmp_path / "lora", tmp_path / "lora1")
    (result,) = workflows.outcomes(workflows.import_folders(ws, [str(tmp_path / "lora1")], str(bases[1])).result())
    ws.close()
    assert result.error is None


def test_maps_are_stored_and_points_are_placed(ws: Workspace) -> None:
    spec = MapSpec(workflows.main_base(ws).id, "mds")
    assert workflows.projection(ws, spec) is None
    made = workflows.project(ws, spec).result()[0]
    stored = workflows.projection(ws, spec)
    assert stored is not None
    np.testing.assert_array_equal(stored.coords, made.coords)
    pca = MapSpec(workflows.main_base(ws).id, "pca")
    shown = workflows.projection(ws, pca)
    assert shown is not None
    np.testing.assert_allclose(workflows.place(ws, pca, [workflows.resolve(ws, "m2")])[0], shown.coords[2], atol=1e-6)
    with pytest.raises(UnavailableError, match="job"):
        workflows.place(ws, spec, [workflows.resolve(ws, "m2")])


def test_a_workspace_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="a file"):
        workflows.open_workspace(tmp_path / "file")


def test_two_workspaces_in_one_process_do_not_mix(workspace: Path, tmp_path: Path) -> None:
    first, second = workflows.open_workspace(workspace), workflows.open_workspace(tmp_path / "other")
    assert len(first.catalog.checkpoints()) == 6
    assert second.catalog.checkpoints() == []
    first.close()
    second.close()
