"""The parsers of the verbs that run the app and look after it: serve, jobs, doctor, remove, pack."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Verbs = argparse._SubParsersAction
Verb = Callable[..., argparse.ArgumentParser]


def add(verbs: Verbs, verb: Verb) -> None:
    """Add them; `verb` makes a parser with the options that all verbs have."""
    p = verb(verbs, "remove", "take models out of the catalog; their folders, scores and kept Points stay")
    p.add_argument("names", nargs="+", metavar="NAME", help="checkpoints, or bases that have none left")
    p.add_argument("--yes", action="store_true", help="without asking")
    p.add_argument("--force", action="store_true", help="also models that kept Points need, which are hidden then")

    p = verb(verbs, "pack", "write the workspace's catalog as Parquet files")
    p.add_argument("out", metavar="DIR")

    p = verb(verbs, "serve", "run the app")
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--port", type=int, default=8501)
    p.add_argument("--allow-host", action="append", default=[], metavar="NAME",
                   help="a further name under which browsers may ask for the app; needed beyond this machine")
    p.add_argument("--device", help="auto, cpu, cuda, mps, cuda:N, or several, separated by commas "
                   "(default: EXPLORER_DEVICE, else auto)")

    p = verb(verbs, "jobs", "the jobs of the app that holds the workspace; `jobs cancel ID` ends one")
    p = verb(p.add_subparsers(dest="action", metavar="ACTION"), "cancel", "end a job of the app")
    p.add_argument("id", metavar="ID")

    verb(verbs, "doctor", "check the installation, the device, the browser for pictures and the workspace, and say how "
         "to mend what is wrong")
