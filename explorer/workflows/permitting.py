"""A workspace as one visitor of the server has it: what they may not do is refused here, whatever page asked.

Work is refused or limited where it is handed to the backend, by the function that it names; rows are refused where they
are written into the catalog, by their kind. What is not listed here is for editors. The command line does not come this
way: whoever has the shell is an editor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from explorer.backends import Job, Work
from explorer.backends._permitted import PermittedBackend
from explorer.catalog import Catalog
from explorer.errors import ForbiddenError
from explorer.evaluation.searching import Searching
from explorer.evaluation.souping import Souping
from explorer.evaluation.work import Ask, Evaluation
from explorer.numbers import count
from explorer.types import Limits, Permit, Probe, Task
from explorer.workflows.opening import Workspace

Size = tuple[int, int]
"""What a request asks for: Points × tasks, and the texts of a split in the largest measurement."""

WRITES = frozenset({"scores", "projections", "views"})
"""The kinds of rows that a viewer's work and links leave: what was measured, maps, short links."""


def measurements(asks: Iterable[Ask]) -> int:
    """Points × tasks, as a viewer's limit counts them: a first pass of a Point is no further one."""
    return len({(a.point, a.task.digest) for a in asks})


def _evaluation(request: Evaluation) -> Size:
    return (measurements(request.asks),
            max((_texts(a.probe, a.task) for a in request.asks), default=0))


def _souping(request: Souping) -> Size:
    # each model alone, three Points of a line and the soup with it for each but the first, and four outcomes
    return 5 * len(request.points), max(_texts(request.probe, request.validation), _texts(request.final, request.task))


def _searching(request: Searching) -> Size:
    return request.budget, min(request.shots * len(request.task.labels), request.task.n_train)


def _one(_: Any) -> Size:
    return 1, 0


EVALUATES: Mapping[str, Callable[[Any], Size]] = {
    "explorer.evaluation.work:evaluate": _evaluation,
    "explorer.evaluation.souping:soup": _souping,
    "explorer.evaluation.searching:search": _searching,
    "explorer.statistics.work:fit_surrogate": _one,
    "explorer.projections._work:project": _one,
    "explorer.projections._work:place_points": lambda request: (len(request.points), 0),
    "explorer.weights.merged_rows:merged_rows": lambda request: (len(request.terms), 0),
    "explorer.weights.differing:differing": _one,
    "explorer.weights.norms:norm": _one,
}
"""Work that a viewer may ask for, and how to tell how much it is."""

CHANGES: Mapping[str, str] = {
    "explorer.weights.importing:import_checkpoints": "importing models",
    "explorer.weights.passes:join": "importing models",
    "explorer.weights.signs:sign_rows": "computing the signs of all task vectors",
    "explorer.weights.exporting:export": "exporting to the server",
    "explorer.evaluation.exporting:export": "exporting to the server",
    "explorer.projections._tensorboard:write": "exporting to the server",
    "explorer.evaluation.informing:inform": "estimating Fisher information, which is stored,",
    "explorer.tasks.work:fetch_datasets": "fetching texts",
    "explorer.training.work:finetune": "training models",
    "explorer.training.work:estimate": "training models",
    "explorer.training.trainer:train_from": "training models",
}
"""Work that is an editor's, in words."""


def permitted(ws: Workspace, permit: Permit, catalog: Catalog | None = None) -> Workspace:
    """The workspace for a visitor; `catalog` is the limited one made for another viewer before, if there is one."""
    backend = PermittedBackend(ws.backend, permit, lambda work, jobs: admit(permit, work, jobs))
    if permit.editor:
        return replace(ws, backend=backend, permit=permit, closing=[])
    return replace(ws, catalog=catalog or ws.catalog.limited(WRITES), backend=backend, permit=permit, closing=[])


def admit(permit: Permit, work: Work, jobs: Sequence[Job]) -> None:
    """ForbiddenError for work that the permit does not allow beside these jobs."""
    size = EVALUATES.get(work.function)
    if size is None:
        permit.require(CHANGES.get(work.function, work.title))
        return
    if permit.limits is not None:
        _within(permit, permit.limits, size(work.request), [
            job for job in jobs if job.active and job.owner == permit.owner and not job.cancelling
            and not (work.replaces and job.work.replaces == work.replaces)])


def _within(permit: Permit, limits: Limits, size: Size, mine: Sequence[Job]) -> None:
    points, texts = size
    if points > limits.points:
        raise ForbiddenError(f"this asks for {count(points)} measurements (Points × tasks) at once; a viewer may ask "
                             f"for {count(limits.points)}. Choose fewer Points or tasks, or ask {permit.ask}.")
    if texts > limits.texts:
        raise ForbiddenError(f"this measures on {count(texts)} texts; a viewer may use {count(limits.texts)} of a "
                             f"split. Choose fewer texts, or ask {permit.ask}.")
    if len(mine) >= limits.jobs:
        raise ForbiddenError(f"{len(mine)} jobs of yours are not over; a viewer may have {limits.jobs} at once. Wait "
                             f"for one, or cancel one on the Jobs page ({', '.join(job.title for job in mine[:3])}).")


def _texts(probe: Probe, task: Task) -> int:
    """The texts of the larger split that one measurement reads."""
    train = 0 if probe.head != "probe" else min(probe.train or task.n_train, task.n_train)
    return max(train, min(probe.test or task.n_test, task.n_test))
