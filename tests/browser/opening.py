"""What tests in a browser begin with: the app's server on a workspace, and which messages of a page are errors."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 90_000
"""Milliseconds to wait for what must come, on a machine that is busy with other tests."""


@contextmanager
def serving(folder: Path, options: Callable[[int], list[str]] = lambda _: []) -> Iterator[tuple[str, int]]:
    """The app on a workspace: its address and its process, ended on leaving. `options` of the server, by its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder.parent / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *options(port)],
            cwd=ROOT,
            env=os.environ | {"EXPLORER_WORKSPACE": str(folder), "EXPLORER_DEVICE": "cpu"}, stdout=output,
            stderr=output)
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the app did not start:\n{log.read_text()}")


def is_error(message: Any) -> bool:
    """Streamlit looks for its own routes below the page's address first; those two misses are no fault of the app."""
    return message.type == "error" and not re.search("_stcore/(health|host-config)", str(message.location.get("url")))


def outside(url: str, server: str) -> bool:
    return not url.startswith(server) and not re.match(r"(data|blob|about):", url)
