"""Several viewers at once on one server: waits for a cached probe, errors and memory, in Streamlit's protocol.

    python tests/benchmarks/sessions.py [--sessions 10] [--minutes 5] [--pace 2] [--paths 10] [--workspace FOLDER]
        [--quick]

Each session is what a browser tab is to the server: a WebSocket on which pages are opened and a slider settles. It
opens a path between two models (one of its own where there are as many `paths`), then again and again lets α come to
rest where the loss is stored already, waits for the curve that answers, and looks at another page now and then; between
two acts it rests for about `pace` seconds. A probe's seconds are from the message to the end of the run that answers
it. Whatever comes back with another path, or an α that this session has not asked for, counts as cross-talk; an
exception on a page, an answer that does not come or a closed socket as an error. Memory is the server's own (RssAnon),
by minute, and after its sessions have left; `slope` is its growth in MB an hour over the second half, with the 95 %
interval of a straight line; `server seconds an act` are its processor time, which other programs on the machine do not
change. What a browser itself does is not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil
from page import ROOT, served

ALPHAS = tuple(k / 10 for k in range(11))
START = 0.5
"""Where the slider stands on a new path."""
PAGES = ("map", "clusters", "catalog")
PATIENCE, QUIET = 60.0, 1.5


@dataclass
class Found:
    """What all sessions saw together: seconds of each act, by name."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    crossed: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)


class Session:
    """One viewer's connection."""

    def __init__(self, socket: Any, found: Found, query: Mapping[str, str]) -> None:
        self._socket, self._found, self._query = socket, found, query
        self._address = self._page = ""
        self._controls: dict[str, tuple[str, Any]] = {}
        self._curve: tuple[str, str] | None = None
        self.path: str | None = None
        self.alpha: float | None = None
        self.asked = {START}

    async def open(self, page: str) -> None:
        """Run a page as a browser does that comes to its address."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        self._controls.clear()
        message = BackMsg()
        message.rerun_script.page_name = "" if page == "map" else page
        self._address = urlencode(self._query) if page == "path" else ""
        message.rerun_script.query_string = self._address
        await self._act(f"open {page}", message)
        with suppress(TimeoutError):  # runs that follow on it replace the page's fragments
            while True:
                async with asyncio.timeout(QUIET):
                    await self._finished()

    async def settle(self, alpha: float) -> None:
        """The slider comes to rest at α."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        if self._curve is None:
            self._found.errors.append("no curve on the page")
            return
        component, fragment = self._curve
        message = BackMsg()
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.query_string = self._address
        message.rerun_script.fragment_id = fragment
        for id, (kind, value) in self._controls.items():
            held = message.rerun_script.widget_states.widgets.add(id=id)
            if kind == "string_array_value":
                held.string_array_value.data.extend(value)
            else:
                setattr(held, kind, value)
        state = message.rerun_script.widget_states.widgets.add()
        state.id = f"$$STREAMLIT_INTERNAL_KEY_{component}__events"
        state.json_trigger_value = json.dumps([{"event": "settled", "value": alpha}])
        before, self.alpha = self.path, None
        self.asked.add(alpha)
        await self._act("probe", message, alpha)
        if self.path != before:
            self._found.crossed += 1

    async def _act(self, name: str, message: Any, alpha: float | None = None) -> None:
        begun = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            await self._finished()
            while alpha is not None and self.alpha != alpha:  # a run that had begun before may end first
                await self._finished()
        self._found.seconds.setdefault(name, []).append(time.perf_counter() - begun)

    async def _finished(self) -> None:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        while True:
            message = ForwardMsg()
            message.ParseFromString(await self._socket.recv())
            kind = message.WhichOneof("type")
            if kind == "delta":
                self._drawn(message.delta)
            elif kind == "navigation":
                self._page = message.navigation.page_script_hash
            elif kind == "page_info_changed":
                self._address = message.page_info_changed.query_string
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return

    def _drawn(self, delta: Any) -> None:
        element = delta.new_element
        if element.WhichOneof("type") == "exception":
            self._found.errors.append(element.exception.message.splitlines()[0])
        kind = str(element.WhichOneof("type"))
        if (value := _value(kind, getattr(element, kind, None))) is not None:
            drawn = getattr(element, kind)
            if drawn.set_value or drawn.id not in self._controls:
                self._controls[drawn.id] = value
        if kind != "bidi_component":
            return
        drawn = element.bidi_component
        data = json.loads(drawn.mixed.json if drawn.WhichOneof("data") == "mixed" else drawn.json or "{}")
        if isinstance(data, dict) and data.get("part") == "curve":
            self._curve = drawn.id, delta.fragment_id
            self.path, self.alpha = data["path"], data["alpha"]
            self._found.crossed += self.alpha not in self.asked


def _value(kind: str, drawn: Any) -> tuple[str, Any] | None:
    """What a browser holds of a control as it is drawn: the kind and value that it sends along with every event."""
    if kind == "button_group":
        chosen = drawn.raw_values if drawn.set_value else [drawn.options[i].content for i in drawn.default]
        return "string_array_value", list(chosen)
    if kind == "multiselect":
        chosen = drawn.raw_values if drawn.set_value else [drawn.options[i] for i in drawn.default]
        return "string_array_value", list(chosen)
    if kind == "selectbox":
        return "string_value", drawn.raw_value if drawn.set_value else drawn.options[drawn.default]
    if kind == "checkbox":
        return "bool_value", drawn.value if drawn.set_value else drawn.default
    if kind == "number_input":
        value = drawn.value if drawn.set_value else drawn.default
        return ("int_value", int(value)) if drawn.data_type == drawn.INT else ("double_value", value)
    return None


