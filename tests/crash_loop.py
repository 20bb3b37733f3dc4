"""Kill -9 in a loop: whatever a process had said was done is there afterwards, and nothing is there by halves.

    python tests/crash_loop.py --kills 500 --seed 1

Children import and remove models, multiply, evaluate, fine-tune, export, save views and stories, add tasks and name
Points, on one workspace of tiny models, and write a line into a ledger once each is done. A child is killed in one of
three ways, and a checker in another process then compares the workspace with the ledger and with models that were made
in peace.

* moment: SIGKILL from outside, any time after it began
* boundary: SIGKILL just before its n-th opening for writing, renaming, making, removing or syncing of a file
* commit: a few hundred microseconds after it opens, commits to or closes the catalog, by the kernel's alarm, whose
  default action ends a process as SIGKILL does: this hits the inside of the database's own writes

Each kill's schedule is drawn from (seed, number) alone. Children are forked from a process that has loaded everything.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # a forked process has no other thread than its own
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
WAYS = ("moment", "boundary", "commit")
MODELS = 6
MAYBE = "there or not"
"""What is said of a model that is about to come or go: a kill may be before that or after."""
ROUNDS = 3
"""Rounds of the smaller writes until a workspace is full and a new one is begun."""
RECIPE = """
name: crash
bases: [{{name: tiny, from: {base}}}]
models:
  - {{base: tiny, datasets: [toy], seeds: [{seed}], steps: 2, lr: 1.0e-3, length: 12}}
"""


@dataclass
class Told:
    """What a run of the loop has found; `lost` and `broken` are sentences."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    done: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    leftovers: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, other: dict[str, Any]) -> None:
        """Take in what another loop has found."""
        self.finished += other["finished"]
        for name in ("kills", "done", "checked", "leftovers"):
            getattr(self, name).update(other[name])
        self.lost += other["lost"]
        self.broken += other["broken"]

    def as_dict(self) -> dict[str, Any]:
        return {"seed": self.seed, "kills": self.kills.total(), **{f"kills: {k}": v for k, v in self.kills.items()},
                "children that came to their end": self.finished, "committed": dict(self.done),
                "comparisons": dict(self.checked), "lost": self.lost, "broken": self.broken,
                "leftovers when a workspace was full": dict(self.leftovers)}


# ---------------------------------------------------------------- what a child does


def work(place: Path, zoo: Path, rng: random.Random, say: Callable[..., None]) -> None:
    """Everything that a workspace is to hold, in a drawn order; what is there already is left."""
    from explorer import workflows

    ws = workflows.open_workspace(place / "ws")
    known = {c.name for c in ws.catalog.checkpoints()}
    if missing := [f"m{i}" for i in range(MODELS) if f"m{i}" not in known]:
        for name in rng.sample(missing, 2) if len(missing) > 2 else missing:
            say("model", name, MAYBE)
            workflows.import_folders(ws, [str(zoo / name)], str(zoo / "base")).result()
            say("model", name, ws.catalog.checkpoint(name).id)
    if not ws.catalog.tasks():
        _task(ws, zoo, "toy", say)
    steps = [(step, i) for step in (_task, _score, _point, _view, _story, _signs, _export, _train, _remove)
             for i in range(ROUNDS)]
    rng.shuffle(steps)
    for step, i in steps:
        name = f"{step.__name__[1:]}-{i}"
        if step is _task:
            if name not in {t.name for t in ws.catalog.tasks()}:
                _task(ws, zoo, name, say)
        else:
            step(ws, place, name, say)
    ws.close()
    say("closed", "workspace", "")


