"""The verb `export`: its formats, its options, and bad input told in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

Cli = Callable[..., tuple[int, str, str]]


def test_formats_and_refusals(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    at = ("--workspace", workspace)
    few = ("--train-texts", "20", "--test-texts", "20")
    status, out, err = cli("export", "m0", tmp_path / "m0", "--task", "toy", *few, "--json", *at)
    assert status == 0, err
    assert set(json.loads(out)) == {"point", "recipe", "folder", "format", "notes"}
    assert (tmp_path / "m0" / "head.safetensors").is_file()
    status, out, _ = cli("export", "all", tmp_path / "tb", "--format", "projector", *at)
    assert status == 0
    assert "7 vectors" in out
    assert cli("export", "m1", tmp_path / "m0", *at)[0] == 2
    assert cli("export", "m1", tmp_path / "m0", "--force", "--shard-size", "20KB", *at)[0] == 0
    assert (tmp_path / "m0" / "model.safetensors.index.json").is_file()
    for words, *arguments in (("'all' models", "all", tmp_path / "x"),
                              ("a size such as 5GB", "m0", tmp_path / "x", "--shard-size", "big"),
                              ("give --task", "m0", tmp_path / "x", "--train-texts", "5"),
                              ("unknown task", "m0", tmp_path / "x", "--task", "tooy")):
        status, _, err = cli("export", *arguments, *at)
        assert (status, err.count("\n")) == (2, 1)
        assert words in err
