"""The verb `log`: stored scores to a tracker of experiments."""

from __future__ import annotations

import argparse

from explorer.verbs.arguments import task_list
from explorer.verbs.printing import Answer
from explorer.workflows import Workspace, logging_runs


def log_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    tasks = task_list(ws, args.tasks)
    count = logging_runs.log(ws, args.to, project=args.project, tasks=tasks, offline=args.offline)
    return ({"to": args.to, "project": args.project, "runs": count, "offline": args.offline},
            f"{count} runs in {args.to}, project {args.project}")
