"""An import killed between two units of its Gram goes on with the missing ones and hashes no folder again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from explorer.catalog import Catalog

# The command line with small units, every one of which is kept and told of; a folder that is hashed is told of too.
TOLD = """
import sys
from explorer import cli
from explorer.weights import fingerprint, gram, passes, units
passes.WORTH, units._LEAST, units._VALUES = 0, 1, 6 * 2000
of, read = gram.Products.of, fingerprint.fingerprint
def told(self, unit):
    print("unit", unit.number, flush=True)
    return of(self, unit)
def hashed(*a):
    print("hash", flush=True)
    return read(*a)
gram.Products.of, fingerprint.fingerprint = told, hashed
sys.exit(cli.main(sys.argv[1:]))
"""


def test_only_what_is_missing_is_computed_again(zoo: Path, made_workspace: Path, tmp_path: Path) -> None:
    folders = [str(zoo / f"m{i}") for i in range(6)]
    command = [sys.executable, "-c", TOLD, "import", *folders, "--base", str(zoo / "base"), "--workspace",
               str(tmp_path / "ws"), "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        said = ""
        while said != "unit 9\n":
            said = process.stdout.readline()
            assert said
        os.kill(process.pid, signal.SIGKILL)
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "hash" not in lines
    # the unit that was told of last may have been finished before the kill, or a few more of them
    assert 9 <= int(next(line for line in lines if line.startswith("unit")).split()[1]) <= 30
    whole, resumed = Catalog(made_workspace), Catalog(tmp_path / "ws")
    np.testing.assert_allclose(resumed.gram().values, whole.gram().values, rtol=1e-12)
    whole.close(), resumed.close()
    assert not list((tmp_path / "ws" / "unfinished").iterdir())
