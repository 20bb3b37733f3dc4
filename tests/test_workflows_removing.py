"""Models taken out of a catalog: what goes, what stays, and that all of it happens or nothing."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer import workflows
from explorer.catalog import Catalog, removal
from explorer.errors import InputError, UnknownNameError
from explorer.types import Base, Checkpoint, Group, Layout, MapSpec, Point, Probe, Sketch, SketchRow, digest
from explorer.workflows import removing, stories
from explorer.workflows.merging import merge_point

PROBE = Probe(train=12, test=12)
LAYOUT = Layout.of([("a", (2,), Group("0", "attention")), ("b", (3,), Group("0", "bias")),
                    ("c", (4,), Group("1", "attention"))])
BASE = Base(digest("base"), "base", "/nowhere/base", "bert", LAYOUT)


def vectors(n: int) -> np.ndarray:
    """Task vectors of n models, (n, 9)."""
    return np.random.default_rng(7).standard_normal((n, LAYOUT.size))


def products(mine: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Inner products per group, (others, g), each from its two vectors alone: the same bits in any order."""
    ends = np.cumsum([0, 2, 3, 4])
    return np.array([[float(np.sum(mine[a:b] * o[a:b])) for a, b in itertools.pairwise(ends)]
                     for o in others])


def add(catalog: Catalog, i: int, values: np.ndarray, *, exact: bool = True, sketched: bool = False) -> None:
    """Model i with its row of the Gram and of signs behind those that are there."""
    there = [int(c.name) for c in catalog.ranked(LAYOUT.key)]
    rows = products(values[i], values[[*there, i]])
    made = Checkpoint(digest("model", str(i)), str(i), BASE.id, f"/nowhere/{i}", "weights")
    sketch = SketchRow(Sketch(8), values[i].astype("f4")) if sketched else None
    catalog.add_checkpoint(made, LAYOUT, rows if exact else None, sketch)
    catalog.weight_files.add(made.id, "[]")
    if exact:
        catalog.add_signs(made.id, products(np.sign(values[i]), np.sign(values[[*there, i]])))


def state(catalog: Catalog) -> tuple[Any, ...]:
    """Everything that geometry is made of."""
    gram, signs = catalog.gram(BASE.id), catalog.gram(BASE.id, signs=True)
    return ([c.name for c in catalog.checkpoints()], gram.ids, gram.values.tobytes(), signs.ids, signs.values.tobytes(),
            catalog.database.rows("SELECT id, rank, gram FROM checkpoints ORDER BY rank"),
            catalog.database.rows("SELECT id, gram FROM signs ORDER BY id"),
            [seen.model for seen in catalog.weight_files.known()])


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Any]:
    """New catalogs with the base, as many as are asked for."""
    opened: list[Catalog] = []

    def make() -> Catalog:
        opened.append(Catalog(tmp_path / str(len(opened))))
        opened[-1].add_base(BASE)
        return opened[-1]

    yield make
    for catalog in opened:
        catalog.close()


@pytest.fixture
def two(fresh: Any) -> tuple[Catalog, Catalog]:
    """Two new catalogs."""
    return fresh(), fresh()


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1))))
def test_what_is_left_is_the_catalog_of_the_rest_and_what_comes_back_is_the_same(two, drawn):
    n, gone = drawn
    values, (whole, rest) = vectors(n), two
    for used in two:  # by the example before
        used.remove([c.id for c in used.checkpoints()])
    for i in range(n):
        add(whole, i, values)
    whole.gram(BASE.id)  # what was read before is not what is read after
    whole.remove([digest("model", str(i)) for i in sorted(gone)])
    for i in sorted(set(range(n)) - gone):
        add(rest, i, values)
    assert state(whole) == state(rest)
    for i in sorted(gone):
        add(whole, i, values)
        add(rest, i, values)
    assert state(whole) == state(rest)


def test_more_models_than_are_moved_at_once(two, monkeypatch):
    monkeypatch.setattr(removal, "_AT_ONCE", 3)
    values, (whole, rest), gone = vectors(11), two, (2, 3, 4, 5, 10)
    for i in range(11):
        add(whole, i, values)
        if i not in gone:
            add(rest, i, values)
    whole.remove([digest("model", str(i)) for i in gone])
    assert state(whole) == state(rest)


