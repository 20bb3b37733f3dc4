"""A disk that takes no more: one clear line, nothing half-written, and the workspace goes on when there is room."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from explorer import workflows
from explorer.catalog.database import FILE
from explorer.errors import WorkspaceError
from explorer.workflows import stories


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """No file here may grow by more than a little: the system refuses as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = folder / f"{FILE}.wal"
    resource.setrlimit(resource.RLIMIT_FSIZE, ((wal.stat().st_size if wal.is_file() else 0) + 65536, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_does_not_fit_is_told_and_leaves_nothing(workspace: Path) -> None:
    ws = workflows.open_workspace(workspace)
    kept = stories.save_view(ws, "map", {}, "before")
    with full(workspace), pytest.raises(WorkspaceError, match=r"catalog.duckdb: can.t be written \(File too large"):
        stories.save_view(ws, "map", {"much": "x" * 2_000_000}, "too large")
    assert [v.title for v in stories.saved_views(ws)] == ["before"]
    after = stories.save_view(ws, "map", {"much": "x" * 2_000_000}, "after")
    ws.close()
    ws = workflows.open_workspace(workspace)
    assert {v.name for v in stories.saved_views(ws)} == {kept.name, after.name}
    assert len(ws.catalog.checkpoints()) == 6
    ws.close()


def test_a_result_that_does_not_fit_fails_its_job_alone(ws, zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.types import Point, Probe

    point, task = Point.of(ws.catalog.bases()[0].id), ws.catalog.task("toy")
    with monkeypatch.context() as patch:
        patch.setattr(type(ws.catalog), "add_scores", lambda self, scores: _refused(ws))
        with pytest.raises(WorkspaceError, match="No space left"):
            workflows.evaluate(ws, [point], task, Probe(train=12, test=12)).result()
    assert ws.catalog.scores([point], task, Probe(train=12, test=12)) == [None]
    workflows.evaluate(ws, [point], task, Probe(train=12, test=12)).result()
    assert ws.catalog.scores([point], task, Probe(train=12, test=12)) != [None]


def _refused(ws) -> None:
    raise WorkspaceError(f"{ws.folder}: can't be written (No space left on device).")
