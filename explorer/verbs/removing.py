"""The verb `remove`: models out of the catalog, after a question."""

from __future__ import annotations

import argparse
import sys

from explorer import workflows
from explorer.errors import InputError
from explorer.verbs.printing import Answer
from explorer.workflows import Workspace, removing

_YES = ("y", "yes")


def remove_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    planned = removing.plan(ws, args.names)
    if not args.yes:
        if getattr(args, "json", False):
            raise InputError("with --json nobody can be asked; say --yes.")
        print(f"To be removed from the catalog: {planned.going}\n{planned.staying}\nRemove "
              f"{'it' if len(planned.names) == 1 else 'them'}? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in _YES:
            return {"removed": []}, "nothing was removed"
    done = workflows.remove(ws, args.names, force=args.force)
    said = {"removed": done.names, "points": list(done.uses.points), "views": list(done.uses.views),
            "scores": done.uses.scores, "runs": done.uses.runs, "maps": done.uses.maps}
    return said, f"removed {done.going}\n{done.staying}"
