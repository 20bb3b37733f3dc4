"""The command line on a Ray cluster: the losses of this machine, and nothing but the answer on standard output."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def test_a_path_on_a_cluster(cluster: str, made_workspace: Path, tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = []
    for i, options in enumerate(([], ["--backend", "ray", "--ray-address", cluster])):
        folder = shutil.copytree(made_workspace, tmp_path / str(i))
        done = subprocess.run([sys.executable, "-m", "explorer", "path", "m0", "m3", "--task", "toy", "--range=-1:2:4",
                               "--boundary", "0.05", "--tolerance", "0.2", "--train-texts", "60", "--test-texts", "30",
                               *options, "--workspace", str(folder), "--json"], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    here, there = answers
    for row in ("points", "boundary_points"):
        assert [p["alpha"] for p in here[row]] == [p["alpha"] for p in there[row]]
        assert [p["loss"] for p in here[row]] == pytest.approx([p["loss"] for p in there[row]], abs=1e-6)
