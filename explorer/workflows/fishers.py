"""Fisher information of models on the data sets they were trained on: what is stored, and estimating what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from explorer import backends
from explorer.backends import Job, Work
from explorer.errors import InputError
from explorer.evaluation.informing import Informed, Informing
from explorer.tasks.prepare import require_texts
from explorer.types import Checkpoint
from explorer.weights.fishers import FOLDER, file_of
from explorer.workflows.acts import changes
from explorer.workflows.naming import folders
from explorer.workflows.opening import Workspace


def informed(ws: Workspace, models: Sequence[Checkpoint], texts: int | None = None) -> list[Informed]:
    """Whose information a merge of these models needs: of each on its own data set, from `texts` train texts.

    InputError for a model whose data set is no task of this workspace.
    """
    tasks = {t.name: t for t in ws.catalog.tasks()}
    if alien := [c for c in models if c.dataset not in tasks]:
        raise InputError(f"{alien[0].name} was trained on {alien[0].dataset or 'an unknown data set'}, which is no "
                         "task of this workspace, so its Fisher information can't be estimated; add it, or leave the "
                         "model out.")
    if texts is not None and texts < 1:
        raise InputError(f"{texts} texts: Fisher information needs at least one.")
    found = [Informed(c.id, tasks[str(c.dataset)]) for c in models]
    return found if texts is None else [replace(w, texts=texts) for w in found]


def lacking(ws: Workspace, wanted: Sequence[Informed]) -> list[Informed]:
    """What is not stored."""
    return [w for w in wanted if not file_of(ws.folder / FOLDER, w.key).is_file()]


@changes("estimating Fisher information, which is stored,")
def inform(ws: Workspace, wanted: Sequence[Informed], *, owner: str = "") -> Job:
    """Estimate what is not stored, in the background; each is kept as it is made. UnavailableError without texts."""
    missing = lacking(ws, wanted)
    title = f"Fisher information of {len(missing)} models"
    if not missing:
        return backends.finished(Work(title, "", None))
    for one in missing:
        require_texts(one.task)
    models = [ws.catalog.checkpoint(w.checkpoint) for w in missing]
    if len({c.base for c in models}) > 1:
        raise InputError("the models have different bases; estimate those of one base at a time.")
    base = ws.catalog.base(models[0].base)
    request = Informing(base, str(ws.catalog.resolve(base.path)), folders(ws, models), tuple(missing),
                        str(ws.folder / FOLDER), ws.device)
    return ws.backend.submit(Work(title, "explorer.evaluation.informing:inform", request, lane="side"), owner=owner)
