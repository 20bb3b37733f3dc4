"""A Hugging Face hub dataset as a task: its Parquet files, or the Parquet conversion the hub keeps of it.

Covers finding the files of a configuration's train and test splits, fetching them and naming class labels. Datasets
that need code to load are not covered. A folder laid out as a dataset repository does as well as the hub.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

from explorer.errors import TaskError, UnavailableError
from explorer.tasks import prepare, tables
from explorer.tasks.splits import Row
from explorer.types import Task

CONVERTED = "refs/convert/parquet"
TEST_NAMES = ("test", "validation", "dev", "validation_matched", "test_matched")


class Repository(Protocol):
    """A dataset repository: the hub's, or a folder."""

    def files(self, revision: str) -> tuple[str, Sequence[str]]:
        """(commit, paths of the files) of a revision; no path where there is no such revision."""

    def fetch(self, path: str, commit: str, folder: Path) -> Path:
        """A file of the repository on this machine; `folder` is there to put it in."""


class Online:
    """A dataset repository of the hub. UnavailableError where the hub can't be reached."""

    def __init__(self, repo: str) -> None:
        self.repo = repo

    def files(self, revision: str) -> tuple[str, Sequence[str]]:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

        try:
            info = HfApi().dataset_info(self.repo, revision=revision)
        except RevisionNotFoundError:
            return revision, ()
        except (RepositoryNotFoundError, HFValidationError) as e:
            raise TaskError(f"the hub has no public dataset {self.repo!r}; the form is OWNER/NAME.") from e
        except _unreachable() as e:
            raise self._unavailable(e) from e
        return info.sha or revision, tuple(file.rfilename for file in info.siblings or ())

    def fetch(self, path: str, commit: str, folder: Path) -> Path:
        from huggingface_hub import hf_hub_download

        try:
            return Path(hf_hub_download(self.repo, path, repo_type="dataset", revision=commit, local_dir=folder))
        except _unreachable() as e:
            raise self._unavailable(e) from e

    def _unavailable(self, cause: BaseException) -> UnavailableError:
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        return UnavailableError(f"dataset {self.repo!r} can't be fetched from the hub ({reason}); try again with a "
                                "network, or give its Parquet files to `python -m explorer tasks add`.")


class Local:
    """A folder laid out as a dataset repository; has one revision."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self, revision: str) -> tuple[str, Sequence[str]]:
        if revision == CONVERTED:
            return revision, ()
        return "local", sorted(p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file())

    def fetch(self, path: str, commit: str, folder: Path) -> Path:
        return self.root / path


def from_hub(name: str, repo: str | Path, text: Sequence[str], label: str, folder: Path, *, config: str | None = None,
             revision: str = "main", family: str | None = None, domain: str | None = None,
             repository: Repository | None = None) -> Task:
    """Make `folder/name.parquet` from a dataset of the hub, or from a local folder laid out as one.

    `text` and `label` name columns as for `tables.from_table`. The test split is the first of TEST_NAMES that has
    labels; without one, the train split is divided. TaskError where the dataset or its columns do not do,
    UnavailableError where the hub can't be reached.
    """
    prepare.check_name(name)
    source = repository or (Local(Path(repo)) if Path(repo).is_dir() else Online(str(repo)))
    commit, files = _parquet_files(source, repo, revision)
    splits = _splits(files, repo, config)
    if "train" not in splits:
        raise TaskError(f"dataset {str(repo)!r} has no split 'train'; it has {', '.join(sorted(splits))}.")
    with tempfile.TemporaryDirectory(prefix="explorer-") as temporary:
        def rows(split: str, role: Literal["train", "test"]) -> list[Row]:
            paths = [source.fetch(path, commit, Path(temporary)) for path in splits[split]]
            return _named(tables.read(paths, text, label, role), _class_names(paths[0], label))

        train, test = rows("train", "train"), []
        for candidate in (c for c in TEST_NAMES if c in splits):
            test = rows(candidate, "test")
            if any(row.label is not None for row in test):
                break
        else:
            train, test = [replace(row, split=None) for row in train], []
    shown = Path(repo).name if isinstance(source, Local) else f"Hugging Face hub, {repo} at {commit}"
    return prepare.write(name, [*train, *test], folder, family=family, domain=domain, source=shown)


def _unreachable() -> tuple[type[BaseException], ...]:
    from huggingface_hub.errors import HfHubHTTPError

    # The hub library has changed its HTTP client twice; its own error derives from the client's base error.
    return (OSError, *HfHubHTTPError.__bases__)


def _parquet_files(source: Repository, repo: str | Path, revision: str) -> tuple[str, list[str]]:
    for asked in (revision, CONVERTED):
        commit, files = source.files(asked)
        if found := sorted(file for file in files if file.endswith(".parquet")):
            return commit, found
    raise TaskError(f"dataset {str(repo)!r} has no Parquet files at {revision!r} nor a Parquet conversion; "
                    "download its tables and add them with `python -m explorer tasks add`.")


def _splits(files: Sequence[str], repo: str | Path, config: str | None) -> Mapping[str, list[str]]:
    """Files by split of one configuration."""
    configs: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        name, split = _place(file)
        configs[name][split].append(file)
    chosen = config or ("default" if "default" in configs else next(iter(configs)))
    if chosen not in configs or (config is None and len(configs) > 1 and "default" not in configs):
        raise TaskError(f"dataset {str(repo)!r} has the configurations {', '.join(sorted(configs))}; name one of them"
                        f"{f' ({config!r} came)' if config else ''}.")
    return configs[chosen]


def _place(file: str) -> tuple[str, str]:
    """(configuration, split) of a path: `data/train-00000-of-00001.parquet`, `cola/train/0000.parquet` and the like."""
    *parents, last = file.removesuffix(".parquet").split("/")
    if last.isdigit() and parents:
        last = parents.pop()
    split = re.sub(r"-\d{5}-of-\d{5}.*$", "", last).removeprefix("partial-")
    return "/".join(p for p in parents if p != "data") or "default", split


def _class_names(path: Path, label: str) -> Sequence[str] | None:
    """Names of a class label column, from the features that the hub stores in the Parquet metadata."""
    import pyarrow.parquet as pq

    raw = (pq.read_schema(path).metadata or {}).get(b"huggingface", b"{}")
    try:
        feature = json.loads(raw).get("info", {}).get("features", {}).get(label, {})
    except (ValueError, AttributeError) as e:
        raise TaskError(f"{path.name} carries dataset features that can't be read ({e}); add its Parquet files with "
                        "`python -m explorer tasks add`.") from e
    names = feature.get("names") if isinstance(feature, dict) else None
    return [str(n) for n in names] if names else None


def _named(rows: list[Row], names: Sequence[str] | None) -> list[Row]:
    """Rows with label numbers replaced by names; −1 is the hub's mark of a text without label."""
    if names is None:
        return [replace(row, label=None) if row.label == "-1" else row for row in rows]
    known = {str(i): n for i, n in enumerate(names)}
    return [replace(row, label=known.get(row.label or "")) for row in rows]