def link(models: tuple[str, str]) -> dict[str, str]:
    """The parameters of a path's address: ALPHAS between two models."""
    return {"zero": models[0], "one": models[1], "range": "Custom", "low": "0", "high": "1",
            "points": str(len(ALPHAS))}


async def view(url: str, found: Found, models: tuple[str, str], until: float, pace: float, seed: int) -> None:
    """A session that browses and drags until then."""
    from websockets.asyncio.client import connect

    rng = random.Random(seed)
    query = link(models)
    try:
        async with connect(f"{url.replace('http', 'ws', 1)}/_stcore/stream", max_size=None,
                           subprotocols=["streamlit"]) as socket:  # type: ignore[list-item]
            session = Session(socket, found, query)
            await session.open("path")
            while time.monotonic() < until:
                await asyncio.sleep(rng.uniform(0.5, 1.5) * pace)
                if rng.random() < 0.05:
                    await session.open(rng.choice(PAGES))
                    await session.open("path")
                else:
                    await session.settle(rng.choice(ALPHAS))
    except Exception as error:  # noqa: BLE001 - a session that breaks is a finding, and the others go on
        found.errors.append(f"{type(error).__name__}: {error}")


async def watch(pid: int, found: Found, until: float, every: float) -> None:
    begun = time.monotonic()
    while time.monotonic() < until:
        found.memory.append((time.monotonic() - begun, anonymous(pid)))
        await asyncio.sleep(every)


def anonymous(pid: int) -> float:
    """MB of a process's own memory, files it maps not counted."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return psutil.Process(pid).memory_info().rss / 1e6
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("RssAnon")) / 1e3


def slope(memory: list[tuple[float, float]]) -> tuple[float, float]:
    """(MB an hour, half of the 95 % interval) of the second half."""
    late = np.array(memory[len(memory) // 2:])
    if len(late) < 4:
        return float("nan"), float("nan")
    (rate, _), covariance = np.polyfit(late[:, 0] / 3600, late[:, 1], 1, cov=True)
    return float(rate), float(1.96 * np.sqrt(covariance[0, 0]))


def measure(workspace: Path, sessions: int, minutes: float, pace: float, paths: int,
            every: float = 15.0) -> dict[str, Any]:
    """Sessions on paths between the workspace's first models, measured before they are timed."""
    from explorer import workflows

    ws = workflows.open_workspace(workspace)
    names = [c.id for c in ws.catalog.checkpoints()][: 2 * sessions]
    ws.close()
    pairs = [(names[i % len(names)], names[(i * 2 + 1) % len(names)]) for i in range(sessions)]
    pairs = [(a, b if a != b else names[(names.index(b) + 1) % len(names)]) for a, b in pairs]
    pairs = [pairs[i % min(paths, sessions)] for i in range(sessions)]
    with served(ROOT / "app.py", workspace) as (url, _):
        pid = _server(url)
        found = Found()
        asyncio.run(_settled(url, list(dict.fromkeys(pairs))))
        warmed, spent = anonymous(pid), psutil.Process(pid).cpu_times()
        asyncio.run(_all(url, pid, found, pairs, minutes * 60, pace, every))
        worked = sum(psutil.Process(pid).cpu_times()[:2]) - sum(spent[:2])
        time.sleep(2)
        left = anonymous(pid)
    probes = np.array(found.seconds.get("probe", [np.nan]))
    rate, half = slope(found.memory)
    return {"sessions": sessions, "minutes": minutes, "probes": int(np.isfinite(probes).sum()),
            "probe p50": float(np.quantile(probes, 0.5)), "probe p95": float(np.quantile(probes, 0.95)),
            "server seconds an act": worked / max(1, sum(map(len, found.seconds.values()))),
            "opened": {n: float(np.median(s)) for n, s in found.seconds.items() if n != "probe"},
            "errors": found.errors, "crossed": found.crossed,
            "memory by minute": [m for i, (_, m) in enumerate(found.memory) if i % max(1, round(60 / every)) == 0],
            "memory before": warmed, "memory after": left, "slope": rate, "slope half": half}


async def _all(url: str, pid: int, found: Found, pairs: list[tuple[str, str]], seconds: float, pace: float,
               every: float) -> None:
    until = time.monotonic() + seconds
    await asyncio.gather(watch(pid, found, until, every),
                         *(view(url, found, pair, until, pace, i) for i, pair in enumerate(pairs)))


async def _settled(url: str, pairs: list[tuple[str, str]]) -> None:
    """Every α of every path is measured before anything is timed."""
    from websockets.asyncio.client import connect

    for pair in pairs:
        async with connect(f"{url.replace('http', 'ws', 1)}/_stcore/stream", max_size=None,
                           subprotocols=["streamlit"]) as socket:  # type: ignore[list-item]
            session = Session(socket, Found(), link(pair))
            await session.open("path")
            for alpha in ALPHAS:
                with suppress(TimeoutError):  # what is not there yet will be an error where it counts
                    await session.settle(alpha)


def _server(url: str) -> int:
    port = url.rpartition(":")[2]
    return next(p.pid for p in psutil.Process().children() if port in p.cmdline())


def main() -> None:
    import tempfile

    from explorer import settings
    from explorer.catalog import bundle

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--pace", type=float, default=2.0)
    parser.add_argument("--paths", type=int, default=10)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--quick", action="store_true", help="two sessions for six seconds")
    chosen = parser.parse_args()
    count, minutes, pace = (2, 0.1, 0.2) if chosen.quick else (chosen.sessions, chosen.minutes, chosen.pace)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.workspace is None:
            bundle.unpack(settings.DEMO / "catalog", Path(folder))
        print(json.dumps(measure(chosen.workspace or Path(folder), count, minutes, pace, chosen.paths,
                                 1.0 if minutes < 1 else 15.0)))


if __name__ == "__main__":
    main()
