"""The verbs that the command line and the pages share: each takes a Workspace and plain values.

Nothing here imports torch. What needs weights, a model or much time becomes a Job of the workspace's backend; what it
yields is written into the catalog as it comes, so that nothing finished is lost when it is cancelled or fails.
"""

from explorer.workflows.clustering import cluster, where
from explorer.workflows.exporting import export
from explorer.workflows.importing import Imported, import_folders, outcomes
from explorer.workflows.journal import watch
from explorer.workflows.labelled import add_hub_task, add_task, available_datasets, fetch_datasets, fetch_demo_texts
from explorer.workflows.mapping import gram, kept_points, place, place_job, project, projection, sign_gram, signs
from explorer.workflows.mixing import check_name, keep, mix, surrogate
from explorer.workflows.naming import checkpoint_point, describe, main_base, resolve
from explorer.workflows.opening import Workspace, open_workspace, stale
from explorer.workflows.probing import (
    checkpoint_scores,
    curve,
    device_lines,
    evaluate,
    measure,
    passes,
    path,
    score_checkpoints,
    unscored,
    warm,
)
from explorer.workflows.removing import remove
from explorer.workflows.training import finetune, made

__all__ = ["Imported", "Workspace", "add_hub_task", "add_task", "available_datasets", "check_name", "checkpoint_point",
           "checkpoint_scores", "cluster", "curve", "describe", "device_lines", "evaluate", "export", "fetch_datasets",
           "fetch_demo_texts", "finetune", "gram", "import_folders", "keep", "kept_points", "made", "main_base",
           "measure", "mix", "open_workspace", "outcomes", "passes", "path", "place", "place_job", "project",
           "projection", "remove", "resolve", "score_checkpoints", "sign_gram", "signs", "stale", "surrogate",
           "unscored", "warm", "watch", "where"]
