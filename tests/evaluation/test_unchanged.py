"""After a thousand evaluations nothing that was given has changed: files, base, task vectors, and the scores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from explorer.types import Point, Probe, Task

FEW = Probe(train=8, test=4, length=8)


def hashes(folders: list[Path]) -> dict[Path, str]:
    return {f: hashlib.sha256(f.read_bytes()).hexdigest() for folder in folders for f in sorted(folder.iterdir())}


def test_a_thousand_evaluations(evaluator: Callable[..., Any], known: dict[str, Any], task: Task,
                                point: Callable[[str], Point]) -> None:
    folders = [known["folder"], *(folder for _, folder in known["models"].values())]
    before, made = hashes(folders), evaluator()
    zero, one, third = point("m0"), point("m5"), point("m2")
    ends = [made.score(p, task, FEW).loss for p in (zero, one)]
    base, home = made.encoder.flat._base.clone(), made.encoder.flat.theta.clone()
    for k in range(1000):
        far = third if k % 3 else one
        made.score(zero.moved(far, -31 + 0.063 * k), task, FEW)
    assert made.encoder.flat._base.equal(base)
    made._rows._held.clear()  # so that the ends are evaluated anew
    assert [made.score(p, task, FEW).loss for p in (zero.moved(one, 0.0), zero.moved(one, 1.0))] == ends
    assert made.encoder.flat.theta.equal(home)
    assert hashes(folders) == before