def test_sketches_go_and_rows_that_were_none_stay_none(fresh):
    values, catalog = vectors(5), fresh()
    for i in range(5):
        add(catalog, i, values, exact=i < 3, sketched=True)
    catalog.remove([digest("model", "1"), digest("model", "3")])
    assert [len(raw) for (raw,) in catalog.database.rows("SELECT gram FROM checkpoints ORDER BY rank")] == [24, 48, 0]
    gram = catalog.gram(BASE.id)
    assert gram.sketch is not None
    assert len(catalog.geometry.sketched()) == 3
    assert np.allclose(gram.values.sum(0), values[[0, 2, 4]] @ values[[0, 2, 4]].T, rtol=1e-5)
    catalog.remove([digest("model", "4")])
    assert catalog.gram(BASE.id).sketch is None


def test_a_removal_that_fails_on_its_way_leaves_everything(fresh, monkeypatch):
    values, catalog = vectors(4), fresh()
    for i in range(4):
        add(catalog, i, values)
    before, own = state(catalog), catalog.database._cursor

    class Failing:
        def __init__(self, cursor: Any, left: int) -> None:
            self.cursor, self.left = cursor, left

        def execute(self, *values: Any) -> Any:
            self.left -= 1
            if not self.left:
                raise RuntimeError("power")
            return self.cursor.execute(*values)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.cursor, name)

    steps = 0
    for steps in range(1, 40):
        with monkeypatch.context() as patched:
            patched.setattr(catalog.database, "_cursor", lambda steps=steps: Failing(own(), steps))
            try:
                catalog.remove([digest("model", "1")])
            except RuntimeError:
                patched.undo()
                assert state(catalog) == before
            else:
                break
    assert 8 < steps < 39
    assert [c.name for c in catalog.checkpoints()] == ["0", "2", "3"]


def test_the_rest_of_a_workspace_is_that_of_a_fresh_one_and_bits_come_back(ws, zoo, tmp_path):
    before, point = ws.catalog.gram(), Point.of(ws.catalog.bases()[0].id, {ws.catalog.checkpoint("m5").id: 0.5})
    workflows.evaluate(ws, [point], ws.catalog.task("toy"), PROBE).result()
    spec = MapSpec(ws.catalog.bases()[0].id, "mds", 2)
    workflows.project(ws, spec).result()
    assert workflows.projection(ws, spec) is not None
    workflows.remove(ws, ["m5", "m1"])
    right = workflows.open_workspace(tmp_path / "right")
    workflows.import_folders(right, [str(zoo / f"m{i}") for i in (0, 2, 3, 4)], str(zoo / "base")).result()
    assert [c.name for c in ws.catalog.checkpoints()] == ["m0", "m2", "m3", "m4"]
    assert ws.catalog.gram().ids == right.catalog.gram().ids
    assert np.allclose(ws.catalog.gram().cosines, right.catalog.gram().cosines, rtol=0, atol=1e-12)
    assert workflows.projection(ws, spec) is None
    assert ws.catalog.scored_points(ws.catalog.task("toy"), PROBE, point.base) == []
    workflows.import_folders(ws, [str(zoo / "m1")]).result()
    seen = []
    for _ in range(2):  # the same products in the same order: the same bits
        workflows.import_folders(ws, [str(zoo / "m5")]).result()
        seen.append(ws.catalog.gram())
        workflows.remove(ws, ["m5"])
    workflows.import_folders(ws, [str(zoo / "m5")]).result()
    assert seen[0].ids == seen[1].ids
    assert seen[0].values.tobytes() == seen[1].values.tobytes() == ws.catalog.gram().values.tobytes()
    assert np.allclose(ws.catalog.gram().subset(before.ids).values, before.values, rtol=1e-12, atol=1e-15)
    ((again, _),) = ws.catalog.scored_points(ws.catalog.task("toy"), PROBE, point.base)
    assert again == point
    right.close()


