"""The verbs of the command line: each reads its arguments, calls workflows and answers as text or JSON.

A verb is a function NAME_verb(workspace, arguments) of one of the modules here; `serve`, `jobs` and `doctor` are given
no workspace.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from explorer import settings, workflows
from explorer.errors import InputError
from explorer.verbs import (
    clusters,
    comparing,
    doctoring,
    exporting,
    labelled,
    leaderboard,
    ledger,
    locating,
    losses,
    merging,
    models,
    pairs,
    paths,
    pictures,
    planes,
    regions,
    removing,
    running,
    searching,
    souping,
    starting,
    stories,
    tracking,
)
from explorer.verbs.arguments import device
from explorer.verbs.printing import Answer, Narrator
from explorer.workflows import Workspace

_MODULES = (models, clusters, comparing, exporting, labelled, leaderboard, ledger, locating, losses, merging, pairs,
            paths, pictures, planes, regions, removing, running, searching, souping, starting, stories,
            tracking)


def run(args: argparse.Namespace) -> int:
    """Run the verb of parsed arguments; returns the exit status."""
    if args.verb == "serve":
        return running.serve(args)
    if args.verb == "jobs":
        return _say(args, running.jobs(args))
    if args.verb == "doctor":
        answer = doctoring.doctor(args)
        return _say(args, answer) or (0 if answer[0]["ok"] else 1)
    name = args.verb.replace("-", "_") + (f"_{args.action}" if hasattr(args, "action") else "") + "_verb"
    verb: Callable[[Workspace, argparse.Namespace], Answer] = next(
        getattr(module, name) for module in _MODULES if hasattr(module, name))
    ws = workflows.open_workspace(getattr(args, "workspace", None), device=device(args),
                                  backend=getattr(args, "backend", "inline"), options=_options(args))
    narrator = Narrator(ws.backend, quiet=getattr(args, "quiet", False))
    try:
        answer = verb(ws, args)
    finally:
        narrator.notes()
        ws.close()
    return _say(args, answer)


def _say(args: argparse.Namespace, answer: Answer) -> int:
    value, text = answer
    print(json.dumps(value, ensure_ascii=False) if getattr(args, "json", False) else text, file=sys.stdout)
    return 2 if isinstance(value, dict) and value.get("refused") else 0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """The backend's own options: of `ray` its address, of `local` the machine's devices where none was named."""
    address, backend = getattr(args, "ray_address", None), getattr(args, "backend", "inline")
    if address is not None and backend != "ray":
        raise InputError(f"--ray-address {address!r} is for --backend ray, not for --backend {backend}.")
    if backend == "local" and args.device is None:
        return {"devices": settings.devices()}
    return {} if address is None else {"address": address}
