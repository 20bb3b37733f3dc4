"""The catalog keeps what it is given: round trips, first writers, names and texts of any kind."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog
from explorer.errors import InputError, UnknownNameError
from explorer.types import Base, Checkpoint, Group, Layout, MapSpec, Point, Probe, Projection, Score, Task

LAYOUT = Layout.of([("a", (2, 3), Group("0", "attention")), ("b", (3,), Group("0", "bias"))])
OTHER = Layout.of([("a", (2, 4), Group("0", "attention"))])
BASE = Base("base-id", "base", "models/base", "bert", LAYOUT, "bert", "mean", "a note")
TASK = Task("toy", "tasks/toy.parquet", ("neg", "pos"), 10, 5, "digest")

nasty = st.one_of(st.sampled_from(["'; DROP TABLE checkpoints; --", "\"", "'", "%s ? $1 {}", "😀 ü ﷽", "\\", "NULL",
                                   "a\nb\tc"]),
                  st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
values = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53),
                   st.floats(allow_nan=False, allow_infinity=False), nasty)
whole = st.one_of(st.none(), st.integers(-(2**62), 2**62))


def checkpoint(i: int, **changes: Any) -> Checkpoint:
    return Checkpoint(**{"id": f"id{i}", "name": f"m{i}", "base": BASE.id, "path": f"models/m{i}", "format": "weights",
                         **changes})


def gram_row(rank: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, rank)).standard_normal((rank + 1, len(LAYOUT.groups)))


def score(point: Point, loss: float = 0.5) -> Score:
    return Score(point.hash, TASK.digest, Probe().key, loss, 0.1, 0.75, 3, "cpu", 1.5,
                 np.array([0.1, 0.5, 0.9], np.float32))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=nasty, dataset=st.one_of(st.none(), nasty), seed=whole, size=whole,
       columns=st.dictionaries(nasty, values, max_size=4),
       path=nasty)
def test_a_checkpoint_comes_back_as_it_was(catalog: Catalog, name: str, dataset: str | None, seed: int | None,
                                           size: int | None, columns: dict[str, Any], path: str) -> None:
    rank = len(catalog.checkpoints())
    given_ = checkpoint(rank, name=f"{name}{rank}", dataset=dataset, task=dataset, domain=dataset, method=dataset,
                        seed=seed,
                        train_size=size, columns=columns, path=path)
    catalog.add_checkpoint(given_, LAYOUT, gram_row(rank))
    assert catalog.checkpoint(given_.name) == given_
    assert catalog.checkpoint(given_.id) == given_
    assert catalog.checkpoints()[-1] == given_


def test_the_gram_is_put_together_from_its_rows(catalog: Catalog) -> None:
    for i in range(5):
        catalog.add_checkpoint(checkpoint(i), LAYOUT, gram_row(i))
        found = catalog.gram(BASE.id)
        assert found.ids == tuple(f"id{k}" for k in range(i + 1))
        for k in range(i + 1):
            np.testing.assert_array_equal(found.values[:, k, : k + 1], gram_row(k).T)
            np.testing.assert_array_equal(found.values[:, : k + 1, k], gram_row(k).T)
    assert [c.id for c in catalog.ranked(LAYOUT.key)] == [f"id{k}" for k in range(5)]


def test_two_bases_of_one_layout_share_a_gram_and_other_layouts_do_not(catalog: Catalog) -> None:
    catalog.add_base(Base("second", "second", "models/second", "bert", LAYOUT))
    for i in range(4):
        catalog.add_checkpoint(checkpoint(i, base=("base-id", "second")[i % 2]), LAYOUT, gram_row(i))
    assert catalog.gram("second").ids == ("id1", "id3")
    assert catalog.gram(None).ids == ("id0", "id1", "id2", "id3")
    np.testing.assert_array_equal(catalog.gram("second").values[:, 1, 0], gram_row(3).T[:, 1])
    catalog.add_base(Base("third", "third", "models/third", "bert", OTHER))
    catalog.add_checkpoint(checkpoint(9, base="third"), OTHER, np.ones((1, 1)))
    assert catalog.gram("third").ids == ("id9",)
    with pytest.raises(InputError, match="different architectures"):
        catalog.gram(None)


def test_a_refused_checkpoint_leaves_nothing(catalog: Catalog) -> None:
    catalog.add_checkpoint(checkpoint(0), LAYOUT, gram_row(0))
    for wrong, row, message in ((checkpoint(0, name="other"), gram_row(1), "duplicate"),
                                (checkpoint(1, name="m0"), gram_row(1), "taken")):
        with pytest.raises(InputError, match=message):
            catalog.add_checkpoint(wrong, LAYOUT, row)
    with pytest.raises(ValueError, match="row 1"):
        catalog.add_checkpoint(checkpoint(1), LAYOUT, gram_row(0))
    assert [c.name for c in catalog.checkpoints()] == ["m0"]
    catalog.add_checkpoint(checkpoint(1), LAYOUT, gram_row(1))


def test_bases_come_back_and_their_names_are_unique(catalog: Catalog) -> None:
    assert catalog.bases() == [BASE]
    assert catalog.base("base") == catalog.base("base-id") == BASE
    catalog.add_base(BASE)
    assert catalog.bases() == [BASE]
    with pytest.raises(InputError, match="other weights"):
        catalog.add_base(Base("other-id", "base", "p", "bert", LAYOUT))
    with pytest.raises(UnknownNameError, match="Did you mean base"):
        catalog.base("bas")


def test_paths_inside_the_workspace_move_with_it(catalog: Catalog, tmp_path: Path) -> None:
    inside, outside = catalog.folder / "models" / "m", tmp_path / "elsewhere"
    assert catalog.stored(inside) == "models/m"
    for path in (inside, outside):
        assert catalog.resolve(catalog.stored(path)) == path
    from explorer import settings as machine

    assert catalog.stored(machine.DEMO / "m") == "demo:m"
    assert catalog.resolve("demo:m") == machine.DEMO / "m"


def test_the_first_score_stays_when_eight_threads_write(catalog: Catalog) -> None:
    points = [Point.of("b", {"m": k / 10}) for k in range(20)]
    start, errors = threading.Barrier(8), []

    def write(thread: int) -> None:
        start.wait()
        try:
            for point in points:
                catalog.add_scores([(point, score(point, float(thread)))])
                stored = catalog.scores([point], TASK, Probe())[0]
                assert stored is not None
        except BaseException as e:  # noqa: BLE001 - shown by the main thread
            errors.append(e)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    first = [s.loss for s in catalog.scores(points, TASK, Probe()) if s is not None]
    assert len(first) == 20
    catalog.add_scores([(p, score(p, 99.0)) for p in points])
    assert [s.loss for s in catalog.scores(points, TASK, Probe()) if s is not None] == first


def test_a_score_comes_back_with_its_losses(catalog: Catalog) -> None:
    point = Point.of("b", {"m": 0.5})
    catalog.add_scores([(point, score(point))])
    (found,) = catalog.scores([point], TASK, Probe())
    assert found is not None
    np.testing.assert_array_equal(found.losses, score(point).losses)
    assert (found.loss, found.stderr, found.accuracy, found.n, found.device) == (0.5, 0.1, 0.75, 3, "cpu")
    assert catalog.scores([point], TASK, Probe(train=7)) == [None]
    assert catalog.scores([Point.of("b")], TASK, Probe()) == [None]


def test_one_bad_score_of_several_keeps_none(catalog: Catalog) -> None:
    good, bad = Point.of("b", {"m": 1.0}), Point.of("b", {"m": 2.0})
    with pytest.raises(Exception, match="NOT NULL"):
        catalog.add_scores([(good, score(good)), (bad, score(bad, None))])  # type: ignore[arg-type]
    assert catalog.scores([good, bad], TASK, Probe()) == [None, None]


def test_the_first_map_of_a_spec_stays(catalog: Catalog) -> None:
    spec = MapSpec("b", "umap", dims=3)
    first = Projection(("x", "y"), np.arange(6.0).reshape(2, 3), "umap", "cosine", (0.7, 0.2, 0.1))
    catalog.add_projection(spec, first)
    catalog.add_projection(spec, Projection(("x", "y"), np.zeros((2, 3)), "umap", "cosine"))
    found = catalog.projection(spec, ("x", "y"))
    assert found is not None
    np.testing.assert_array_equal(found.coords, first.coords)
    assert found.explained == first.explained
    assert catalog.projection(spec, ("y", "x")) is None
    assert catalog.projection(MapSpec("b", "umap", dims=3, seed=1), ("x", "y")) is None


def test_a_task_is_replaced_by_name(catalog: Catalog) -> None:
    catalog.add_task(TASK)
    catalog.add_task(Task("toy", "tasks/toy.parquet", ("a", "b", "c"), 1, 2, "other", "f", "d", "s"))
    (found,) = catalog.tasks()
    assert (found.labels, found.digest, found.family) == (("a", "b", "c"), "other", "f")
    with pytest.raises(UnknownNameError, match="toy"):
        catalog.task("tyo")


def test_a_closed_catalog_can_be_opened_again(catalog: Catalog) -> None:
    catalog.add_checkpoint(checkpoint(0), LAYOUT, gram_row(0))
    other = threading.Thread(target=catalog.checkpoints)
    other.start()
    other.join()
    catalog.close()
    again = Catalog(catalog.folder)
    assert [c.name for c in again.checkpoints()] == ["m0"]
    again.close()
