"""Ways to kill a child of the crash loop, and processes that are forked for it."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crash_acts import work

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
WAYS = ("moment", "boundary", "commit")


def at_boundary(number: int) -> None:
    """End this process just before its `number`-th change of the file system."""
    left = [number]
    syncing = os.fsync

    def count() -> None:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, values: tuple[Any, ...]) -> None:
        writing = event == "open" and isinstance(values[2], int) and values[2] & (os.O_WRONLY | os.O_RDWR)
        if event in _CHANGES or (writing and str(values[0]) not in ("/dev/null", "None")):
            count()

    def fsync(file: Any) -> None:
        count()
        syncing(file)

    os.fsync = fsync
    sys.addaudithook(audit)


def at_commit(number: int, seconds: float) -> None:
    """End this process `seconds` after the `number`-th time that it opens, commits to or closes a catalog."""
    from explorer.catalog import database

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    left = [number]

    def arm() -> None:
        left[0] -= 1
        if left[0] == 0:
            signal.setitimer(signal.ITIMER_REAL, seconds)

    class Armed:
        """A cursor whose commit sets the alarm."""

        def __init__(self, cursor: Any) -> None:
            self._cursor = cursor

        def commit(self) -> Any:
            arm()
            return self._cursor.commit()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._cursor, name)

    own, close, connect = database.Database._cursor, database.Database.close, database._connect

    def closing(self: Any) -> None:
        arm()
        close(self)

    def connecting(path: Path) -> Any:
        arm()
        return connect(path)

    database.Database._cursor = lambda self: Armed(own(self))  # type: ignore[method-assign,assignment,return-value]
    database.Database.close = closing  # type: ignore[method-assign]
    database._connect = connecting


def forked(run: Callable[[], None], log: Path) -> int:
    """Run a function in a process of its own, what it prints into a file; its id."""
    if (pid := os.fork()) > 0:
        return pid
    status = 1
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1), os.dup2(out, 2)
        run()
        status = 0
    except BaseException:  # noqa: BLE001 - told in the file
        traceback.print_exc()
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)


def killed(place: Path, zoo: Path, rng: random.Random, way: str) -> bool:
    """Let a child work until it is killed; False where it came to its end first."""
    ledger = place / "ledger"

    def child() -> None:
        out = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def say(*line: Any) -> None:
            os.write(out, (json.dumps(line) + "\n").encode())

        own = random.Random(rng.random())
        if way == "boundary":
            at_boundary(_early(own, 130))
        elif way == "commit":
            at_commit(_early(own, 45), own.choice((0.0001, 0.0005, 0.002, 0.006)) * own.uniform(0.1, 1))
        work(place, zoo, own, say)

    log = place / "child.log"
    log.write_bytes(b"")
    pid = forked(child, log)
    wait = rng.uniform(0, 1) ** 2 * 2.5
    if way == "moment":
        time.sleep(wait)
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        raise AssertionError(f"a child failed instead of being killed:\n{log.read_text()[-3000:]}")
    return False


def _early(rng: random.Random, most: int) -> int:
    """A number from 1 on, small ones more often: every child passes them."""
    return 1 + int(most * rng.random() ** 2)


def in_another(root: Path, run: Callable[[], Any]) -> Any:
    """What a function returns that runs in a process of its own."""
    answer, log = root / "answer.json", root / "other.log"
    log.write_bytes(b"")
    pid = forked(lambda: answer.write_text(json.dumps(run())) and None, log)
    if os.waitpid(pid, 0)[1]:
        raise AssertionError(f"a process failed:\n{log.read_text()[-4000:]}")
    return json.loads(answer.read_text())
