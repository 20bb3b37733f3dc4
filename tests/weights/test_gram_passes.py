"""A pass that is interrupted, shared or damaged ends with the bits of one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.types import Group, Layout
from explorer.weights import passes, units
from explorer.weights.passes import Pass, Shared, join
from explorer.weights.sums import Sums
from explorer.weights.units import Unit


@pytest.fixture
def shared(ws: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shared:
    """All of the tiny zoo as one pass of many units, four of six rows new."""
    monkeypatch.setattr(passes, "WORTH", 0)
    monkeypatch.setattr(units, "_LEAST", 1)
    monkeypatch.setattr(units, "_VALUES", 6 * 1500)
    base = ws.catalog.bases()[0]
    rows = tuple((c.id, str(ws.catalog.resolve(c.path)), c.base) for c in ws.catalog.ranked(base.layout.key))
    return Shared(((base, str(ws.catalog.resolve(base.path))),), rows, 2, str(tmp_path / "unfinished"))


def rows_of(done: Pass) -> list[np.ndarray]:
    return [done.row(i) for i in range(4)]


def run(shared: Shared) -> tuple[list[np.ndarray], int]:
    """The rows and how many units were computed."""
    work, computed = Pass(shared), [0]
    of = work._products.of

    def counted(unit: Unit) -> np.ndarray:
        computed[0] += 1
        return of(unit)

    work._products.of = counted  # type: ignore[method-assign]
    assert list(work.run())[-1] == work.size
    found = rows_of(work)
    return found, computed[0]


def units_of(shared: Shared) -> int:
    return len(units.units(shared.layout, len(shared.rows)))


def test_units_hold_every_value_once() -> None:
    layout = Layout.of([("a", (3, 100), Group("0", "x")), ("b", (7,), Group("0", "y")), ("c", (55,), Group("0", "x"))])
    for n in (1, 1000, 1 << 40):
        seen: dict[str, list[int]] = {}
        for i, unit in enumerate(units.units(layout, n)):
            assert unit.number == i
            for tensor, lo, hi in unit.pieces:
                assert tensor.group == layout.groups[unit.group]
                seen.setdefault(tensor.name, []).extend(range(lo, hi))
        assert seen == {t.name: list(range(t.size)) for t in layout.tensors}


def test_an_interrupted_pass_goes_on_with_the_same_bits(shared: Shared, ws: Any) -> None:
    whole, computed = run(Shared(shared.bases, shared.rows, shared.first, ""))
    assert computed == units_of(shared) > 20
    first = Pass(shared)
    for i, _ in enumerate(first.run()):
        if i == 13:  # the generator is left where it is, as by a kill
            break
    found, again = run(shared)
    assert again == computed - 13
    for a, b in zip(found, whole, strict=True):
        np.testing.assert_array_equal(a, b)
    _, none = run(shared)
    assert none == 0
    np.testing.assert_allclose(found[0].T, ws.catalog.gram().values[:, 2, :3], rtol=1e-9)


def test_rows_that_came_in_before_the_kill_are_left_out(shared: Shared) -> None:
    whole, _ = run(shared)
    later = Shared(shared.bases, shared.rows, 4, shared.folder)
    work = Pass(later)
    assert not work._sums.missing()
    np.testing.assert_array_equal(work.row(1), whole[3])
    work.close()
    assert not list(Path(shared.folder).glob("*"))


def test_other_rows_begin_anew_and_give_up_what_others_left(shared: Shared) -> None:
    run(shared)
    other = Shared(shared.bases, shared.rows[:5], 2, shared.folder)
    _, computed = run_of_three(other)
    assert computed == units_of(other)
    assert len(list(Path(shared.folder).iterdir())) == 1


def run_of_three(shared: Shared) -> tuple[None, int]:
    work = Pass(shared)
    missing = len(work._sums.missing())
    list(work.run())
    return None, missing


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "gone"])
def test_a_damaged_file_is_computed_again(harm: str, shared: Shared) -> None:
    whole, _ = run(shared)
    file = sorted(Path(shared.folder).rglob("*.sum"))[0]
    raw = file.read_bytes()
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes({"cut": raw[:-5], "changed": raw[:-1] + bytes([raw[-1] ^ 1]), "empty": b""}[harm])
    found, computed = run(shared)
    assert computed > 0
    for a, b in zip(found, whole, strict=True):
        np.testing.assert_array_equal(a, b)


def test_helpers_compute_what_the_pass_then_need_not(shared: Shared) -> None:
    whole, all_of_them = run(Shared(shared.bases, shared.rows, shared.first, ""))
    work = Pass(shared)  # it has begun: the folder is there
    helpers = [join(part) for part in shared.split(2)]
    for helper in helpers:
        for _ in range(4):
            next(helper)
    found, computed = run(shared)
    assert computed == all_of_them - 6
    for a, b in zip(found, whole, strict=True):
        np.testing.assert_array_equal(a, b)
    work.close()
    for helper in helpers:  # nobody wants the rest
        list(helper)
    assert not list(Path(shared.folder).glob("*/*.unit"))


def test_a_unit_out_of_order_is_refused(tmp_path: Path) -> None:
    layout = Layout.of([("a", (10,), Group("0", "x")), ("b", (10,), Group("0", "y"))])
    work = (Unit(0, 0, ((layout.tensors[0], 0, 5),)), Unit(1, 0, ((layout.tensors[0], 5, 10),)),
            Unit(2, 1, ((layout.tensors[1], 0, 10),)))
    sums = Sums(tmp_path, layout, ["p", "q"], 0, work)
    with pytest.raises(ValueError, match="not the next"):
        sums.add(work[1], np.ones((2, 2)))
    sums.add(work[2], np.ones((2, 2)))
    sums.add(work[0], np.ones((2, 2)))
    sums.add(work[1], np.full((2, 2), 2.0))
    np.testing.assert_array_equal(sums.row(1, 2), [[3, 1], [3, 1]])