def _task(ws: Any, zoo: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    say("task", name, workflows.add_task(ws, name, zoo / "toy.csv", None, ["text"], "y").digest)


def _mixture(ws: Any, name: str) -> Any:
    from explorer import workflows

    number = int(name.rpartition("-")[2])
    chosen = sorted(c.name for c in ws.catalog.checkpoints())[:2]
    return workflows.resolve(ws, json.dumps({"terms": dict.fromkeys(chosen, 0.25 + number / 8)}))


def _score(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows
    from explorer.types import Probe

    point, probe = _mixture(ws, name), Probe(train=12, test=12)
    workflows.evaluate(ws, [point], ws.catalog.task("toy"), probe).result()
    found = ws.catalog.scores([point], ws.catalog.task("toy"), probe)[0]
    say("score", json.dumps(point.as_dict()), found.loss)


def _point(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    if name not in ws.catalog.point_names():  # those hidden while a model is gone too
        point = _mixture(ws, name)
        workflows.keep(ws, name, point)
        say("point", name, point.hash)


def _view(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer.workflows import stories

    saved = stories.save_view(ws, "map", {"dims": 3, "of": name}, name, "note", "<svg/>")
    say("view", saved.name, saved.title)


def _story(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer.types import Step
    from explorer.workflows import stories

    begun = stories.begin_story(ws, name, tuple(Step(v.name, "say") for v in stories.saved_views(ws)[:3]))
    say("story", begun.name, [begun.title, len(begun.steps)])
    stories.change_story(ws, stories.Story(begun.name, f"{name} again", begun.steps, begun.made))
    say("story", begun.name, [f"{name} again", len(begun.steps)])


def _signs(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    if (job := workflows.signs(ws)) is not None:
        job.result()
        say("signs", "all", len(ws.catalog.gram(signs=True).ids))


def _export(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    form = ("hf", "task-vector", "hf")[int(name[-1])]
    if not (place / name).exists():
        workflows.export(ws, _mixture(ws, name), place / name, format=form).result()
        say("export", name, contents(place / name))


def _train(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    out, recipe = place / "trained", place / f"{name}.yaml"
    recipe.write_text(RECIPE.format(base=ws.catalog.resolve(ws.catalog.bases()[0].path), seed=int(name[-1])))
    for made in workflows.finetune(ws, recipe, out).result():
        if type(made).__name__ == "Made":
            say("trained", made.folder, contents(Path(made.folder)))


def _remove(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    """A model that nothing is kept of, and back: the child after this one imports what is missing."""
    from explorer import workflows

    chosen = sorted(c.name for c in ws.catalog.checkpoints())
    if len(chosen) > 3:
        gone = ws.catalog.checkpoint(chosen[2 + int(name[-1]) % (len(chosen) - 2)])
        say("model", gone.name, MAYBE)
        workflows.remove(ws, [gone.name], force=True)
        say("model", gone.name, None)


def contents(folder: Path) -> str:
    """A hash of all files of a folder, with their names."""
    h = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        h.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    return h.hexdigest()


# ---------------------------------------------------------------- how it is killed


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


# ---------------------------------------------------------------- what must hold afterwards


def check(place: Path, peace: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """("checked" | "lost" | "broken", kind, sentence) of everything that was said to be done, and of what is there."""
    import numpy as np

    from explorer.catalog import Catalog
    from explorer.types import Point, Probe
    from explorer.weights.tensors import open_tensors
    from explorer.workflows import stories
    from explorer.workflows.opening import Workspace

    catalog = Catalog(place / "ws")
    ws = Workspace(place / "ws", catalog, None)  # type: ignore[arg-type]
    models = {c.name: c.id for c in catalog.checkpoints()}
    views = {v.name: v.title for v in stories.saved_views(ws)}
    told = {s.name: [s.title, len(s.steps)] for s in stories.stories(ws)}
    points = {name: p.hash for name, p in catalog._kept()}
    tasks = {t.name: t.digest for t in catalog.tasks()}

    def score(key: str) -> float | None:
        raw = json.loads(key)
        found = catalog.scores([Point.of(raw["base"], raw["terms"])], catalog.task("toy"), Probe(train=12, test=12))[0]
        return None if found is None else found.loss

    found: dict[str, Callable[[str], Any]] = {
        "model": models.get, "view": views.get, "point": points.get, "task": tasks.get, "score": score,
        "story": told.get, "export": lambda name: contents(place / name) if (place / name).is_dir() else None,
        "trained": lambda folder: contents(Path(folder)) if Path(folder).is_dir() else None}
    latest = {(kind, key): value for kind, key, value in _ledger(place) if kind in found}
    for (kind, key), value in latest.items():
        there = found[kind](key)
        newer = kind == "story" and there == [f"{value[0]} again", value[1]]  # told of only before the next change
        same = there == value or newer or value == MAYBE
        yield ("checked" if same else "lost"), kind, f"{kind} {key}: {value} was told of, {there} is there"
    if catalog.checkpoints():
        gram = catalog.gram()
        names = [catalog.checkpoint(i).name for i in gram.ids]
        rows = [peace["names"].index(n) for n in names]
        right = np.array(peace["gram"])[:, rows][:, :, rows]
        fits = np.isfinite(gram.values).all() and np.allclose(gram.values, right, rtol=1e-9, atol=1e-12)
        yield ("checked" if fits else "broken"), "gram", f"inner products of {names}"
        signs = catalog.gram(signs=True)
        yield ("checked" if np.isfinite(signs.values).all() else "broken"), "signs", "signs that are no numbers"
    for kind, folder in _visible(place):
        try:
            tensors = open_tensors(folder) if (folder / "config.json").is_file() else None
            size = (len(tensors) if tensors is not None else (folder / "task_vector.safetensors").stat().st_size)
            whole = bool(size) and (folder / "explorer.json").is_file() and (
                kind != "export" or contents(folder) == latest.get((kind, folder.name), contents(folder)))
            json.loads((folder / "explorer.json").read_text())
        except Exception as e:  # noqa: BLE001 - any stumble is what is looked for
            yield "broken", kind, f"{folder}: visible and {type(e).__name__}: {e}"
        else:
            yield ("checked" if whole else "broken"), kind, f"{folder} is not whole"
    for task in catalog.tasks():
        count = catalog.database.rows("SELECT count(*) FROM read_parquet(?)", [task.path])[0][0]
        whole = count == task.n_train + task.n_test
        yield ("checked" if whole else "broken"), "texts", f"{task.path} holds {count} texts"
    catalog.close()


def _checked(place: Path, peace: dict[str, Any]) -> list[tuple[str, str, str]]:
    return list(check(place, peace))


def _visible(place: Path) -> list[tuple[str, Path]]:
    found = [("export", p) for p in sorted(place.glob("export-*")) if p.is_dir()]
    return found + [("trained", p) for p in sorted((place / "trained" / "models").glob("*")) if p.is_dir()
                    and not p.name.startswith(".")]


def leftovers(place: Path) -> list[str]:
    """What is hidden, temporary or unfinished in and beside a workspace."""
    found = [p for p in place.rglob("*") if p.name.startswith(".") or ".part" in p.name or ".tmp" in p.name]
    return sorted(p.relative_to(place).as_posix() for p in found if p.parent == place or not
                  p.parent.name.startswith("."))


# ---------------------------------------------------------------- the loop


def made_in_peace(root: Path) -> dict[str, Any]:
    """The models, and their inner products computed at once and undisturbed."""
    sys.path.insert(0, str(Path(__file__).parent))
    from tiny_models import bert_base, sibling, toy_table

    from explorer import workflows

    base = bert_base(root / "base")
    for i in range(MODELS):
        sibling(base, root / f"m{i}", seed=i, group=i // 3)
    toy_table(root / "toy.csv")
    ws = workflows.open_workspace(root / "peace")
    workflows.import_folders(ws, [str(root / f"m{i}") for i in range(MODELS)], str(base)).result()
    gram = ws.catalog.gram()
    said = {"names": [ws.catalog.checkpoint(i).name for i in gram.ids], "gram": gram.values.tolist()}
    ws.close()
    return said


def load() -> None:
    """Import all that children need, so that they need not."""
    import importlib

    for module in ("torch", "duckdb", "sklearn.linear_model", "scipy.optimize", "pyarrow.parquet", "transformers",
                   "explorer.workflows.training", "explorer.workflows.stories", "explorer.weights.exporting",
                   "explorer.weights.importing", "explorer.weights.checked", "explorer.evaluation.work",
                   "explorer.training.work", "explorer.training.making", "explorer.weights.signs",
                   "explorer.weights.exporting_hf", "explorer.weights.exporting_task_vector",
                   "transformers.models.bert.modeling_bert", "explorer.tasks.tables"):
        importlib.import_module(module)


def in_another(root: Path, run: Callable[[], Any]) -> Any:
    """What a function returns that runs in a process of its own."""
    answer, log = root / "answer.json", root / "other.log"
    log.write_bytes(b"")
    pid = forked(lambda: answer.write_text(json.dumps(run())) and None, log)
    if os.waitpid(pid, 0)[1]:
        raise AssertionError(f"a process failed:\n{log.read_text()[-4000:]}")
    return json.loads(answer.read_text())


def loop(kills: int, seed: int, root: Path, peace: dict[str, Any], progress: Callable[[Told], None] = lambda _: None,
         lane: int = 0, lanes: int = 1) -> Told:
    """Kill so many children: those whose number is `lane` modulo `lanes`. Everything is made in `root`."""
    told, number = Told(seed), lane
    place = _begun(root / str(number))
    while told.kills.total() < kills:
        way = WAYS[number // lanes % len(WAYS)]
        lines = len(_ledger(place))
        if killed(place, root.parent / "zoo", random.Random(f"{seed}:{number}"), way):
            told.kills[way] += 1
        else:
            told.finished += 1
        told.done.update(kind for kind, _, _ in _ledger(place)[lines:])
        wrong = len(told.lost) + len(told.broken)
        try:
            found = in_another(root, partial(_checked, place, peace))
        except AssertionError as e:
            found = [("broken", "workspace", f"{e}")]
        for state, kind, sentence in found:
            if state == "checked":
                told.checked[kind] += 1
            else:
                getattr(told, state).append(f"number {number} ({way}) in {place}: {sentence}")
        progress(told)
        full, wrong = any(kind == "closed" for kind, _, _ in _ledger(place)), len(told.lost) + len(told.broken) - wrong
        number += lanes
        if full:
            told.leftovers.update(re.sub(r"[\d.]+", "…", Path(p).name) for p in leftovers(place))
        if full or wrong or number // lanes % 25 == 0:
            if not wrong:
                shutil.rmtree(place)
            place = _begun(root / str(number))
    return told


def in_lanes(kills: int, seed: int, root: Path, lanes: int = 1) -> Told:
    """The loop in several processes at once."""
    load()
    (root / "zoo").mkdir(parents=True)
    peace = in_another(root, lambda: made_in_peace(root / "zoo"))

    def progress(told: Told) -> None:
        if told.kills.total() % 20 == 0:
            print(f"{told.kills.total()} kills, {len(told.lost)} lost, {len(told.broken)} broken, "
                  f"{told.done.total()} committed", flush=True)

    def run(lane: int) -> None:
        home = _begun(root / f"lane-{lane}")
        share = kills // lanes + (lane < kills % lanes)
        told = loop(share, seed, home, peace, progress, lane, lanes)
        (home / "told.json").write_text(json.dumps(vars(told)))

    running = [forked(lambda lane=lane: run(lane), root / f"lane-{lane}.log")  # type: ignore[misc]
               for lane in range(lanes)]
    whole = Told(seed)
    for lane, pid in enumerate(running):
        if os.waitpid(pid, 0)[1]:
            raise AssertionError((root / f"lane-{lane}.log").read_text()[-4000:])
        whole.add(json.loads((root / f"lane-{lane}" / "told.json").read_text()))
    return whole


def _begun(place: Path) -> Path:
    place.mkdir(parents=True)
    return place


def _ledger(place: Path) -> list[list[Any]]:
    file = place / "ledger"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=None, help="drawn and printed where none is given")
    parser.add_argument("--lanes", type=int, default=1, help="so many loops at once")
    parser.add_argument("--keep", type=Path, default=None, help="work in this folder and leave it")
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if args.seed is None else args.seed
    print(f"seed {seed}", file=sys.stderr, flush=True)
    root = args.keep or Path(tempfile.mkdtemp(prefix="crash-loop-"))
    try:
        told = in_lanes(args.kills, seed, root, args.lanes)
    finally:
        if args.keep is None:
            shutil.rmtree(root, ignore_errors=True)
    print(json.dumps(told.as_dict(), indent=1))
    return 1 if told.lost or told.broken else 0


if __name__ == "__main__":
    sys.exit(main())
