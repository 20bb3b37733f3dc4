"""Coverage-guided fuzzing of one reader, or of all in turn: `python tests/fuzzing/fuzz.py READER --seconds N --seed S`.

An input that reaches lines of the package in an order not seen before joins those that are changed further. A finding
is anything but a result or an ExplorerError of one line: another exception, a hang, more memory than the limit, a file
opened that is not the reader's. `--atheris` lets libFuzzer do the guiding, where that package is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "fuzzing")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from mutations import mutated  # noqa: E402
from readers import READERS, Scene, scene  # noqa: E402

from explorer.errors import ExplorerError  # noqa: E402

PACKAGE = str(TESTS.parent / "explorer") + os.sep
LIMIT = 6.0
"""Seconds of computing one input may take; the command line may compute for longer, and is only asked not to fail."""
MEMORY = 3 << 30
"""Bytes of address space that a run may take beyond what it has when it begins."""


class Hang(BaseException):
    """An input takes longer than it may."""


@dataclass
class Tally:
    """What came of a run: inputs tried, and the smallest input for each kind of finding."""

    tried: int = 0
    refused: int = 0
    findings: dict[str, bytes] = field(default_factory=dict)

    def add(self, what: str, data: bytes) -> None:
        if what not in self.findings or len(data) < len(self.findings[what]):
            self.findings[what] = data


class Reached:
    """Pairs of lines of the package that ran one after the other."""

    def __init__(self) -> None:
        self.known: set[tuple[int, int]] = set()
        self._now: set[tuple[int, int]] = set()
        self._codes: dict[Any, int] = {}

    def __enter__(self) -> Reached:
        self._now = set()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def grew(self) -> bool:
        new = not self._now <= self.known
        self.known |= self._now
        return new

    def _call(self, frame: Any, event: str, _: Any) -> Any:
        code = frame.f_code
        if code not in self._codes:
            inside = code.co_filename.startswith(PACKAGE)
            self._codes[code] = (len(self._codes) + 1) * 100_000 if inside else 0
        first = self._codes[code]
        if not first:
            return None
        last = [first]

        def line(frame: Any, event: str, _: Any) -> Any:
            here = first + frame.f_lineno
            self._now.add((last[0], here))
            last[0] = here
            return line

        return line


@contextmanager
def within(seconds: float) -> Iterator[None]:
    def over(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def verdict(name: str, data: bytes, at: Scene, seconds: float = LIMIT) -> str | None:
    """What is wrong with how a reader took an input; None if nothing is, "refused" where it was refused well."""
    try:
        with within(30 if name == "command_line" else seconds):
            READERS[name][0](data, at)
    except ExplorerError as error:
        said = str(error)
        if "\n" in said or len(said) > 3000:
            lines, length = said.count("\n") + 1, len(said) // 1000 * 1000
            return f"message of {lines} lines, {length} characters: {type(error).__name__}"
        return "refused"
    except Hang:
        return None if name == "command_line" else f"hang over {seconds:g} s"
    except BaseException as error:  # whatever it is, it is what is looked for
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if f.filename.startswith(PACKAGE)]
        where = f"{ours[-1].filename.removeprefix(PACKAGE)}:{ours[-1].name}" if ours else "outside the package"
        return f"{type(error).__name__} at {where}: {' '.join(str(error).split())[:100]}"
    return None


def kind(found: str) -> str:
    """Findings that differ in their message alone are one."""
    return found.split(": ")[0] if " at " in found else found


def run(name: str, at: Scene, seconds: float, seed: int, inputs: int | None = None, guided: bool = True) -> Tally:
    """Try changed inputs for so long, or so many."""
    rng, tally, reached = random.Random(f"{name} {seed}"), Tally(), Reached()
    corpus = READERS[name][1](at)
    verdict(name, corpus[0], at, 120)  # what is loaded for the first input is not its cost
    end, queue = time.monotonic() + seconds, list(corpus)
    said: dict[str, str] = {}
    while time.monotonic() < end and (inputs is None or tally.tried < inputs):
        data = queue.pop(0) if queue else mutated(rng.choice(corpus[-200:] if rng.random() < 0.5 else corpus),
                                                  rng.choice(corpus), rng)
        if guided:
            with reached:
                found = verdict(name, data, at)
        else:
            found = verdict(name, data, at)
        tally.tried += 1
        if found == "refused":
            tally.refused += 1
        elif found:
            said.setdefault(kind(found), found)
            tally.add(said[kind(found)], data)
        if guided and reached.grew() and tally.tried > len(corpus):
            corpus.append(data)
    return tally


def guided_by_atheris(name: str, at: Scene, seconds: float, seed: int) -> None:
    """The same inputs and verdicts with libFuzzer's guidance; ends the process."""
    import atheris

    with atheris.instrument_imports(include=["explorer"], enable_loader_override=False):
        for module in [m for m in sys.modules if m.startswith("explorer.")]:
            del sys.modules[module]
    tally = Tally()

    def one(data: bytes) -> None:
        tally.tried += 1
        found = verdict(name, data, at)
        if found not in (None, "refused"):
            tally.add(str(found), data)

    corpus = Path(tempfile.mkdtemp())
    for i, data in enumerate(READERS[name][1](at)):
        (corpus / str(i)).write_bytes(data)
    import atexit

    atexit.register(lambda: report(name, tally, None))
    options = [f"-max_total_time={seconds:g}", f"-seed={seed + 1}", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def report(name: str, tally: Tally, out: Path | None) -> None:
    print(f"{name}: {tally.tried} inputs, {tally.refused} refused, {len(tally.findings)} findings", flush=True)
    for what, data in tally.findings.items():
        print(f"  {what}\n    {len(data)} bytes: {data[:160]!r}", flush=True)
        if out:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{name}-{hashlib.sha256(data).hexdigest()[:10]}").write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", nargs="+", choices=[*READERS, "all"])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the smallest input of each finding")
    parser.add_argument("--atheris", action="store_true")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    failed = 0
    with tempfile.TemporaryDirectory() as root:
        at = scene(Path(root))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        for name in READERS if "all" in args.reader else args.reader:
            if args.atheris:
                guided_by_atheris(name, at, args.seconds, args.seed)
            tally = run(name, at, args.seconds, args.seed)
            report(name, tally, args.out)
            failed += len(tally.findings)
        at.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
