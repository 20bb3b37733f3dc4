"""The Gram of signs: equal to one from explicit task vectors, made once a checkpoint, and what clusters find by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer import workflows
from explorer.weights.opening import open_base, open_delta
from explorer.weights.signs import SignRow, sign_rows


def explicit(ws: Any) -> tuple[list[str], np.ndarray]:
    """(ids, signed agreement (n, n)) from whole task vectors."""
    base = ws.catalog.bases()[0]
    opened = open_base(ws.catalog.resolve(base.path))
    models = ws.catalog.ranked(base.layout.key)
    flat = [open_delta(ws.catalog.resolve(c.path), opened).flat(base.layout) for c in models]
    signs = torch.stack(flat).sign().double()
    norms = signs.norm(dim=1)
    return [c.id for c in models], (signs @ signs.T / norms[:, None] / norms).numpy()


def test_it_equals_the_explicit_one(ws: Any) -> None:
    ids, wanted = explicit(ws)
    found = workflows.sign_gram(ws)
    assert list(found.ids) == ids
    assert np.abs(found.cosines - wanted).max() < 1e-12
    # by group it counts the parameters that were moved
    layout = ws.catalog.bases()[0].layout
    sizes = {g: sum(t.size for t in layout.tensors if t.group == g) for g in layout.groups}
    assert all(values.max() <= sizes[g] for g, values in zip(found.groups, found.values, strict=True))
    part = workflows.sign_gram(ws, kinds=["bias"])
    assert {g.kind for g in part.groups} == {"bias"}


def test_a_row_is_made_once(ws: Any, zoo: Path, monkeypatch: Any) -> None:
    from explorer.weights import signs

    monkeypatch.setattr(signs, "AT_ONCE", 4)
    job = workflows.signs(ws)
    rows = [r for r in job.result() if isinstance(r, SignRow)]
    assert [len(r.row) for r in rows] == [1, 2, 3, 4, 5, 6]
    assert workflows.signs(ws) is None
    with ws.catalog.database.transaction("signs") as cursor:
        cursor.execute("DELETE FROM signs WHERE id = ?", [rows[-1].checkpoint])
    again = [r for r in workflows.signs(ws).result() if isinstance(r, SignRow)]
    assert [r.checkpoint for r in again] == [rows[-1].checkpoint]
    assert np.array_equal(again[0].row, rows[-1].row)


def test_an_interrupted_pass_keeps_what_is_finished(ws: Any, monkeypatch: Any) -> None:
    from explorer.weights import signs

    monkeypatch.setattr(signs, "AT_ONCE", 2)
    seen = []
    for made in sign_rows(_request(ws)):
        if isinstance(made, SignRow):
            seen.append(made)
            ws.catalog.add_signs(made.checkpoint, made.row)
        if len(seen) == 3:
            break
    assert ws.catalog.signed(ws.catalog.bases()[0].layout.key) == 3
    ids, wanted = explicit(ws)
    found = workflows.sign_gram(ws)
    assert list(found.ids) == ids
    assert np.abs(found.cosines - wanted).max() < 1e-12


def _request(ws: Any) -> Any:
    from explorer.weights.signs import Signing

    base = ws.catalog.bases()[0]
    models = ws.catalog.ranked(base.layout.key)
    return Signing(((base, str(ws.catalog.resolve(base.path))),),
                   tuple((c.id, str(ws.catalog.resolve(c.path)), c.base) for c in models))


def test_clusters_by_signed_agreement(cli: Callable[..., Any], workspace: Path) -> None:
    status, out, err = cli("cluster", "--by", "dataset", "--metric", "signed", "--workspace", workspace, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert found["metric"] == "signed"
    assert found["accuracy"] == 1.0
