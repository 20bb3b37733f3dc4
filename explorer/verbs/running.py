"""Verbs on what runs: training by a recipe, the app, and the jobs of an app that holds the workspace."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from explorer import settings, workflows
from explorer.errors import InputError, WorkspaceError
from explorer.numbers import about, figures, size
from explorer.training.preflight import Cost
from explorer.verbs.printing import Answer, table
from explorer.workflows import Workspace, journal, training

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def finetune_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    if (args.out is None) == (args.folder is None):
        raise InputError("give the folder for the models once: `finetune RECIPE OUT`, or with --out.")
    recipe, out = Path(args.recipe), Path(args.out or args.folder)
    if args.dry_run:
        found = training.estimate(ws, recipe, out, args.only).result()[-1]
        value = {"out": str(out), **asdict(found)}
        return value, _cost(found)
    made = workflows.made(training.finetune(ws, recipe, out, args.only).result())
    return {"out": str(out), "models": made}, f"{len(made)} models in {out}"


def _cost(found: Cost) -> str:
    hours = "unknown, as bases are to be made first" if found.hours is None else figures(found.hours, 2)
    return (f"{found.runs} runs to make, at most {found.steps} steps, about {size(found.bytes)} on the disk; "
            f"hours on {found.device}: {hours} (texts of full length, from a few timed steps)")


def serve(args: argparse.Namespace) -> int:
    """Replace this process by the app's server."""
    if workspace := getattr(args, "workspace", None):
        os.environ["EXPLORER_WORKSPACE"] = str(settings.workspace(workspace))
    if args.device is not None:
        os.environ["EXPLORER_DEVICE"] = ",".join(settings.check_device(name.strip()) for name in args.device.split(","))
    app = settings.ROOT / "app.py"
    if args.host not in LOOPBACK and not args.allow_host:
        raise InputError(f"--host {args.host} answers other machines; say under which name they may ask with "
                         "--allow-host NAME, and put a proxy with a login before it (README, On a server).")
    names = [part for name in (*LOOPBACK, *args.allow_host) for part in ("--server.allowedHosts", name)]
    os.chdir(settings.ROOT)  # where .streamlit/config.toml is looked for
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(app), "--server.address", args.host,  # noqa: S606
                              "--server.port", str(args.port), *(names if args.allow_host else ())])


def jobs(args: argparse.Namespace) -> Answer:
    """The jobs of the app that holds the workspace, or of the last one that did; the workspace is not opened."""
    folder = settings.workspace(getattr(args, "workspace", None))
    if folder.exists() and not folder.is_dir():
        raise WorkspaceError(f"{folder}: a file; a workspace is a folder.")
    if args.action == "cancel":
        job = journal.cancel(folder, args.id)
        return {"id": job.id, "title": job.title, "cancelled": True}, f"{job.title}: cancelled"
    found = journal.read(folder)
    rows = [{"id": j.id, "state": j.state, "progress": f"{j.done}/{j.total}" if j.total else None,
             "left": None if j.eta is None else about(j.eta), "title": j.title,
             "since": datetime.fromtimestamp(j.created).astimezone().isoformat(" ", "seconds"), "error": j.error}
            for j in found.jobs]
    if found.running:
        head = f"The app (process {found.pid}) holds {folder}:"
    elif found.pid is not None:
        head = f"No app holds {folder}; the last one (process {found.pid}) had:"
    else:
        head = f"No app holds {folder}."
    value = {"jobs": [asdict(j) for j in found.jobs], "running": found.running, "pid": found.pid,
             "updated": found.updated}
    return value, head if not rows else f"{head}\n{table(rows)}"
