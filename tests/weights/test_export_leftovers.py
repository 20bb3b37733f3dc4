"""What a killed export leaves is hidden, and removed by the next one to the same place."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from explorer.weights.exporting import whole_folder
from explorer.weights.hidden import HOST


def test_the_next_export_clears_what_a_dead_one_left(tmp_path: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    dead, alive, other, elsewhere = (tmp_path / name for name in (
        f".out.{HOST}.{process.pid}", f".out.{HOST}.{os.getppid()}", f".out.more.{HOST}.{process.pid}",
        f".out.another-host.{process.pid}"))
    for folder in (dead, alive, other, elsewhere):
        folder.mkdir()
    with whole_folder(tmp_path / "out") as making:
        (making / "weights").write_text("x")
        assert not (tmp_path / "out").exists()
    assert {p.name for p in tmp_path.iterdir()} == {"out", alive.name, other.name, elsewhere.name}
