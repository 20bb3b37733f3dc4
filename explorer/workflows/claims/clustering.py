"""Claims C1 to C6: what clusters, by which columns, and what does not.

As in the paper, models take part that were trained on all of their data set; C6 is about those of smaller sizes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from explorer import registry
from explorer.errors import InputError
from explorer.numbers import coefficient, share_told
from explorer.types import Base, Checkpoint, ClusterMetric, Finding, Probe
from explorer.workflows.claims.question import Question, accuracy
from explorer.workflows.clustering import Clustered, cluster
from explorer.workflows.opening import Workspace
from explorer.workflows.regions import full_size

_DATASETS, _TASKS = 0.98, 0.90


def _settings(found: Clustered, base: str, **more: Any) -> dict[str, Any]:
    """What the controls of the Clusters page must say."""
    return {"cluster_base": base, "cluster_by": found.by, "cluster_method": found.clusters.method,
            "cluster_metric": found.clusters.metric, "cluster_count": "groups", "cluster_layers": [],
            "cluster_kinds": [], "cluster_only": list(found.clusters.ids), **more}


def _sample(found: Clustered) -> str:
    assert found.agreement is not None
    return f"{len(found.names)} models in {len(found.agreement.groups)} groups"


def _chance(found: Clustered) -> float:
    return found.nulls["accuracy"].q95


def _value(found: Clustered) -> float:
    assert found.agreement is not None
    return found.agreement.accuracy


def _reaches(found: Clustered, wanted: float) -> bool:
    """Whether the figure is above chance and its interval reaches the paper's."""
    return _value(found) > _chance(found) and max(found.intervals["accuracy"][1], _value(found)) >= wanted


