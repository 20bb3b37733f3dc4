"""How work shares a worker, step by step, without one."""

from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from observing import work
from work_functions import Numbers

from explorer.backends._scheduler import AHEAD, Message, Order, Scheduler
from explorer.types import Progress


class Over(OSError):
    """Everything has ended."""


def order(id: str, n: int, priority: int = 10, lane: str = "model", owner: str = "") -> Order:
    return Order.of(id, work("numbers", Numbers(tuple(range(n))), lane, priority=priority), owner)


def served(*orders: Order, cancel: str = "") -> list[Message]:
    """What a scheduler says of these orders to a parent that takes everything at once and cancels one at its third."""
    said: list[Message] = []
    left = {o.id for o in orders}

    def send(message: Message) -> None:
        said.append(message)
        if message[0] == "yield":
            scheduler.put(("taken", message[1]))
            if message[1] == cancel and len(values(said, cancel)) == 3:
                scheduler.put(("cancel", cancel))
        elif message[0] == "end":
            left.remove(message[1])
            if not left:
                raise Over

    scheduler = Scheduler(send)
    for each in orders:
        scheduler.put(("run", each))
    try:
        scheduler.serve()
    except Over:
        return said
    raise AssertionError


def values(said: list[Message], id: str) -> list[Any]:
    """The numbers that one of them yielded."""
    made = [pickle.loads(m[2]) for m in said if m[0] == "yield" and m[1] == id]
    return [value[0] for value in made if not isinstance(value, Progress)]


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0, 10, 20])), min_size=1, max_size=6))
def test_everything_arrives_once_and_in_order_the_urgent_first(jobs: list[tuple[int, int]]) -> None:
    said = served(*(order(str(i), n, priority) for i, (n, priority) in enumerate(jobs)))
    assert [values(said, str(i)) for i in range(len(jobs))] == [list(range(n)) for n, _ in jobs]
    ended = [jobs[int(m[1])][1] for m in said if m[0] == "end"]
    assert ended == sorted(ended), "no less urgent one ends before"
    assert {m[2:] for m in said if m[0] == "end"} == {("done", None)}


def test_equals_take_turns() -> None:
    said = served(order("a", 5), order("b", 5), order("urgent", 2, priority=0))
    steps = [m[1] for m in said if m[0] == "yield"]
    assert steps == ["urgent"] * 5 + ["a", "b"] * 11


def test_beside_the_model_equal_kinds_run_in_sequence() -> None:
    said = served(order("a", 5, lane="side"), order("b", 5, 0, lane="side"))
    assert [m[1] for m in said if m[0] == "yield"] == ["a"] * 11 + ["b"] * 11


def test_cancelled_at_the_next_step() -> None:
    said = served(order("a", 50), order("b", 4), cancel="a")
    assert len(values(said, "a")) == 3
    assert ("end", "a", "cancelled", None) in said
    assert values(said, "b") == list(range(4))


def test_it_does_not_run_far_ahead_of_a_parent_that_takes_nothing() -> None:
    said: list[Message] = []

    def send(message: Message) -> None:
        said.append(message)
        if sum(m[0] == "yield" for m in said) == 2 * AHEAD:
            raise Over

    scheduler = Scheduler(send)
    scheduler.put(("run", order("a", 100, priority=0)))
    scheduler.put(("run", order("b", 100)))
    try:
        scheduler.serve()
    except Over:
        steps = [m[1] for m in said if m[0] == "yield"]
        assert steps == ["a"] * AHEAD + ["b"] * AHEAD, "one that waits does not hold up the other"


def test_errors_that_can_not_travel_keep_their_words() -> None:
    ((_, _, state, cause),) = [m for m in served(Order.of("a", work("unreadable"))) if m[0] == "end"]
    assert (state, type(cause).__name__, str(cause)) == ("failed", "JobError", "1 and 2")


def test_how_it_stops_is_part_of_the_outcome() -> None:
    ((_, _, state, cause),) = [m for m in served(Order.of("a", work("messy")), cancel="a") if m[0] == "end"]
    assert (state, str(cause)) == ("failed", "messy: OSError: no space left")


@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from("abc")), min_size=2, max_size=8))
def test_a_viewer_waits_for_at_most_one_step_of_each_other(jobs: list[tuple[int, str]]) -> None:
    owners = {str(i): owner for i, (_, owner) in enumerate(jobs)}
    said = served(*(order(i, n, owner=owner) for (n, _), (i, owner) in zip(jobs, owners.items(), strict=True)))
    steps = [owners[m[1]] for m in said if m[0] in ("yield", "end")]
    for owner in set(owners.values()):
        mine = [-1, *(i for i, who in enumerate(steps) if who == owner)]
        for before, after in pairwise(mine):
            between = steps[before + 1 : after]
            assert len(between) == len(set(between)), f"{owner} waited for {between}"
