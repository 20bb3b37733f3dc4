"""The backend for more devices than one machine has: actors on an existing Ray cluster, `local`'s equals in all else.

Checkpoints, bases and texts are read where the work runs: their folders must be visible at the same path on every
node, and so must the workspace for work that writes there (it runs on this node while that has room). The nodes need
this package installed. The `model` lane has an actor for each GPU of the cluster or, where there is none, one with all
the CPUs of the largest node.
"""

from __future__ import annotations

import importlib
import os
import queue
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from explorer.backends._lane import Laned, Line
from explorer.backends._scheduler import DeviceLostError, Message, Scheduler
from explorer.errors import UnavailableError

_START_SECONDS = 60
_CONNECT_SECONDS = 5
_LAST_WORDS = 2


class ray(Laned):
    """Workers on a Ray cluster: at `address` ("host:port"), else RAY_ADDRESS, else the one running on this machine.

    UnavailableError if Ray is not installed or there is no cluster. A process that is connected to Ray stays so.
    """

    spread = True

    def __init__(self, *, address: str | None = None) -> None:
        super().__init__()
        self._library = _library()
        self._connected = not self._library.is_initialized()
        wanted = address or os.environ.get("RAY_ADDRESS") or "auto"
        if self._connected:
            _connect(self._library, wanted)
        elif wanted != "auto" and not _same(wanted, here := self._library.get_runtime_context().gcs_address):
            raise UnavailableError(f"no Ray cluster at {wanted} can be joined: this process is connected to the one at "
                                   f"{here} already.")

    def _devices(self) -> Sequence[str | None]:
        return ("cuda",) * int(self._library.cluster_resources().get("GPU", 0)) or (None,)

    def _line(self, lane: str, device: str | None) -> Line:
        return _ActorLine(self._library, self._needs(lane, device))

    def _needs(self, lane: str, device: str | None) -> Mapping[str, Any]:
        """What an actor asks of the cluster."""
        if lane != "model":
            here = self._library.get_runtime_context().get_node_id()
            near = importlib.import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
            return {"num_cpus": 0, "scheduling_strategy": near(here, soft=True)}
        if device is not None:
            return {"num_cpus": 0, "num_gpus": 1}
        return {"num_cpus": max(int(node["Resources"].get("CPU", 0)) for node in self._library.nodes()
                                if node["Alive"])}

    def close(self) -> None:
        super().close()
        if self._connected:
            self._connected = False
            self._library.shutdown()


def _library() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError as e:
        raise UnavailableError("the backend `ray` needs the package ray; get it with pip install '.[ray]'.") from e


def _same(address: str, other: str) -> bool:
    """Whether two addresses name one cluster; this machine has several names."""
    (host, _, port), (another, _, at) = address.rpartition(":"), other.rpartition(":")
    local = {"localhost", "127.0.0.1", "0.0.0.0"}  # noqa: S104 - compared, not listened on
    return port == at and (host == another or bool(local & {host, another}))


def _connect(library: Any, address: str) -> None:
    """Join the cluster; nothing of it is printed here, as standard output may be one JSON value."""
    host, _, port = address.rpartition(":")
    try:
        if port.isdecimal() and "/" not in host:  # ray itself waits a minute for one that is not there
            socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
        library.init(address=address, logging_level="ERROR", log_to_driver=False, configure_logging=False)
        # the death of an actor is told by its job; ray prints it as well, and on standard output
        importlib.import_module("ray._private.worker")._worker_logs_enabled = False  # type: ignore[attr-defined]
    except (OSError, ValueError, RuntimeError, ImportError) as e:
        which = "on this machine" if address == "auto" else f"at {address}"
        raise UnavailableError(f"no Ray cluster {which} ({e}). Start one with `ray start --head`, or give the address "
                               "of one (host:port) or set RAY_ADDRESS.") from e


class _Actor:
    """What runs on the cluster: a scheduler in a thread of its own. `put` and `take` have a thread each."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)
        self._said: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._scheduler = Scheduler(self._said.put)
        self._early: dict[int, Message] = {}
        self._next = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def put(self, number: int, message: Message) -> None:
        """Calls may arrive in another order than they were made."""
        self._early[number] = message
        while self._next in self._early:
            self._scheduler.put(self._early.pop(self._next))
            self._next += 1

    def _serve(self) -> None:
        try:
            self._scheduler.serve()
        except DeviceLostError:
            time.sleep(_LAST_WORDS)
            os._exit(1)

    def take(self, seconds: float) -> list[Message]:
        """What the work said since the last call; waits so long for the first."""
        said: list[Message] = []
        try:
            said.append(self._said.get(timeout=seconds))
            while True:
                said.append(self._said.get_nowait())
        except queue.Empty:
            return said

    def process(self) -> tuple[str, int]:
        """The node it runs on and its process there."""
        return socket.gethostname(), os.getpid()


class _ActorLine(Line):
    """An actor and the calls to it."""

    def __init__(self, library: Any, needs: Mapping[str, Any]) -> None:
        self._library, self._needs = library, needs
        self._actor: Any = None
        self._sent = 0
        self._where = ""
        self._stopping = threading.Event()

    def open(self) -> None:
        options = dict(self._needs, max_restarts=0, concurrency_groups={"in": 1, "out": 1})
        environment = {k: v for k, v in os.environ.items() if k.startswith("EXPLORER_")}
        try:
            self._actor = self._library.remote(**options)(_Actor).remote(environment)
            self.id = self._actor._actor_id.hex()
            if self._stopping.is_set():
                self.stop()
            node, process = self._library.get(self._actor.process.remote(), timeout=_START_SECONDS)
        except self._library.exceptions.GetTimeoutError as e:
            wanted = ", ".join(f"{v} {k.removeprefix('num_')}" for k, v in self._needs.items() if k.startswith("num_"))
            raise OSError(f"no node of the Ray cluster had {wanted} free within {_START_SECONDS} s") from e
        except self._library.exceptions.RayError as e:
            raise OSError(f"the Ray actor did not start: {e}") from e
        self._where = f"process {process} on {node}"

    def send(self, message: Message) -> None:
        try:
            self._actor.put.options(concurrency_group="in").remote(self._sent, message)
        except self._library.exceptions.RayError as e:
            raise OSError("the Ray actor is gone") from e
        self._sent += 1

    def receive(self, seconds: float) -> Sequence[Message]:
        try:
            said: list[Message] = self._library.get(self._actor.take.options(concurrency_group="out").remote(seconds))
        except self._library.exceptions.RayError as e:
            raise EOFError(str(e)) from e
        return said

    def obituary(self) -> str:
        return f"the Ray actor ended ({self._where}; killed, out of memory, or is its node gone?)"

    def stop(self) -> None:
        self._stopping.set()
        if self._actor is not None:
            self._library.kill(self._actor, no_restart=True)
