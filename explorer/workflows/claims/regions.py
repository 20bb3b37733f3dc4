"""Claims C9 to C11: models inside a region are as good as those that span it, and better than those outside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from explorer.errors import InputError
from explorer.evaluation.work import Ask
from explorer.numbers import share_told
from explorer.statistics.paper import SHARES
from explorer.statistics.regions import Region, Share
from explorer.types import Base, Figure, Finding, Probe, Task
from explorer.workflows import regions
from explorer.workflows.claims.question import Question, by_turns
from explorer.workflows.opening import Workspace
from explorer.workflows.regions import Groups, Level

SAMPLES = 20
"""Hull samples of each region: the paper draws about five."""
GENERAL_TASKS = 5
"""Tasks that the general level is measured on at most, one of each family first."""
_CLAIMS: Mapping[Level, str] = {"dataset": "C9", "task": "C10", "general": "C11"}
_NAMES = ("P_B(In ≤ Ex)", "P_B(In′ ≤ Ex)", "P_B(In′ ≤ In)")


def dataset(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C9: the region of each data set, measured on it; Ex are all models of other data sets."""
    return _question(ws, base, probe, "dataset", [_groups(ws, base, task, "dataset") for task in measurable(ws, base)])


def task(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C10: the region of each task of several data sets, measured on each of them; also without the target's models."""
    chosen = measurable(ws, base)
    of_task: dict[str | None, list[Task]] = defaultdict(list)
    for known in chosen:
        of_task[known.family].append(known)
    several = [t for family, some in of_task.items() if family is not None and len(some) > 1 for t in some]
    if not several:
        raise InputError("no task has two data sets or more whose texts are known.")

    def made(leave_out: bool) -> list[Groups]:
        return [_groups(ws, base, t, "task", leave_out) for t in several]

    return _question(ws, base, probe, "task", made(False), made(True))


def general(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C11: the region of all models against random directions as long as they are, on a task of each family."""
    return _question(ws, base, probe, "general", [
        _groups(ws, base, t, "general") for t in by_turns(measurable(ws, base), GENERAL_TASKS)])


def _groups(ws: Workspace, base: Base, task: Task, level: Level, leave_out: bool = False) -> Groups:
    """A region of the models of full training size, as the paper's are."""
    ids = {c.id for c in regions.full_size(ws.catalog.checkpoints(base.id))}
    return regions.groups(ws, task, level, base=base.name, samples=SAMPLES, leave_out=leave_out, ids=ids)


def measurable(ws: Workspace, base: Base) -> list[Task]:
    """The data sets with two models or more that are tasks too, by name."""
    counts = regions.traits(ws, "dataset", base.name)
    chosen = [t for t in ws.catalog.tasks() if counts.get(t.name, 0) > 1]
    if not chosen:
        raise InputError("no data set has two models or more, and texts to measure them on.")
    return sorted(chosen, key=lambda t: t.name)


def _question(ws: Workspace, base: Base, probe: Probe, level: Level, asked: Sequence[Groups],
              without: Sequence[Groups] = ()) -> Question:
    """Mean P_B over regions or tasks; `without` are the same with the target's own models left out, shown beside."""
    asks = [ask for groups in (*asked, *without) for ask in regions.asks(groups, probe)]

    def conclude(reasons: Mapping[Ask, str]) -> Finding:
        lost = {ask.point.hash: reason for ask, reason in reasons.items()}

        def mean(some: Sequence[Groups]) -> Region:
            return regions.average([regions.known(ws, groups, probe, lost) for groups in some]).region

        found = mean(asked)
        shares = (found.in_ex, found.in_prime_ex, found.in_prime_in)
        over = "data sets" if level == "dataset" else "measured tasks"
        figures = [_figure(*row, len(asked), over) for row in zip(_NAMES, shares, SHARES[level], strict=True)]
        if without:
            rest = mean(without)
            figures += [_figure(f"{name}, target's models left out", share, None, len(without), over)
                        for name, share in zip(_NAMES, (rest.in_ex, rest.in_prime_ex, rest.in_prime_in), strict=True)]
        agrees = (all(s.high >= paper for s, paper in zip(shares, SHARES[level], strict=True))
                  and all(s.low > 0.5 for s in shares[:2]))
        said = ", ".join(f"{name} {share_told(share.value)}" for name, share in zip(_NAMES, shares, strict=True))
        first = asked[0]
        return Finding(_CLAIMS[level], "agrees" if agrees else "differs", f"{said}.", tuple(figures),
                       _sample(level, asked), "region",
                       {"region_level": level, f"region_trait_{level}": "" if level == "dataset" else first.trait,
                        "region_task": first.task.name if level == "general" else "", "region_full": True,
                        "region_samples": SAMPLES})

    return Question(_CLAIMS[level], tuple(dict.fromkeys(asks)), conclude)


def _figure(name: str, share: Share, paper: float | None, n: int, of: str) -> Figure:
    return Figure(name, share.value, share.low, share.high, n, of, "share", None, paper)


def _sample(level: Level, asked: Sequence[Groups]) -> str:
    first = asked[0]
    others = {"dataset": "all other models", "task": "models of other tasks",
              "general": f"{len(first.outside.points)} random directions"}[level]
    names = ", ".join(dict.fromkeys(g.task.name for g in asked))
    return (f"{len(asked)} × (In: the models, In′: {len(first.in_prime.points)} hull samples, Ex: {others}), measured "
            f"on {names}")
