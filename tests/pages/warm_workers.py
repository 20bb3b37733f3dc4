"""Workers of the app's backend that start at once: forked from one process of a test process, that has imported torch.

Real ones in all else: each is a process of its own that runs `explorer.backends._worker`, is reached through the same
socket and may die. How the app starts them, as fresh interpreters, is for tests/backends and tests/browser to check.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import TimeoutExpired

KNOWN = ["torch", "transformers.models.bert.modeling_bert"]
"""What is imported beforehand: nothing of the package, whose settings follow the worker's own environment."""
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(KNOWN)


class Popen:
    """What the backend uses of subprocess.Popen."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        assert command[1:3] == ["-m", "explorer.backends._worker"]
        self._process = _context.Process(target=work, args=(dict(env), str(Path.cwd()), *command[3:]), daemon=True)
        self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutExpired("a worker", timeout or 0)
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def work(environment: dict[str, str], folder: str, address: str, *background: str) -> None:
    """In the forked process: what `python -m explorer.backends._worker` does."""
    from explorer.backends import _worker

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    _worker.main(address, bool(background))
