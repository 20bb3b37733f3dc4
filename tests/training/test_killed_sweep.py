"""A sweep whose process is killed at any moment, and one that two workers share: nothing lost, repeated or half-made.

EXPLORER_KILLS sets how often it is killed (5).
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.training import files, recipes, sweep
from explorer.training.bases import Known, Located
from explorer.training.work import Finetuning, Made, finetune
from explorer.weights.opening import open_base, open_delta

KILLS = int(os.environ.get("EXPLORER_KILLS", "5"))
RECIPE = """
name: killed
bases: [{name: tiny, from: BASE}]
models:
  - {base: tiny, datasets: [films, news], seeds: [0, 1], steps: 6, lr: 5.0e-3, length: 12, batch: 8, checkpoints: 1}
  - {base: tiny, datasets: [films], seeds: [0, 1], steps: 4, lr: 5.0e-3, length: 12, batch: 8, method: bitfit,
     format: task-vector}
"""


@pytest.fixture
def request_to(teacher_folder: Path, tasks: Path, tmp_path: Path) -> Callable[[str], Finetuning]:
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("BASE", str(teacher_folder)))
    known = Known({"tiny": Located(teacher_folder, "tiny")})

    def request(out: str) -> Finetuning:
        return Finetuning(str(tmp_path / "recipe.yaml"), str(tmp_path / out), None, str(tasks), "cpu", known)

    return request


def started(request: Finetuning) -> int:
    """A process that works on a request; its id."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            for _ in finetune(request):
                pass
            status = 0
        finally:
            os._exit(status)
    return pid


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def folders(out: Path) -> dict[str, int]:
    """What a scan sees, with the time each was made."""
    models = out / "models"
    return {f.name: (f / "explorer.json").stat().st_mtime_ns for f in (models.iterdir() if models.is_dir() else ())
            if not f.name.startswith(".")}


def wanted(request: Finetuning) -> set[str]:
    runs = {r.name for r in sweep.runs(files.load(request.recipe))}
    return runs | {f"{name}@3" for name in runs if "bitfit" not in name}


def test_killed_at_any_moment_and_taken_up_again(request_to: Callable[[str], Finetuning], teacher_folder: Path):
    list(finetune(request_to("warm")))  # everything is loaded before processes are forked
    request, draw = request_to("out"), random.Random(7)
    out, base = Path(request.out), open_base(teacher_folder)
    seen: dict[str, int] = {}
    hits = 0
    for _ in range(KILLS):
        pid = started(request)
        time.sleep(draw.uniform(0.02, 0.7))
        os.kill(pid, signal.SIGKILL)
        hits += ended(pid) == -signal.SIGKILL
        now = folders(out)
        runs = {name: made for name, made in now.items() if "@" not in name}
        assert {name: now.get(name) for name in seen} == seen, "a finished run was made again, or lost"
        for name in now:
            assert open_delta(out / "models" / name, base).flat(base.layout).any(), f"{name} is not whole"
        seen = runs | {f"{name}@3": now[f"{name}@3"] for name in runs if f"{name}@3" in now}
    assert hits
    assert ended(started(request)) == 0
    assert folders(out).keys() == wanted(request)
    assert {name: folders(out)[name] for name in seen} == seen
    assert not [f for f in (out / "models").iterdir() if f.name.startswith(".")], "a leftover was not removed"
    for name in folders(out):
        files = [out.with_name("warm") / "models" / name, out / "models" / name]
        assert files[0].is_dir()
        a, b = (open_delta(f, base).flat(base.layout) for f in files)
        assert a.equal(b), f"{name} differs from a sweep that was not killed"


def test_two_workers_share_a_sweep_and_one_is_lost(request_to: Callable[[str], Finetuning]):
    list(finetune(request_to("warm")))
    request = request_to("out")
    parts = request.split(2)
    names = [set(p.mine or ()) for p in parts]
    assert not names[0] & names[1]
    assert names[0] | names[1] == {r.name for r in sweep.runs(files.load(request.recipe))}
    first, second = (started(p) for p in parts)
    time.sleep(0.3)
    os.kill(first, signal.SIGKILL)
    ended(first)
    assert ended(second) == 0
    assert names[1] <= folders(Path(request.out)).keys()
    made = [r for r in finetune(parts[0].remaining(()).on("cpu")) if isinstance(r, Made)]
    assert {m.name for m in made} <= names[0]
    assert folders(Path(request.out)).keys() == wanted(request)
    assert [p.mine for p in request.split(2)] == [None], "nothing is left to share"
    with pytest.raises(ValueError, match="at least one"):
        request.split(0)


def test_a_worker_waits_for_the_base_of_another(out: Path, tasks: Path, recipe: recipes.Recipe):
    a, b = (sweep.run(recipe, out, only="films-s0", tasks=tasks, device="cpu", mine=mine)
            for mine in (["M"], ["films-s0"]))
    assert any(isinstance(p, sweep.Progress) and "waiting for the base M" in p.message
               for p, _ in zip(b, range(3), strict=False))
    assert not (out / "models" / "films-s0").exists()
    list(a)
    list(b)
    assert (out / "models" / "films-s0").is_dir()


def test_leftovers_of_the_living_and_of_other_machines_stay(tmp_path: Path):
    from explorer.training.writing import new_folder
    from explorer.weights.hidden import clear_leftovers

    gone = os.fork()
    if gone == 0:
        os._exit(0)
    ended(gone)
    with new_folder(tmp_path / "mine") as filling:
        host = filling.name.split(".")[-2]
        for name in (f".a@3.{host}.{gone}", ".b.elsewhere.1", ".cache"):
            (tmp_path / name).mkdir()
        assert clear_leftovers(tmp_path) == [f".a@3.{host}.{gone}"]
        assert {f.name for f in tmp_path.iterdir()} == {filling.name, ".b.elsewhere.1", ".cache"}
    assert clear_leftovers(tmp_path / "none") == []
