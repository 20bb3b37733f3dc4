"""An import killed at any moment leaves a catalog of whole checkpoints that opens, and is completed by a rerun."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.catalog import Catalog

# Like the command line, but every write waits a little, so that the kill comes at an interesting moment.
SLOW = """
import sys, time
from explorer import cli
from explorer.catalog.store import Catalog
add = Catalog.add_checkpoint
def slowly(self, *a):
    print("writing", flush=True)
    add(self, *a)
    time.sleep(0.03)
Catalog.add_checkpoint = slowly
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("seed", range(3))
def test_killed_in_the_middle(seed: int, zoo: Path, made_workspace: Path, cli: Any, tmp_path: Path) -> None:
    folders = [str(zoo / f"m{i}") for i in range(6)]
    arguments = ["import", *folders, "--base", str(zoo / "base"), "--workspace", str(tmp_path / "ws"), "--json"]
    with subprocess.Popen([sys.executable, "-c", SLOW, *arguments], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        time.sleep(random.Random(seed).uniform(0.0, 0.15))
        os.kill(process.pid, signal.SIGKILL)

    whole = Catalog(made_workspace)
    expected = whole.gram(whole.bases()[0].id)
    names = [c.name for c in whole.checkpoints()]
    whole.close()

    left = Catalog(tmp_path / "ws")
    present = [c.name for c in left.checkpoints()]
    assert present == names[: len(present)]
    if present:
        np.testing.assert_allclose(left.gram(left.bases()[0].id).values,
                                   expected.values[:, : len(present), : len(present)], rtol=1e-12)
    left.close()

    status, out, _ = cli(*arguments)
    assert [i["name"] for i in json.loads(out)["imported"]] == names[len(present):]
    assert status == (2 if present else 0)
    done = Catalog(tmp_path / "ws")
    np.testing.assert_allclose(done.gram(done.bases()[0].id).values, expected.values, rtol=1e-12)
    done.close()
