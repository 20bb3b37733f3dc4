"""The process in which `local` runs work: takes a job at a time from its parent and sends back what it yields.

It ends when its parent does: the connection breaks. It never opens a catalog.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Client, Connection
from queue import Queue
from typing import Any

from explorer.backends._jobs import Work
from explorer.errors import ExplorerError, JobError


def main(address: str) -> None:
    """Serve the parent at `address` until it hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt in the terminal is the parent's to handle
    connection = Client(address, authkey=os.environ.pop("EXPLORER_WORKER_KEY").encode())
    works: Queue[Work] = Queue()
    cancelled = threading.Event()
    threading.Thread(target=_listen, args=(connection, works, cancelled), daemon=True).start()
    while True:
        work = works.get()
        connection.send(_run(work, connection, cancelled))


def _listen(connection: Connection, works: Queue[Work], cancelled: threading.Event) -> None:
    while True:
        try:
            kind, value = connection.recv()
        except (EOFError, OSError):
            os._exit(0)  # the parent is gone; nobody is left to answer to, whatever is running
        if kind == "run":
            cancelled.clear()
            works.put(value)
        else:
            cancelled.set()


def _run(work: Work, connection: Connection, cancelled: threading.Event) -> tuple[str, Any]:
    try:
        with contextlib.closing(work.begin()) as running:
            for value in running:
                connection.send(("yield", value))
                if cancelled.is_set():
                    return "cancelled", None
    except ExplorerError as e:
        return "failed", e
    except Exception as e:  # noqa: BLE001 - whatever work raises is the job's outcome, told to its user
        traceback.print_exc()
        return "failed", JobError(f"{work.title}: {type(e).__name__}: {e}")
    return "done", None


if __name__ == "__main__":
    main(sys.argv[1])