def test_what_is_left_without_a_lost_model_can_be_added_to(zoo, tmp_path):
    for name in ("base", "m0", "m1", "m2"):
        shutil.copytree(zoo / name, tmp_path / name)
    ws = workflows.open_workspace(tmp_path / "ws")
    workflows.import_folders(ws, [str(tmp_path / "m0"), str(tmp_path / "m1")], str(tmp_path / "base")).result()
    shutil.rmtree(tmp_path / "m0")
    with pytest.raises(Exception, match="'m0' are not there any more"):
        workflows.import_folders(ws, [str(tmp_path / "m2")]).result()
    assert removing.remove(ws, ["m0"]).names == ["m0"]
    workflows.import_folders(ws, [str(tmp_path / "m2")]).result()
    assert [c.name for c in ws.catalog.checkpoints()] == ["m1", "m2"]
    assert (tmp_path / "m1" / "model.safetensors").is_file()
    ws.close()


def test_a_kept_point_is_hidden_and_comes_back(ws, zoo):
    base = ws.catalog.bases()[0].id
    both = Point.of(base, {ws.catalog.checkpoint(n).id: 0.5 for n in ("m0", "m1")})
    merged = merge_point(ws, "ties", {"m1": 1, "m2": 1})
    other = Point.of(base, {ws.catalog.checkpoint("m3").id: 2})
    for name, point in (("both", both), ("merged", merged), ("other", other)):
        workflows.keep(ws, name, point)
    saved = stories.save_view(ws, "map", {"basket": [ws.catalog.checkpoint("m1").id]}, "A view", "", "<svg/>")
    with pytest.raises(InputError, match=r"2 kept Points need m1: both, merged\. Forced"):
        workflows.remove(ws, ["m1"])
    planned = removing.plan(ws, ["m1"])
    assert planned.uses.points == ("both", "merged")
    assert planned.uses.views == ("A view",)
    assert "2 kept Points, 1 saved view" in planned.staying
    workflows.remove(ws, ["m1"], force=True)
    assert list(ws.catalog.points()) == ["other"]
    with pytest.raises(InputError, match="taken by a Point of models that are not in the catalog any more"):
        workflows.check_name(ws, "both")
    assert saved.name in {v.name for v in stories.saved_views(ws)}
    workflows.import_folders(ws, [str(zoo / "m1")]).result()
    assert ws.catalog.points()["both"] == both
    assert ws.catalog.points()["merged"] == merged


def test_a_base_goes_after_its_models_or_with_them(ws):
    with pytest.raises(InputError, match=r"base 'base' has 5 more checkpoints.*or name them too"):
        workflows.remove(ws, ["base", "m0"])
    assert len(ws.catalog.checkpoints()) == 6
    workflows.remove(ws, ["base", *(f"m{i}" for i in range(6))])
    assert ws.catalog.bases() == []
    assert ws.catalog.checkpoints() == []
    assert ws.catalog.weight_files.known() == []


def test_an_unknown_name_and_none(ws):
    with pytest.raises(UnknownNameError, match="m9"):
        workflows.remove(ws, ["m0", "m9"])
    with pytest.raises(InputError, match="no model was named"):
        workflows.remove(ws, [])
    assert len(ws.catalog.checkpoints()) == 6


def test_not_while_an_import_runs(workspace, zoo, monkeypatch):
    ws = workflows.open_workspace(workspace)

    class Importing:
        active, work = True, type("W", (), {"function": "explorer.weights.importing:import_checkpoints"})

    monkeypatch.setattr(type(ws.backend), "jobs", lambda self: [Importing()])
    with pytest.raises(InputError, match="an import is running"):
        workflows.remove(ws, ["m0"])
    monkeypatch.undo()
    ws.close()


def test_the_command_line_asks(cli, workspace, monkeypatch, capfd):
    import io
    import json
    import sys

    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    status, out, err = cli("remove", "m1", "--workspace", workspace)
    assert (status, out.strip()) == (0, "nothing was removed")
    assert "To be removed from the catalog: m1" in err
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    status, out, err = cli("remove", "m1", "--workspace", workspace)
    assert status == 0
    assert out.startswith("removed m1")
    assert "The folder is not touched." in out
    status, out, err = cli("remove", "m2", "--workspace", workspace, "--json")
    assert status == 2
    assert "--yes" in err
    status, out, _ = cli("remove", "m2", "m3", "--yes", "--workspace", workspace, "--json")
    assert json.loads(out) == {"removed": ["m2", "m3"], "points": [], "views": [], "scores": 0, "runs": 0, "maps": 0}
    status, out, _ = cli("list", "--json", "--workspace", workspace)
    assert [c["name"] for c in json.loads(out)["checkpoints"]] == ["m0", "m4", "m5"]
