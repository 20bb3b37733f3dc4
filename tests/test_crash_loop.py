"""The crash loop, short: a few kills of each way, drawn from one seed. `crash_loop.py --kills 500` is the long one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_nothing_is_lost_or_broken_by_kills(tmp_path: Path) -> None:
    # in a process of its own: one with threads can't be forked safely
    command = [sys.executable, str(Path(__file__).with_name("crash_loop.py")), "--kills", "9", "--seed", "3", "--keep",
               str(tmp_path / "loop")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert (told["lost"], told["broken"]) == ([], [])
    assert told["kills"] == 9
    assert {way for way in ("moment", "boundary", "commit") if told.get(f"kills: {way}")} == {"moment", "boundary",
                                                                                           "commit"}
    assert sum(told["committed"].values()) >= 20
    assert sum(told["comparisons"].values()) >= 20
