"""Verbs on labelled text: tasks of tables and hub data sets, and the packaged data sets."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer import workflows
from explorer.errors import InputError
from explorer.verbs.printing import Answer, table
from explorer.workflows import Workspace


def tasks_add_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    text = [c.strip() for c in args.text.split(",") if c.strip()]
    if (args.hub is None) == (args.train is None):
        raise InputError("tasks add needs either --train FILE or --hub ID.")
    if args.hub is not None:
        task = workflows.add_hub_task(ws, args.name, args.hub, args.config, text, args.label, args.family, args.domain)
    else:
        task = workflows.add_task(ws, args.name, Path(args.train), Path(args.test) if args.test else None, text,
                                  args.label, args.family, args.domain)
    value = {"name": task.name, "labels": list(task.labels), "n_train": task.n_train, "n_test": task.n_test}
    return value, f"{task.name}: {task.n_train} train, {task.n_test} test texts, labels {', '.join(task.labels)}"


def tasks_list_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    rows = [{"name": t.name, "family": t.family, "domain": t.domain, "labels": len(t.labels), "n_train": t.n_train,
             "n_test": t.n_test, "texts": "here" if Path(t.path).is_file() else "to be fetched"}
             for t in ws.catalog.tasks()]
    return {"tasks": rows}, table(rows)


def datasets_fetch_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    tasks = workflows.fetch_datasets(ws, args.names or None).result()
    return {"fetched": [t.name for t in tasks]}, f"{len(tasks)} datasets are here"


def datasets_list_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    rows = [{"name": name, "family": family, "domain": domain, "here": here}
            for name, family, domain, here in workflows.available_datasets(ws)]
    return {"datasets": rows}, table(rows)
