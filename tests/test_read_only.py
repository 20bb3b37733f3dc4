"""Folders that can't be written: models are read from them, and whatever should go there is refused in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from explorer import workflows
from explorer.errors import WorkspaceError


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], Path]]:
    """Makes a folder one that can't be written, until the test is over; root, whom no mode stops, by a mount."""
    with ExitStack() as undo:
        def make(folder: Path) -> Path:
            if os.geteuid():
                folder.chmod(0o555)
                undo.callback(folder.chmod, 0o755)
                return folder
            if subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode:
                pytest.skip("root here may not mount, and no mode of a folder stops root")
            undo.callback(subprocess.run, ["umount", folder], check=True)
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
            return folder

        yield make


def test_models_are_imported_from_where_nothing_can_be_written(zoo, tmp_path, read_only):
    store = Path(shutil.copytree(zoo, tmp_path / "store"))
    read_only(store)
    ws = workflows.open_workspace(tmp_path / "ws")
    found = workflows.outcomes(
        workflows.import_folders(ws, [str(store / "m0"), str(store / "m1")], str(store / "base")).result())
    ws.close()
    assert [(f.name, f.error) for f in found] == [("m0", None), ("m1", None)]


@pytest.mark.parametrize("arguments", [
    ["export", "m0", "OUT/there"], ["figure", "map", "--out", "OUT/map.json"],
    ["export-html", "map", "--out", "OUT/map.html"], ["pack", "OUT/pack"]], ids=lambda a: a[0])
def test_what_should_be_written_there_is_refused_in_one_line(arguments: list[str], shared: Path, tmp_path: Path,
                                                             cli: Any, read_only: Any) -> None:
    (tmp_path / "out").mkdir()
    out = read_only(tmp_path / "out")
    status, _, said = cli(*[a.replace("OUT", str(out)) for a in arguments], "--workspace", shared, "--quiet")
    assert status in (1, 2)
    (line,) = [text for text in said.splitlines() if text.startswith("error:")]
    assert str(out) in line
    assert "Read-only file system; choose a folder that can be written" in line or "Permission denied" in line
    assert not list(out.iterdir())


def test_a_workspace_that_cannot_be_written_is_refused(made_workspace: Path, tmp_path: Path, read_only: Any) -> None:
    folder = read_only(Path(shutil.copytree(made_workspace, tmp_path / "ws")))
    with pytest.raises(WorkspaceError, match="can't be written"):
        workflows.open_workspace(folder)
