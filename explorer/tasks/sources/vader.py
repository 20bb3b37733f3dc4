"""Sentiment of tweets, product reviews, film reviews and editorials: texts with the mean of about 20 people's ratings.

Source: Hutto and Gilbert, "VADER", ICWSM 2014; the ratings lie in the source archive of vaderSentiment. Labels are
the sign of the mean rating; texts rated between −0.5 and 0.5 are left out.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator

from explorer.tasks.archives import Archive, Members, nested
from explorer.tasks.dataset import PackagedDataset
from explorer.tasks.splits import Row

ARCHIVE = Archive("vaderSentiment", "3.3.2", "vaderSentiment-3.3.2.tar.gz",
                  "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9", 2_466_783)
INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
NEUTRAL = 0.5


def _ratings(file: str, *, grouped: bool) -> Callable[[Members], Iterator[Row]]:
    def read(members: Members) -> Iterator[Row]:
        raw = nested(members.read(INNER)).read(f"hutto_ICWSM_2014/{file}_GroundTruth.txt")
        for line in raw.decode().splitlines():
            key, rating, text = line.split("\t")
            if abs(float(rating)) >= NEUTRAL:
                # Sentences of one review or editorial share its subject: they stay on one side of the split.
                group = key.partition("_")[0] if grouped else None
                yield Row(html.unescape(text), "positive" if float(rating) > 0 else "negative", group=group)

    return read


def _dataset(name: str, domain: str, file: str, texts: str, *, grouped: bool = False) -> PackagedDataset:
    return PackagedDataset(name, "sentiment", domain, ARCHIVE,
                           f"{texts}, rated by people for Hutto and Gilbert, 2014; MIT licence of the package.",
                           _ratings(file, grouped=grouped))


DATASETS = (
    _dataset("vader-tweets", "twitter", "tweets", "public tweets"),
    _dataset("vader-amazon", "reviews", "amazonReviewSnippets", "sentences of Amazon reviews (Hu and Liu, 2004)",
             grouped=True),
    _dataset("vader-movies", "movies", "movieReviewSnippets", "Rotten Tomatoes sentences (Pang and Lee)"),
    _dataset("vader-nyt", "news", "nytEditorialSnippets", "sentences of New York Times editorials", grouped=True),
)