def datasets(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C1: models of one data set cluster; as a control, models of one seed do not."""
    def conclude() -> Finding:
        every = ws.catalog.checkpoints(base.id)
        ids = [c.id for c in full_size(every)]
        found = _clustered(ws, base.name, "dataset", ids=ids)
        figures = [accuracy("accuracy", found, paper=_DATASETS)]
        if len(ids) < len(every):
            figures.append(accuracy("with smaller training sizes", _clustered(ws, base.name, "dataset")))
        control = ""
        try:
            by_seed = _clustered(ws, base.name, "seed", ids=ids)
        except InputError:
            control = " Seeds can't be compared here."
        else:
            figures.append(accuracy("by seed (control)", by_seed))
            held = _value(by_seed) <= _chance(by_seed)
            control = " Seeds do not cluster: within chance." if held else " Seeds cluster too: above chance."
        agrees = _reaches(found, _DATASETS)
        said = (f"Models of one data set cluster: {share_told(_value(found))} are with their own." if agrees else
                f"{share_told(_value(found))} are in their data set's cluster.")
        return Finding("C1", "agrees" if agrees else "differs", said + control, tuple(figures), _sample(found),
                       "clusters", _settings(found, base.id))

    return _now("C1", conclude)


def tasks(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C2: models of one task cluster. Of tasks with several data sets, as the paper's: a task of one is that data set.

    What all tasks give stands beside.
    """
    def conclude() -> Finding:
        every = ws.catalog.checkpoints(base.id)
        found = _clustered(ws, base.name, "task", ids=[c.id for c in _several_datasets(full_size(every))])
        assert found.agreement is not None
        agrees = _reaches(found, _TASKS)
        parts = ", ".join(f"{g} {coefficient(f)}" for g, f in found.agreement.f1.items())
        others = {"with tasks of one data set": full_size(every), "with smaller training sizes too": every}
        beside = {name: _clustered(ws, base.name, "task", ids=[c.id for c in some]) for name, some in others.items()}
        figures = [accuracy("accuracy", found, paper=_TASKS),
                   *(accuracy(f"F1 {g}", found, f"f1:{g}") for g in found.agreement.groups),
                   *(accuracy(name, f) for name, f in beside.items())]
        said = (f"{share_told(_value(found))} are in their task's cluster (F1: {parts}); "
                f"{', '.join(f'{name} {share_told(_value(f))}' for name, f in beside.items())}.")
        return Finding("C2", "agrees" if agrees else "differs", said, tuple(figures), _sample(found), "clusters",
                       _settings(found, base.id))

    return _now("C2", conclude)


def domain(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C3: a domain is no region: as a group beside the tasks it is not above chance, or the least of all.

    Of all domains the one that most data sets are from, of two tasks or more.
    """
    def conclude() -> Finding:
        models = _several_datasets(full_size(ws.catalog.checkpoints(base.id)))
        name = _widest(models)
        found = _clustered(ws, base.name, f"task|domain={name}", ids=[c.id for c in models])
        assert found.agreement is not None
        f1 = found.agreement.f1
        others = [g for g in f1 if g != name]
        above = [g for g in f1 if f1[g] > found.nulls[f"f1:{g}"].q95]
        said = (f"As a group beside the tasks, {name} has F1 {coefficient(f1[name])}; the tasks have "
                f"{', '.join(f'{g} {coefficient(f1[g])}' for g in others)}. Above chance: "
                f"{', '.join(above) or 'none'}.")
        figures = [accuracy(f"F1 {g}", found, f"f1:{g}", paper={"twitter": 0.30}.get(g)) for g in (name, *others)]
        agrees = name not in above or f1[name] < min(f1[g] for g in others)
        return Finding("C3", "agrees" if agrees else "differs", said, tuple(figures), _sample(found), "clusters",
                       _settings(found, base.id))

    return _now("C3", conclude)


def raw(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C4: Euclidean distance of raw weights does not cluster; by every method, as they do not agree."""
    def conclude() -> Finding:
        metric: ClusterMetric = "raw-euclidean"
        methods = sorted(registry.names("explorer.clusters"))
        ids = [c.id for c in full_size(ws.catalog.checkpoints(base.id))]
        found = {m: _clustered(ws, base.name, "dataset", m, metric, ids=ids) for m in methods}
        clear = [m for m, f in found.items() if _value(f) > 0.5 and _value(f) > _chance(f)]
        figures = tuple(accuracy(m, f) for m, f in found.items())
        shown = ", ".join(f"{m} {share_told(_value(f))}" for m, f in found.items())
        said = (f"It depends on the method: {shown}." if 0 < len(clear) < len(found) else
                f"Raw weights cluster by data set with every method: {shown}." if clear else
                f"No method finds the data sets: {shown}.")
        return Finding("C4", "differs" if clear else "agrees", said, figures, _sample(found["spectral"]), "clusters",
                       _settings(found["spectral"], base.id))

    return _now("C4", conclude)


def bases(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C5: models of two bases cluster by base and not by data set. On data sets that several bases have models of."""
    def conclude() -> Finding:
        models = [c for c in full_size(ws.catalog.checkpoints()) if c.dataset is not None]
        spread = defaultdict(lambda: defaultdict(int))  # type: ignore[var-annotated]
        for c in models:
            spread[c.dataset][c.base] += 1
        shared = {d for d, counts in spread.items() if sum(n > 1 for n in counts.values()) > 1}
        if not shared:
            raise InputError("no data set has two models or more of each of two bases.")
        ids = [c.id for c in models if c.dataset in shared]
        by_base, by_dataset = (_clustered(ws, "all", by, ids=ids) for by in ("base", "dataset"))
        agrees = _value(by_base) > _chance(by_base) and _value(by_base) > _value(by_dataset)
        said = (f"{share_told(_value(by_base))} are in their base's cluster; looked at by data set over all bases, "
                f"{share_told(_value(by_dataset))}.")
        return Finding("C5", "agrees" if agrees else "differs", said,
                       (accuracy("by base", by_base), accuracy("by data set", by_dataset)),
                       f"{_sample(by_base)}, {len(shared)} data sets", "clusters", _settings(by_base, "all"))

    return _now("C5", conclude)


def sizes(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C6: models cluster by data set and not by training size. On sizes that several data sets share."""
    def conclude() -> Finding:
        models = ws.catalog.checkpoints(base.id)
        of_size = defaultdict(set)
        for c in models:
            if c.dataset is not None and c.train_size is not None:
                of_size[c.train_size].add(c.dataset)
        shared = {size for size, known in of_size.items() if len(known) > 1}
        ids = [c.id for c in models if c.train_size in shared and c.dataset is not None]
        if len(shared) < 2:
            raise InputError("fewer than two training sizes are shared by two data sets or more.")
        by_size, by_dataset = (_clustered(ws, base.name, by, ids=ids) for by in ("train_size", "dataset"))
        agrees = _value(by_size) <= _chance(by_size) and _value(by_dataset) > _chance(by_dataset)
        said = (f"{share_told(_value(by_size))} are in their size's cluster, {share_told(_value(by_dataset))} in their "
                "data set's.")
        return Finding("C6", "agrees" if agrees else "differs", said,
                       (accuracy("by training size", by_size), accuracy("by data set", by_dataset)),
                       f"{len(ids)} models, {len(shared)} sizes", "clusters", _settings(by_size, base.id))

    return _now("C6", conclude)


def _clustered(ws: Workspace, *arguments: Any, **options: Any) -> Clustered:
    """`cluster`, unless chance alone gets everything right: then there are too few models to say anything."""
    found = cluster(ws, *arguments, **options)
    if found.nulls["accuracy"].q95 >= 1 - 1e-9:
        raise InputError(f"{len(found.names)} models by {found.by}: shuffled labels reach 100 % too, so that nothing "
                         "could be above chance.")
    return found


def _now(claim: str, conclude: Callable[[], Finding]) -> Question:
    """A question for which nothing need be measured."""
    return Question(claim, (), lambda _: conclude())


def _several_datasets(models: Iterable[Checkpoint]) -> list[Checkpoint]:
    """The models of tasks with two data sets or more."""
    kept = [c for c in models if c.task is not None and c.dataset is not None]
    of_task: dict[str | None, set[str | None]] = defaultdict(set)
    for c in kept:
        of_task[c.task].add(c.dataset)
    kept = [c for c in kept if len(of_task[c.task]) > 1]
    if len({c.task for c in kept}) < 2:
        raise InputError("fewer than two tasks have two data sets or more.")
    return kept


def _widest(models: Sequence[Checkpoint]) -> str:
    """The domain with most data sets, of those that data sets of two tasks or more are from."""
    found: dict[str, set[tuple[str | None, str | None]]] = defaultdict(set)
    for c in models:
        if c.domain is not None:
            found[c.domain].add((c.task, c.dataset))
    wide = {d: pairs for d, pairs in found.items() if len({task for task, _ in pairs}) > 1}
    if not wide:
        raise InputError("no domain has data sets of two tasks or more.")
    return max(sorted(wide), key=lambda d: len(wide[d]))


