"""The process in which `local` runs work: a scheduler, fed by its parent.

It ends when its parent does: the connection breaks. It never opens a catalog.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from multiprocessing.connection import Client, Connection

from explorer.backends._scheduler import DeviceLostError, Scheduler

_YIELDING = 10


def main(address: str, background: bool = False) -> None:
    """Serve the parent at `address` until it hangs up; in the `background` for work that nobody watches."""
    if background and hasattr(os, "nice"):
        os.nice(_YIELDING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt in the terminal is the parent's to handle
    connection = Client(address, authkey=os.environ.pop("EXPLORER_WORKER_KEY").encode())
    scheduler = Scheduler(connection.send)
    threading.Thread(target=_listen, args=(connection, scheduler), daemon=True).start()
    try:
        scheduler.serve()
    except OSError:
        os._exit(0)  # the parent hung up while something was on its way to it
    except DeviceLostError:
        connection.close()
        os._exit(1)


def _listen(connection: Connection, scheduler: Scheduler) -> None:
    while True:
        try:
            scheduler.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)  # the parent is gone; nobody is left to answer to, whatever is running


if __name__ == "__main__":
    main(sys.argv[1], "background" in sys.argv[2:])
