"""What is Ray's alone: finding a cluster, and silence on standard output."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explorer import backends, workflows
from explorer.backends import Backend, Work
from explorer.backends import ray as module
from explorer.errors import UnavailableError
from explorer.types import Score


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UnavailableError, match=r"pip install '\.\[ray\]'"):
        backends.start("ray")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_without_a_cluster_it_says_how_to_start_one(address: str) -> None:
    with pytest.raises(UnavailableError, match=r"no Ray cluster at .*ray start --head"):
        module._connect(module._library(), address)


def test_nothing_but_the_answer_is_printed(cluster: str, tmp_path: Path) -> None:
    code = ("import json; from explorer import backends\n"
            "from observing import work; from work_functions import Numbers\n"
            "backend = backends.start('ray')\n"
            f"request = Numbers((1, 2, 3), deadly=(3,), mark={str(tmp_path / 'died')!r})\n"
            "job = backend.submit(work('numbers', request, 'side'))\n"
            "print(json.dumps([[number for number, _, _ in job.result()], len(job.notes)])); backend.close()")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", cluster)
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == [[1, 2, 3], 1], done.stderr


def test_each_lane_has_an_actor_of_its_own(ray_backend: Backend, importable: None) -> None:
    places = [ray_backend.submit(Work("t", "work_functions:where", None, lane)).result()[0][0]
              for lane in ("model", "model", "side")]
    assert places[0] == places[1] != places[2]
    assert [(facts.lane, facts.device) for facts in ray_backend.facts()] == [("model", "auto"), ("side", "auto")]


def test_a_path_has_the_same_losses_as_on_this_machine(made_workspace: Path, tmp_path: Path, local: Backend,
                                                       ray_backend: Backend) -> None:
    found = [_losses(Path(shutil.copytree(made_workspace, tmp_path / name)), backend)
             for name, backend in (("local", local), ("ray", ray_backend))]
    assert len(found[0]) == 5
    np.testing.assert_allclose(*found, rtol=0, atol=1e-6)


def _losses(folder: Path, backend: Backend) -> list[float]:
    catalog = workflows.open_workspace(folder).catalog
    ws = workflows.Workspace(folder, catalog, backend, "cpu")
    zero, one = (workflows.resolve(ws, name) for name in ("m0", "m1"))
    line = workflows.path(ws, zero, one, [-1.0, 0.0, 0.5, 1.0, 2.0])
    results = workflows.evaluate(ws, line.points, ws.catalog.task("toy")).result()
    catalog.close()
    scores: list[Score] = [r.score for r in results if hasattr(r, "score")]
    return [score.loss for score in scores]
