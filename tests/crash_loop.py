"""Kill -9 in a loop: whatever a process had said was done is there afterwards, and nothing is there by halves.

    python tests/crash_loop.py --kills 500 --seed 1

Children import and remove models, multiply, evaluate, fine-tune, export, save views and stories, add tasks and name
Points, on one workspace of tiny models, and write a line into a ledger once each is done. A child is killed in one of
three ways, and a checker in another process then compares the workspace with the ledger and with models that were made
in peace.

* moment: SIGKILL from outside, any time after it began
* boundary: SIGKILL just before its n-th opening for writing, renaming, making, removing or syncing of a file
* commit: a few hundred microseconds after it opens, commits to or closes the catalog, by the kernel's alarm, whose
  default action ends a process as SIGKILL does: this hits the inside of the database's own writes

Each kill's schedule is drawn from (seed, number) alone. Children are forked from a process that has loaded everything.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # a forked process has no other thread than its own
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from crash_acts import made_in_peace  # noqa: E402
from crash_checks import check, ledger, leftovers  # noqa: E402
from crash_kills import WAYS, forked, in_another, killed  # noqa: E402


@dataclass
class Told:
    """What a run of the loop has found; `lost` and `broken` are sentences."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    done: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    leftovers: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, other: dict[str, Any]) -> None:
        """Take in what another loop has found."""
        self.finished += other["finished"]
        for name in ("kills", "done", "checked", "leftovers"):
            getattr(self, name).update(other[name])
        self.lost += other["lost"]
        self.broken += other["broken"]

    def as_dict(self) -> dict[str, Any]:
        return {"seed": self.seed, "kills": self.kills.total(), **{f"kills: {k}": v for k, v in self.kills.items()},
                "children that came to their end": self.finished, "committed": dict(self.done),
                "comparisons": dict(self.checked), "lost": self.lost, "broken": self.broken,
                "leftovers when a workspace was full": dict(self.leftovers)}


def load() -> None:
    """Import all that children need, so that they need not."""
    import importlib

    for module in ("torch", "duckdb", "sklearn.linear_model", "scipy.optimize", "pyarrow.parquet", "transformers",
                   "explorer.workflows.training", "explorer.workflows.stories", "explorer.weights.exporting",
                   "explorer.weights.importing", "explorer.weights.checked", "explorer.evaluation.work",
                   "explorer.training.work", "explorer.training.making", "explorer.weights.signs",
                   "explorer.weights.exporting_hf", "explorer.weights.exporting_task_vector",
                   "transformers.models.bert.modeling_bert", "explorer.tasks.tables"):
        importlib.import_module(module)


def loop(kills: int, seed: int, root: Path, peace: dict[str, Any], progress: Callable[[Told], None] = lambda _: None,
         lane: int = 0, lanes: int = 1) -> Told:
    """Kill so many children: those whose number is `lane` modulo `lanes`. Everything is made in `root`."""
    told, number = Told(seed), lane
    place = _begun(root / str(number))
    while told.kills.total() < kills:
        way = WAYS[number // lanes % len(WAYS)]
        lines = len(ledger(place))
        if killed(place, root.parent / "zoo", random.Random(f"{seed}:{number}"), way):
            told.kills[way] += 1
        else:
            told.finished += 1
        told.done.update(kind for kind, _, _ in ledger(place)[lines:])
        wrong = len(told.lost) + len(told.broken)
        try:
            found = in_another(root, partial(check, place, peace))
        except AssertionError as e:
            found = [("broken", "workspace", f"{e}")]
        for state, kind, sentence in found:
            if state == "checked":
                told.checked[kind] += 1
            else:
                getattr(told, state).append(f"number {number} ({way}) in {place}: {sentence}")
        progress(told)
        full, wrong = any(kind == "closed" for kind, _, _ in ledger(place)), len(told.lost) + len(told.broken) - wrong
        number += lanes
        if full:
            told.leftovers.update(re.sub(r"[\d.]+", "…", Path(p).name) for p in leftovers(place))
        if full or wrong or number // lanes % 25 == 0:
            if not wrong:
                shutil.rmtree(place)
            place = _begun(root / str(number))
    return told


def in_lanes(kills: int, seed: int, root: Path, lanes: int = 1) -> Told:
    """The loop in several processes at once."""
    load()
    (root / "zoo").mkdir(parents=True)
    peace = in_another(root, lambda: made_in_peace(root / "zoo"))

    def progress(told: Told) -> None:
        if told.kills.total() % 20 == 0:
            print(f"{told.kills.total()} kills, {len(told.lost)} lost, {len(told.broken)} broken, "
                  f"{told.done.total()} committed", flush=True)

    def run(lane: int) -> None:
        home = _begun(root / f"lane-{lane}")
        share = kills // lanes + (lane < kills % lanes)
        told = loop(share, seed, home, peace, progress, lane, lanes)
        (home / "told.json").write_text(json.dumps(vars(told)))

    running = [forked(lambda lane=lane: run(lane), root / f"lane-{lane}.log")  # type: ignore[misc]
               for lane in range(lanes)]
    whole = Told(seed)
    for lane, pid in enumerate(running):
        if os.waitpid(pid, 0)[1]:
            raise AssertionError((root / f"lane-{lane}.log").read_text()[-4000:])
        whole.add(json.loads((root / f"lane-{lane}" / "told.json").read_text()))
    return whole


def _begun(place: Path) -> Path:
    place.mkdir(parents=True)
    return place


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=None, help="drawn and printed where none is given")
    parser.add_argument("--lanes", type=int, default=1, help="so many loops at once")
    parser.add_argument("--keep", type=Path, default=None, help="work in this folder and leave it")
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if args.seed is None else args.seed
    print(f"seed {seed}", file=sys.stderr, flush=True)
    root = args.keep or Path(tempfile.mkdtemp(prefix="crash-loop-"))
    try:
        told = in_lanes(args.kills, seed, root, args.lanes)
    finally:
        if args.keep is None:
            shutil.rmtree(root, ignore_errors=True)
    print(json.dumps(told.as_dict(), indent=1))
    return 1 if told.lost or told.broken else 0


if __name__ == "__main__":
    sys.exit(main())
