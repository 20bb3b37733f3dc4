"""Export: what is written is the Point, whole or not at all, and comes back as itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from explorer import cli, workflows
from explorer.errors import InputError
from explorer.weights import exporting_hf


def test_an_exported_mixture_is_loaded_by_transformers_and_imported_again(ws, tmp_path):
    from transformers import AutoModel

    first, second = ws.catalog.checkpoints()[:2]
    point = workflows.mix(ws, {first.name: 0.25, second.name: 0.5})
    out = tmp_path / "soup"
    workflows.export(ws, point, out).result()
    model = AutoModel.from_pretrained(out)
    base = AutoModel.from_pretrained(ws.catalog.resolve(ws.catalog.base(point.base).path))
    assert model.dtype == torch.float32
    told = json.loads((out / "explorer.json").read_text())
    assert told["recipe"]["terms"] == {first.name: 0.25, second.name: 0.5}
    job = workflows.import_folders(ws, [str(out)])
    (outcome,) = workflows.outcomes(job.result())
    assert outcome.error is None
    gram = ws.catalog.gram(point.base)
    again = ws.catalog.checkpoint("soup")
    row, square = gram.subset([first.id, second.id]).inner(point)
    mine = gram.subset([again.id, first.id, second.id]).matrix
    assert mine[0, 0] == pytest.approx(square, rel=1e-5)
    assert np.allclose(mine[0, 1:], row, rtol=1e-4, atol=1e-7 * square)
    moved = [n for n, p in model.named_parameters() if not torch.equal(p, dict(base.named_parameters())[n].float())]
    assert moved


def test_nothing_is_written_over(ws, tmp_path):
    point = workflows.resolve(ws, "base")
    (tmp_path / "there").mkdir()
    for out, words in ((tmp_path / "there", "exists already"), (tmp_path / "no" / "such", "no such folder")):
        with pytest.raises(InputError, match=words):
            workflows.export(ws, point, out)


def test_a_failed_export_leaves_nothing(ws, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting_hf, "_config", full)
    job = workflows.export(ws, workflows.resolve(ws, "base"), tmp_path / "out")
    assert job.state == "failed"
    assert "No space left" in str(job.error)
    assert not [p for p in tmp_path.iterdir() if "out" in p.name]


def test_the_verb(workspace, tmp_path, capsys):
    assert cli.main(["export", "m0", str(tmp_path / "m0"), "--workspace", str(workspace), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["folder"] == str(tmp_path / "m0")
    assert cli.main(["export", "m0", str(tmp_path / "m0"), "--workspace", str(workspace)]) == 2
